//! Patterns as one automaton, each with its own end.

/// A letter of an access, as far as patterns can tell letters apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Letter {
    /// A letter that stands in a pattern, or `.` or `#`.
    Of(char),
    /// The uuid of the holder, as a whole.
    Own,
    /// The uuid of his session, as a whole.
    Session,
    /// Any letter that stands in no pattern.
    Other,
}

/// Which letters a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Exactly(Letter),
    /// All but `.` and `#`.
    InWord,
    Any,
}

impl Class {
    fn takes(self, letter: Letter) -> bool {
        match self {
            Self::Exactly(one) => one == letter,
            Self::InWord => !matches!(letter, Letter::Of('.' | '#')),
            Self::Any => true,
        }
    }
}

/// The patterns side by side. A state is a place in one of them.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    /// By state: what leads on.
    steps: Vec<Vec<(Class, usize)>>,
    /// By state: what leads on without a letter.
    free: Vec<Vec<usize>>,
    /// By state: the pattern that ends there.
    ends: Vec<Option<usize>>,
    starts: Vec<usize>,
}

impl Automaton {
    /// Adds a pattern; [`Automaton::accepts`] calls it by `number`.
    pub(super) fn add(&mut self, pattern: &str, number: usize) {
        let mut at = self.state();
        self.starts.push(at);
        for (index, word) in pattern.split('.').enumerate() {
            if index > 0 {
                at = self.then(at, Class::Exactly(Letter::Of('.')));
            }
            at = match word {
                "me" => self.either(at, word, &[Letter::Own]),
                "my_session" => self.either(at, word, &[Letter::Session]),
                "edit" => self.either(at, word, &"update".chars().map(Letter::Of).collect::<Vec<_>>()),
                _ => self.word(at, word),
            };
        }
        self.ends[at] = Some(number);
    }

    fn state(&mut self) -> usize {
        self.steps.push(Vec::new());
        self.free.push(Vec::new());
        self.ends.push(None);
        self.steps.len() - 1
    }

    fn then(&mut self, from: usize, class: Class) -> usize {
        let to = self.state();
        self.steps[from].push((class, to));
        to
    }

    fn word(&mut self, mut at: usize, word: &str) -> usize {
        for letter in word.chars() {
            let class = match letter {
                '*' => Class::InWord,
                '#' => Class::Any,
                _ => {
                    at = self.then(at, Class::Exactly(Letter::Of(letter)));
                    continue;
                }
            };
            let round = self.state();
            self.free[at].push(round);
            self.steps[round].push((class, round));
            at = round;
        }
        at
    }

    /// The word as it stands, or other letters.
    fn either(&mut self, from: usize, word: &str, letters: &[Letter]) -> usize {
        let one = self.word(from, word);
        let mut other = from;
        for letter in letters {
            other = self.then(other, Class::Exactly(*letter));
        }
        let end = self.state();
        self.free[one].push(end);
        self.free[other].push(end);
        end
    }

    /// Where all patterns begin.
    pub(super) fn start(&self) -> Vec<usize> {
        self.closed(self.starts.clone())
    }

    /// Where a letter leads, from states as this one gives them.
    pub(super) fn next(&self, states: &[usize], letter: Letter) -> Vec<usize> {
        let steps = states.iter().flat_map(|state| &self.steps[*state]);
        let taken = steps.filter(|(class, _)| class.takes(letter));
        self.closed(taken.map(|(_, to)| *to).collect())
    }

    /// With all that is reached without a letter; sorted, each once.
    fn closed(&self, mut states: Vec<usize>) -> Vec<usize> {
        let mut index = 0;
        while index < states.len() {
            for to in &self.free[states[index]] {
                if !states.contains(to) {
                    states.push(*to);
                }
            }
            index += 1;
        }
        states.sort_unstable();
        states.dedup();
        states
    }

    /// The letters that lead somewhere from these states; one of those that lead to the same place is enough.
    pub(super) fn letters(&self, states: &[usize]) -> Vec<Letter> {
        let mut letters = Vec::new();
        for (class, _) in states.iter().flat_map(|state| &self.steps[*state]) {
            match class {
                Class::Exactly(letter) => letters.push(*letter),
                Class::InWord => letters.push(Letter::Other),
                Class::Any => letters.extend([Letter::Other, Letter::Of('.'), Letter::Of('#')]),
            }
        }
        letters.sort_unstable();
        letters.dedup();
        letters
    }

    /// The patterns that end in these states.
    pub(super) fn accepts<'a>(&'a self, states: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
        states.iter().filter_map(|state| self.ends[*state])
    }

    /// Whether every letter that stands in a pattern is another one than this.
    pub(super) fn lacks(&self, letter: char) -> bool {
        let mut steps = self.steps.iter().flatten();
        !steps.any(|(class, _)| *class == Class::Exactly(Letter::Of(letter)))
    }

    /// The first state that does not belong to the patterns added so far.
    pub(super) fn first_state_after(&self) -> usize {
        self.steps.len()
    }
}

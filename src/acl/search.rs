//! The search for an access that one list allows and another does not: a walk over all letters through the patterns of
//! both, the shortest access first.

use std::collections::{HashSet, VecDeque};

use super::automaton::{Automaton, Letter};
use super::entry::Acl;

/// As many sets of places are looked at before the search gives up: a list of many wildcards could go on for ever.
const MOST_SETS: usize = 20_000;

/// The lists are too entangled to be compared. Whoever asks must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has too many wildcards to be compared: write fewer '*' and '#'")]
pub struct TooComplex;

/// An access that is allowed by one list and not by the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The place of the entry that allows it.
    pub index: usize,
    /// A shortest such access, for a person: `<its uuid>` stands for the uuid of the holder.
    pub example: String,
}

/// Places in patterns, and from which of those before by which letter they are reached.
type Places = (Vec<usize>, Option<(usize, Letter)>);

/// What the patterns of an automaton are to the question.
const ASKED: usize = 0;
const REFUSED: usize = 1;
const HELD: usize = 2;
const NOT_HELD: usize = 3;

/// An access that `asked` allows and `granted` does not; `None`: there is none, so everything that `asked` allows is
/// allowed. Line breaks aside, which no access holds.
///
/// # Errors
/// [`TooComplex`] where nobody knows.
pub fn excess(asked: &Acl, granted: &Acl) -> Result<Option<Excess>, TooComplex> {
    let allows_more = |is: [bool; 4]| is[ASKED] && !is[REFUSED] && (!is[HELD] || is[NOT_HELD]);
    search_each(asked, granted, allows_more)
}

/// An access that both lists allow.
///
/// # Errors
/// [`TooComplex`] where nobody knows.
pub(super) fn common(one: &Acl, other: &Acl) -> Result<Option<Excess>, TooComplex> {
    search_each(one, other, |is| {
        is[ASKED] && !is[REFUSED] && is[HELD] && !is[NOT_HELD]
    })
}

/// The first entry of `asked` with an access that is as wanted.
fn search_each(
    asked: &Acl,
    granted: &Acl,
    wanted: impl Fn([bool; 4]) -> bool,
) -> Result<Option<Excess>, TooComplex> {
    for (index, entry) in asked
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.negative)
    {
        let mut automaton = Automaton::default();
        automaton.add(&entry.pattern, ASKED);
        let alive = automaton.first_state_after();
        for (number, list, negative) in [
            (REFUSED, asked, true),
            (HELD, granted, false),
            (NOT_HELD, granted, true),
        ] {
            for pattern in list.patterns(negative) {
                automaton.add(pattern, number);
            }
        }
        if let Some(letters) = shortest(&automaton, alive, &wanted)? {
            let example = spelled(&automaton, &letters);
            return Ok(Some(Excess { index, example }));
        }
    }
    Ok(None)
}

/// The letters of a shortest access that is as wanted; states from `alive` on are not of the pattern that is asked for.
fn shortest(
    automaton: &Automaton,
    alive: usize,
    wanted: impl Fn([bool; 4]) -> bool,
) -> Result<Option<Vec<Letter>>, TooComplex> {
    let mut sets: Vec<Places> = vec![(automaton.start(), None)];
    let mut known = HashSet::from([automaton.start()]);
    let mut queue = VecDeque::from([0]);
    while let Some(index) = queue.pop_front() {
        let states = sets[index].0.clone();
        let mut is = [false; 4];
        for pattern in automaton.accepts(&states) {
            is[pattern] = true;
        }
        if wanted(is) {
            return Ok(Some(way(&sets, index)));
        }
        let of_asked: Vec<usize> = states.iter().copied().filter(|state| *state < alive).collect();
        for letter in automaton.letters(&states) {
            let next = automaton.next(&states, letter);
            // Nothing behind it is allowed by the pattern that is asked for.
            if automaton.next(&of_asked, letter).is_empty() || known.contains(&next) {
                continue;
            }
            if sets.len() >= MOST_SETS {
                return Err(TooComplex);
            }
            known.insert(next.clone());
            queue.push_back(sets.len());
            sets.push((next, Some((index, letter))));
        }
    }
    Ok(None)
}

fn way(sets: &[Places], mut index: usize) -> Vec<Letter> {
    let mut letters = Vec::new();
    while let Some((before, letter)) = sets[index].1 {
        letters.push(letter);
        index = before;
    }
    letters.reverse();
    letters
}

fn spelled(automaton: &Automaton, letters: &[Letter]) -> String {
    let other = ('a'..='z')
        .rev()
        .chain('0'..='9')
        .find(|letter| automaton.lacks(*letter));
    letters
        .iter()
        .map(|letter| match letter {
            Letter::Of(letter) => letter.to_string(),
            Letter::Own => "<its uuid>".to_owned(),
            Letter::Session => "<its session>".to_owned(),
            Letter::Other => other.unwrap_or('~').to_string(),
        })
        .collect()
}

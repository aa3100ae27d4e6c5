//! Entries of an access list, as they are written.

use std::fmt;

/// The longest entry.
const LONGEST: usize = 256;

/// One entry: a pattern, granted or refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Whether it refuses (`!`).
    pub negative: bool,
    /// The pattern, without the `!`.
    pub pattern: String,
}

/// An entry that is not usable, by its place in the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct BadEntry {
    /// Its place, from 0.
    pub index: usize,
    /// What is wrong with it and what to write instead.
    pub problem: &'static str,
}

impl Entry {
    /// Reads an entry.
    ///
    /// The daemons take any text; what no access ever looks like is refused here.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (negative, pattern) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if pattern.is_empty() {
            return Err("must not be empty: write an access as in confd.users.read");
        }
        if pattern.len() > LONGEST {
            return Err("must be at most 256 characters long");
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*' | '#');
        if !pattern.chars().all(allowed) {
            return Err(
                "must consist of letters, digits, '.', '_', '-', '*' and '#', after one leading '!' at the most",
            );
        }
        if pattern.split('.').any(str::is_empty) {
            return Err("must not hold an empty word: two dots in a row, or one at an end");
        }
        Ok(Self {
            negative,
            pattern: pattern.to_owned(),
        })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.negative { "!" } else { "" };
        write!(f, "{mark}{}", self.pattern)
    }
}

/// A list of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// The entries, in the order in which they were written.
    pub entries: Vec<Entry>,
}

impl Acl {
    /// Reads a list.
    ///
    /// # Errors
    /// The first entry that is not usable.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Self, BadEntry> {
        let entries = texts
            .into_iter()
            .enumerate()
            .map(|(index, text)| Entry::parse(text).map_err(|problem| BadEntry { index, problem }));
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The patterns that whoever gives and takes these entries must hold himself, each matched as text: wazo-auth lets
    /// nobody give what he does not hold, and nobody take `!x` away who does not hold `x`.
    #[must_use]
    pub fn must_be_held(&self) -> Vec<String> {
        let mut patterns: Vec<String> = self.entries.iter().map(|entry| entry.pattern.clone()).collect();
        patterns.sort_unstable();
        patterns.dedup();
        patterns
    }

    /// The entries as they are compared and sent: sorted, each once.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.entries.iter().map(ToString::to_string).collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    pub(super) fn patterns(&self, negative: bool) -> impl Iterator<Item = &str> {
        let chosen = self
            .entries
            .iter()
            .filter(move |entry| entry.negative == negative);
        chosen.map(|entry| entry.pattern.as_str())
    }
}

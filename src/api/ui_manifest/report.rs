//! What was found while checking.

use super::violation::{Level, Rule, Violation};

/// Collects violations; both lists are bounded, since a manifest may be wrong in a million places.
#[derive(Default)]
pub(super) struct Report {
    errors: Vec<Violation>,
    warnings: Vec<Violation>,
}

impl Report {
    pub(super) fn error(&mut self, path: impl Into<String>, rule: Rule, message: impl Into<String>) {
        self.add(Level::Error, path.into(), rule, message.into());
    }

    pub(super) fn warning(&mut self, path: impl Into<String>, rule: Rule, message: impl Into<String>) {
        self.add(Level::Warning, path.into(), rule, message.into());
    }

    pub(super) fn add(&mut self, level: Level, path: String, rule: Rule, message: String) {
        let list = match level {
            Level::Error => &mut self.errors,
            Level::Warning => &mut self.warnings,
        };
        if list.len() < Violation::MOST {
            list.push(Violation {
                path,
                rule,
                level,
                message,
            });
        }
    }

    /// The warnings where nothing is an error, else everything, errors first.
    pub(super) fn finish(self) -> Result<Vec<Violation>, Vec<Violation>> {
        if self.errors.is_empty() {
            return Ok(self.warnings);
        }
        let mut all = self.errors;
        all.extend(self.warnings);
        all.truncate(Violation::MOST);
        Err(all)
    }
}

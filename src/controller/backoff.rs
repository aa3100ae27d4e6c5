//! Growing pauses for objects whose passes fail, each by itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::Settings;

/// How often in a row the passes of each object failed, by uid.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: Mutex<HashMap<String, u32>>,
    errors: Mutex<HashMap<String, Errors>>,
}

/// Passes in a row that ended with an error of our own; a child that is refused is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Errors {
    /// How many.
    pub(super) in_a_row: u32,
    /// When the first one failed.
    pub(super) since: Timestamp,
}

impl Backoff {
    /// Another pass failed: how long to wait.
    pub(super) fn failed(&self, uid: &str, settings: &Settings) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(uid.to_owned()).or_default();
        let pause = settings
            .first_backoff
            .saturating_mul(2_u32.saturating_pow(*count));
        *count = count.saturating_add(1);
        pause.min(settings.longest_backoff)
    }

    /// Another pass ended with an error of our own.
    pub(super) fn erred(&self, uid: &str, now: Timestamp) -> Errors {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let row = errors.entry(uid.to_owned()).or_insert(Errors {
            in_a_row: 0,
            since: now,
        });
        row.in_a_row = row.in_a_row.saturating_add(1);
        *row
    }

    /// A pass came to its end.
    pub(super) fn passed(&self, uid: &str) {
        self.errors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid);
    }

    /// A pass went well.
    pub(super) fn succeeded(&self, uid: &str) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_start_anew_after_a_success() {
        let settings = Settings::default();
        let backoff = Backoff::default();
        let pauses: Vec<u128> = (0..10)
            .map(|_| backoff.failed("a", &settings).as_millis())
            .collect();
        assert_eq!(pauses[..3], [500, 1000, 2000]);
        assert_eq!(pauses[9], 60_000);
        assert_eq!(
            backoff.failed("b", &settings).as_millis(),
            500,
            "each object waits by itself"
        );
        backoff.succeeded("a");
        assert_eq!(backoff.failed("a", &settings).as_millis(), 500);
    }

    #[test]
    fn errors_in_a_row_are_counted_apart_from_refusals_until_a_pass_ends_well() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let backoff = Backoff::default();
        for _ in 0..5 {
            backoff.failed("a", &Settings::default());
        }
        assert_eq!(backoff.erred("a", at(10)).in_a_row, 1);
        let second = backoff.erred("a", at(20));
        assert_eq!((second.in_a_row, second.since), (2, at(10)));
        backoff.passed("a");
        let anew = backoff.erred("a", at(30));
        assert_eq!((anew.in_a_row, anew.since), (1, at(30)));
    }
}

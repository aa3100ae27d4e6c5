//! Growing pauses for objects whose passes fail, each by itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Settings;

/// How often in a row the passes of each object failed, by uid.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: Mutex<HashMap<String, u32>>,
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
}

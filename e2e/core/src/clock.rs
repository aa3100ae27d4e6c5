//! The simulator's own clock: it runs with the machine's, from wherever it was set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock that can be set; tokens expire by it. Clones share the same hands.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead: Arc<Mutex<SignedDuration>>,
}

impl Clock {
    /// The time in the simulated stack.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::now().saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// Sets the hands; the clock runs on from there.
    pub fn set(&self, to: Timestamp) {
        let ahead = to.duration_since(Timestamp::now());
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
    }

    /// Moves the hands forward, so that what should have expired has.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }
}

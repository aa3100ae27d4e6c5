//! How a daemon is, and what else answers: facts of a core.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::CoreError;

/// How a daemon is, from a real read and the parsed body of its status.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceFact {
    /// The state.
    pub state: ServiceState,
    /// The last error, unless `Up`.
    pub error: Option<CoreError>,
    /// For `Degraded`: the names of the parts that the daemon itself reports as failing, such as `bus_consumer`.
    pub failing: Vec<String>,
    /// When the state last changed.
    pub since: Timestamp,
    /// When it last answered well.
    pub last_good: Option<Timestamp>,
    /// While its reads fail: whether it says of itself that it is up all the same, which proves no more than a process.
    #[serde(default)]
    pub gray: bool,
    /// It answers well, and far slower than it did.
    #[serde(default)]
    pub slow: Option<SlowFact>,
}

/// A daemon answers far slower than it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowFact {
    /// The median of its last reads, milliseconds.
    pub now: u64,
    /// What it was before, milliseconds.
    pub before: u64,
    /// Since when.
    pub since: Timestamp,
}

/// What else answers that is not of this cluster, as of the moment of the core's last failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Elsewhere {
    /// Something answered in the last minute: the way out of the cluster is open.
    pub answers: bool,
    /// And was found by its name: names are resolved.
    pub resolves: bool,
}

/// The state of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceState {
    /// Not asked yet.
    Unknown,
    /// It answers real reads, and reports nothing as failing.
    Up,
    /// It answers, and reports a part of itself as failing.
    Degraded,
    /// It does not answer, or answers with server errors.
    Down,
}

impl ServiceFact {
    /// Nothing is known yet.
    pub(super) fn unknown() -> Self {
        Self {
            state: ServiceState::Unknown,
            error: None,
            failing: Vec::new(),
            since: Timestamp::now(),
            last_good: None,
            gray: false,
            slow: None,
        }
    }

    pub(super) fn shows_like(&self, other: &Self) -> bool {
        let errors = match (&self.error, &other.error) {
            (None, None) => true,
            (Some(one), Some(two)) => one.is_like(two),
            _ => false,
        };
        errors
            && self.state == other.state
            && self.failing == other.failing
            && self.gray == other.gray
            && self.slow.is_some() == other.slow.is_some()
            && self.last_good.is_some() == other.last_good.is_some()
    }
}

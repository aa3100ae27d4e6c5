//! How often the status tells how far a registration is: the numbers of a large one move all the time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::api::plugin::WazoPluginStatus;
use crate::keys::PluginKey;

/// Between two writes that differ in such numbers alone.
const PAUSE: Duration = Duration::from_secs(3);

/// When each plugin's status was last written.
#[derive(Debug, Default)]
pub(super) struct Paces {
    written: Mutex<HashMap<PluginKey, Instant>>,
}

impl Paces {
    /// How long a write has to wait; `None`: it may be made, and is noted.
    pub(super) fn wait(
        &self,
        key: &PluginKey,
        before: &WazoPluginStatus,
        after: &WazoPluginStatus,
        now: Instant,
    ) -> Option<Duration> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let left = written
            .get(key)
            .and_then(|at| (*at + PAUSE).checked_duration_since(now));
        match left {
            Some(left) if !left.is_zero() && is_progress(before, after) => Some(left),
            _ => {
                written.retain(|_, at| now < *at + PAUSE);
                written.insert(key.clone(), now);
                None
            }
        }
    }
}

/// Whether the two differ in how far a registration is, and in nothing else.
fn is_progress(before: &WazoPluginStatus, after: &WazoPluginStatus) -> bool {
    let without = |status: &WazoPluginStatus| {
        let mut status = status.clone();
        status.registered = None;
        for row in &mut status.registrations {
            row.current = 0;
            row.not_registered.clear();
        }
        status
    };
    without(before) == without(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::plugin::{RegistrationKind, RegistrationState, RegistrationStatus};

    fn status(current: i32, state: RegistrationState) -> WazoPluginStatus {
        WazoPluginStatus {
            registrations: vec![RegistrationStatus {
                kind: RegistrationKind::UiApplication,
                name: "panel".to_owned(),
                desired: 500,
                current,
                state,
                reason: None,
                url: None,
                not_registered: Vec::new(),
            }],
            ..WazoPluginStatus::default()
        }
    }

    #[test]
    fn progress_alone_is_told_every_few_seconds_and_anything_else_at_once() {
        use RegistrationState::{Registered, Registering};
        let (paces, key, now) = (Paces::default(), PluginKey::new("acme", "crm"), Instant::now());
        let wait = |before, after, seconds| {
            let now = now + Duration::from_secs(seconds);
            paces.wait(&key, &before, &after, now)
        };
        assert_eq!(wait(status(0, Registering), status(1, Registering), 0), None);
        let left = wait(status(1, Registering), status(9, Registering), 1);
        assert_eq!(left, Some(Duration::from_secs(2)));
        assert_eq!(wait(status(1, Registering), status(500, Registered), 1), None);
        assert_eq!(wait(status(1, Registering), status(9, Registering), 5), None);
    }
}

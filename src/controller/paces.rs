//! How often a status is written that says nothing new: the numbers of a large registration move all the time, and the
//! kubelet's words for the same trouble change from second to second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// When the status of each object was last written. What differs in truths, reasons or parties is written at once.
#[derive(Debug, Default)]
pub(super) struct Paces {
    written: Mutex<HashMap<String, Instant>>,
}

/// In what two statuses differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// In something that a tool may act on.
    News,
    /// In how far a registration is, and in nothing else.
    Progress,
    /// In texts for people and the times of what they tell, and in nothing else (status-and-faults rule: no write that
    /// says the same in other words within 10 s).
    Wording,
}

impl Difference {
    /// Between two statuses, as JSON.
    fn of(before: &Value, after: &Value) -> Self {
        let without = |strip: fn(&mut Value)| {
            let of = |status: &Value| {
                let mut status = status.clone();
                strip(&mut status);
                status
            };
            of(before) == of(after)
        };
        if without(strip_progress) {
            Self::Progress
        } else if without(strip_words) {
            Self::Wording
        } else {
            Self::News
        }
    }

    /// How long after a write another one may follow that differs in this.
    const fn pause(self) -> Duration {
        match self {
            Self::News => Duration::ZERO,
            Self::Progress => Duration::from_secs(3),
            // What a watcher sees 10 s apart was written a little more than that apart.
            Self::Wording => Duration::from_secs(11),
        }
    }
}

/// The longest pause of all.
const LONGEST: Duration = Difference::Wording.pause();

impl Paces {
    /// How long the write of an object's status has to wait; `None`: it may be made, and is noted. `key` tells the
    /// object of all others of all kinds.
    pub(super) fn wait(&self, key: &str, before: &Value, after: &Value, now: Instant) -> Option<Duration> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = Difference::of(before, after).pause();
        let left = written
            .get(key)
            .and_then(|at| (*at + pause).checked_duration_since(now));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            return Some(left);
        }
        written.retain(|_, at| now < *at + LONGEST);
        written.insert(key.to_owned(), now);
        None
    }
}

/// Takes away how far registrations are.
fn strip_progress(status: &mut Value) {
    let Some(fields) = status.as_object_mut() else {
        return;
    };
    fields.remove("registered");
    let rows = fields.get_mut("registrations").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
        row.remove("current");
        row.remove("notRegistered");
    }
}

/// Takes away the texts, and the times, which move with them.
fn strip_words(value: &mut Value) {
    const WORDS: [&str; 5] = ["message", "observed", "since", "lastGood", "at"];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !WORDS.contains(&name.as_str()));
            fields.values_mut().for_each(strip_words);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_words),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(current: i32, state: &str) -> Value {
        json!({
            "registered": {"summary": format!("{current}/500")},
            "registrations": [{"name": "panel", "current": current, "state": state}],
        })
    }

    fn failing(reason: &str, message: &str) -> Value {
        json!({
            "conditions": [{"type": "Ready", "status": "False", "reason": reason, "message": message}],
            "fault": {"reason": reason, "message": message, "since": message, "evidence": [{"observed": message}]},
        })
    }

    #[test]
    fn progress_alone_is_told_every_few_seconds_and_anything_else_at_once() {
        let (paces, now) = (Paces::default(), Instant::now());
        let wait = |before, after, seconds| {
            let now = now + Duration::from_secs(seconds);
            paces.wait("WazoPlugin acme/crm", &before, &after, now)
        };
        assert_eq!(wait(status(0, "Registering"), status(1, "Registering"), 0), None);
        let left = wait(status(1, "Registering"), status(9, "Registering"), 1);
        assert_eq!(left, Some(Duration::from_secs(2)));
        assert_eq!(wait(status(1, "Registering"), status(500, "Registered"), 1), None);
        assert_eq!(wait(status(1, "Registering"), status(9, "Registering"), 5), None);
    }

    #[test]
    fn the_same_in_other_words_is_told_eleven_seconds_after_the_last_write_and_another_reason_at_once() {
        let (paces, now) = (Paces::default(), Instant::now());
        let wait = |before, after, seconds| {
            let now = now + Duration::from_secs(seconds);
            paces.wait("WazoPlugin acme/crm", &before, &after, now)
        };
        assert_eq!(wait(json!(null), failing("ProbeTimeout", "a"), 0), None);
        let left = wait(failing("ProbeTimeout", "a"), failing("ProbeTimeout", "b"), 4);
        assert_eq!(left, Some(Duration::from_secs(7)));
        assert_eq!(
            wait(failing("ProbeTimeout", "a"), failing("NotListening", "b"), 4),
            None
        );
        let left = wait(failing("NotListening", "b"), failing("NotListening", "c"), 14);
        assert_eq!(left, Some(Duration::from_secs(1)));
        assert_eq!(
            wait(failing("NotListening", "b"), failing("NotListening", "c"), 15),
            None
        );
    }

    #[test]
    fn objects_do_not_wait_for_each_other() {
        let (paces, now) = (Paces::default(), Instant::now());
        let wait = |key| paces.wait(key, &failing("X", "a"), &failing("X", "b"), now);
        assert_eq!(wait("WazoPlugin acme/crm"), None);
        assert_eq!(wait("WazoCore acme/crm"), None);
        assert!(wait("WazoCore acme/crm").is_some());
    }
}

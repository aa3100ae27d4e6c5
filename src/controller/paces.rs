//! How often a status is written that says nothing new: the numbers of a large registration move all the time, and the
//! kubelet's words for the same trouble change from second to second. And how fast one outage of a core is told of all its
//! plugins: there may be thousands.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// When the status of each object was last written. What differs in truths, reasons or parties is written at once, and
/// where that follows from another object, when its turn comes.
#[derive(Debug, Default)]
pub(super) struct Paces {
    written: Mutex<HashMap<String, Instant>>,
    turns: Mutex<Turns>,
}

/// Between two writes that follow from another object: at most 50 a second.
const TURN: Duration = Duration::from_millis(20);
/// A turn that was not taken for so long is nobody's any more.
const TURN_LASTS: Duration = Duration::from_secs(60);

/// Whose turn it is to tell of something that follows from another object.
#[derive(Debug, Default)]
struct Turns {
    next: Option<Instant>,
    given: HashMap<String, Instant>,
}

impl Turns {
    /// How long until the turn of an object, which keeps it until then; `None`: it is its turn.
    fn wait(&mut self, key: &str, now: Instant) -> Option<Duration> {
        self.given.retain(|_, turn| now < *turn + TURN_LASTS);
        let next = self.next.map_or(now, |next| next.max(now));
        let turn = *self.given.entry(key.to_owned()).or_insert_with(|| {
            self.next = Some(next + TURN);
            next
        });
        let left = turn.saturating_duration_since(now);
        if left.is_zero() {
            self.given.remove(key);
            return None;
        }
        Some(left)
    }
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
        if follows(before) != follows(after) {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(left) = turns.wait(key, now) {
                return Some(left);
            }
        }
        written.retain(|_, at| now < *at + LONGEST);
        written.insert(key.to_owned(), now);
        None
    }
}

/// Whether a status tells of a fault that follows from another object, such as a core that is away.
fn follows(status: &Value) -> bool {
    let others = status["otherFaults"].as_array().into_iter().flatten();
    std::iter::once(&status["fault"])
        .chain(others)
        .any(|fault| !fault["causedBy"].is_null())
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
    fn an_outage_of_a_core_is_told_of_at_most_fifty_plugins_a_second_and_of_each_in_its_turn() {
        let (paces, now) = (Paces::default(), Instant::now());
        let away = json!({"fault": {"reason": "CoreUnreachable", "causedBy": {"kind": "WazoCore"}}});
        let wait = |plugin: u64, at: Duration| {
            let key = format!("WazoPlugin acme/crm-{plugin}");
            paces.wait(&key, &json!({}), &away, now + at)
        };
        let turns: Vec<Duration> = (0..1000)
            .map(|plugin| wait(plugin, Duration::ZERO).unwrap_or_default())
            .collect();
        assert_eq!(turns[0], Duration::ZERO);
        assert_eq!(turns[999], TURN * 999);
        for second in 0..20 {
            let of_second = |turn: &&Duration| turn.as_secs() == second;
            assert_eq!(turns.iter().filter(of_second).count(), 50, "second {second}");
        }
        for plugin in [1, 500, 999] {
            let early = TURN * u32::try_from(plugin).unwrap() - Duration::from_millis(1);
            assert_eq!(
                wait(plugin, early),
                Some(Duration::from_millis(1)),
                "it keeps its turn"
            );
            assert_eq!(wait(plugin, early + Duration::from_millis(1)), None);
        }
        // What does not follow from another object waits for nobody.
        assert_eq!(
            paces.wait(
                "WazoPlugin acme/own",
                &json!({}),
                &failing("ProcessExited", "a"),
                now
            ),
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

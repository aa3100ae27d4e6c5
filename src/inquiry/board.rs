//! Which plugin is to be looked at when, and what is known of it: the inquiry's memory. No I/O, no clock.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::job::SurroundingsJob;
use crate::keys::PluginKey;
use crate::observe::surroundings::Surroundings;

/// Between two looks at the same plugin, whatever changes about it.
const SOONEST: Duration = Duration::from_secs(2);
/// To the second look at the same thing; each further one takes twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The most time between two looks at the same thing.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One look to be taken.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) key: PluginKey,
    pub(super) job: SurroundingsJob,
    epoch: u64,
}

#[derive(Debug)]
struct Patient {
    job: SurroundingsJob,
    /// Told apart from one of the same name that was forgotten and came back.
    epoch: u64,
    facts: Surroundings,
    pause: Duration,
    /// When it is looked at next; `None`: a look is on its way.
    due: Option<Instant>,
    /// The job changed while a look was on its way.
    again: bool,
    looked: Option<Instant>,
}

/// The inquiry's memory.
#[derive(Debug, Default)]
pub(super) struct Board {
    patients: HashMap<PluginKey, Patient>,
    queue: BTreeSet<(Instant, PluginKey)>,
    epoch: u64,
}

impl Board {
    /// What is wished for; the same again changes nothing. Says whether something may be due earlier than before.
    pub(super) fn want(
        &mut self,
        key: &PluginKey,
        job: SurroundingsJob,
        (now, time): (Instant, Timestamp),
    ) -> bool {
        let wait = job.from.map_or(Duration::ZERO, |from| {
            Duration::try_from(from.duration_since(time)).unwrap_or_default()
        });
        let Some(patient) = self.patients.get_mut(key) else {
            self.epoch += 1;
            let patient = Patient {
                job,
                epoch: self.epoch,
                facts: Surroundings::default(),
                pause: FIRST_PAUSE,
                due: None,
                again: false,
                looked: None,
            };
            self.patients.insert(key.clone(), patient);
            self.schedule(key, now + wait);
            return true;
        };
        if patient.job == job {
            return false;
        }
        patient.job = job;
        patient.pause = FIRST_PAUSE;
        let Some(due) = patient.due else {
            patient.again = true;
            return false;
        };
        let soonest = patient.looked.map_or(now, |looked| now.max(looked + SOONEST));
        self.schedule(key, due.min(soonest.max(now + wait)));
        true
    }

    pub(super) fn forget(&mut self, key: &PluginKey) {
        if let Some(due) = self.patients.remove(key).and_then(|patient| patient.due) {
            self.queue.remove(&(due, key.clone()));
        }
    }

    pub(super) fn facts(&self, key: &PluginKey) -> Surroundings {
        let patient = self.patients.get(key);
        patient.map(|patient| patient.facts.clone()).unwrap_or_default()
    }

    /// Nothing is on its way any more: a run ended, and its looks with it.
    pub(super) fn restart(&mut self, now: Instant) {
        let interrupted: Vec<_> = self
            .patients
            .iter()
            .filter(|(_, patient)| patient.due.is_none())
            .map(|(key, _)| key.clone())
            .collect();
        for key in interrupted {
            self.schedule(&key, now);
        }
    }

    /// The next look that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Task> {
        if self.queue.first()?.0 > now {
            return None;
        }
        let (_, key) = self.queue.pop_first()?;
        let patient = self.patients.get_mut(&key)?;
        patient.due = None;
        Some(Task {
            job: patient.job.clone(),
            epoch: patient.epoch,
            key,
        })
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// Takes in what a look showed; says whether that is news.
    pub(super) fn finish(
        &mut self,
        task: &Task,
        mut facts: Surroundings,
        (now, time): (Instant, Timestamp),
    ) -> bool {
        let known = self.patients.get_mut(&task.key);
        let Some(patient) = known.filter(|patient| patient.epoch == task.epoch) else {
            return false;
        };
        patient.looked = Some(now);
        let changed = patient.facts.at.is_none() || !patient.facts.shows_the_same(&facts);
        facts.checked_at = Some(time);
        facts.at = if changed { Some(time) } else { patient.facts.at };
        patient.facts = facts;
        if changed {
            patient.pause = FIRST_PAUSE;
        }
        let pause = if std::mem::take(&mut patient.again) {
            SOONEST
        } else {
            patient.pause
        };
        patient.pause = (patient.pause * 2).min(LONGEST_PAUSE);
        self.schedule(&task.key, now + pause);
        changed
    }

    fn schedule(&mut self, key: &PluginKey, due: Instant) {
        let Some(patient) = self.patients.get_mut(key) else {
            return;
        };
        if let Some(old) = patient.due.replace(due) {
            self.queue.remove(&(old, key.clone()));
        }
        self.queue.insert((due, key.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::surroundings::EventFact;

    fn key() -> PluginKey {
        PluginKey::new("acme", "crm")
    }

    fn job(seen: &str) -> SurroundingsJob {
        SurroundingsJob {
            seen: seen.to_owned(),
            ..SurroundingsJob::default()
        }
    }

    fn facts(reason: &str, second: i64) -> Surroundings {
        Surroundings {
            events: vec![EventFact {
                reason: reason.to_owned(),
                at: Timestamp::from_second(second).ok(),
                ..EventFact::default()
            }],
            ..Surroundings::default()
        }
    }

    struct Clock(Instant);

    impl Clock {
        fn after(&self, seconds: u64) -> (Instant, Timestamp) {
            let seconds_signed = i64::try_from(seconds).unwrap();
            (
                self.0 + Duration::from_secs(seconds),
                Timestamp::from_second(1000 + seconds_signed).unwrap(),
            )
        }
    }

    #[test]
    fn the_same_thing_is_looked_at_ever_less_often_and_news_sooner_again() {
        let clock = Clock(Instant::now());
        let mut board = Board::default();
        assert!(board.want(&key(), job("a"), clock.after(0)));
        let mut second = 0;
        for pause in [5, 10, 20, 40, 60, 60] {
            let task = board.take(clock.after(second).0).unwrap();
            let news = board.finish(&task, facts("FailedMount", 0), clock.after(second));
            assert_eq!(news, second == 0, "only the first look told anything");
            assert!(board.take(clock.after(second + pause - 1).0).is_none(), "{pause}");
            second += pause;
        }
        let task = board.take(clock.after(second).0).unwrap();
        assert!(board.finish(&task, facts("FailedCreatePodSandBox", 0), clock.after(second)));
        assert_eq!(board.next_due(), Some(clock.after(second + 5).0));
    }

    #[test]
    fn an_event_that_goes_on_is_no_news_and_its_time_is_kept() {
        let clock = Clock(Instant::now());
        let mut board = Board::default();
        board.want(&key(), job("a"), clock.after(0));
        for (second, news) in [(0, true), (5, false)] {
            let task = board.take(clock.after(second).0).unwrap();
            let seen = facts("FailedMount", i64::try_from(second).unwrap());
            assert_eq!(board.finish(&task, seen, clock.after(second)), news);
        }
        let known = board.facts(&key());
        assert_eq!(known.at, Some(clock.after(0).1));
        assert_eq!(known.checked_at, Some(clock.after(5).1));
        assert_eq!(known.events[0].at, Timestamp::from_second(5).ok());
    }

    #[test]
    fn a_change_is_looked_at_soon_but_not_at_once_again_and_again() {
        let clock = Clock(Instant::now());
        let mut board = Board::default();
        board.want(&key(), job("a"), clock.after(0));
        let task = board.take(clock.after(0).0).unwrap();
        board.finish(&task, facts("FailedMount", 0), clock.after(0));
        assert!(board.want(&key(), job("b"), clock.after(1)));
        assert_eq!(board.next_due(), Some(clock.after(2).0));
        let task = board.take(clock.after(2).0).unwrap();
        assert!(
            !board.want(&key(), job("c"), clock.after(2)),
            "a look is on its way"
        );
        board.finish(&task, facts("FailedMount", 0), clock.after(3));
        assert_eq!(board.next_due(), Some(clock.after(5).0));
    }

    #[test]
    fn a_rollout_that_ends_soon_is_never_looked_at() {
        let clock = Clock(Instant::now());
        let mut board = Board::default();
        let later = SurroundingsJob {
            from: Some(clock.after(3).1),
            ..job("a")
        };
        board.want(&key(), later, clock.after(0));
        assert!(board.take(clock.after(2).0).is_none());
        board.forget(&key());
        assert!(board.take(clock.after(60).0).is_none());
        assert_eq!(board.next_due(), None);
    }

    #[test]
    fn a_look_that_was_on_its_way_for_a_forgotten_plugin_tells_nothing() {
        let clock = Clock(Instant::now());
        let mut board = Board::default();
        board.want(&key(), job("a"), clock.after(0));
        let task = board.take(clock.after(0).0).unwrap();
        board.forget(&key());
        board.want(&key(), job("a"), clock.after(1));
        assert!(!board.finish(&task, facts("FailedMount", 0), clock.after(2)));
        assert_eq!(board.facts(&key()), Surroundings::default());
    }
}

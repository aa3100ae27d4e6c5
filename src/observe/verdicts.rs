//! What is remembered of the verdicts on a plugin: when each was last seen, and how often it came back. Kept in this
//! process alone; after a restart it is empty, and what the status tells counts as told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::reason::Reason;

/// How far back returns count, in seconds.
const WINDOW_SECONDS: i64 = 600;
/// As many returns within that time are a flapping.
const FLAPPING: usize = 3;

/// What is remembered of one plugin's verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdicts {
    /// The generation of the spec that they are of: another one is another thing.
    pub generation: i64,
    /// Each by its reason.
    pub past: BTreeMap<Reason, Past>,
}

/// What is remembered of one verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Whether it stood when it was last judged.
    pub told: bool,
    /// Whether its signal decides alone.
    pub decisive: bool,
    /// When its signal was last seen.
    pub last: Timestamp,
    /// When it came back after it was gone; only the last ten minutes count.
    pub returns: Vec<Timestamp>,
}

impl Verdicts {
    /// What is remembered of a verdict on this generation of the spec.
    #[must_use]
    pub fn of(&self, generation: i64, reason: Reason) -> Option<&Past> {
        self.past.get(&reason).filter(|_| self.generation == generation)
    }

    /// What is to be remembered after a judgement: `seen` are the verdicts whose signals are there now, each with
    /// whether it decides alone, and `told` those that are told of, some of which are only held.
    #[must_use]
    pub fn after(
        &self,
        generation: i64,
        seen: &BTreeMap<Reason, bool>,
        told: &[Reason],
        now: Timestamp,
    ) -> Self {
        let mut past = if self.generation == generation {
            self.past.clone()
        } else {
            BTreeMap::new()
        };
        for (reason, decisive) in seen {
            let is_told = told.contains(reason);
            match past.get_mut(reason) {
                Some(known) => {
                    if is_told && !known.told {
                        known.returns.push(now);
                    }
                    known.last = now;
                    known.decisive = *decisive;
                }
                None if is_told => {
                    let first = Past {
                        told: true,
                        decisive: *decisive,
                        last: now,
                        returns: Vec::new(),
                    };
                    past.insert(*reason, first);
                }
                None => {}
            }
        }
        for (reason, known) in &mut past {
            known.told = told.contains(reason);
            known.returns.retain(|at| is_recent(*at, now));
        }
        past.retain(|_, known| known.told || is_recent(known.last, now));
        Self { generation, past }
    }
}

impl Past {
    /// How often it came back lately, where that is often.
    #[must_use]
    pub fn flaps(&self, now: Timestamp) -> Option<usize> {
        let returns = self.returns.iter().filter(|at| is_recent(**at, now)).count();
        (returns >= FLAPPING).then_some(returns)
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.as_second() - at.as_second() < WINDOW_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn judged(before: &Verdicts, second: i64, there: bool) -> Verdicts {
        let reason = Reason::ProcessExited;
        let seen: BTreeMap<_, _> = there.then_some((reason, true)).into_iter().collect();
        let told: Vec<_> = seen.keys().copied().collect();
        before.after(1, &seen, &told, at(second))
    }

    #[test]
    fn a_verdict_that_comes_back_three_times_within_ten_minutes_flaps() {
        let mut verdicts = Verdicts::default();
        for round in 0..4 {
            let past = verdicts.of(1, Reason::ProcessExited);
            assert_eq!(past.and_then(|past| past.flaps(at(round * 60))), None, "{round}");
            verdicts = judged(&verdicts, round * 60, true);
            verdicts = judged(&verdicts, round * 60 + 30, false);
        }
        let past = verdicts.of(1, Reason::ProcessExited).unwrap();
        assert_eq!(past.flaps(at(220)), Some(3));
        assert_eq!(
            past.flaps(at(60 + 600)),
            None,
            "ten minutes later it is forgotten"
        );
        assert_eq!(verdicts.of(2, Reason::ProcessExited), None, "of another spec");
    }

    #[test]
    fn what_is_seen_again_and_again_is_one_verdict() {
        let mut verdicts = Verdicts::default();
        for second in 0..100 {
            verdicts = judged(&verdicts, second, true);
        }
        let past = verdicts.of(1, Reason::ProcessExited).unwrap();
        assert_eq!((past.returns.len(), past.last), (0, at(99)));
    }

    #[test]
    fn what_is_long_gone_is_forgotten() {
        let verdicts = judged(&judged(&Verdicts::default(), 0, true), 600, false);
        assert_eq!(verdicts.past.len(), 0);
    }
}

//! How fast a daemon answers real reads, against how fast it did: an outage that shows in no status.

use std::collections::VecDeque;
use std::time::Duration;

/// As many reads are looked at: one slow read is no sign.
const READS: usize = 5;
/// As many reads make what is usual.
const USUAL: usize = 20;
/// So much slower than usual is slow.
const TIMES: u32 = 10;
/// What takes less is not slow, whatever is usual.
const LEAST: Duration = Duration::from_secs(2);

/// The last reads of one daemon, and what is usual for it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: VecDeque<Duration>,
    /// Reads that were not slow.
    usual: VecDeque<Duration>,
}

/// A daemon that is slow: the median of the last reads, and the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slow {
    pub(super) now: Duration,
    pub(super) before: Duration,
}

impl Pace {
    /// A read took so long. The answer: whether the daemon is slow; never before its usual pace is known.
    pub(super) fn note(&mut self, took: Duration) -> Option<Slow> {
        push(&mut self.last, took, READS);
        let before = median(&self.usual).filter(|_| self.usual.len() >= READS);
        let limit = before.map_or(Duration::MAX, |before| (before * TIMES).max(LEAST));
        if took < limit {
            push(&mut self.usual, took, USUAL);
        }
        let now = median(&self.last).filter(|_| self.last.len() == READS)?;
        let before = before?;
        (now > limit).then_some(Slow { now, before })
    }
}

impl Pace {
    /// Whether a read that took so long is worth another one soon.
    pub(super) fn is_suspicious(took: Duration) -> bool {
        took >= LEAST
    }
}

fn push(all: &mut VecDeque<Duration>, one: Duration, most: usize) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
}

fn median(all: &VecDeque<Duration>) -> Option<Duration> {
    let mut sorted: Vec<Duration> = all.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    fn usual() -> Pace {
        let mut pace = Pace::default();
        for _ in 0..20 {
            assert_eq!(pace.note(Duration::from_millis(30)), None);
        }
        pace
    }

    #[test]
    fn most_of_the_last_reads_must_be_slow_and_one_is_no_sign() {
        let mut pace = usual();
        let slow = Duration::from_secs(3);
        assert_eq!(pace.note(slow), None);
        assert_eq!(pace.note(slow), None);
        let told = pace.note(slow).unwrap();
        assert_eq!((told.now, told.before), (slow, Duration::from_millis(30)));
        for _ in 0..100 {
            assert!(pace.note(slow).is_some(), "slow for long is not usual");
        }
        pace.note(Duration::from_millis(30));
        pace.note(Duration::from_millis(30));
        assert_eq!(pace.note(Duration::from_millis(30)), None);
    }

    #[test]
    fn what_is_ten_times_slower_and_still_quick_is_not_slow() {
        let mut pace = usual();
        for _ in 0..20 {
            assert_eq!(pace.note(Duration::from_millis(900)), None);
        }
    }

    #[test]
    fn a_core_that_was_never_quick_is_not_slow() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            assert_eq!(pace.note(Duration::from_secs(4)), None);
        }
    }
}

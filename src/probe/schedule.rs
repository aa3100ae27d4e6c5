//! When to look again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::settings::ProbeSettings;

/// How long something has been good, or bad, in an unbroken row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) good: u8,
    pub(super) bad: u8,
}

impl Pace {
    /// Counts a look, and says how long to wait for the next: longer with each good one, as trust grows; with each
    /// bad one longer, too, but from much shorter on. `seed` spreads those that began together: each waits between
    /// three quarters and all of its time.
    pub(super) fn after(&mut self, good: bool, settings: &ProbeSettings, seed: u64) -> Duration {
        let (count, first, last) = if good {
            self.bad = 0;
            self.good = self.good.saturating_add(1);
            (self.good, settings.min_interval, settings.max_interval)
        } else {
            self.good = 0;
            self.bad = self.bad.saturating_add(1);
            (self.bad, settings.min_retry, settings.max_retry)
        };
        let doublings = u32::from(count - 1).min(16);
        let whole = first.saturating_mul(1 << doublings).min(last);
        let mut hasher = DefaultHasher::new();
        (seed, count, good).hash(&mut hasher);
        let quarter = u32::try_from(hasher.finish() % 1024).unwrap_or(0);
        whole - whole / 4 * quarter / 1024
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, ProbeSettings};

    /// Whether a wait is between three quarters and all of so many seconds.
    fn about(wait: Duration, seconds: u64) -> bool {
        let whole = Duration::from_secs(seconds);
        wait <= whole && wait >= whole * 3 / 4
    }

    #[test]
    fn trust_grows_with_good_looks_and_is_gone_with_a_bad_one() {
        let settings = ProbeSettings::default();
        let mut pace = Pace::default();
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            let wait = pace.after(true, &settings, 7);
            assert!(about(wait, seconds), "{wait:?} for {seconds} s");
        }
        for seconds in [1, 2, 4, 8, 15, 15] {
            let wait = pace.after(false, &settings, 7);
            assert!(about(wait, seconds), "{wait:?} for {seconds} s");
        }
        assert!(about(pace.after(true, &settings, 7), 30));
        for _ in 0..1000 {
            assert!(pace.after(true, &settings, 7) <= Duration::from_secs(600));
        }
    }

    #[test]
    fn those_that_begin_together_are_spread() {
        let settings = ProbeSettings::default();
        let mut waits: Vec<_> = (0..100)
            .map(|seed| Pace::default().after(true, &settings, seed))
            .collect();
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 80, "{}", waits.len());
    }
}

//! Pauses that differ, so that many do not act at the same moment.

use std::time::Duration;

use uuid::Uuid;

/// `pause`, varied by up to `part` of it to both sides.
pub(super) fn vary(pause: Duration, part: f64) -> Duration {
    // Version 4 is random in all but six bits; these 32 are all random.
    let random = Uuid::new_v4().as_fields().0;
    let side = f64::from(random) / f64::from(u32::MAX) * 2.0 - 1.0;
    pause.mul_f64((1.0 + side * part).max(0.0))
}

/// The pause after the `failures`th failure in a row: doubled each time, from `first` to `longest`.
pub(super) fn doubled(first: Duration, longest: Duration, failures: u32) -> Duration {
    first
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{doubled, vary};

    #[test]
    fn a_pause_stays_within_its_part() {
        for _ in 0..100 {
            let varied = vary(Duration::from_secs(10), 0.1);
            assert!(
                (Duration::from_secs(9)..=Duration::from_secs(11)).contains(&varied),
                "{varied:?}"
            );
        }
        assert_eq!(vary(Duration::from_secs(10), 0.0), Duration::from_secs(10));
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pause = |failures| doubled(Duration::from_secs(1), Duration::from_secs(30), failures).as_secs();
        assert_eq!(
            [0, 1, 2, 3, 5, 6, 40, u32::MAX].map(pause),
            [1, 1, 2, 4, 16, 30, 30, 30]
        );
    }
}

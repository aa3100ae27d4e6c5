//! A bucket of tokens: so many requests a second, with a burst of half a second's.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Limits the rate of requests to one stack.
#[derive(Debug)]
pub(super) struct Limiter(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    every: Duration,
    burst: u32,
    /// When the bucket is full again.
    full_at: Instant,
}

impl Limiter {
    /// So many requests a second; 0 counts as 1.
    pub(super) fn new(per_second: u32) -> Self {
        let (every, burst) = rate(per_second);
        Self(Mutex::new(Bucket {
            every,
            burst,
            full_at: Instant::now(),
        }))
    }

    /// Changes the rate from now on.
    pub(super) fn set(&self, per_second: u32) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (bucket.every, bucket.burst) = rate(per_second);
    }

    /// Lets nothing pass for `pause`.
    pub(super) fn hold(&self, pause: Duration) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = Instant::now() + pause + bucket.every * bucket.burst;
        bucket.full_at = bucket.full_at.max(full_at);
    }

    /// Waits for one's turn.
    pub(super) async fn turn(&self) {
        let at = self.take(Instant::now());
        sleep_until(at).await;
    }

    /// Takes the next free moment.
    fn take(&self, now: Instant) -> Instant {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = bucket.full_at.max(now) + bucket.every;
        bucket.full_at = full_at;
        full_at
            .checked_sub(bucket.every * bucket.burst)
            .map_or(now, |at| at.max(now))
    }
}

fn rate(per_second: u32) -> (Duration, u32) {
    let per_second = per_second.max(1);
    (Duration::from_secs(1) / per_second, (per_second / 2).max(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Limiter;

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_the_rate_and_the_burst() {
        let limiter = Limiter::new(20);
        let start = Instant::now();
        for _ in 0..10 {
            limiter.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO, "the burst");
        for _ in 0..100 {
            limiter.turn().await;
        }
        let took = start.elapsed();
        assert!((4900..5100).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_lets_nothing_pass() {
        let limiter = Limiter::new(20);
        limiter.hold(Duration::from_secs(2));
        let start = Instant::now();
        limiter.turn().await;
        assert!(start.elapsed() >= Duration::from_secs(2));
    }
}

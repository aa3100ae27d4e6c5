//! The breaker of one daemon of a stack: after a failure nothing is sent but one probe at a time, ever more rarely.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::error::CoreError;
use super::jitter::vary;

/// After this time a probe whose sender is gone is no longer waited for.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// What fails again after so long is no start.
const LASTING: Duration = Duration::from_millis(2400);
/// Openings within so long count together.
const RECENT: Duration = Duration::from_secs(60);
/// So many of them are more than a start.
const OFTEN: usize = 5;

/// Closed: requests flow. Open: nothing is sent before a moment. Half-open: one probe is under way.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    pause: Duration,
    closed_at: Option<Instant>,
    /// When it opened last, and when before: the last minute counts.
    opened: VecDeque<Instant>,
    sure: bool,
    first: Duration,
    longest: Duration,
    jitter: f64,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant, error: CoreError },
    HalfOpen { until: Instant, error: CoreError },
}

impl Breaker {
    pub(super) const fn new(first: Duration, longest: Duration, jitter: f64) -> Self {
        Self {
            state: State::Closed,
            pause: Duration::ZERO,
            closed_at: None,
            opened: VecDeque::new(),
            sure: false,
            first,
            longest,
            jitter,
        }
    }

    /// Why it is open and when to look again; `None`: closed.
    pub(super) fn open(&self) -> Option<(&CoreError, Instant)> {
        match &self.state {
            State::Closed => None,
            State::Open { until, error } | State::HalfOpen { until, error } => Some((error, *until)),
        }
    }

    /// 0 closed, 1 half-open, 2 open.
    pub(super) const fn number(&self) -> i64 {
        match self.state {
            State::Closed => 0,
            State::HalfOpen { .. } => 1,
            State::Open { .. } => 2,
        }
    }

    /// Something speaks for a recovery: the probe need not wait.
    pub(super) fn hasten(&mut self, now: Instant) {
        if let State::Open { until, .. } = &mut self.state {
            *until = (*until).min(now);
        }
    }

    /// Takes the one probe, if it is time for it.
    pub(super) fn take_probe(&mut self, now: Instant) -> bool {
        match &self.state {
            State::Open { until, error } | State::HalfOpen { until, error } if *until <= now => {
                self.state = State::HalfOpen {
                    until: now + PROBE_LIMIT,
                    error: error.clone(),
                };
                true
            }
            _ => false,
        }
    }

    /// A request failed in a way that says that the daemon is not there. Returns whether it was closed before.
    pub(super) fn failed(&mut self, error: &CoreError, now: Instant) -> bool {
        let was_closed = matches!(self.state, State::Closed);
        self.note_opening(was_closed, now);
        if let State::Open { until, .. } = self.state
            && until > now
        {
            // A request that was sent before it opened: no news.
            return false;
        }
        self.sure |= !error.kind.may_be_a_start() || self.is_lasting(now);
        // Closing for a moment only is not a recovery: the pause goes on to grow.
        let relapse = !was_closed || self.closed_at.is_some_and(|at| now < at + self.longest);
        self.pause = if relapse {
            (self.pause * 2).clamp(self.first, self.longest)
        } else {
            self.first
        };
        // What is not sure is to be sure soon.
        let pause = if self.sure {
            self.pause
        } else {
            self.pause.min(self.first * 2)
        };
        self.state = State::Open {
            until: now + vary(pause, self.jitter),
            error: error.clone(),
        };
        was_closed
    }

    fn note_opening(&mut self, was_closed: bool, now: Instant) {
        self.opened.retain(|at| now < *at + RECENT);
        if was_closed {
            self.opened.push_back(now);
        }
    }

    /// Whether it failed again some time after it opened, or opened again and again.
    fn is_lasting(&self, now: Instant) -> bool {
        let lasts = self.opened.back().is_none_or(|at| now >= *at + LASTING);
        lasts || self.opened.len() >= OFTEN
    }

    /// Whether what fails is more than a start: a daemon, or the front, that is started again is away for moments.
    pub(super) const fn is_sure(&self) -> bool {
        self.sure
    }

    /// A request was answered by the daemon. Returns whether it was open before.
    pub(super) fn succeeded(&mut self, now: Instant) -> bool {
        let was_open = !matches!(self.state, State::Closed);
        if was_open {
            self.closed_at = Some(now);
            self.sure = false;
            self.state = State::Closed;
        }
        was_open
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::Breaker;
    use crate::core::error::{CoreError, CoreErrorKind};
    use crate::core::facts::Daemon;

    fn refused() -> CoreError {
        CoreError {
            daemon: Daemon::Confd,
            operation: "GET /status".into(),
            kind: CoreErrorKind::Refused,
            trace_id: String::new(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn while_open_one_probe_at_a_time_goes_out_ever_more_rarely() {
        let mut breaker = Breaker::new(Duration::from_secs(1), Duration::from_secs(30), 0.0);
        let mut now = Instant::now();
        assert!(breaker.open().is_none());
        assert!(breaker.failed(&refused(), now));
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let (_, until) = breaker.open().unwrap();
            assert!(!breaker.take_probe(until - Duration::from_millis(1)));
            pauses.push((until - now).as_secs());
            now = until;
            assert!(breaker.take_probe(now));
            assert!(!breaker.take_probe(now), "a second probe while one is under way");
            assert!(!breaker.failed(&refused(), now));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert!(breaker.succeeded(now));
        assert!(breaker.open().is_none());
    }

    #[test]
    fn a_relapse_goes_on_where_it_was_and_a_lasting_recovery_starts_again() {
        let mut breaker = Breaker::new(Duration::from_secs(1), Duration::from_secs(30), 0.0);
        let start = Instant::now();
        breaker.failed(&refused(), start);
        breaker.succeeded(start + Duration::from_secs(1));
        let relapse = start + Duration::from_secs(2);
        breaker.failed(&refused(), relapse);
        assert_eq!(breaker.open().unwrap().1 - relapse, Duration::from_secs(2));
        breaker.succeeded(start + Duration::from_secs(4));
        let later = start + Duration::from_secs(60);
        breaker.failed(&refused(), later);
        assert_eq!(breaker.open().unwrap().1 - later, Duration::from_secs(1));
    }

    #[test]
    fn a_probe_whose_sender_is_gone_is_not_waited_for() {
        let mut breaker = Breaker::new(Duration::from_secs(1), Duration::from_secs(30), 0.0);
        let start = Instant::now();
        breaker.failed(&refused(), start);
        assert!(breaker.take_probe(start + Duration::from_secs(1)));
        assert!(breaker.take_probe(start + Duration::from_secs(60)));
    }

    #[test]
    fn what_may_only_be_starting_again_is_sure_when_it_lasts_or_comes_again_and_again() {
        let mut breaker = Breaker::new(Duration::from_secs(1), Duration::from_secs(30), 0.0);
        let start = Instant::now();
        breaker.failed(&refused(), start);
        assert!(!breaker.is_sure(), "a restart");
        breaker.take_probe(start + Duration::from_secs(1));
        breaker.failed(&refused(), start + Duration::from_secs(1));
        assert!(!breaker.is_sure());
        breaker.take_probe(start + Duration::from_secs(3));
        breaker.failed(&refused(), start + Duration::from_secs(3));
        assert!(breaker.is_sure());
        breaker.succeeded(start + Duration::from_secs(5));
        assert!(!breaker.is_sure());
        for second in 100..105 {
            assert!(!breaker.is_sure(), "{second}");
            breaker.failed(&refused(), start + Duration::from_secs(second));
            assert_eq!(breaker.is_sure(), second == 104, "{second}");
            breaker.succeeded(start + Duration::from_secs(second));
        }
        let expired = CoreError {
            kind: CoreErrorKind::CertificateExpired,
            ..refused()
        };
        breaker.failed(&expired, start + Duration::from_secs(300));
        assert!(breaker.is_sure(), "no start does that");
    }
}

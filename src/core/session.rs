//! The session of one core: a token, when to renew it, and when a login may be tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::facts::Daemon;
use super::jitter::{doubled, vary};
use super::settings::Intervals;
use crate::secret::Secret;

/// The state of the session. It sends nothing itself.
#[derive(Debug, Default)]
pub(super) struct Session {
    live: Option<Live>,
    /// Counts the logins, so that a refusal of an older token does not end a newer one.
    number: u64,
    not_before: Option<Instant>,
    failures: u32,
    /// How often, by daemon, a token was refused in a row without being accepted in between.
    refusals: BTreeMap<Daemon, u32>,
    /// The last login was answered with a server error: it may have made a token that nobody knows.
    cautious: bool,
}

#[derive(Debug)]
struct Live {
    token: Secret,
    made_at: Instant,
    renew_at: Instant,
}

/// A token with the number of its login.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) secret: Secret,
    pub(super) number: u64,
}

/// What to do about a refused token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was an older one: use the newer.
    Outdated,
    /// Log in again.
    LogIn,
    /// A fresh token was refused: the session has failed, and a login is tried after a pause.
    Failed,
}

impl Session {
    /// The token in use.
    pub(super) fn token(&self) -> Option<Token> {
        let live = self.live.as_ref()?;
        Some(Token {
            secret: live.token.clone(),
            number: self.number,
        })
    }

    /// When a login is due: now, when the token is to be renewed, or when the pause after a failure ends.
    pub(super) fn login_at(&self, now: Instant) -> Instant {
        let wanted = self.live.as_ref().map_or(now, |live| live.renew_at);
        self.not_before
            .map_or(wanted, |not_before| wanted.max(not_before))
    }

    /// The life to ask for.
    pub(super) const fn life(&self, intervals: &Intervals) -> Duration {
        if self.cautious {
            intervals.short_token_life
        } else {
            intervals.token_life
        }
    }

    /// A login succeeded with a token that lives for `life`. Returns the token that it replaces.
    pub(super) fn logged_in(&mut self, token: Secret, life: Duration, now: Instant) -> Option<Secret> {
        self.number += 1;
        self.not_before = None;
        self.failures = 0;
        self.cautious = false;
        let renew_at = now + life.mul_f64(0.8);
        self.live
            .replace(Live {
                token,
                made_at: now,
                renew_at,
            })
            .map(|old| old.token)
    }

    /// A login failed; the next one is not made before a pause: that of `rejected` for credentials that were
    /// rejected, of `sessions` for too many sessions, else a doubling one.
    pub(super) fn login_failed(&mut self, pause: LoginPause, intervals: &Intervals, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.cautious |= pause == LoginPause::ServerError;
        let pause = match pause {
            LoginPause::Rejected => intervals.credentials_backoff,
            LoginPause::Sessions => intervals.sessions_backoff,
            LoginPause::Breaker => Duration::ZERO,
            LoginPause::ServerError | LoginPause::Other => {
                doubled(intervals.first_backoff, intervals.longest_backoff, self.failures)
            }
        };
        self.not_before = Some(now + vary(pause, intervals.jitter));
    }

    /// `daemon` took the token.
    pub(super) fn accepted(&mut self, daemon: Daemon) {
        self.refusals.remove(&daemon);
    }

    /// `daemon` does not know the token.
    pub(super) fn refused(
        &mut self,
        token: &Token,
        daemon: Daemon,
        intervals: &Intervals,
        now: Instant,
    ) -> Refusal {
        if token.number != self.number || self.live.is_none() {
            return Refusal::Outdated;
        }
        self.live = None;
        let row = self.refusals.entry(daemon).or_default();
        *row += 1;
        if *row < 2 {
            return Refusal::LogIn;
        }
        self.not_before = Some(now + vary(intervals.sessions_backoff, intervals.jitter));
        Refusal::Failed
    }

    /// Makes a login due if the token was made longer ago than `age`. Returns whether one is due now.
    pub(super) fn renew_if_older(&mut self, age: Duration, now: Instant) -> bool {
        if let Some(live) = &mut self.live
            && now >= live.made_at + age
        {
            live.renew_at = live.renew_at.min(now);
        }
        self.login_at(now) <= now
    }

    /// Ends the session and forgets its failures. Returns the token to delete.
    pub(super) fn end(&mut self) -> Option<Secret> {
        let old = std::mem::take(self);
        self.number = old.number + 1;
        self.cautious = old.cautious;
        old.live.map(|live| live.token)
    }
}

/// How long to wait after a login that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginPause {
    /// The credentials are rejected: never hammer.
    Rejected,
    /// The account has too many sessions.
    Sessions,
    /// The daemon is not there: the breaker says when.
    Breaker,
    /// A server error: the token may have been made all the same.
    ServerError,
    /// Anything else.
    Other,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{LoginPause, Refusal, Session};
    use crate::core::facts::Daemon::{Auth, Confd};
    use crate::core::settings::Intervals;
    use crate::secret::Secret;

    const LIFE: Duration = Duration::from_secs(7200);

    fn intervals() -> Intervals {
        Intervals {
            jitter: 0.0,
            ..Intervals::default()
        }
    }

    #[test]
    fn a_token_is_renewed_at_four_fifths_of_its_life_and_the_old_one_returned() {
        let (mut session, now) = (Session::default(), Instant::now());
        assert_eq!(session.login_at(now), now);
        assert_eq!(session.logged_in(Secret::new("a"), LIFE, now), None);
        assert_eq!(session.login_at(now) - now, Duration::from_secs(5760));
        assert_eq!(
            session.logged_in(Secret::new("b"), LIFE, now),
            Some(Secret::new("a"))
        );
        assert_eq!(session.end(), Some(Secret::new("b")));
        assert!(session.token().is_none());
    }

    #[test]
    fn a_refused_token_is_replaced_once_and_then_paused() {
        let (mut session, now, intervals) = (Session::default(), Instant::now(), intervals());
        session.logged_in(Secret::new("a"), LIFE, now);
        let first = session.token().unwrap();
        session.accepted(Confd);
        assert_eq!(session.refused(&first, Confd, &intervals, now), Refusal::LogIn);
        assert_eq!(session.login_at(now), now);
        session.logged_in(Secret::new("b"), LIFE, now);
        assert_eq!(session.refused(&first, Confd, &intervals, now), Refusal::Outdated);
        session.accepted(Auth);
        let second = session.token().unwrap();
        assert_eq!(session.refused(&second, Confd, &intervals, now), Refusal::Failed);
        assert_eq!(session.login_at(now) - now, intervals.sessions_backoff);
    }

    #[test]
    fn rejected_credentials_are_not_hammered_and_server_errors_ask_for_a_short_life() {
        let (mut session, now, intervals) = (Session::default(), Instant::now(), intervals());
        session.login_failed(LoginPause::Rejected, &intervals, now);
        assert_eq!(session.login_at(now) - now, intervals.credentials_backoff);
        assert_eq!(session.life(&intervals), intervals.token_life);
        session.login_failed(LoginPause::ServerError, &intervals, now);
        assert_eq!(session.life(&intervals), intervals.short_token_life);
        session.end();
        assert_eq!(session.login_at(now), now, "other credentials are tried at once");
    }
}

//! Our link to one core: its settings, facts, wishes and session, and the one way in which requests are sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use uuid::Uuid;

use super::account::AccountBook;
use super::classify::{Answer, classify};
use super::error::{CoreError, CoreErrorKind};
use super::facts::{CoreFacts, Daemon, SessionFact, THROTTLED_SECONDS};
use super::grave::Grave;
use super::metrics::Metrics;
use super::outside::Outside;
use super::pace::Pace;
use super::request::{Ask, Credential, Route, Trace, build};
use super::session::{Refusal, Session, Token};
use super::settings::{CoreSettings, Intervals};
use super::stack::Stack;
use super::user_apps::Original;
use super::wishes::WishBook;
use crate::keys::{CoreKey, PluginKey, Wake, Waker};

/// What all links share.
pub(super) struct Shared {
    pub(super) intervals: Intervals,
    pub(super) metrics: Metrics,
    pub(super) grave: Grave,
    pub(super) outside: Outside,
    pub(super) waker: Waker,
}

/// Our link to one core.
pub(super) struct Link {
    pub(super) key: CoreKey,
    pub(super) shared: Arc<Shared>,
    pub(super) auth_wake: Notify,
    pub(super) confd_wake: Notify,
    pub(super) others_wake: Notify,
    pub(super) phase: watch::Sender<Phase>,
    state: Mutex<State>,
}

/// Whether the actor of a link works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No settings yet, or suspended.
    Idle,
    /// At work; another number is another start.
    Running(u64),
    /// Never again.
    Ended,
}

/// What a link aims at.
pub(super) struct Aim {
    pub(super) settings: CoreSettings,
    pub(super) stack: Arc<Stack>,
}

/// What is known and wanted.
pub(super) struct State {
    pub(super) aim: Option<Arc<Aim>>,
    pub(super) facts: Arc<CoreFacts>,
    pub(super) wishes: WishBook,
    pub(super) accounts: AccountBook,
    pub(super) session: Session,
    pub(super) rights: Rights,
    /// The stack that this process works with.
    pub(super) stack: Option<Uuid>,
    /// The stack that answered last.
    pub(super) answering: Option<Uuid>,
    /// Daemons that gave an answer that asks for a look at their health before its time.
    pub(super) suspects: BTreeSet<Daemon>,
    /// The first of the refusals for coming too fast since anything else was answered.
    pub(super) throttled_since: Option<Timestamp>,
    /// How fast the daemons answer reads.
    pub(super) paces: BTreeMap<Daemon, Pace>,
    /// The tenant's application that copies for users were last made of.
    pub(super) original: Option<Original>,
}

impl State {
    /// Changes the facts. Returns whether a reader sees a difference; then their mark is another, too.
    pub(super) fn change_facts(&mut self, change: impl FnOnce(&mut CoreFacts)) -> bool {
        let before = self.facts.clone();
        let facts = Arc::make_mut(&mut self.facts);
        change(facts);
        let differs = !facts.shows_like(&before);
        facts.mark = before.mark + u64::from(differs);
        differs
    }
}

/// When the account's rights are asked.
#[derive(Debug)]
pub(super) struct Rights {
    /// They were asked of this session, or it was tried: work may begin.
    pub(super) asked: bool,
    /// When to ask next.
    pub(super) ask_at: Instant,
    /// The trace of the last answer.
    pub(super) trace_id: String,
}

/// Why a request was not answered.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// There is no session, or it ended just now: try again when there is one.
    NoSession,
    /// It failed.
    Failed(CoreError),
}

impl From<CoreError> for Trouble {
    fn from(error: CoreError) -> Self {
        Self::Failed(error)
    }
}

/// An answer with the trace of its request.
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) trace_id: String,
}

impl Link {
    pub(super) fn new(key: CoreKey, shared: Arc<Shared>) -> Self {
        Self {
            key,
            shared,
            auth_wake: Notify::new(),
            confd_wake: Notify::new(),
            others_wake: Notify::new(),
            phase: watch::Sender::new(Phase::Idle),
            state: Mutex::new(State {
                aim: None,
                facts: Arc::new(CoreFacts::unknown()),
                wishes: WishBook::default(),
                accounts: AccountBook::default(),
                session: Session::default(),
                rights: Rights {
                    asked: false,
                    ask_at: Instant::now(),
                    trace_id: String::new(),
                },
                stack: None,
                answering: None,
                suspects: BTreeSet::new(),
                paces: BTreeMap::new(),
                throttled_since: None,
                original: None,
            }),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn intervals(&self) -> &Intervals {
        &self.shared.intervals
    }

    /// Changes the facts, and wakes the core's readers if the change can be seen.
    pub(super) fn change_facts(&self, change: impl FnOnce(&mut CoreFacts)) {
        if self.state().change_facts(change) {
            self.wake_core();
        }
    }

    pub(super) fn wake_core(&self) {
        self.wake(Wake::Core(self.key.clone()));
    }

    pub(super) fn wake_plugins(&self, plugins: BTreeSet<PluginKey>) {
        for plugin in plugins {
            self.wake(Wake::Plugin(plugin));
        }
    }

    fn wake(&self, wake: Wake) {
        // The receiver is gone at shutdown only.
        self.shared.waker.send(wake).ok();
    }

    /// Asks for a look at the daemon's health before its time.
    pub(super) fn suspect(&self, daemon: Daemon) {
        self.state().suspects.insert(daemon);
        self.waker_of(daemon).notify_one();
    }

    pub(super) const fn waker_of(&self, daemon: Daemon) -> &Notify {
        match daemon {
            Daemon::Auth => &self.auth_wake,
            Daemon::Confd => &self.confd_wake,
            _ => &self.others_wake,
        }
    }

    /// An error of ours about a request, as of now.
    pub(super) fn error(route: Route, kind: CoreErrorKind, trace_id: String) -> CoreError {
        let row = route.row();
        CoreError {
            daemon: row.daemon,
            operation: row.operation.into(),
            kind,
            trace_id,
            at: Timestamp::now(),
        }
    }

    /// Sends one request with the session's token.
    pub(super) async fn ask(&self, aim: &Aim, ask: &Ask) -> Result<Reply, Trouble> {
        let Some(token) = self.state().session.token() else {
            return Err(Trouble::NoSession);
        };
        if ask.route.writes() && !self.is_known_stack() {
            // It turned out between the reading and the writing.
            return Err(Trouble::NoSession);
        }
        let daemon = ask.route.row().daemon;
        let credential = if ask.route.takes_token_in_path() {
            Credential::Path(token.secret.clone())
        } else {
            Credential::Token(token.secret.clone())
        };
        let reply = self.send(aim, ask, &credential).await?;
        if reply.answer == Answer::TokenUnknown {
            self.token_refused(&token, ask.route, reply.trace_id);
            return Err(Trouble::NoSession);
        }
        self.state().session.accepted(daemon);
        Ok(reply)
    }

    /// A daemon does not know the token.
    pub(super) fn token_refused(&self, token: &Token, route: Route, trace_id: String) {
        let daemon = route.row().daemon;
        let refusal = self
            .state()
            .session
            .refused(token, daemon, self.intervals(), Instant::now());
        match refusal {
            Refusal::Outdated => {}
            Refusal::LogIn => {
                tracing::info!(core = %self.key, daemon = daemon.name(), "the token is not known any more");
                self.auth_wake.notify_one();
            }
            Refusal::Failed => {
                let error = Self::error(route, CoreErrorKind::TokenRefused, trace_id);
                tracing::warn!(core = %self.key, %error);
                self.session_failed(error);
                self.auth_wake.notify_one();
            }
        }
    }

    pub(super) fn session_failed(&self, error: CoreError) {
        self.change_facts(|facts| {
            let previous = match &facts.session {
                SessionFact::Failed(previous) => Some(previous),
                _ => None,
            };
            facts.session = SessionFact::Failed(error.after(previous));
        });
    }

    /// Sends one request and says what its answer means. A daemon that is not there opens its breaker.
    pub(super) async fn send(
        &self,
        aim: &Aim,
        ask: &Ask,
        credential: &Credential,
    ) -> Result<Reply, CoreError> {
        let first = self.send_once(aim, ask, credential).await;
        let broke = matches!(&first, Err(error) if error.kind == CoreErrorKind::Broken);
        let outcome = if broke && ask.route.row().method == http::Method::GET {
            // A connection that was kept open can break for no other reason than that it was idle.
            self.send_once(aim, ask, credential).await
        } else {
            first
        };
        self.note_throttling(outcome.as_ref().err());
        if let Err(error) = &outcome {
            self.note_failure(aim, error);
        }
        outcome
    }

    /// Whether requests are refused for coming too fast, and nothing else is.
    fn note_throttling(&self, error: Option<&CoreError>) {
        let refused = error.is_some_and(|error| error.kind == CoreErrorKind::Throttled);
        let mut state = self.state();
        let since = if refused {
            let now = Timestamp::now();
            let since = *state.throttled_since.get_or_insert(now);
            (now.as_second() - since.as_second() >= THROTTLED_SECONDS).then_some(since)
        } else {
            state.throttled_since = None;
            None
        };
        drop(state);
        if self.state().facts.throttled != since {
            self.change_facts(|facts| facts.throttled = since);
        }
    }

    fn note_failure(&self, aim: &Aim, error: &CoreError) {
        let elsewhere = self.shared.outside.beside(aim.stack.url.host());
        self.change_facts(|facts| facts.elsewhere = elsewhere);
        if error.kind == CoreErrorKind::Throttled {
            aim.stack.limiter.hold(Duration::from_secs(2));
        } else if error.kind.is_absence() {
            self.daemon_failed(aim, error);
            // What is in front of both is likely to be away for both.
            match (error.daemon, &error.kind) {
                (Daemon::Auth, CoreErrorKind::AuthUnreachable) | (_, CoreErrorKind::DaemonDown(_)) => {}
                (Daemon::Auth, _) => self.suspect(Daemon::Confd),
                (_, _) => self.suspect(Daemon::Auth),
            }
        } else if !matches!(
            error.kind,
            CoreErrorKind::CredentialsRejected | CoreErrorKind::TenantRefused
        ) {
            self.suspect(error.daemon);
        }
    }

    pub(super) async fn send_once(
        &self,
        aim: &Aim,
        ask: &Ask,
        credential: &Credential,
    ) -> Result<Reply, CoreError> {
        let row = ask.route.row();
        aim.stack.limiter.turn().await;
        let trace = Trace::new();
        let request = build(&aim.stack.url, ask, credential, &trace);
        let started = Instant::now();
        let outcome = aim.stack.wire.call(request).await;
        let took = started.elapsed();
        let status = outcome.as_ref().map_or(0, |answer| answer.status().as_u16());
        let meaning = match outcome {
            Ok(answer) => classify(ask.route, answer.status(), answer.headers(), answer.body()),
            Err(error) => Err(error.into()),
        };
        let word = match &meaning {
            Ok(answer) => word(answer),
            Err(kind) => kind.word(),
        };
        self.shared
            .metrics
            .request(&self.key, row.daemon, row.operation, word, took);
        if meaning.is_ok() {
            self.shared.outside.answered(aim.stack.url.host());
            if row.method == http::Method::GET {
                self.note_pace(row.daemon, took);
            }
        }
        tracing::debug!(
            core = %self.key,
            daemon = row.daemon.name(),
            operation = row.operation,
            status,
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            trace_id = %trace.id,
            outcome = word,
        );
        match meaning {
            Ok(answer) => Ok(Reply {
                answer,
                trace_id: trace.id,
            }),
            Err(kind) => Err(Self::error(ask.route, kind, trace.id)),
        }
    }
}

const fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Good(_) => "ok",
        Answer::NotFound => "not_found",
        Answer::AlreadyExists => "already_exists",
        Answer::TokenUnknown => "token_unknown",
        Answer::Forbidden => "forbidden",
    }
}

//! The work on one core: two loops, one for each daemon, that do one thing after the other. All requests to a daemon
//! of one core go one by one; nothing is spawned.

use std::future::Future;
use std::time::Duration;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::account;
use super::auth::{ask_rights, log_in};
use super::facts::{Daemon, ServiceState, SessionFact};
use super::health::{look_at_auth, look_at_confd};
use super::jitter::vary;
use super::lane::carry_out;
use super::link::{Aim, Link, Phase};
use super::others;
use super::snapshot::Snapshot;
use super::tenants;
use crate::keys::PluginKey;

/// How soon a daemon that gave a strange answer is looked at again, at the earliest.
const SUSPECT_PAUSE: Duration = Duration::from_secs(2);
/// How soon it is looked again whether another core's probe is over.
const PROBE_PAUSE: Duration = Duration::from_millis(500);

/// Works on the core until it is removed.
pub(super) async fn live(link: Arc<Link>) {
    let mut phase = link.phase.subscribe();
    loop {
        let now = *phase.borrow_and_update();
        match now {
            Phase::Ended => return,
            Phase::Idle => {
                phase.changed().await.ok();
            }
            Phase::Running(_) => {
                tokio::select! {
                    biased;
                    _ = phase.changed() => {}
                    () = auth_loop(&link) => {}
                    () = confd_loop(&link) => {}
                    () = others::watch(&link) => {}
                }
            }
        }
    }
}

/// Waits until `at`, or for a wake.
pub(super) async fn rest(wake: &Notify, at: Option<Instant>) {
    let pause = async {
        match at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wake.notified() => {}
        () = pause => {}
    }
}

/// What one look at the daemon's turn says.
struct Turn {
    daemon: Daemon,
    look_at: Instant,
    looked: Option<Instant>,
}

impl Turn {
    fn new(daemon: Daemon) -> Self {
        Self {
            daemon,
            look_at: Instant::now(),
            looked: None,
        }
    }

    /// While the breaker is open: sends the probe or waits for its time. Returns whether it was open.
    async fn probe<F: Future<Output = ()>>(
        &mut self,
        link: &Link,
        aim: &Aim,
        look: impl FnOnce() -> F,
    ) -> bool {
        let now = Instant::now();
        let (error, until) = match aim.stack.breaker(self.daemon).open() {
            Some((error, until)) => (error.clone(), until),
            None => return false,
        };
        if link
            .state()
            .facts
            .services
            .get(&self.daemon)
            .is_some_and(|it| it.state != ServiceState::Down)
        {
            // Another core of the stack found it.
            link.daemon_down(&aim.stack, &error);
        }
        let unasked = matches!(link.state().facts.session, SessionFact::Pending);
        if self.daemon == Daemon::Auth && unasked {
            // No login is tried now, and why is known.
            link.session_failed(error);
            link.confd_wake.notify_one();
        }
        let probing = aim.stack.breaker(self.daemon).take_probe(now);
        link.show_breaker(aim, self.daemon);
        if probing {
            self.note_look(link);
            look().await;
        } else {
            sleep_until(until.min(now + PROBE_PAUSE).max(now + Duration::from_millis(1))).await;
        }
        true
    }

    /// Whether it is time for a look at the daemon.
    fn is_due(&mut self, link: &Link) -> bool {
        if link.state().suspects.remove(&self.daemon) {
            let soonest = self
                .looked
                .map_or_else(Instant::now, |looked| looked + SUSPECT_PAUSE);
            self.look_at = self.look_at.min(soonest);
        }
        self.look_at <= Instant::now()
    }

    fn note_look(&mut self, link: &Link) {
        let now = Instant::now();
        self.looked = Some(now);
        self.look_at = now + vary(link.intervals().health, link.intervals().jitter);
        link.state().suspects.remove(&self.daemon);
    }
}

async fn auth_loop(link: &Link) {
    let mut turn = Turn::new(Daemon::Auth);
    let mut tenants_at = Instant::now();
    loop {
        let Some(aim) = link.state().aim.clone() else {
            return;
        };
        if turn.probe(link, &aim, || look_at_auth(link, &aim)).await {
            continue;
        }
        let now = Instant::now();
        let (login_at, rights_at) = {
            let state = link.state();
            let rights_at = state.session.token().map(|_| state.rights.ask_at);
            (state.session.login_at(now), rights_at)
        };
        if login_at <= now {
            // A login is a look at the daemon, too.
            turn.note_look(link);
            log_in(link, &aim).await;
        } else if rights_at.is_some_and(|at| at <= now) {
            if lacks_rights(link) && renew(link, now) {
                continue;
            }
            ask_rights(link, &aim).await;
        } else if turn.is_due(link) {
            turn.note_look(link);
            look_at_auth(link, &aim).await;
        } else if needs_tenants(link) && tenants_at <= now {
            tenants_at = now + vary(link.intervals().snapshot, link.intervals().jitter);
            tenants::read(link, &aim).await;
        } else if let Some(plugin) = next_account(link, now) {
            account::work(link, &aim, &plugin).await;
        } else {
            let tenants_at = needs_tenants(link).then_some(tenants_at);
            let account_at = {
                let state = link.state();
                state.accounts.next_at().filter(|_| lets_work(&state))
            };
            let at = rights_at
                .into_iter()
                .chain(account_at)
                .chain(tenants_at)
                .chain([login_at, turn.look_at])
                .min();
            rest(&link.auth_wake, at).await;
        }
    }
}

/// Whether accounts may be worked on: there is a session, its rights were asked, and the stack is the one that is known.
fn lets_work(state: &super::link::State) -> bool {
    state.session.token().is_some() && state.rights.asked && state.facts.stack_changed.is_none()
}

/// The plugin whose account is to be worked on, where the session lets it.
fn next_account(link: &Link, now: Instant) -> Option<PluginKey> {
    let mut state = link.state();
    if !lets_work(&state) {
        return None;
    }
    state.accounts.next(now)
}

/// Whether a plugin needs to know the tenants, and they can be asked for.
fn needs_tenants(link: &Link) -> bool {
    let state = link.state();
    state.session.token().is_some() && state.wishes.interests.tenants()
}

fn lacks_rights(link: &Link) -> bool {
    let state = link.state();
    let facts = &state.facts;
    facts.tenant_refused
        || !facts.missing_for_places.is_empty()
        || facts
            .missing_permissions
            .as_ref()
            .is_some_and(|missing| !missing.is_empty())
}

/// A token keeps the rights that it was made with: a new one shows what was granted since. Not more often than the
/// rights are asked.
fn renew(link: &Link, now: Instant) -> bool {
    let pause = link.intervals().missing_rights;
    link.state().session.renew_if_older(pause / 2, now)
}

async fn confd_loop(link: &Link) {
    let mut turn = Turn::new(Daemon::Confd);
    let mut snapshot_at = Instant::now();
    let mut snapshot = Snapshot::default();
    loop {
        let Some(aim) = link.state().aim.clone() else {
            return;
        };
        if turn.probe(link, &aim, || look_at_confd(link, &aim)).await {
            continue;
        }
        let now = Instant::now();
        let (pending, ready) = {
            let state = link.state();
            let pending = matches!(state.facts.session, SessionFact::Pending);
            let ready =
                state.session.token().is_some() && state.rights.asked && state.facts.stack_changed.is_none();
            (pending, ready)
        };
        if pending {
            // The login under way says enough about the stack.
            rest(&link.confd_wake, None).await;
            continue;
        }
        if turn.is_due(link) {
            turn.note_look(link);
            look_at_confd(link, &aim).await;
            continue;
        }
        let mut next_at = Some(turn.look_at);
        if ready {
            if let Some(user) = tenants::unknown_user(link) {
                tenants::read_user(link, &aim, user).await;
                if link.state().facts.users.contains_key(&user) {
                    continue;
                }
            }
            let together = link.state().wishes.wants_reading();
            let app = if together {
                None
            } else {
                link.state().wishes.next(now)
            };
            if let Some(app) = app {
                carry_out(link, &aim, &app).await;
                continue;
            }
            if together || snapshot_at <= now {
                snapshot_at = now + vary(link.intervals().snapshot, link.intervals().jitter);
                snapshot = Snapshot::begin(link);
            }
            if snapshot.go_on(link, &aim).await {
                continue;
            }
            next_at = next_at
                .into_iter()
                .chain(link.state().wishes.next_at())
                .chain([snapshot_at])
                .min();
        }
        rest(&link.confd_wake, next_at).await;
    }
}

//! What can go wrong on purpose.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::journal::Daemon;
use crate::stranger::Stranger;

/// The number of an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FaultId(pub u64);

/// A fault with its limits: which requests it meets, and how many of them.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    daemon: Option<Daemon>,
    method: Option<String>,
    path: Option<String>,
    tenant: Option<String>,
    times: Option<u32>,
}

#[derive(Clone, Debug)]
enum Kind {
    DaemonDown,
    PostgresqlDown,
    RabbitmqDown(Duration),
    Latency(Duration, bool),
    Hang(bool),
    Reset(bool),
    Answer(u16, String, String),
    Stranger(Stranger, bool),
    Unauthorized,
    Refuse,
}

impl Fault {
    fn of(kind: Kind, daemon: Option<Daemon>) -> Self {
        Self {
            kind,
            daemon,
            method: None,
            path: None,
            tenant: None,
            times: None,
        }
    }

    /// A daemon is not there: the front answers 502 (HTML). With wazo-auth away confd answers 503.
    #[must_use]
    pub fn daemon_down(daemon: Daemon) -> Self {
        Self::of(Kind::DaemonDown, Some(daemon))
    }

    /// PostgreSQL is away: wazo-auth answers 500 (HEAD status still 200), confd 503. Limited to confd it is only
    /// confd's own database: 500.
    #[must_use]
    pub fn postgresql_down() -> Self {
        Self::of(Kind::PostgresqlDown, None)
    }

    /// RabbitMQ is away: what the bus is told of answers 500 after a delay, WITH its effect; confd's status says so.
    #[must_use]
    pub fn rabbitmq_down(delay: Duration) -> Self {
        Self::of(Kind::RabbitmqDown(delay), None)
    }

    /// Requests take longer; the effect comes after the delay.
    #[must_use]
    pub fn latency(delay: Duration) -> Self {
        Self::of(Kind::Latency(delay, false), None)
    }

    /// Requests take longer; the effect comes first, only the answer is late.
    #[must_use]
    pub fn late_answer(delay: Duration) -> Self {
        Self::of(Kind::Latency(delay, true), None)
    }

    /// Requests hang without an effect until the fault is cleared; then they complete, asked for or not.
    #[must_use]
    pub fn hang() -> Self {
        Self::of(Kind::Hang(false), None)
    }

    /// Requests have their effect, and their answer hangs until the fault is cleared.
    #[must_use]
    pub fn hang_after_effect() -> Self {
        Self::of(Kind::Hang(true), None)
    }

    /// The connection is reset; nothing happened.
    #[must_use]
    pub fn reset_before_effect() -> Self {
        Self::of(Kind::Reset(false), None)
    }

    /// The connection is reset after the request had its effect.
    #[must_use]
    pub fn reset_after_effect() -> Self {
        Self::of(Kind::Reset(true), None)
    }

    /// Something else answers: any status, content type and body; no effect.
    #[must_use]
    pub fn answer(status: u16, content_type: &str, body: &str) -> Self {
        Self::of(
            Kind::Answer(status, content_type.to_owned(), body.to_owned()),
            None,
        )
    }

    /// A stranger acts right before a request takes effect: on PUT, between our last GET and our PUT.
    #[must_use]
    pub fn stranger_before(stranger: Stranger) -> Self {
        Self::of(Kind::Stranger(stranger, false), None)
    }

    /// A stranger acts right after a request took effect.
    #[must_use]
    pub fn stranger_after(stranger: Stranger) -> Self {
        Self::of(Kind::Stranger(stranger, true), None)
    }

    /// The daemons find that the token lacks the right (or the tenant): 401 in their own words, no effect.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::of(Kind::Unauthorized, None)
    }

    /// The whole stack refuses connections: nothing listens on its port, open connections are cut.
    #[must_use]
    pub fn refuse_connections() -> Self {
        Self::of(Kind::Refuse, None)
    }

    /// Only requests of this method (any if empty) whose path at the front starts like this.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = (!method.is_empty()).then(|| method.to_ascii_uppercase());
        self.path = (!path.is_empty()).then(|| path.to_owned());
        self
    }

    /// Only requests to this daemon.
    #[must_use]
    pub fn of_daemon(mut self, daemon: Daemon) -> Self {
        self.daemon = Some(daemon);
        self
    }

    /// Only requests for this tenant: that of `Wazo-Tenant`, else that of the token. A list with `recurse=true`
    /// is for the one tenant that it names.
    #[must_use]
    pub fn of_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    /// Only the next so many requests; then the fault is gone by itself.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The name of the fault, as the journal and the admin interface write it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.kind {
            Kind::DaemonDown => "daemon_down",
            Kind::PostgresqlDown => "postgresql_down",
            Kind::RabbitmqDown(_) => "rabbitmq_down",
            Kind::Latency(_, false) => "latency",
            Kind::Latency(_, true) => "late_answer",
            Kind::Hang(false) => "hang",
            Kind::Hang(true) => "hang_after_effect",
            Kind::Reset(false) => "reset_before_effect",
            Kind::Reset(true) => "reset_after_effect",
            Kind::Answer(..) => "answer",
            Kind::Stranger(_, false) => "stranger_before",
            Kind::Stranger(_, true) => "stranger_after",
            Kind::Unauthorized => "unauthorized",
            Kind::Refuse => "refuse_connections",
        }
    }

    pub(crate) fn refuses(&self) -> bool {
        matches!(self.kind, Kind::Refuse)
    }

    fn meets(&self, daemon: Option<Daemon>, method: &str, path: &str, tenant: Option<&str>) -> bool {
        // A daemon that is away is away for every method; the others are told apart by path and method.
        self.daemon.is_none_or(|of| Some(of) == daemon)
            && self.method.as_ref().is_none_or(|of| of == method)
            && self.path.as_ref().is_none_or(|of| path.starts_with(of.as_str()))
            && self.tenant.as_deref().is_none_or(|of| Some(of) == tenant)
    }
}

/// What stands at the moment, for the admin interface.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// Its number.
    pub id: FaultId,
    /// Its name.
    pub fault: &'static str,
    /// The daemon it is limited to.
    pub daemon: Option<Daemon>,
    /// The method it is limited to.
    pub method: Option<String>,
    /// The start of the paths it is limited to.
    pub path: Option<String>,
    /// The tenant it is limited to.
    pub tenant: Option<String>,
    /// How many requests it will still meet; none means all.
    pub times: Option<u32>,
}

/// All that the faults do to one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) names: Vec<&'static str>,
    pub(crate) down: bool,
    pub(crate) auth_away: bool,
    pub(crate) database_away: bool,
    /// Only confd's own; wazo-auth still has one.
    pub(crate) own_database_away: bool,
    pub(crate) bus_away: bool,
    pub(crate) unauthorized: bool,
    pub(crate) bus_delay: Duration,
    pub(crate) before: Duration,
    pub(crate) after: Duration,
    pub(crate) hang_before: Option<FaultId>,
    pub(crate) hang_after: Option<FaultId>,
    pub(crate) reset_before: bool,
    pub(crate) reset_after: bool,
    pub(crate) answer: Option<(u16, String, String)>,
    pub(crate) strangers_before: Vec<Stranger>,
    pub(crate) strangers_after: Vec<Stranger>,
}

/// The faults that stand.
#[derive(Debug)]
pub(crate) struct Table {
    standing: Mutex<(u64, Vec<(FaultId, Fault)>)>,
    changed: watch::Sender<u64>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            standing: Mutex::new((0, Vec::new())),
            changed: watch::Sender::new(0),
        }
    }

    fn standing(&self) -> MutexGuard<'_, (u64, Vec<(FaultId, Fault)>)> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn inject(&self, fault: Fault) -> FaultId {
        let mut standing = self.standing();
        standing.0 += 1;
        let id = FaultId(standing.0);
        standing.1.push((id, fault));
        id
    }

    /// Takes one fault away, or all; the requests that hang in it are woken.
    pub(crate) fn clear(&self, only: Option<FaultId>) -> bool {
        let mut standing = self.standing();
        let before = standing.1.len();
        standing.1.retain(|(id, _)| only.is_some_and(|only| only != *id));
        let cleared = standing.1.len() < before;
        drop(standing);
        self.changed.send_modify(|version| *version += 1);
        cleared
    }

    pub(crate) fn refuses(&self) -> bool {
        self.standing().1.iter().any(|(_, fault)| fault.refuses())
    }

    pub(crate) fn list(&self) -> Vec<Standing> {
        let shown = |(id, fault): &(FaultId, Fault)| Standing {
            id: *id,
            fault: fault.name(),
            daemon: fault.daemon,
            method: fault.method.clone(),
            path: fault.path.clone(),
            tenant: fault.tenant.clone(),
            times: fault.times,
        };
        self.standing().1.iter().map(shown).collect()
    }

    /// Returns when a fault is cleared.
    pub(crate) async fn cleared(&self, id: FaultId) {
        let mut changed = self.changed.subscribe();
        let stands = || self.standing().1.iter().any(|(other, _)| *other == id);
        while stands() && changed.changed().await.is_ok() {}
    }

    /// What the faults do to a request; a fault limited to a number of requests has then met one more.
    pub(crate) fn plan(
        &self,
        daemon: Option<Daemon>,
        method: &str,
        path: &str,
        tenant: Option<&str>,
    ) -> Plan {
        let mut plan = Plan::default();
        let mut standing = self.standing();
        for (id, fault) in &mut standing.1 {
            if matches!(fault.kind, Kind::DaemonDown)
                && fault.daemon == Some(Daemon::Auth)
                && daemon.is_some_and(|daemon| daemon != Daemon::Auth)
            {
                plan.auth_away = true;
                plan.names.push(fault.name());
            }
            if !fault.meets(daemon, method, path, tenant) || fault.times == Some(0) || fault.refuses() {
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times -= 1;
            }
            plan.names.push(fault.name());
            plan.own_database_away |= matches!(fault.kind, Kind::PostgresqlDown)
                && fault.daemon.is_some_and(|of| of != Daemon::Auth);
            plan.add(*id, &fault.kind);
        }
        // One that hangs stays until it is cleared, so that its requests can wait for that.
        standing
            .1
            .retain(|(_, fault)| fault.times != Some(0) || matches!(fault.kind, Kind::Hang(_)));
        plan
    }
}

impl Plan {
    fn add(&mut self, id: FaultId, kind: &Kind) {
        match kind {
            Kind::DaemonDown => self.down = true,
            Kind::PostgresqlDown => self.database_away = true,
            Kind::RabbitmqDown(delay) => {
                self.bus_away = true;
                self.bus_delay += *delay;
            }
            Kind::Latency(delay, false) => self.before += *delay,
            Kind::Latency(delay, true) => self.after += *delay,
            Kind::Hang(false) => self.hang_before = Some(id),
            Kind::Hang(true) => self.hang_after = Some(id),
            Kind::Reset(false) => self.reset_before = true,
            Kind::Reset(true) => self.reset_after = true,
            Kind::Answer(status, content_type, body) => {
                self.answer = Some((*status, content_type.clone(), body.clone()))
            }
            Kind::Stranger(stranger, false) => self.strangers_before.push(stranger.clone()),
            Kind::Stranger(stranger, true) => self.strangers_after.push(stranger.clone()),
            Kind::Unauthorized => self.unauthorized = true,
            Kind::Refuse => {}
        }
    }
}

//! How the daemons are: by a real read and the parsed body of the status, never by a status code alone. wazo-auth's
//! own status stays 200 with its database down, wazo-confd's is 200 with `fail` inside.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::classify::Answer;
use super::error::{CoreError, CoreErrorKind};
use super::facts::{Daemon, ServiceFact, ServiceState, SessionFact, SlowFact};
use super::link::{Aim, Link, Reply};
use super::metrics::Check;
use super::pace::Pace;
use super::request::{Ask, Credential, Route};
use super::shape;
use super::stack::Stack;
use crate::secret::Secret;

/// Reading it takes wazo-auth to its database, where it does not find it.
const NOBODYS_TOKEN: &str = "00000000-0000-4000-8000-000000000000";

impl Link {
    /// The daemon works: its breaker closes. `failing`: what it reports of itself.
    pub(super) fn daemon_answered(&self, aim: &Aim, daemon: Daemon, failing: Vec<String>) {
        if aim.stack.breaker(daemon).succeeded(Instant::now()) {
            tracing::info!(core = %self.key, daemon = daemon.name(), "the daemon answers again");
            for other in Daemon::ALL.into_iter().filter(|other| *other != daemon) {
                aim.stack.breaker(other).hasten(Instant::now());
            }
            self.state().wishes.hurry();
            self.state().accounts.hurry();
            self.auth_wake.notify_one();
            self.confd_wake.notify_one();
            self.others_wake.notify_one();
        }
        self.show_breaker(aim, daemon);
        self.shared.metrics.up(&self.key, daemon, Check::Read, true);
        if daemon == Daemon::Auth {
            self.shared.metrics.up(&self.key, daemon, Check::Status, true);
        } else {
            let events = failing.iter().all(|part| part != "bus_consumer");
            self.shared
                .metrics
                .up(&self.key, daemon, Check::Status, failing.is_empty());
            self.shared.metrics.up(&self.key, daemon, Check::Events, events);
        }
        let tells = self.first_answer_beside_one_that_hangs(daemon);
        let state = if failing.is_empty() {
            ServiceState::Up
        } else {
            ServiceState::Degraded
        };
        self.change_service(daemon, |service| {
            service.error = None;
            service.failing = failing;
            service.gray = false;
            service.last_good = Some(Timestamp::now());
            state
        });
        if tells {
            self.wake_core();
        }
        self.note_whole();
    }

    /// The daemon does not work: its breaker opens.
    pub(super) fn daemon_failed(&self, aim: &Aim, error: &CoreError) {
        if aim.stack.breaker(error.daemon).failed(error, Instant::now()) {
            tracing::info!(core = %self.key, %error, trace_id = %error.trace_id, "only probes are sent from now on");
        }
        self.show_breaker(aim, error.daemon);
        self.daemon_down(&aim.stack, error);
    }

    /// The daemon does not work, as another core of the same stack may have found. What worked and may only be starting
    /// again counts as down when it fails a second time.
    pub(super) fn daemon_down(&self, stack: &Stack, error: &CoreError) {
        self.shared
            .metrics
            .up(&self.key, error.daemon, Check::Read, false);
        // Where reads alone fail, its status is asked for next; where nothing answers, it says nothing of itself either.
        if !fails_to_read(&error.kind) {
            let metrics = &self.shared.metrics;
            metrics.up(&self.key, error.daemon, Check::Status, false);
        }
        let sure = stack.breaker(error.daemon).is_sure();
        self.change_service(error.daemon, |service| {
            service.error = Some(error.clone().after(service.error.as_ref()));
            if !sure && matches!(service.state, ServiceState::Up | ServiceState::Degraded) {
                return service.state;
            }
            service.failing.clear();
            ServiceState::Down
        });
    }

    /// A read was answered after so long.
    pub(super) fn note_pace(&self, daemon: Daemon, took: Duration) {
        let slow = self.state().paces.entry(daemon).or_default().note(took);
        if Pace::is_suspicious(took) {
            self.suspect(daemon);
        }
        self.change_facts(|facts| {
            let Some(service) = facts.services.get_mut(&daemon) else {
                return;
            };
            let millis = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let known = service.slow.take();
            service.slow = slow.map(|slow| {
                known.unwrap_or_else(|| SlowFact {
                    now: millis(slow.now),
                    before: millis(slow.before),
                    since: Timestamp::now(),
                })
            });
        });
    }

    /// Whether a daemon answers for the first time since another one did not in time: that tells the daemon from the way.
    fn first_answer_beside_one_that_hangs(&self, daemon: Daemon) -> bool {
        let facts = Arc::clone(&self.state().facts);
        let known = facts.services.get(&daemon).and_then(|service| service.last_good);
        let hangs = |service: &ServiceFact| {
            let error = service.error.as_ref();
            let late = error.filter(|error| error.kind.is_late());
            late.is_some_and(|error| known.is_none_or(|known| known < error.at))
        };
        let mut others = facts.services.iter().filter(|(other, _)| **other != daemon);
        others.any(|(_, service)| service.state == ServiceState::Down && hangs(service))
    }

    fn change_service(&self, daemon: Daemon, change: impl FnOnce(&mut ServiceFact) -> ServiceState) {
        self.change_facts(|facts| {
            if let Some(service) = facts.services.get_mut(&daemon) {
                let state = change(service);
                if service.state != state {
                    service.state = state;
                    service.since = Timestamp::now();
                }
            }
        });
    }

    pub(super) fn show_breaker(&self, aim: &Aim, daemon: Daemon) {
        let number = aim.stack.breaker(daemon).number();
        self.shared.metrics.breaker(&self.key, daemon, number);
    }

    /// Notes the moment if everything about the core is well.
    pub(super) fn note_whole(&self) {
        self.change_facts(|facts| {
            let whole = matches!(facts.session, SessionFact::LoggedIn(_))
                && facts.missing_permissions.as_ref().is_some_and(Vec::is_empty)
                && !facts.tenant_refused
                && facts.stack_changed.is_none()
                && facts
                    .main_services()
                    .all(|(_, service)| service.state == ServiceState::Up && service.error.is_none());
            if whole {
                facts.last_good = Some(Timestamp::now());
            }
        });
    }
}

/// Whether it fails at what it reads, while its process may be well.
const fn fails_to_read(kind: &CoreErrorKind) -> bool {
    matches!(kind, CoreErrorKind::ServerError(_)) || kind.is_late()
}

/// Looks at wazo-auth.
pub(super) async fn look_at_auth(link: &Link, aim: &Aim) {
    let token = link.state().session.token();
    let secret = token
        .as_ref()
        .map_or_else(|| Secret::new(NOBODYS_TOKEN), |token| token.secret.clone());
    let route = Route::ReadToken;
    match link.send(aim, &Ask::of(route), &Credential::Path(secret)).await {
        Ok(Reply { answer, trace_id }) => {
            if let Some(token) = token {
                if answer == Answer::TokenUnknown {
                    link.token_refused(&token, route, trace_id);
                } else {
                    link.state().session.accepted(Daemon::Auth);
                }
            }
            link.daemon_answered(aim, Daemon::Auth, Vec::new());
        }
        Err(error) => {
            look_failed(link, aim, &error);
            if fails_to_read(&error.kind) {
                look_behind(link, aim).await;
            }
        }
    }
}

/// Reads fail: whether the process says that it is up, which stays so with its database down.
async fn look_behind(link: &Link, aim: &Aim) {
    let ask = Ask::of(Route::AuthStatus);
    let says = link.send_once(aim, &ask, &Credential::None).await;
    note_gray(
        link,
        Daemon::Auth,
        matches!(
            says,
            Ok(Reply {
                answer: Answer::Good(_),
                ..
            })
        ),
    );
}

/// Reads of a daemon fail while it says of itself that it is up, or does not say so.
fn note_gray(link: &Link, daemon: Daemon, says_up: bool) {
    link.shared.metrics.up(&link.key, daemon, Check::Status, says_up);
    link.change_service(daemon, |service| {
        service.gray = says_up;
        service.state
    });
}

/// Looks at wazo-confd: the parts that it reports, and a read that takes it to its database.
pub(super) async fn look_at_confd(link: &Link, aim: &Aim) {
    let token = link.state().session.token();
    let tenant = link.state().facts.tenant;
    let credential = token
        .as_ref()
        .map_or(Credential::None, |token| Credential::Token(token.secret.clone()));
    let mut failing = Vec::new();
    for route in [Route::Status, Route::Infos] {
        let ask = Ask::of(route).tenant(tenant);
        let Reply { answer, trace_id } = match link.send(aim, &ask, &credential).await {
            Ok(reply) => reply,
            Err(error) => {
                look_failed(link, aim, &error);
                // Its status was told before, and a read behind it fails.
                note_gray(
                    link,
                    Daemon::Confd,
                    route == Route::Infos && failing.is_empty() && token.is_some(),
                );
                return;
            }
        };
        match (answer, &token) {
            (Answer::TokenUnknown, Some(token)) => {
                link.token_refused(token, route, trace_id);
                return answers_without_a_read(link, aim);
            }
            (Answer::TokenUnknown, None) => return answers_without_a_read(link, aim),
            (Answer::Good(body), _) => {
                link.state().session.accepted(Daemon::Confd);
                if let Err(kind) = take(link, aim, route, &body, &mut failing) {
                    return look_failed(link, aim, &Link::error(route, kind, trace_id));
                }
            }
            // The right is missing, which the check of the rights says; the daemon answers.
            _ => {}
        }
    }
    link.daemon_answered(aim, Daemon::Confd, failing);
}

fn take(
    link: &Link,
    aim: &Aim,
    route: Route,
    body: &[u8],
    failing: &mut Vec<String>,
) -> Result<(), CoreErrorKind> {
    let body = shape::json(body)?;
    if route == Route::Status {
        *failing = failing_parts(&body);
    } else {
        let version = shape::text(&body, "wazo_version")?.chars().take(32).collect();
        link.change_facts(|facts| facts.version = Some(version));
        if let Ok(stack) = shape::uuid(&body, "uuid") {
            link.stack_answers(aim, stack);
        }
    }
    Ok(())
}

pub(super) fn look_failed(link: &Link, aim: &Aim, error: &CoreError) {
    // Too many requests are our fault, not the daemon's.
    if error.kind != CoreErrorKind::Throttled {
        link.daemon_failed(aim, error);
    }
}

/// The daemon answers, but not to a stranger: nothing is known of what is behind it.
fn answers_without_a_read(link: &Link, aim: &Aim) {
    aim.stack.breaker(Daemon::Confd).succeeded(Instant::now());
    link.show_breaker(aim, Daemon::Confd);
    link.change_service(Daemon::Confd, |service| {
        service.error = None;
        match service.state {
            ServiceState::Down => ServiceState::Unknown,
            state => state,
        }
    });
}

/// The names of the parts whose status is `fail`, nested ones joined by dots. Unknown keys are allowed.
pub(super) fn failing_parts(status: &Value) -> Vec<String> {
    fn walk(path: &str, value: &Value, failing: &mut Vec<String>) {
        match value {
            Value::String(text) if text == "fail" => failing.push(path.to_owned()),
            Value::Object(parts) => {
                for (key, part) in parts {
                    let path = match (path, key.as_str()) {
                        ("", key) => key.to_owned(),
                        (path, "status") => path.to_owned(),
                        (path, key) => format!("{path}.{key}"),
                    };
                    walk(&path, part, failing);
                }
            }
            _ => {}
        }
    }
    let mut failing = Vec::new();
    walk("", status, &mut failing);
    failing.truncate(20);
    failing
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::failing_parts;

    #[test]
    fn every_leaf_that_fails_is_named() {
        assert_eq!(
            failing_parts(&json!({
                "bus_consumer": {"status": "fail"},
                "master_tenant": {"status": "ok"},
                "rest_api": "fail",
                "plugins": {"endpoints": {"status": "fail", "cache_items": 3}, "voicemails": {"status": "ok"}},
            })),
            ["bus_consumer", "rest_api", "plugins.endpoints"]
        );
        assert!(failing_parts(&json!({"rest_api": {"status": "ok"}})).is_empty());
    }
}

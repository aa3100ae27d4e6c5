//! One request through the stack: the faults that meet it, the daemon, the journal.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request};
use tokio::sync::watch;

use crate::answer::{Answer, JSON, Reply, framework, texts};
use crate::call::{Call, Route, find};
use crate::clock::Clock;
use crate::fault::{Plan, Table};
use crate::journal::{Daemon, Effect, Entry, Journal, trace_id};
use crate::seed::Seed;
use crate::stranger::Stranger;
use crate::world::World;
use crate::{auth, confd, others};

/// The stack behind the front.
#[derive(Debug)]
pub(crate) struct Stack {
    world: Mutex<World>,
    pub(crate) clock: Clock,
    pub(crate) faults: Table,
    pub(crate) journal: Journal,
    /// Whether the front should listen.
    pub(crate) open: watch::Sender<bool>,
    /// Whether it does.
    pub(crate) listening: watch::Sender<bool>,
    /// With what the front answers TLS from now on; none: as at its start.
    pub(crate) presents: Mutex<Option<std::sync::Arc<rustls::ServerConfig>>>,
}

impl Stack {
    pub(crate) fn new(seed: Seed) -> Self {
        let clock = Clock::default();
        Self {
            world: Mutex::new(World::new(seed, clock.clone())),
            clock,
            faults: Table::new(),
            journal: Journal::default(),
            open: watch::Sender::new(true),
            listening: watch::Sender::new(true),
            presents: Mutex::default(),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request at the front; `host` is what the client called us. Without an answer the connection is reset.
    pub(crate) async fn serve(&self, request: Request<Vec<u8>>, host: &str) -> Option<Answer> {
        let path = request.uri().path().to_owned();
        let daemon = daemon_of(&path);
        let tenant = self.tenant_of(&request);
        let plan = self
            .faults
            .plan(daemon, request.method().as_str(), &path, tenant.as_deref());
        let call = daemon.and_then(|daemon| inner(request.uri(), daemon).map(|uri| (daemon, uri)));
        let asked = Asked::new(&request, daemon);
        let Some((daemon, uri)) = call else {
            self.note(&asked, &plan, "(no daemon)", Some(404), Effect::none());
            return Some(nginx(404, "Not Found"));
        };
        let base = format!("https://{host}/api/{}", daemon.name());
        let (mut head, body) = request.into_parts();
        head.uri = uri;
        let call = Call::new(daemon, Request::from_parts(head, body), base);
        self.suffer(call, &asked, plan).await
    }

    /// The tenant that a request is for: that of `Wazo-Tenant`, else that of its token.
    fn tenant_of(&self, request: &Request<Vec<u8>>) -> Option<String> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(tenant) = header("wazo-tenant") {
            return Some(tenant.to_owned());
        }
        let token = header("x-auth-token")?;
        self.world().live_token(token).map(|token| token.tenant.clone())
    }

    /// A request to a daemon itself: no front, no faults.
    pub(crate) fn ask(&self, daemon: Daemon, request: Request<Vec<u8>>) -> Answer {
        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
        let base = format!("http://{}", host.unwrap_or("127.0.0.1"));
        let mut asked = Asked::new(&request, Some(daemon));
        asked.path = format!("/api/{}{}", daemon.name(), asked.path);
        let call = Call::new(daemon, request, base);
        let route = route(&call);
        let mut world = self.world();
        let mut answer = settle(handle(&mut world, &call));
        if call.method == Method::HEAD {
            answer.body.clear();
        }
        self.note_in(
            &world,
            &asked,
            &Plan::default(),
            &route,
            Some(answer.status.as_u16()),
            answer.effect.clone(),
        );
        answer
    }

    async fn suffer(&self, call: Call, asked: &Asked, plan: Plan) -> Option<Answer> {
        let route = route(&call);
        if plan.down {
            self.note(asked, &plan, &route, Some(502), Effect::none());
            return Some(nginx(502, "Bad Gateway"));
        }
        if let Some((status, content_type, body)) = &plan.answer {
            self.note(asked, &plan, &route, Some(*status), Effect::none());
            let answer = Answer::text(*status, JSON, body.clone());
            return Some(answer.header("Content-Type", content_type.clone()));
        }
        pause(plan.before).await;
        if let Some(id) = plan.hang_before {
            self.faults.cleared(id).await;
        }
        if plan.reset_before {
            self.note(asked, &plan, &route, None, Effect::none());
            return None;
        }
        let away = self.away(&call, &plan);
        let (answer, sequence) = {
            let mut world = self.world();
            world.bus_down = plan.bus_away;
            world.unauthorized = plan.unauthorized;
            for stranger in &plan.strangers_before {
                self.stranger_in(&mut world, stranger);
            }
            let mut answer = match away {
                Some(answer) => answer,
                None => settle(handle(&mut world, &call)),
            };
            if plan.bus_away && answer.notifies {
                answer = Answer {
                    effect: answer.effect,
                    notifies: true,
                    ..bus_failure(call.daemon)
                };
            }
            let late = plan.reset_after || plan.hang_after.is_some();
            let status = (!late).then(|| answer.status.as_u16());
            let sequence = self.note_in(&world, asked, &plan, &route, status, answer.effect.clone());
            for stranger in &plan.strangers_after {
                self.stranger_in(&mut world, stranger);
            }
            (answer, sequence)
        };
        if plan.bus_away && answer.notifies {
            pause(plan.bus_delay).await;
        }
        pause(plan.after).await;
        if let Some(id) = plan.hang_after {
            self.faults.cleared(id).await;
        }
        if plan.reset_after {
            return None;
        }
        self.journal.answered(sequence, answer.status.as_u16());
        Some(answer)
    }

    /// The answer of a daemon that misses what it stands on. Seen, but the bodies are not in the recordings.
    fn away(&self, call: &Call, plan: &Plan) -> Option<Answer> {
        match call.daemon {
            Daemon::Auth if plan.database_away => {
                let status = call.path == "/0.1/status" && call.method == Method::HEAD;
                (!status).then(|| *framework(500))
            }
            Daemon::Confd if plan.own_database_away => Some(*texts(
                500,
                &["Unexpected error: (psycopg2.OperationalError) connection refused".to_owned()],
            )),
            Daemon::Confd if plan.auth_away || plan.database_away => {
                // The wizard is asked without a token.
                let known = find(confd::ROUTES, &call.path).is_some() && call.path != confd::WIZARD;
                let said = format!("('{}', 'Authentication server unreachable')", call.token());
                known.then(|| *texts(503, &[said]))
            }
            Daemon::Auth | Daemon::Confd => None,
            _ if plan.own_database_away => Some(*framework(500)),
            _ if plan.auth_away || plan.database_away => {
                let known = find(others::routes(call.daemon), &call.path).is_some();
                known.then(|| *others::without_auth(self.world().now()))
            }
            _ => None,
        }
    }

    pub(crate) fn stranger(&self, stranger: &Stranger) {
        self.stranger_in(&mut self.world(), stranger);
    }

    fn stranger_in(&self, world: &mut World, stranger: &Stranger) {
        let (method, path, effect) = stranger.act(world);
        self.note_stranger(Daemon::Confd, method, &path, effect);
    }

    /// Writes into the journal what a stranger did; `path` is that at the daemon (`/1.1/…`).
    pub(crate) fn note_stranger(&self, daemon: Daemon, method: &str, path: &str, effect: Effect) {
        let entry = Entry {
            sequence: 0,
            time: self.clock.now(),
            method: method.to_owned(),
            path: format!("/api/{}{path}", daemon.name()),
            daemon: Some(daemon),
            tenant: None,
            account: None,
            trace_id: None,
            user_agent: None,
            status: None,
            effect,
            faults: Vec::new(),
            stranger: true,
        };
        self.journal.write(entry, "");
    }

    fn note(&self, asked: &Asked, plan: &Plan, route: &str, status: Option<u16>, effect: Effect) -> u64 {
        self.note_in(&self.world(), asked, plan, route, status, effect)
    }

    /// Written under the lock of the world, so that the journal has the order of the effects.
    fn note_in(
        &self,
        world: &World,
        asked: &Asked,
        plan: &Plan,
        route: &str,
        status: Option<u16>,
        effect: Effect,
    ) -> u64 {
        let account = world
            .tokens
            .get(&asked.token)
            .and_then(|token| token.username.clone());
        let entry = Entry {
            sequence: 0,
            time: self.clock.now(),
            method: asked.method.clone(),
            path: asked.path.clone(),
            daemon: asked.daemon,
            tenant: asked.header("wazo-tenant"),
            account,
            trace_id: asked.header("traceparent").and_then(|given| trace_id(&given)),
            user_agent: asked.header("user-agent"),
            status,
            effect,
            faults: plan.names.clone(),
            stranger: false,
        };
        self.journal.write(entry, route)
    }
}

/// What the journal keeps of a request; the token only until its account is known.
struct Asked {
    method: String,
    path: String,
    daemon: Option<Daemon>,
    token: String,
    headers: BTreeMap<&'static str, String>,
}

impl Asked {
    fn new(request: &Request<Vec<u8>>, daemon: Option<Daemon>) -> Self {
        let header = |name: &'static str| {
            let value = request.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(|value| (name, value.to_owned()))
        };
        let token = request
            .headers()
            .get("x-auth-token")
            .and_then(|value| value.to_str().ok());
        Self {
            method: request.method().to_string(),
            path: masked(request.uri()),
            daemon,
            token: token.unwrap_or_default().to_owned(),
            headers: ["wazo-tenant", "traceparent", "user-agent"]
                .into_iter()
                .filter_map(header)
                .collect(),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).cloned()
    }
}

/// A path without the tokens that may stand in it.
fn masked(uri: &http::Uri) -> String {
    let mut segments: Vec<&str> = uri.path().split('/').collect();
    for index in 1..segments.len() {
        if segments[index - 1] == "token" {
            segments[index] = "***";
        }
    }
    let mut path = segments.join("/");
    let mut mark = '?';
    for pair in uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let name = pair.split('=').next().unwrap_or_default();
        path.push(mark);
        path.push_str(&if name.contains("token") {
            format!("{name}=***")
        } else {
            pair.to_owned()
        });
        mark = '&';
    }
    path
}

fn daemon_of(path: &str) -> Option<Daemon> {
    Daemon::ALL
        .into_iter()
        .find(|daemon| path.starts_with(&format!("/api/{}/", daemon.name())))
}

/// The path as the daemon gets it: the front takes `/api/<daemon>` off.
fn inner(uri: &http::Uri, daemon: Daemon) -> Option<http::Uri> {
    let whole = uri.path_and_query()?.as_str();
    whole
        .strip_prefix(&format!("/api/{}", daemon.name()))?
        .parse()
        .ok()
}

fn routes(daemon: Daemon) -> &'static [Route] {
    match daemon {
        Daemon::Auth => auth::ROUTES,
        Daemon::Confd => confd::ROUTES,
        other => others::routes(other),
    }
}

fn route(call: &Call) -> String {
    let found = find(routes(call.daemon), &call.path).map_or("/(unknown)", |(route, _)| route.path);
    format!("/api/{}{found}", call.daemon.name())
}

/// What the daemon says; a route that the real one has and this one lacks is 501, so that nobody takes it for real.
fn handle(world: &mut World, call: &Call) -> Reply {
    let (reply, leaves_out) = match call.daemon {
        Daemon::Auth => (auth::answer(world, call), auth::leaves_out(&call.path)),
        Daemon::Confd => (confd::answer(world, call), confd::leaves_out(&call.path)),
        // A path that they have, and that is not simulated, is not to look real.
        _ => (others::answer(world, call), true),
    };
    let unknown = find(routes(call.daemon), &call.path).is_none();
    if unknown && leaves_out {
        return Err(confd::left_out(call));
    }
    reply
}

fn settle(reply: Reply) -> Answer {
    reply.unwrap_or_else(|refused| *refused)
}

fn bus_failure(daemon: Daemon) -> Answer {
    match daemon {
        Daemon::Confd => *texts(
            500,
            &["Unexpected error: [Errno 111] Connection refused".to_owned()],
        ),
        _ => *framework(500),
    }
}

/// A page of nginx itself. Seen; its bytes are not in the recordings.
fn nginx(status: u16, title: &str) -> Answer {
    let page = format!(
        "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    Answer::text(status, "text/html", page)
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

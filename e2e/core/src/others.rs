//! The daemons of which only the front and the status are simulated: those that plugins use and the operator does not.
//! webhookd, dird and provd answer as recorded; the others are of the same family (xivo-lib-python) as dird.

use serde_json::{Value, json};

use crate::answer::{Answer, Reply, bad_method, no_such_page, problem};
use crate::call::{Call, Route, find};
use crate::journal::Daemon;
use crate::world::World;

const PROVD_JSON: &str = "application/vnd.proformatique.provd+json";

macro_rules! routes {
    ($path:literal) => {
        &[Route {
            path: $path,
            allow: "OPTIONS, HEAD, GET",
        }]
    };
}

/// The one route of each.
pub(crate) fn routes(daemon: Daemon) -> &'static [Route] {
    match daemon {
        Daemon::Dird => routes!("/0.1/status"),
        Daemon::Plugind | Daemon::Provd => routes!("/0.2/status"),
        _ => routes!("/1.0/status"),
    }
}

/// The parts that each tells of.
fn parts(daemon: Daemon) -> &'static [&'static str] {
    match daemon {
        Daemon::Webhookd => &["bus_consumer", "master_tenant"],
        Daemon::Dird => &["master_tenant", "rest_api", "bus_consumer"],
        Daemon::Calld => &["ari", "bus_consumer", "service_token"],
        Daemon::Chatd => &[
            "rest_api",
            "bus_consumer",
            "presence_initialization",
            "master_tenant",
        ],
        Daemon::CallLogd => &["bus_consumer", "task_queue", "service_token"],
        Daemon::Plugind | Daemon::Setupd => &["master_tenant", "rest_api"],
        _ => &["bus_consumer", "service_token"],
    }
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let Some((route, _)) = find(routes(call.daemon), &call.path) else {
        return Err(no_such_page());
    };
    if call.daemon == Daemon::Provd {
        return provd(world, call);
    }
    if !route.takes(&call.method) {
        return Err(bad_method(route.allow));
    }
    authorize(world, call)?;
    let part = |part: &&str| {
        let fails = *part == "bus_consumer" && world.bus_down;
        (
            (*part).to_owned(),
            json!({"status": if fails { "fail" } else { "ok" }}),
        )
    };
    let body: Value = parts(call.daemon).iter().map(part).collect();
    Ok(Answer::json(200, &body))
}

fn is_allowed(world: &World, call: &Call) -> Option<bool> {
    let token = world.live_token(call.token())?;
    let access = format!("{}.status.read", call.daemon.name());
    Some(!world.unauthorized && token.access().allows(&access))
}

fn authorize(world: &World, call: &Call) -> Result<(), Box<Answer>> {
    let mut details = json!({
        "invalid_token": call.token(),
        "reason": "not_found_or_expired",
        "required_access": format!("{}.status.read", call.daemon.name()),
    });
    match is_allowed(world, call) {
        Some(true) => return Ok(()),
        Some(false) => {
            details["reason"] = json!("missing_permission_or_invalid_tenant");
            details["tenant_uuid"] = json!(call.tenant());
        }
        None => {}
    }
    let now = world.now();
    Err(problem(
        now,
        401,
        json!("Unauthorized"),
        "unauthorized",
        details,
        None,
    ))
}

/// It takes its own media type or any, and refuses in HTML.
fn provd(world: &World, call: &Call) -> Reply {
    let accept = call.header("accept").unwrap_or("*/*");
    if !accept.contains(PROVD_JSON) && !accept.contains("*/*") {
        let said = format!("You must accept the \"{PROVD_JSON}\" MIME type.");
        return Err(Box::new(Answer::text(406, "text/plain; charset=ascii", said)));
    }
    if is_allowed(world, call) != Some(true) {
        return Err(Box::new(Answer::text(
            401,
            "text/html",
            "Unauthorized".to_owned(),
        )));
    }
    let bus = if world.bus_down { "fail" } else { "ok" };
    let body = json!({"bus_consumer": {"status": bus}, "rest_api": "ok"});
    Ok(Answer::text(200, PROVD_JSON, body.to_string()))
}

/// What they say while wazo-auth is away: recorded of webhookd.
pub(crate) fn without_auth(now: f64) -> Box<Answer> {
    let said = json!("Authentication server unreachable");
    problem(
        now,
        503,
        said,
        "authentication-server-unreachable",
        json!({}),
        None,
    )
}

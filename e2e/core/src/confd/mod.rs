//! wazo-confd 1.1: external apps of tenants, `infos` and `status`.

pub(crate) mod apps;

use serde_json::json;

use crate::answer::{Answer, Reply, bad_method, no_such_page, texts};
use crate::call::{Call, Route, find};
use crate::world::World;

pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: "/1.1/status",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/1.1/infos",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/1.1/external/apps",
        allow: "HEAD, GET, OPTIONS, POST",
    },
    Route {
        path: "/1.1/external/apps/{name}",
        allow: "DELETE, GET, PUT, OPTIONS, HEAD, POST",
    },
];

/// What the real confd serves and this one does not: it says so instead of a 404 that would look real.
pub(crate) const LEFT_OUT: &[&str] = &[
    "applications",
    "contexts",
    "devices",
    "extensions",
    "ha",
    "ingresses",
    "lines",
    "moh",
    "phone-numbers",
    "sounds",
    "tenants",
    "trunks",
    "users",
    "voicemails",
    "wizard",
];

/// Who asks confd, and for which tenant.
pub(crate) struct Caller {
    pub(crate) tenant: String,
    pub(crate) own_tenant: String,
    pub(crate) lists_tenants: bool,
}

/// confd's check of a token: the refusal is Python's text of a tuple, with the token in it.
pub(crate) fn authorize(world: &World, call: &Call, access: &str) -> Result<Caller, Box<Answer>> {
    let given = call.token();
    let Some(token) = world.live_token(given) else {
        return Err(texts(401, &[format!("('{given}', '{access}')")]));
    };
    let tenant = call.tenant();
    let under = tenant.is_none_or(|tenant| world.is_below(tenant, &token.tenant));
    if !under || !token.access().allows(access) {
        let tenant = tenant.map_or("None".to_owned(), |tenant| format!("'{tenant}'"));
        return Err(texts(401, &[format!("('{given}', '{access}', {tenant})")]));
    }
    Ok(Caller {
        tenant: tenant.unwrap_or(&token.tenant).to_owned(),
        own_tenant: token.tenant.clone(),
        lists_tenants: token.access().allows("auth.tenants.read"),
    })
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let Some((route, holes)) = find(ROUTES, &call.path) else {
        return Err(no_such_page());
    };
    let method = match call.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    if !route.takes(&call.method) {
        return Err(bad_method(route.allow));
    }
    match (route.path, method) {
        (_, "OPTIONS") => Ok(crate::auth::preflight(call, route.allow)),
        ("/1.1/status", _) => status(world, call),
        ("/1.1/infos", _) => {
            authorize(world, call, "confd.infos.read")?;
            Ok(Answer::json(
                200,
                &json!({"uuid": world.stack_uuid, "wazo_version": world.version}),
            ))
        }
        ("/1.1/external/apps", "GET") => apps::list(world, call),
        ("/1.1/external/apps", _) => Ok(Answer::json(405, &json!(""))),
        (_, "GET") => apps::get(world, call, &holes[0]),
        (_, "POST") => apps::create(world, call, &holes[0]),
        (_, "PUT") => apps::edit(world, call, &holes[0]),
        _ => apps::delete(world, call, &holes[0]),
    }
}

/// 200 even when a part is not well.
fn status(world: &World, call: &Call) -> Reply {
    authorize(world, call, "confd.status.read")?;
    let bus = if world.bus_down { "fail" } else { "ok" };
    Ok(Answer::json(
        200,
        &json!({
            "master_tenant": {"status": "ok"},
            "service_token": {"status": "ok"},
            "bus_consumer": {"status": bus},
            "rest_api": {"status": "ok"},
        }),
    ))
}

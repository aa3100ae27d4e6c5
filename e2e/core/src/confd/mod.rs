//! wazo-confd 1.1: external apps of tenants and of users, users, tenants, `infos`, `status` and `wizard`.

pub(crate) mod apps;
pub(crate) mod user_apps;
mod users;

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
    Route {
        path: "/1.1/tenants",
        allow: "HEAD, GET, OPTIONS",
    },
    Route {
        path: "/1.1/users",
        allow: "HEAD, GET, OPTIONS, POST",
    },
    Route {
        path: "/1.1/users/{uuid}",
        allow: "DELETE, GET, PUT, OPTIONS, HEAD",
    },
    Route {
        path: "/1.1/users/{uuid}/external/apps",
        allow: "HEAD, GET, OPTIONS, POST",
    },
    Route {
        path: "/1.1/users/{uuid}/external/apps/{name}",
        allow: "DELETE, GET, PUT, OPTIONS, HEAD, POST",
    },
    Route {
        path: WIZARD,
        allow: "HEAD, GET, OPTIONS, POST",
    },
];

/// Asked without a token.
pub(crate) const WIZARD: &str = "/1.1/wizard";

/// What the real confd serves and this one does not, wholly or in part: it says so instead of a 404 that would
/// look real.
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
    if world.unauthorized || !under || !token.access().allows(access) {
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
        ("/1.1/external/apps/{name}", "GET") => apps::get(world, call, &holes[0]),
        ("/1.1/external/apps/{name}", "POST") => apps::create(world, call, &holes[0]),
        ("/1.1/external/apps/{name}", "PUT") => apps::edit(world, call, &holes[0]),
        ("/1.1/external/apps/{name}", _) => apps::delete(world, call, &holes[0]),
        ("/1.1/tenants", _) => tenants(world, call),
        (WIZARD, "GET") => Ok(wizard(world)),
        ("/1.1/users", "GET") => users::list(world, call),
        ("/1.1/users", _) => users::create(world, call),
        ("/1.1/users/{uuid}", "GET") => users::get(world, call, &holes[0]),
        ("/1.1/users/{uuid}", "DELETE") => users::delete(world, call, &holes[0]),
        ("/1.1/users/{uuid}/external/apps", "GET") => user_apps::list(world, call, &holes[0]),
        ("/1.1/users/{uuid}/external/apps", _) => Ok(Answer::json(405, &json!(""))),
        ("/1.1/users/{uuid}/external/apps/{name}", "GET") => {
            user_apps::get(world, call, &holes[0], &holes[1])
        }
        ("/1.1/users/{uuid}/external/apps/{name}", "POST") => {
            user_apps::create(world, call, &holes[0], &holes[1])
        }
        ("/1.1/users/{uuid}/external/apps/{name}", "PUT") => {
            user_apps::edit(world, call, &holes[0], &holes[1])
        }
        ("/1.1/users/{uuid}/external/apps/{name}", "DELETE") => {
            user_apps::delete(world, call, &holes[0], &holes[1])
        }
        _ => Err(left_out(call)),
    }
}

/// A request that the real daemon serves and this one does not: 501, so that nobody takes it for real.
pub(crate) fn left_out(call: &Call) -> Box<Answer> {
    let said = json!({"message": format!("the simulated core leaves out {} {}", call.method, call.path)});
    Box::new(Answer::json(501, &said))
}

/// Whether the real confd has a route here. It has none below `users/me` for external apps.
pub(crate) fn leaves_out(path: &str) -> bool {
    let first = path.split('/').nth(2).unwrap_or_default();
    LEFT_OUT.contains(&first) && !path.starts_with("/1.1/users/me/external/apps")
}

/// The tenants that confd has objects of: one's own, or the whole subtree with `recurse=true`.
fn tenants(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "confd.tenants.read")?;
    let seen = |tenant: &&String| {
        **tenant == caller.tenant || call.recurse() && world.is_below(tenant, &caller.tenant)
    };
    let shown = |tenant: &String| {
        json!({
            "uuid": tenant,
            "sip_templates_generated": false,
            "global_sip_template_uuid": null,
            "webrtc_sip_template_uuid": null,
            "registration_trunk_sip_template_uuid": null,
            "meeting_guest_sip_template_uuid": null,
        })
    };
    let items: Vec<_> = world.confd_tenants.iter().filter(seen).map(shown).collect();
    Ok(Answer::json(200, &json!({"total": items.len(), "items": items})))
}

/// Asked without a token. Recorded on a stack that was not configured, without a wazo-provd.
fn wizard(world: &World) -> Answer {
    let provd = if world.configured { "ok" } else { "fail" };
    Answer::json(
        200,
        &json!({
            "configured": world.configured,
            "configurable": false,
            "configurable_status": {"wazo-provd": provd, "wazo-auth": "ok"},
        }),
    )
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

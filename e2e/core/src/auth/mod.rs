//! wazo-auth 0.1: tokens, tenants, users, policies, groups.

mod fields;
mod groups;
mod listing;
mod policies;
mod tenants;
mod tokens;
mod user_links;
mod users;

pub(crate) use user_links::set_password;

use http::Method;
use serde_json::{Map, Value, json};

use crate::access::Access;
use crate::answer::{Answer, HTML, Reply, bad_method, framework, no_such_page, problem};
use crate::call::{Call, Route, find};
use crate::world::{User, World};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: "/0.1/status",
        allow: "OPTIONS, HEAD",
    },
    Route {
        path: "/0.1/backends",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/token",
        allow: "OPTIONS, POST",
    },
    Route {
        path: "/0.1/token/{uuid}",
        allow: "OPTIONS, GET, HEAD, DELETE",
    },
    Route {
        path: "/0.1/token/{uuid}/scopes/check",
        allow: "OPTIONS, POST",
    },
    Route {
        path: "/0.1/tokens",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/tenants",
        allow: "OPTIONS, GET, HEAD, POST",
    },
    Route {
        path: "/0.1/tenants/{uuid}",
        allow: "OPTIONS, GET, HEAD, PUT, DELETE",
    },
    Route {
        path: "/0.1/tenants/{uuid}/domains",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/tenants/{uuid}/parent/{uuid}",
        allow: "OPTIONS, PUT",
    },
    Route {
        path: "/0.1/users",
        allow: "OPTIONS, GET, HEAD, POST",
    },
    Route {
        path: "/0.1/users/password/reset",
        allow: "OPTIONS, POST",
    },
    Route {
        path: "/0.1/users/{uuid}",
        allow: "OPTIONS, GET, HEAD, PUT, DELETE",
    },
    Route {
        path: "/0.1/users/{uuid}/password",
        allow: "OPTIONS, PUT",
    },
    Route {
        path: "/0.1/users/{uuid}/emails",
        allow: "OPTIONS, PUT",
    },
    Route {
        path: "/0.1/admin/users/{uuid}/emails",
        allow: "OPTIONS, PUT",
    },
    Route {
        path: "/0.1/users/{uuid}/policies",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/users/{uuid}/policies/{name}",
        allow: "OPTIONS, PUT, DELETE",
    },
    Route {
        path: "/0.1/users/{uuid}/sessions",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/users/{uuid}/tokens",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/users/{uuid}/tokens/{name}",
        allow: "OPTIONS, DELETE",
    },
    Route {
        path: "/0.1/policies",
        allow: "OPTIONS, GET, HEAD, POST",
    },
    Route {
        path: "/0.1/policies/{name}",
        allow: "OPTIONS, GET, HEAD, PUT, DELETE",
    },
    Route {
        path: "/0.1/policies/{name}/acl/{name}",
        allow: "OPTIONS, PUT, DELETE",
    },
    Route {
        path: "/0.1/groups",
        allow: "OPTIONS, GET, HEAD, POST",
    },
    Route {
        path: "/0.1/groups/{uuid}",
        allow: "OPTIONS, GET, HEAD, PUT, DELETE",
    },
    Route {
        path: "/0.1/groups/{uuid}/users",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/groups/{uuid}/users/{uuid}",
        allow: "OPTIONS, PUT, DELETE",
    },
    Route {
        path: "/0.1/groups/{uuid}/policies",
        allow: "OPTIONS, GET, HEAD",
    },
    Route {
        path: "/0.1/groups/{uuid}/policies/{name}",
        allow: "OPTIONS, PUT, DELETE",
    },
];

/// Whether the real wazo-auth has a route here that this one lacks.
pub(crate) fn leaves_out(path: &str) -> bool {
    LEFT_OUT.contains(&path.split('/').nth(2).unwrap_or_default())
}

/// What the real wazo-auth serves and this one does not.
const LEFT_OUT: &[&str] = &["api", "config", "external", "idp", "ldap", "saml", "sessions"];

/// The account behind a request, and the tenant that it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) token: String,
    user: String,
    session: String,
    acl: Vec<String>,
    pub(crate) tenant: String,
    pub(crate) own_tenant: String,
}

impl Caller {
    pub(crate) fn access(&self) -> Access<'_> {
        Access {
            acl: &self.acl,
            me: &self.user,
            session: &self.session,
        }
    }
}

/// wazo-auth's check of a token, its rights and its tenant: always 401, told apart by `reason`.
pub(crate) fn authorize(world: &World, call: &Call, access: &str) -> Result<Caller, Box<Answer>> {
    let given = call.token();
    let Some(token) = world.live_token(given) else {
        let details =
            json!({"invalid_token": given, "reason": "not_found_or_expired", "required_access": access});
        return Err(problem(
            world.now(),
            401,
            json!("Unauthorized"),
            "unauthorized",
            details,
            None,
        ));
    };
    if world.unauthorized || !token.access().allows(access) {
        let details = json!({
            "invalid_token": given,
            "reason": "missing_permission_or_invalid_tenant",
            "required_access": access,
            "tenant_uuid": call.tenant(),
        });
        return Err(problem(
            world.now(),
            401,
            json!("Unauthorized"),
            "unauthorized",
            details,
            None,
        ));
    }
    if !world.users.contains_key(&token.user) {
        return Err(unknown_user(world, &token.user));
    }
    let tenant = call.tenant().unwrap_or(&token.tenant);
    if !world.is_below(tenant, &token.tenant) {
        let details = json!({"tenant_uuid": tenant});
        return Err(problem(
            world.now(),
            401,
            json!("Unauthorized tenant"),
            "unauthorized-tenant",
            details,
            None,
        ));
    }
    Ok(Caller {
        token: given.to_owned(),
        user: token.user.clone(),
        session: token.session.clone(),
        acl: token.acl.clone(),
        tenant: tenant.to_owned(),
        own_tenant: token.tenant.clone(),
    })
}

/// A right that one lacks and so may neither give nor take away: 401 without a `reason`.
pub(crate) fn not_yours(world: &World, caller: &Caller, access: &str) -> Box<Answer> {
    let details = json!({"invalid_token": caller.token, "required_access": access});
    problem(
        world.now(),
        401,
        json!("Unauthorized"),
        "unauthorized",
        details,
        None,
    )
}

pub(crate) fn unknown_user(world: &World, uuid: &str) -> Box<Answer> {
    let message = json!(format!("No such user: \"{uuid}\""));
    problem(
        world.now(),
        404,
        message,
        "unknown-user",
        json!({"uuid": uuid}),
        Some("users"),
    )
}

/// A user within the caller's tenants.
pub(crate) fn user<'w>(world: &'w World, caller: &Caller, uuid: &str) -> Result<&'w User, Box<Answer>> {
    let found = world
        .users
        .get(uuid)
        .filter(|user| world.is_below(&user.tenant, &caller.tenant));
    found.ok_or_else(|| unknown_user(world, uuid))
}

/// The body as an object; empty values of any type count as `{}`, as the daemon's `or {}` has it.
pub(crate) fn body(world: &World, call: &Call, resource: &str) -> Result<Map<String, Value>, Box<Answer>> {
    match call.json() {
        None => Err(framework(400)),
        Some(Value::Object(body)) => Ok(body),
        Some(Value::Null | Value::Bool(false)) => Ok(Map::new()),
        Some(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Some(Value::String(text)) if text.is_empty() => Ok(Map::new()),
        Some(_) => {
            let message = "Invalid input type.";
            let details = json!({"_schema": {"message": message}});
            Err(problem(
                world.now(),
                400,
                json!(message),
                "invalid-data",
                details,
                Some(resource),
            ))
        }
    }
}

/// The answer to OPTIONS, with what a browser needs before a request to another origin.
pub(crate) fn preflight(call: &Call, allow: &str) -> Answer {
    let mut answer = Answer::text(200, HTML, String::new()).header("Allow", allow);
    if let Some(origin) = call.header("origin") {
        let asked = call
            .header("access-control-request-headers")
            .unwrap_or_default()
            .to_owned();
        answer = answer
            .header("Access-Control-Allow-Origin", origin)
            .header("Access-Control-Allow-Headers", asked)
            .header(
                "Access-Control-Allow-Methods",
                "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
            )
            .header("Vary", "Origin");
    }
    answer
}

/// Answers a request.
pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let Some((route, holes)) = find(ROUTES, &call.path) else {
        return Err(no_such_page());
    };
    if !route.takes(&call.method) {
        return Err(bad_method(route.allow));
    }
    if call.method == Method::OPTIONS {
        return Ok(preflight(call, route.allow));
    }
    let hole = |index: usize| holes.get(index).map_or("", String::as_str);
    let (one, two) = (hole(0), hole(1));
    let method = match call.method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    match (route.path.strip_prefix("/0.1").unwrap_or_default(), method) {
        ("/status", _) => Ok(Answer::empty(200)),
        ("/backends", _) => Ok(Answer::json(200, &json!({"data": ["ldap_user", "wazo_user"]}))),
        ("/token", _) => tokens::create(world, call),
        ("/token/{uuid}", "DELETE") => Ok(tokens::delete(world, one)),
        ("/token/{uuid}", _) => tokens::get(world, call, one),
        ("/token/{uuid}/scopes/check", _) => tokens::check(world, call, one),
        ("/tokens", _) => tokens::refresh_list(world, call),
        ("/tenants", "GET") => tenants::list(world, call),
        ("/tenants", _) => tenants::create(world, call),
        ("/tenants/{uuid}", "GET") => tenants::get(world, call, one),
        ("/tenants/{uuid}", "PUT") => tenants::edit(world, call, one),
        ("/tenants/{uuid}", _) => tenants::delete(world, call, one),
        ("/tenants/{uuid}/domains", _) => tenants::domains(world, call, one),
        ("/tenants/{uuid}/parent/{uuid}", _) => tenants::set_parent(world, call, one, two),
        ("/users", "GET") => users::list(world, call),
        ("/users", _) => users::create(world, call),
        ("/users/password/reset", _) => user_links::reset_password(world, call),
        ("/users/{uuid}", "GET") => users::get(world, call, one),
        ("/users/{uuid}", "PUT") => users::edit(world, call, one),
        ("/users/{uuid}", _) => users::delete(world, call, one),
        ("/users/{uuid}/password", _) => user_links::change_password(world, call, one),
        ("/users/{uuid}/emails", _) => user_links::set_emails(world, call, one, false),
        ("/admin/users/{uuid}/emails", _) => user_links::set_emails(world, call, one, true),
        ("/users/{uuid}/policies", _) => user_links::policies(world, call, one),
        ("/users/{uuid}/policies/{name}", _) => user_links::link_policy(world, call, one, two),
        ("/users/{uuid}/sessions", _) => user_links::sessions(world, call, one),
        ("/users/{uuid}/tokens", _) => tokens::refresh_list_of(world, call, one),
        ("/users/{uuid}/tokens/{name}", _) => tokens::refresh_delete(world, call, one, two),
        ("/policies", "GET") => policies::list(world, call),
        ("/policies", _) => policies::create(world, call),
        ("/policies/{name}", "GET") => policies::get(world, call, one),
        ("/policies/{name}", "PUT") => policies::edit(world, call, one),
        ("/policies/{name}", _) => policies::delete(world, call, one),
        ("/policies/{name}/acl/{name}", _) => policies::access(world, call, one, two),
        ("/groups", "GET") => groups::list(world, call),
        ("/groups", _) => groups::create(world, call),
        ("/groups/{uuid}", "GET") => groups::get(world, call, one),
        ("/groups/{uuid}", "PUT") => groups::edit(world, call, one),
        ("/groups/{uuid}", _) => groups::delete(world, call, one),
        ("/groups/{uuid}/users", _) => groups::users(world, call, one),
        ("/groups/{uuid}/users/{uuid}", _) => groups::link_user(world, call, one, two),
        ("/groups/{uuid}/policies", _) => groups::policies(world, call, one),
        _ => groups::link_policy(world, call, one, two),
    }
}

//! Tokens: made by Basic or by a refresh token, read and deleted by whoever knows them, checked for scopes.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{authorize, body};
use crate::answer::{Answer, Reply, framework, problem, reason};
use crate::call::Call;
use crate::journal::{Effect, EffectKind};
use crate::world::{Refresh, Token, User, World, new_uuid};

/// How many live tokens a user of purpose `user` or `external_api` may have (`max_user_concurrent_sessions`).
const LIMIT: usize = 100;
/// Seconds that a token lives if nothing else is asked (`default_token_lifetime`).
const LIFETIME: i64 = 7200;
const LONGEST: i64 = 315_360_000;

fn failed(world: &World) -> Box<Answer> {
    reason(world.now(), 401, "Authentication Failed")
}

fn expiration(body: &Map<String, Value>) -> Result<i64, String> {
    let integer = "{'expiration': {'message': 'Not a valid integer.', 'constraint_id': 'type', 'constraint': 'integer'}}";
    let seconds = match body.get("expiration") {
        None => return Ok(LIFETIME),
        Some(Value::Null) => {
            let words = "'Field may not be null.', 'constraint_id': 'not_null', 'constraint': 'not_null'";
            return Err(format!("{{'expiration': {{'message': {words}}}}}"));
        }
        // A fraction is cut off, a number in quotes is taken.
        Some(Value::Number(number)) => number.as_i64().or(number.as_f64().map(|float| float as i64)),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match seconds {
        Some(seconds) if (1..=LONGEST).contains(&seconds) => Ok(seconds),
        Some(_) => {
            let words = format!("Must be greater than or equal to 1 and less than or equal to {LONGEST}.");
            let constraint = format!("{{'min': 1, 'max': {LONGEST}}}");
            Err(format!(
                "{{'expiration': [{{'constraint_id': 'range', 'constraint': {constraint}, 'message': '{words}'}}]}}"
            ))
        }
        None => Err(integer.to_owned()),
    }
}

/// The user who logs in: by user name (whatever its case) or by a confirmed e-mail address.
fn by_password<'w>(world: &'w World, call: &Call) -> Option<&'w User> {
    let (login, password) = call.basic()?;
    let login = login.to_lowercase();
    let known = |user: &User| {
        let by_name = user
            .username
            .as_ref()
            .is_some_and(|name| name.to_lowercase() == login);
        by_name
            || user
                .emails
                .iter()
                .any(|email| email.confirmed && email.address.to_lowercase() == login)
    };
    let user = world.users.values().find(|user| user.enabled && known(user))?;
    (user.password.as_ref() == Some(&password)).then_some(user)
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let now = world.now();
    let body = body(world, call, "token")?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let seconds = expiration(&body).map_err(|said| reason(now, 400, said))?;
    let (client, refresh) = (text("client_id"), text("refresh_token"));
    let offline = text("access_type").as_deref() == Some("offline");
    let schema = |said: &str| reason(now, 400, format!("{{'_schema': ['{said}']}}"));
    if offline && client.is_none() {
        return Err(schema(
            r#""client_id" must be specified when using "access_type" is "offline""#,
        ));
    }
    if refresh.is_some() && client.is_none() {
        return Err(schema(
            r#""client_id" must be specified when using a "refresh_token""#,
        ));
    }
    let user = match &refresh {
        None => by_password(world, call),
        Some(refresh) => {
            let known = world
                .refreshes
                .iter()
                .find(|known| &known.token == refresh && Some(&known.client) == client.as_ref());
            known.and_then(|known| world.users.get(&known.user))
        }
    };
    let user = user.cloned().ok_or_else(|| failed(world))?;
    if user.purpose != "internal" && world.live_tokens_of(&user.uuid).len() >= LIMIT {
        let said = format!(
            "User {} has exceeded the maximum number of active sessions",
            user.uuid
        );
        return Err(reason(now, 429, said));
    }
    let issued = world.clock.now();
    let token = Token {
        session: new_uuid(),
        user: user.uuid.clone(),
        username: user.username.clone(),
        tenant: user.tenant.clone(),
        purpose: user.purpose.clone(),
        acl: world.acl_of(&user),
        issued,
        expires: issued
            .saturating_add(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MAX),
        user_agent: call.header("user-agent").unwrap_or_default().to_owned(),
    };
    let uuid = new_uuid();
    let mut data = shown(
        world,
        &uuid,
        &token,
        "%Y-%m-%dT%H:%M:%S%.6f",
        "%Y-%m-%dT%H:%M:%S%.6f",
    );
    if offline {
        data["refresh_token"] = json!(refresh_token(world, &user.uuid, client.unwrap_or_default()));
    }
    world.keep_to_ourselves(&uuid);
    world.tokens.insert(uuid, token);
    let effect = Effect::on(
        EffectKind::Created,
        format!("tokens/{}", user.username.unwrap_or_default()),
    );
    let answer = Answer::json(200, &json!({"data": data})).header("Wazo-Sessions-Revoked", "0");
    Ok(answer.effect(effect).notifying())
}

/// One refresh token per user and client: the second log-in gets the first one's.
fn refresh_token(world: &mut World, user: &str, client: String) -> String {
    let known = world
        .refreshes
        .iter()
        .find(|known| known.user == user && known.client == client);
    if let Some(known) = known {
        return known.token.clone();
    }
    let refresh = Refresh {
        token: new_uuid(),
        client,
        user: user.to_owned(),
        created: world.clock.now(),
    };
    let token = refresh.token.clone();
    world.keep_to_ourselves(&token);
    world.refreshes.push(refresh);
    token
}

fn shown(world: &World, uuid: &str, token: &Token, naive: &str, utc: &str) -> Value {
    let person = token.purpose == "user";
    let person_uuid = person.then_some(&token.user);
    let mut metadata = json!({
        "uuid": token.user,
        "tenant_uuid": token.tenant,
        "auth_id": token.user,
        "pbx_user_uuid": person_uuid,
        "xivo_uuid": world.stack_uuid,
        "purpose": token.purpose,
    });
    if person {
        metadata["admin"] = json!(false);
    }
    json!({
        "token": uuid,
        "auth_id": token.user,
        "xivo_user_uuid": person_uuid,
        "xivo_uuid": world.stack_uuid,
        "issued_at": token.issued.strftime(naive).to_string(),
        "expires_at": token.expires.strftime(naive).to_string(),
        "utc_issued_at": token.issued.strftime(utc).to_string(),
        "utc_expires_at": token.expires.strftime(utc).to_string(),
        "acl": token.acl,
        "metadata": metadata,
        "session_uuid": token.session,
        "remote_addr": "127.0.0.1",
        "user_agent": token.user_agent,
    })
}

fn known<'w>(world: &'w World, uuid: &str) -> Result<&'w Token, Box<Answer>> {
    world
        .live_token(uuid)
        .ok_or_else(|| reason(world.now(), 404, "No such token"))
}

fn in_tenant(world: &World, token: &Token, tenant: Option<&str>) -> Result<(), Box<Answer>> {
    match tenant.filter(|tenant| !world.is_below(tenant, &token.tenant)) {
        Some(tenant) => Err(reason(
            world.now(),
            403,
            format!("Unauthorized for tenant {tenant}"),
        )),
        None => Ok(()),
    }
}

/// GET shows the token, HEAD only says 204; both check a scope and a tenant if asked. No credentials.
pub(super) fn get(world: &World, call: &Call, uuid: &str) -> Reply {
    let token = known(world, uuid)?;
    if let Some(scope) = call.param("scope").filter(|scope| !token.access().allows(scope)) {
        return Err(reason(world.now(), 403, format!("Unauthorized for {scope}")));
    }
    in_tenant(world, token, call.param("tenant"))?;
    if call.method == http::Method::HEAD {
        return Ok(Answer::empty(204));
    }
    let data = shown(
        world,
        uuid,
        token,
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%S.000000",
    );
    Ok(Answer::json(200, &json!({"data": data})))
}

/// Always 200, known or not, whoever asks.
pub(super) fn delete(world: &mut World, uuid: &str) -> Answer {
    let effect = match world.tokens.remove(uuid) {
        Some(token) => Effect::on(
            EffectKind::Deleted,
            format!("tokens/{}", token.username.unwrap_or_default()),
        ),
        None => Effect::none(),
    };
    Answer::json(200, &json!({"data": {"message": "success"}})).effect(effect)
}

/// Which of the scopes the token holds, as a map; without `scopes` it is a 500 upstream.
pub(super) fn check(world: &World, call: &Call, uuid: &str) -> Reply {
    let now = world.now();
    let body = body(world, call, "token")?;
    let Some(scopes) = body.get("scopes") else {
        return Err(framework(500));
    };
    let Value::Array(scopes) = scopes else {
        let said =
            "{'scopes': {'message': 'Not a valid list.', 'constraint_id': 'type', 'constraint': 'list'}}";
        return Err(reason(now, 400, said));
    };
    let wrong: Vec<String> = scopes
        .iter()
        .enumerate()
        .filter_map(|(index, scope)| wrong_scope(index, scope))
        .collect();
    if !wrong.is_empty() {
        return Err(reason(
            now,
            400,
            format!("{{'scopes': {{{}}}}}", wrong.join(", ")),
        ));
    }
    let token = known(world, uuid)?;
    in_tenant(world, token, body.get("tenant_uuid").and_then(Value::as_str))?;
    let access = token.access();
    let held: Map<String, Value> = scopes
        .iter()
        .filter_map(Value::as_str)
        .map(|scope| (scope.to_owned(), json!(access.allows(scope))))
        .collect();
    Ok(Answer::json(200, &json!({"scopes": held})))
}

fn wrong_scope(index: usize, scope: &Value) -> Option<String> {
    let (message, id, constraint) = match scope {
        Value::String(_) => return None,
        Value::Null => ("Field may not be null.", "not_null", "not_null"),
        _ => ("Not a valid string.", "type", "string"),
    };
    Some(format!(
        "{index}: {{'message': '{message}', 'constraint_id': '{id}', 'constraint': '{constraint}'}}"
    ))
}

fn shown_refreshes(world: &World, wanted: impl Fn(&User) -> bool) -> Answer {
    let items: Vec<Value> = world
        .refreshes
        .iter()
        .filter_map(|refresh| Some((refresh, world.users.get(&refresh.user)?)))
        .filter(|(_, user)| wanted(user))
        .map(|(refresh, user)| {
            json!({
                "client_id": refresh.client,
                "created_at": refresh.created.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
                "mobile": false,
                "user_uuid": user.uuid,
                "tenant_uuid": user.tenant,
                "metadata": {},
            })
        })
        .collect();
    Answer::json(
        200,
        &json!({"total": items.len(), "filtered": items.len(), "items": items}),
    )
}

pub(super) fn refresh_list(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.tokens.read")?;
    let recurse = call.recurse();
    let seen =
        |user: &User| user.tenant == caller.tenant || recurse && world.is_below(&user.tenant, &caller.tenant);
    Ok(shown_refreshes(world, seen))
}

pub(super) fn refresh_list_of(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.users.{uuid}.tokens.read"))?;
    let user = super::user(world, &caller, uuid)?;
    Ok(shown_refreshes(world, |other| other.uuid == user.uuid))
}

pub(super) fn refresh_delete(world: &mut World, call: &Call, uuid: &str, client: &str) -> Reply {
    let access = format!("auth.users.{uuid}.tokens.{}.delete", crate::call::word(client));
    let caller = authorize(world, call, &access)?;
    let user = super::user(world, &caller, uuid)?.uuid.clone();
    let before = world.refreshes.len();
    world
        .refreshes
        .retain(|refresh| refresh.user != user || refresh.client != client);
    if world.refreshes.len() == before {
        let message = json!(format!("unknown refresh_token for client_id \"{client}\""));
        let id = "cannot-find-refresh-token-matching-client-id";
        return Err(problem(
            world.now(),
            404,
            message,
            id,
            json!({"client_id": client}),
            Some("tokens"),
        ));
    }
    Ok(Answer::empty(204).effect(Effect::on(EffectKind::Deleted, format!("refresh_tokens/{user}"))))
}

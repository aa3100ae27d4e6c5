//! What hangs on a user: password, e-mails, policies, sessions.

use serde_json::{Value, json};

use super::fields::{Fields, missing, wrong_length};
use super::users::{free_login, shown_email};
use super::{authorize, body, not_yours, policies as policy, unknown_user, user};
use crate::answer::{Answer, Reply, problem, reason};
use crate::call::{Call, word};
use crate::journal::{Effect, EffectKind};
use crate::world::{Email, World, new_uuid};

/// The user's own change: the old password is asked. His tokens die.
pub(super) fn change_password(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.users.{uuid}.password.update"))?;
    let body = body(world, call, "users")?;
    let mut fields = Fields::new(&body);
    let old = fields.required("old_password", 0, None);
    let new = fields.required("new_password", 1, None);
    fields.done(world.now(), "users")?;
    if user(world, &caller, uuid)?.password.as_ref() != Some(&old) {
        return Err(reason(world.now(), 401, "Authentication Failed"));
    }
    set_password(world, uuid, Some(new));
    Ok(Answer::empty(204).effect(Effect::on(EffectKind::Changed, format!("users/{uuid}/password"))))
}

pub(crate) fn set_password(world: &mut World, uuid: &str, password: Option<String>) {
    if let Some(password) = &password {
        world.keep_to_ourselves(password);
    }
    if let Some(user) = world.users.get_mut(uuid) {
        user.password = password;
    }
    world.drop_tokens_of(uuid);
}

/// An administrator's change, of a user of ANY tenant: only the access string is looked at. Null removes the password.
pub(super) fn reset_password(world: &mut World, call: &Call) -> Reply {
    let uuid = call.param("user_uuid").unwrap_or("None").to_owned();
    let access = format!("auth.users.password.reset.{}.create", word(&uuid));
    if !world
        .live_token(call.token())
        .is_some_and(|token| token.access().allows(&access))
    {
        let details = json!({"invalid_token": call.token()});
        return Err(problem(
            world.now(),
            401,
            json!("Unauthorized"),
            "unauthorized",
            details,
            None,
        ));
    }
    let body = body(world, call, "reset")?;
    let refuse = |what: Value| {
        problem(
            world.now(),
            400,
            what["message"].clone(),
            "invalid-data",
            json!({}),
            Some("reset"),
        )
    };
    let password = match body.get("password") {
        None => return Err(refuse(missing())),
        Some(Value::Null) => None,
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(_) => return Err(refuse(wrong_length(1, None))),
    };
    if !world.users.contains_key(&uuid) {
        return Err(unknown_user(world, &uuid));
    }
    set_password(world, &uuid, password);
    Ok(Answer::empty(204).effect(Effect::on(EffectKind::Changed, format!("users/{uuid}/password"))))
}

pub(super) fn set_emails(world: &mut World, call: &Call, uuid: &str, admin: bool) -> Reply {
    let prefix = if admin { "auth.admin.users" } else { "auth.users" };
    let caller = authorize(world, call, &format!("{prefix}.{uuid}.emails.update"))?;
    let body = body(world, call, "emails")?;
    let known = user(world, &caller, uuid)?.emails.clone();
    let mut emails = Vec::new();
    for given in body.get("emails").and_then(Value::as_array).into_iter().flatten() {
        let address = given["address"].as_str().unwrap_or_default().to_owned();
        free_login(world, "email_address", &address, uuid)?;
        let before = known.iter().find(|email| email.address == address);
        let confirmed = match admin {
            true => given["confirmed"].as_bool().unwrap_or(false),
            false => before.is_some_and(|email| email.confirmed),
        };
        let uuid = before.map_or_else(new_uuid, |email| email.uuid.clone());
        emails.push(Email {
            uuid,
            address,
            main: given["main"] == true,
            confirmed,
        });
    }
    if !emails.is_empty() && !emails.iter().any(|email| email.main) {
        let message = json!({"_schema": ["At least one address should be main"]});
        return Err(problem(
            world.now(),
            400,
            message,
            "invalid-data",
            json!({}),
            Some("emails"),
        ));
    }
    let shown: Vec<Value> = emails.iter().map(shown_email).collect();
    if let Some(user) = world.users.get_mut(uuid) {
        user.emails = emails;
    }
    Ok(Answer::json(200, &json!(shown))
        .effect(Effect::on(EffectKind::Changed, format!("users/{uuid}/emails"))))
}

/// The policies of a user; of an unknown one it is an empty list.
pub(super) fn policies(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.users.{uuid}.policies.read"))?;
    let held = world
        .users
        .get(uuid)
        .map(|user| user.policies.clone())
        .unwrap_or_default();
    let mut items: Vec<Value> = held
        .iter()
        .filter_map(|policy| world.policies.get(policy))
        .map(|found| policy::shown(found, &caller.tenant))
        .collect();
    items.sort_by_key(|item| item["name"].as_str().unwrap_or_default().to_owned());
    Ok(Answer::json(
        200,
        &json!({"items": items, "total": items.len(), "filtered": items.len()}),
    ))
}

/// Attaches or detaches; 204 both times, also if nothing changes. One must hold every right of the policy.
pub(super) fn link_policy(world: &mut World, call: &Call, uuid: &str, name: &str) -> Reply {
    let attach = call.method == http::Method::PUT;
    let action = if attach { "create" } else { "delete" };
    let caller = authorize(
        world,
        call,
        &format!("auth.users.{uuid}.policies.{}.{action}", word(name)),
    )?;
    user(world, &caller, uuid)?;
    let found = policy::find(world, &caller, name)?;
    let access = caller.access();
    let lacking = |entry: &&String| {
        if attach {
            !access.may_add(entry)
        } else {
            !access.may_remove(entry)
        }
    };
    if let Some(entry) = found.acl.iter().find(lacking) {
        return Err(not_yours(world, &caller, entry));
    }
    let policy = found.uuid.clone();
    let user = world.users.get_mut(uuid);
    if let Some(user) = user {
        user.policies.retain(|held| *held != policy);
        if attach {
            user.policies.push(policy.clone());
        }
    }
    let kind = if attach {
        EffectKind::Created
    } else {
        EffectKind::Deleted
    };
    Ok(Answer::empty(204).effect(Effect::on(kind, format!("users/{uuid}/policies/{policy}"))))
}

/// The sessions of a user, of expired tokens too: the daemon only sweeps them away from time to time.
pub(super) fn sessions(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.users.{uuid}.sessions.read"))?;
    let user = user(world, &caller, uuid)?;
    let sessions = world
        .tokens
        .values()
        .filter(|token| token.user == uuid)
        .map(|token| &token.session);
    let shown = |session| json!({"uuid": session, "mobile": false, "tenant_uuid": user.tenant, "user_uuid": user.uuid});
    let items: Vec<Value> = sessions.map(shown).collect();
    Ok(Answer::json(
        200,
        &json!({"items": items, "total": items.len(), "filtered": items.len()}),
    ))
}

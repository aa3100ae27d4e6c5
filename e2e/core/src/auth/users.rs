//! Users: user names are unique over all tenants and together with e-mails, whatever the case; PUT replaces.

use serde_json::{Value, json};

use super::fields::Fields;
use super::listing::Listing;
use super::{Caller, authorize, body, user};
use crate::answer::{Answer, Reply, framework, problem};
use crate::call::Call;
use crate::journal::{Effect, EffectKind};
use crate::world::{Email, User, World, new_uuid};

const LISTING: Listing = Listing {
    orders: &["username", "firstname", "lastname"],
    filters: &["uuid", "username", "firstname", "lastname", "purpose"],
    search: &["username", "firstname", "lastname"],
};
const PURPOSES: [&str; 3] = ["user", "internal", "external_api"];
const METHODS: [&str; 4] = ["default", "native", "ldap", "saml"];

pub(super) fn shown(user: &User) -> Value {
    json!({
        "username": user.username,
        "uuid": user.uuid,
        "enabled": user.enabled,
        "emails": user.emails.iter().map(shown_email).collect::<Vec<_>>(),
        "firstname": user.firstname,
        "lastname": user.lastname,
        "purpose": user.purpose,
        "tenant_uuid": user.tenant,
        "authentication_method": user.method,
    })
}

pub(super) fn shown_email(email: &Email) -> Value {
    json!({"uuid": email.uuid, "address": email.address, "main": email.main, "confirmed": email.confirmed})
}

/// 409 if a login (user name or e-mail) belongs to another user of whatever tenant.
pub(super) fn free_login(world: &World, field: &str, login: &str, of: &str) -> Result<(), Box<Answer>> {
    let low = login.to_lowercase();
    let used = world.users.values().filter(|user| user.uuid != of).any(|user| {
        let by_name = user
            .username
            .as_ref()
            .is_some_and(|name| name.to_lowercase() == low);
        by_name
            || user
                .emails
                .iter()
                .any(|email| email.address.to_lowercase() == low)
    });
    if used {
        Err(conflict(
            world,
            field,
            &format!("The login \"{login}\" is already used"),
        ))
    } else {
        Ok(())
    }
}

fn conflict(world: &World, field: &str, message: &str) -> Box<Answer> {
    let mut details = json!({});
    details[field] = json!({"constraint_id": "unique", "message": message});
    problem(
        world.now(),
        409,
        json!("Conflict detected"),
        "conflict",
        details,
        Some("users"),
    )
}

/// What POST and PUT both read; everything absent is reset.
fn read(world: &World, fields: &mut Fields<'_>, user: &mut User) -> Result<(), Box<Answer>> {
    user.username = fields.text("username", 1, Some(256));
    user.firstname = fields.text("firstname", 0, Some(256));
    user.lastname = fields.text("lastname", 0, Some(256));
    user.purpose = fields.choice("purpose", &PURPOSES, "user");
    user.enabled = fields.flag("enabled", true);
    let usual = if user.purpose == "user" {
        "default"
    } else {
        "native"
    };
    let method = fields
        .value("authentication_method")
        .and_then(Value::as_str)
        .unwrap_or(usual);
    if !METHODS.contains(&method) {
        let message = json!(format!("Invalid authentication method {method}"));
        let details = json!({"authentication_method": method});
        return Err(problem(
            world.now(),
            400,
            message,
            "invalid-data",
            details,
            Some("users"),
        ));
    }
    method.clone_into(&mut user.method);
    Ok(())
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.users.create")?;
    let body = body(world, call, "users")?;
    let mut fields = Fields::new(&body);
    let mut user = User {
        uuid: new_uuid(),
        tenant: caller.tenant,
        username: None,
        firstname: None,
        lastname: None,
        purpose: String::new(),
        emails: Vec::new(),
        enabled: true,
        method: String::new(),
        password: fields.text("password", 1, None),
        policies: Vec::new(),
    };
    read(world, &mut fields, &mut user)?;
    let address = fields.email("email_address");
    let uuid = fields.uuid("uuid");
    fields.done(world.now(), "users")?;
    if let Some(username) = &user.username {
        free_login(world, "username", username, "")?;
    }
    if let Some(address) = address {
        free_login(world, "email_address", &address, "")?;
        user.emails.push(Email {
            uuid: new_uuid(),
            address,
            main: true,
            confirmed: true,
        });
    }
    if let Some(uuid) = uuid {
        if world.users.contains_key(&uuid) {
            return Err(conflict(
                world,
                "uuid",
                &format!("The uuid \"{uuid}\" is already used"),
            ));
        }
        user.uuid = uuid;
    }
    let shown = json!({
        "uuid": user.uuid,
        "username": user.username,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "purpose": user.purpose,
        "emails": user.emails.iter().map(shown_email).collect::<Vec<_>>(),
        "enabled": user.enabled,
        "tenant_uuid": user.tenant,
        "authentication_method": user.method,
    });
    let effect = Effect::on(EffectKind::Created, format!("users/{}", user.uuid));
    let half_made = world
        .tenants
        .get(&user.tenant)
        .is_some_and(|tenant| tenant.half_made);
    if let Some(password) = &user.password {
        world.keep_to_ourselves(password);
    }
    world.users.insert(user.uuid.clone(), user);
    // In a tenant without its all-users group the daemon fails after the user was made.
    let answer = if half_made {
        *framework(500)
    } else {
        Answer::json(200, &shown)
    };
    Ok(answer.effect(effect))
}

pub(super) fn get(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.users.{uuid}.read"))?;
    Ok(Answer::json(200, &shown(user(world, &caller, uuid)?)))
}

pub(super) fn list(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.users.read")?;
    let users = seen(world, call, &caller);
    let total = users.len();
    let slug = |policy: &String| world.policies.get(policy).map(|policy| policy.slug.as_str());
    let kept = users.into_iter().filter(|user| {
        call.param("policy_uuid")
            .is_none_or(|wanted| user.policies.iter().any(|policy| policy == wanted))
            && call
                .param("policy_slug")
                .is_none_or(|wanted| user.policies.iter().any(|policy| slug(policy) == Some(wanted)))
            && call
                .param("email_address")
                .is_none_or(|wanted| user.emails.iter().any(|email| email.address == wanted))
    });
    let page = LISTING.page(world.now(), call, kept.map(shown).collect())?;
    Ok(Answer::json(
        200,
        &json!({"filtered": page.filtered, "total": total, "items": page.items}),
    ))
}

fn seen<'w>(world: &'w World, call: &Call, caller: &Caller) -> Vec<&'w User> {
    let recurse = call.recurse();
    let in_sight = |user: &&User| {
        user.tenant == caller.tenant || recurse && world.is_below(&user.tenant, &caller.tenant)
    };
    world.users.values().filter(in_sight).collect()
}

/// Replaces; password and e-mails are silently left as they are. Disabling kills the tokens.
pub(super) fn edit(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.users.{uuid}.update"))?;
    let body = body(world, call, "users")?;
    let mut fields = Fields::new(&body);
    let mut changed = user(world, &caller, uuid)?.clone();
    read(world, &mut fields, &mut changed)?;
    fields.done(world.now(), "users")?;
    if let Some(username) = &changed.username {
        free_login(world, "username", username, uuid)?;
    }
    if !changed.enabled {
        world.drop_tokens_of(uuid);
    }
    let answer = Answer::json(200, &shown(&changed));
    world.users.insert(uuid.to_owned(), changed);
    Ok(answer.effect(Effect::on(EffectKind::Changed, format!("users/{uuid}"))))
}

/// The user goes; his tokens stay, good for nothing but being looked at.
pub(super) fn delete(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.users.{uuid}.delete"))?;
    user(world, &caller, uuid)?;
    world.users.remove(uuid);
    for group in world.groups.values_mut() {
        group.users.retain(|user| user != uuid);
    }
    Ok(Answer::empty(204).effect(Effect::on(EffectKind::Deleted, format!("users/{uuid}"))))
}

//! confd's users: who has a telephone. Making and deleting was recorded; what GET answers is what POST answered.

use serde_json::{Map, Value, json};

use super::apps::count;
use super::{Caller, authorize};
use crate::answer::{Answer, Reply, framework_message, texts};
use crate::call::Call;
use crate::journal::{Effect, EffectKind};
use crate::seed::PhoneUser;
use crate::world::{World, new_uuid};

impl World {
    /// Takes one of confd's users away, with the external apps of his own.
    pub(crate) fn remove_phone_user(&mut self, uuid: &str) {
        self.phone_users.remove(uuid);
        self.user_apps.retain(|(user, _), _| user != uuid);
    }

    /// Makes one of confd's users, with the next id.
    pub(crate) fn add_phone_user(
        &mut self,
        tenant: &str,
        firstname: &str,
        lastname: Option<String>,
    ) -> PhoneUser {
        self.last_phone_user += 1;
        let user = PhoneUser {
            id: self.last_phone_user,
            uuid: new_uuid(),
            tenant: tenant.to_owned(),
            firstname: firstname.to_owned(),
            lastname,
            created: self.clock.now(),
        };
        self.confd_tenants.insert(tenant.to_owned());
        self.phone_users.insert(user.uuid.clone(), user.clone());
        user
    }
}

/// Whoever is not in the caller's tenants does not exist.
pub(super) fn find<'w>(world: &'w World, caller: &Caller, uuid: &str) -> Result<&'w PhoneUser, Box<Answer>> {
    let found = world
        .phone_users
        .get(uuid)
        .filter(|user| world.is_below(&user.tenant, &caller.tenant));
    found.ok_or_else(|| {
        let said = format!("Resource Not Found - User was not found ('id': UUID('{uuid}'))");
        texts(404, &[said])
    })
}

fn shown(user: &PhoneUser, base: &str) -> Value {
    let whole = match &user.lastname {
        Some(lastname) => format!("{} {lastname}", user.firstname),
        None => user.firstname.clone(),
    };
    let off = json!({"enabled": false, "destination": null});
    let mut value = json!({
        "id": user.id,
        "uuid": user.uuid,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "caller_id": format!("\"{whole}\""),
        "mobile_fallback_enabled": false,
        "supervision_enabled": true,
        "ring_seconds": 30,
        "simultaneous_calls": 5,
        "subscription_type": 0,
        "created_at": user.created.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        "enabled": true,
        "tenant_uuid": user.tenant,
        "links": [{"rel": "users", "href": format!("{base}/1.1/users/{}", user.id)}],
        "fallbacks": {
            "noanswer_destination": null,
            "busy_destination": null,
            "congestion_destination": null,
            "fail_destination": null,
        },
        "forwards": {"busy": off, "noanswer": off, "unconditional": off},
        "services": {"dnd": {"enabled": false}, "incallfilter": {"enabled": false}},
    });
    for name in NULLS {
        value[name] = Value::Null;
    }
    for name in SWITCHES {
        value[name] = json!(false);
    }
    for name in LISTS {
        value[name] = json!([]);
    }
    value
}

const NULLS: [&str; 16] = [
    "email",
    "timezone",
    "country",
    "language",
    "description",
    "outgoing_caller_id",
    "mobile_phone_number",
    "username",
    "password",
    "music_on_hold",
    "preprocess_subroutine",
    "userfield",
    "call_permission_password",
    "agent",
    "voicemail",
    "func_key_template_id",
];
const SWITCHES: [&str; 8] = [
    "call_transfer_enabled",
    "dtmf_hangup_enabled",
    "call_record_outgoing_external_enabled",
    "call_record_outgoing_internal_enabled",
    "call_record_incoming_internal_enabled",
    "call_record_incoming_external_enabled",
    "online_call_record_enabled",
    "call_record_enabled",
];
const LISTS: [&str; 8] = [
    "call_permissions",
    "groups",
    "incalls",
    "lines",
    "schedules",
    "switchboards",
    "queues",
    "call_pickup_target_users",
];

fn body(call: &Call) -> Result<Map<String, Value>, Box<Answer>> {
    match call.json() {
        Some(Value::Object(body)) => Ok(body),
        Some(_) => Err(texts(
            400,
            &["Input Error - _schema: ['Invalid input type.']".to_owned()],
        )),
        None => Err(texts(400, &[framework_message(400).to_owned()])),
    }
}

/// Only the names are read; a user needs a first one.
pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let caller = authorize(world, call, "confd.users.create")?;
    let body = body(call)?;
    let Some(firstname) = body.get("firstname").and_then(Value::as_str) else {
        let said = "Input Error - firstname: ['Missing data for required field.']";
        return Err(texts(400, &[said.to_owned()]));
    };
    let lastname = body
        .get("lastname")
        .and_then(Value::as_str)
        .map(ToOwned::to_owned);
    let user = world.add_phone_user(&caller.tenant, firstname, lastname);
    Ok(Answer::json(201, &shown(&user, &call.base))
        .header("Location", format!("{}/1.1/users/{}", call.base, user.id))
        .effect(Effect::on(
            EffectKind::Created,
            format!("phone_users/{}", user.uuid),
        ))
        .notifying())
}

pub(super) fn get(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("confd.users.{uuid}.read"))?;
    Ok(Answer::json(200, &shown(find(world, &caller, uuid)?, &call.base)))
}

/// One tenant's users, or the whole subtree's with `recurse=true`; not recorded.
pub(super) fn list(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "confd.users.read")?;
    let limit = count(call, "limit")?.unwrap_or(usize::MAX);
    let offset = count(call, "offset")?.unwrap_or(0);
    let recurse = call.recurse() && caller.lists_tenants;
    let found: Vec<&PhoneUser> = world
        .phone_users
        .values()
        .filter(|user| {
            user.tenant == caller.tenant || recurse && world.is_below(&user.tenant, &caller.tenant)
        })
        .filter(|user| {
            call.param("uuid")
                .is_none_or(|uuid| uuid.split(',').any(|one| one == user.uuid))
        })
        .collect();
    let page = found.iter().skip(offset).take(limit);
    let items: Vec<Value> = page.map(|user| shown(user, &call.base)).collect();
    Ok(Answer::json(200, &json!({"total": found.len(), "items": items})))
}

/// The user goes with the external apps of his own.
pub(super) fn delete(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("confd.users.{uuid}.delete"))?;
    find(world, &caller, uuid)?;
    world.remove_phone_user(uuid);
    Ok(Answer::empty(204)
        .effect(Effect::on(EffectKind::Deleted, format!("phone_users/{uuid}")))
        .notifying())
}

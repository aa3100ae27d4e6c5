//! External apps of users: the user is looked for in the caller's tenants and below; with `view=fallback` the
//! tenant's app stands in for a name that the user lacks, whole, never merged.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::apps::{count, fields};
use super::{authorize, users};
use crate::answer::{Answer, Reply, texts};
use crate::call::{Call, encode, word};
use crate::journal::{Effect, EffectKind};
use crate::seed::{PhoneUser, UserApplication};
use crate::world::World;

fn shown(name: &str, label: Option<&str>, configuration: &Value) -> Value {
    json!({"name": name, "label": label, "configuration": configuration})
}

fn shown_own(app: &UserApplication) -> Value {
    shown(&app.name, app.label.as_deref(), &app.configuration)
}

fn unknown(name: &str) -> Box<Answer> {
    let said = format!("Resource Not Found - UserExternalApp was not found ('name': '{name}')");
    texts(404, &[said])
}

/// Whether the tenant's apps are asked for too; any other view is refused.
fn fallback(call: &Call) -> Result<bool, Box<Answer>> {
    match call.param("view") {
        None => Ok(false),
        Some("fallback") => Ok(true),
        Some(_) => Err(texts(
            400,
            &["Input Error - view: ['Must be one of: fallback.']".to_owned()],
        )),
    }
}

/// The right and the user that an item route needs.
fn user(world: &World, call: &Call, uuid: &str, name: &str, action: &str) -> Result<PhoneUser, Box<Answer>> {
    let access = format!("confd.users.{uuid}.external.apps.{}.{action}", word(name));
    let caller = authorize(world, call, &access)?;
    users::find(world, &caller, uuid).cloned()
}

pub(super) fn get(world: &World, call: &Call, uuid: &str, name: &str) -> Reply {
    let user = user(world, call, uuid, name, "read")?;
    let fallback = fallback(call)?;
    let own = world
        .user_apps
        .get(&(user.uuid.clone(), name.to_owned()))
        .map(shown_own);
    let of_tenant = || {
        let app = world.apps.get(&(user.tenant.clone(), name.to_owned()))?;
        Some(shown(&app.name, app.label.as_deref(), &app.configuration))
    };
    let found = own.or_else(|| if fallback { of_tenant() } else { None });
    Ok(Answer::json(200, &found.ok_or_else(|| unknown(name))?))
}

pub(super) fn create(world: &mut World, call: &Call, uuid: &str, name: &str) -> Reply {
    let user = user(world, call, uuid, name, "create")?;
    let fields = fields(call, Some(name))?;
    let key = (user.uuid, name.to_owned());
    if world.user_apps.contains_key(&key) {
        let said = format!(
            "Resource Error - UserExternalApp already exists ('user_uuid': '{}', 'name': '{name}')",
            key.0
        );
        return Err(texts(400, &[said]));
    }
    let mut app = UserApplication {
        user: key.0.clone(),
        name: name.to_owned(),
        label: None,
        configuration: Value::Null,
    };
    fields.write(&mut app.label, &mut app.configuration);
    let location = format!(
        "{}/1.1/users/{}/external/apps/{}",
        call.base,
        app.user,
        encode(name)
    );
    let answer = Answer::json(201, &shown_own(&app)).header("Location", location);
    let effect = effect(EffectKind::Created, &app.user, name, None, Some(&app));
    world.user_apps.insert(key, app);
    Ok(answer.effect(effect).notifying())
}

pub(super) fn edit(world: &mut World, call: &Call, uuid: &str, name: &str) -> Reply {
    let user = user(world, call, uuid, name, "update")?;
    let key = (user.uuid, name.to_owned());
    let before = world.user_apps.get(&key).cloned().ok_or_else(|| unknown(name))?;
    let mut app = before.clone();
    fields(call, None)?.write(&mut app.label, &mut app.configuration);
    let effect = effect(EffectKind::Changed, &app.user, name, Some(&before), Some(&app));
    world.user_apps.insert(key, app);
    Ok(Answer::empty(204).effect(effect).notifying())
}

pub(super) fn delete(world: &mut World, call: &Call, uuid: &str, name: &str) -> Reply {
    let user = user(world, call, uuid, name, "delete")?;
    let gone = world.user_apps.remove(&(user.uuid, name.to_owned()));
    let gone = gone.ok_or_else(|| unknown(name))?;
    let effect = effect(EffectKind::Deleted, &gone.user, name, Some(&gone), None);
    Ok(Answer::empty(204).effect(effect).notifying())
}

/// The user's apps; with `view=fallback` those of his tenant too, and then paging and search are ignored.
pub(super) fn list(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("confd.users.{uuid}.external.apps.read"))?;
    let user = users::find(world, &caller, uuid)?;
    let own = world.user_apps.values().filter(|app| app.user == user.uuid);
    if fallback(call)? {
        let of_tenant = world.apps.values().filter(|app| app.tenant == user.tenant);
        let mut own: BTreeMap<&str, Value> = own.map(|app| (app.name.as_str(), shown_own(app))).collect();
        // The user's app stands in the place of the tenant's; his others follow: so the daemon was seen to order.
        let mut items: Vec<Value> = of_tenant
            .map(|app| {
                let theirs = || shown(&app.name, app.label.as_deref(), &app.configuration);
                own.remove(app.name.as_str()).unwrap_or_else(theirs)
            })
            .collect();
        items.extend(own.into_values());
        return Ok(Answer::json(200, &json!({"total": items.len(), "items": items})));
    }
    let (limit, offset) = (count(call, "limit")?, count(call, "offset")?);
    let search = call.param("search").unwrap_or_default().to_lowercase();
    let found: Vec<Value> = own
        .filter(|app| {
            let label = app.label.as_deref().unwrap_or_default().to_lowercase();
            app.name.to_lowercase().contains(&search) || label.contains(&search)
        })
        .map(shown_own)
        .collect();
    let page = found
        .iter()
        .skip(offset.unwrap_or(0))
        .take(limit.unwrap_or(usize::MAX));
    let items: Vec<&Value> = page.collect();
    Ok(Answer::json(200, &json!({"total": found.len(), "items": items})))
}

/// An effect on a user's app, with its label and configuration before and after.
pub(crate) fn effect(
    kind: EffectKind,
    user: &str,
    name: &str,
    before: Option<&UserApplication>,
    after: Option<&UserApplication>,
) -> Effect {
    let kept = |app: &UserApplication| json!({"label": app.label, "configuration": app.configuration});
    Effect {
        before: before.map(kept),
        after: after.map(kept),
        ..Effect::on(kind, format!("user_external_apps/{user}/{name}"))
    }
}

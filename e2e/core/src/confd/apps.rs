//! External apps of tenants: item routes are tenant-exact, PUT merges the top level, `configuration` is replaced.

use serde_json::{Map, Value, json};

use super::{Caller, authorize};
use crate::answer::{Answer, Reply, framework_message, texts};
use crate::call::{Call, encode, word};
use crate::journal::{Effect, EffectKind};
use crate::seed::Application;
use crate::world::World;

fn caller(world: &World, call: &Call, name: &str, action: &str) -> Result<Caller, Box<Answer>> {
    authorize(
        world,
        call,
        &format!("confd.external.apps.{}.{action}", word(name)),
    )
}

fn find<'w>(world: &'w World, caller: &Caller, name: &str) -> Result<&'w Application, Box<Answer>> {
    let key = (caller.tenant.clone(), name.to_owned());
    world.apps.get(&key).ok_or_else(|| {
        texts(
            404,
            &[format!(
                "Resource Not Found - ExternalApp was not found ('name': '{name}')"
            )],
        )
    })
}

pub(super) fn get(world: &World, call: &Call, name: &str) -> Reply {
    let caller = caller(world, call, name, "read")?;
    Ok(Answer::json(
        200,
        &World::app_value(find(world, &caller, name)?, &call.base),
    ))
}

pub(super) fn create(world: &mut World, call: &Call, name: &str) -> Reply {
    let caller = caller(world, call, name, "create")?;
    let fields = fields(call, Some(name))?;
    let key = (caller.tenant.clone(), name.to_owned());
    if world.apps.contains_key(&key) {
        let tenant = &caller.tenant;
        let said = format!(
            "Resource Error - ExternalApp already exists ('tenant_uuid': '{tenant}', 'name': '{name}')"
        );
        return Err(texts(400, &[said]));
    }
    let mut app = Application {
        tenant: caller.tenant,
        name: name.to_owned(),
        label: None,
        configuration: Value::Null,
    };
    fields.write(&mut app.label, &mut app.configuration);
    let value = World::app_value(&app, &call.base);
    let effect = effect(EffectKind::Created, &app.tenant, name, None, Some(&app));
    world.confd_tenants.insert(app.tenant.clone());
    world.apps.insert(key, app);
    let location = format!("{}/1.1/external/apps/{}", call.base, encode(name));
    Ok(Answer::json(201, &value)
        .header("Location", location)
        .effect(effect)
        .notifying())
}

pub(super) fn edit(world: &mut World, call: &Call, name: &str) -> Reply {
    let caller = caller(world, call, name, "update")?;
    let mut app = find(world, &caller, name)?.clone();
    let before = app.clone();
    fields(call, None)?.write(&mut app.label, &mut app.configuration);
    let effect = effect(EffectKind::Changed, &app.tenant, name, Some(&before), Some(&app));
    world.apps.insert((caller.tenant, name.to_owned()), app);
    Ok(Answer::empty(204).effect(effect).notifying())
}

pub(super) fn delete(world: &mut World, call: &Call, name: &str) -> Reply {
    let caller = caller(world, call, name, "delete")?;
    let app = find(world, &caller, name)?;
    let effect = effect(EffectKind::Deleted, &app.tenant, name, Some(app), None);
    world.apps.remove(&(caller.tenant, name.to_owned()));
    Ok(Answer::empty(204).effect(effect).notifying())
}

/// An effect on an app, with its label and configuration before and after.
pub(crate) fn effect(
    kind: EffectKind,
    tenant: &str,
    name: &str,
    before: Option<&Application>,
    after: Option<&Application>,
) -> Effect {
    let kept = |app: &Application| json!({"label": app.label, "configuration": app.configuration});
    let key = format!("external_apps/{tenant}/{name}");
    Effect {
        before: before.map(kept),
        after: after.map(kept),
        ..Effect::on(kind, key)
    }
}

/// What a body says of an app; what is absent stays.
#[derive(Default)]
pub(super) struct Fields {
    label: Option<Option<String>>,
    configuration: Option<Value>,
}

impl Fields {
    pub(super) fn write(self, to_label: &mut Option<String>, to_configuration: &mut Value) {
        if let Some(label) = self.label {
            *to_label = label;
        }
        if let Some(configuration) = self.configuration {
            *to_configuration = configuration;
        }
    }
}

/// The body's fields; all that is wrong with them is told at once, one text each.
pub(super) fn fields(call: &Call, name: Option<&str>) -> Result<Fields, Box<Answer>> {
    let Some(body) = call.json() else {
        return Err(texts(400, &[framework_message(400).to_owned()]));
    };
    let Value::Object(body) = body else {
        return Err(texts(
            400,
            &["Input Error - _schema: ['Invalid input type.']".to_owned()],
        ));
    };
    let mut fields = Fields::default();
    let mut wrong = Vec::new();
    let mut say = |field: &str, what: &str| wrong.push(format!("Input Error - {field}: ['{what}']"));
    if name.is_some_and(|name| name.chars().count() > 128) {
        say("name", "Longer than maximum length 128.");
    }
    match body.get("label") {
        None => {}
        Some(Value::Null) => fields.label = Some(None),
        Some(Value::String(label)) if label.chars().count() > 256 => {
            say("label", "Longer than maximum length 256.")
        }
        Some(Value::String(label)) => fields.label = Some(Some(label.clone())),
        Some(_) => say("label", "Not a valid string."),
    }
    match body.get("configuration") {
        None => {}
        Some(value @ (Value::Null | Value::Object(_))) => fields.configuration = Some(value.clone()),
        Some(_) => say("configuration", "Not a valid mapping type."),
    }
    if wrong.is_empty() {
        Ok(fields)
    } else {
        Err(texts(400, &wrong))
    }
}

/// The list: one tenant's, or the whole subtree with `recurse=true`; `total` counts what matches, not the page.
pub(super) fn list(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "confd.external.apps.read")?;
    let limit = count(call, "limit")?;
    let offset = count(call, "offset")?.unwrap_or(0);
    let order = call.param("order").unwrap_or("name");
    if !["name", "label", "tenant_uuid"].contains(&order) {
        return Err(texts(
            400,
            &[format!("Input Error - order: column '{order}' was not found")],
        ));
    }
    let descending = match call.param("direction") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => {
            return Err(texts(
                400,
                &["Input Error - direction: must be 'asc' or 'desc'".to_owned()],
            ));
        }
    };
    if call.recurse() && !caller.lists_tenants && caller.tenant != caller.own_tenant {
        let said = format!("Unexpected error: Invalid tenant \"{}\"", caller.tenant);
        return Err(texts(500, &[said]));
    }
    let recurse = call.recurse() && caller.lists_tenants;
    let search = call.param("search").unwrap_or_default().to_lowercase();
    let mut found: Vec<Map<String, Value>> = world
        .apps
        .values()
        .filter(|app| app.tenant == caller.tenant || recurse && world.is_below(&app.tenant, &caller.tenant))
        .filter(|app| call.param("name").is_none_or(|name| name == app.name))
        .filter(|app| {
            call.param("label")
                .is_none_or(|label| Some(label) == app.label.as_deref())
        })
        .filter(|app| {
            let label = app.label.as_deref().unwrap_or_default();
            app.name.to_lowercase().contains(&search) || label.to_lowercase().contains(&search)
        })
        .filter_map(|app| match World::app_value(app, &call.base) {
            Value::Object(value) => Some(value),
            _ => None,
        })
        .collect();
    let key = |value: &Map<String, Value>| value[order].as_str().unwrap_or("\u{10ffff}").to_owned();
    found.sort_by_key(key);
    if descending {
        found.reverse();
    }
    let total = found.len();
    let items: Vec<_> = found
        .into_iter()
        .skip(offset)
        .take(limit.unwrap_or(usize::MAX))
        .collect();
    Ok(Answer::json(200, &json!({"total": total, "items": items})))
}

pub(super) fn count(call: &Call, name: &str) -> Result<Option<usize>, Box<Answer>> {
    let Some(given) = call.param(name) else {
        return Ok(None);
    };
    let said = match given.parse::<i64>() {
        Ok(number) if number >= 0 => return Ok(usize::try_from(number).ok()),
        Ok(_) => {
            "[{'constraint_id': 'range', 'constraint': {'min': 0}, 'message': 'Must be greater than or equal to 0.'}]"
        }
        Err(_) => "{'message': 'Not a valid integer.', 'constraint_id': 'type', 'constraint': 'integer'}",
    };
    Err(texts(400, &[format!("Input Error - {name}: {said}")]))
}

//! Tenants: a tree; lists show the whole subtree, PUT replaces, the slug never changes.

use serde_json::{Map, Value, json};

use super::fields::{Fields, wrong_length, wrong_null, wrong_pattern, wrong_type};
use super::listing::Listing;
use super::{Caller, authorize, body};
use crate::answer::{Answer, Reply, problem};
use crate::call::Call;
use crate::journal::{Effect, EffectKind};
use crate::world::{Tenant, World, new_uuid, no_address, slug_of};

const LISTING: Listing = Listing {
    orders: &["name", "slug"],
    filters: &["uuid", "name", "slug"],
    search: &["name", "slug"],
};
const DOMAIN: &str = r"^(?=.{1,253}\.?$)(?:(?!(-|_)|[^.]+_)[A-Za-z0-9-_]{1,}(?<!-)(?:\.|$)){2,63}$";
const METHODS: [&str; 3] = ["native", "ldap", "saml"];
const PARTS: [(&str, usize); 6] = [
    ("line_1", 256),
    ("line_2", 256),
    ("city", 128),
    ("state", 128),
    ("country", 128),
    ("zip_code", 16),
];

fn shown(tenant: &Tenant) -> Value {
    json!({
        "uuid": tenant.uuid,
        "parent_uuid": tenant.parent,
        "name": tenant.name,
        "slug": tenant.slug,
        "contact": tenant.contact,
        "phone": tenant.phone,
        "default_authentication_method": tenant.method,
        "domain_names": tenant.domains.keys().collect::<Vec<_>>(),
        "address": tenant.address,
    })
}

fn unknown(world: &World, uuid: &str) -> Box<Answer> {
    let message = json!(format!("No such tenant: \"{uuid}\""));
    problem(
        world.now(),
        404,
        message,
        "unknown-tenant",
        json!({"uuid": uuid}),
        Some("tenants"),
    )
}

fn tenant<'w>(world: &'w World, caller: &Caller, uuid: &str) -> Result<&'w Tenant, Box<Answer>> {
    let found = world
        .tenants
        .get(uuid)
        .filter(|tenant| world.is_below(&tenant.uuid, &caller.tenant));
    found.ok_or_else(|| unknown(world, uuid))
}

fn conflict(world: &World, field: &str, details: Value) -> Box<Answer> {
    let mut all = json!({});
    all[field] = details;
    problem(
        world.now(),
        409,
        json!("Conflict detected"),
        "conflict",
        all,
        Some("tenants"),
    )
}

/// What a body may say about a tenant; everything absent is reset.
struct Wanted {
    name: Option<String>,
    contact: Option<String>,
    phone: Option<String>,
    method: String,
    domains: Vec<String>,
    address: Value,
}

fn read(world: &World, fields: &mut Fields<'_>) -> Result<Wanted, Box<Answer>> {
    let mut wanted = Wanted {
        name: fields.text("name", 1, Some(128)),
        contact: fields.uuid("contact"),
        phone: fields.text("phone", 1, Some(32)),
        method: "native".to_owned(),
        domains: Vec::new(),
        address: no_address(),
    };
    match fields.value("domain_names") {
        None => {}
        Some(Value::Array(list)) => wanted.domains = domains_of(list, fields),
        Some(Value::Null) => fields.refuse("domain_names", wrong_null()),
        Some(_) => fields.refuse("domain_names", wrong_type("Not a valid list.", "list")),
    }
    if let Some(Value::Object(given)) = fields.value("address") {
        address_of(given, fields, &mut wanted.address);
    }
    if let Some(method) = fields
        .value("default_authentication_method")
        .and_then(Value::as_str)
    {
        if !METHODS.contains(&method) {
            let message = json!(format!("Invalid default authentication method {method}"));
            let details = json!({"default_authentication_method": method});
            return Err(problem(
                world.now(),
                400,
                message,
                "invalid-data",
                details,
                Some("tenants"),
            ));
        }
        method.clone_into(&mut wanted.method);
    }
    Ok(wanted)
}

fn domains_of(list: &[Value], fields: &mut Fields<'_>) -> Vec<String> {
    let label = |label: &str| {
        let plain = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let mut wrong = Map::new();
    let mut names = Vec::new();
    for (index, value) in list.iter().enumerate() {
        match value.as_str() {
            None => {
                wrong.insert(index.to_string(), wrong_type("Not a valid string.", "string"));
            }
            Some(name) if name.len() > 253 || !name.contains('.') || !name.split('.').all(label) => {
                wrong.insert(index.to_string(), wrong_pattern(DOMAIN));
            }
            Some(name) => names.push(name.to_owned()),
        }
    }
    if !wrong.is_empty() {
        fields.refuse("domain_names", Value::Object(wrong));
    }
    names
}

fn address_of(given: &Map<String, Value>, fields: &mut Fields<'_>, address: &mut Value) {
    let mut wrong = Map::new();
    for (part, longest) in PARTS {
        match given.get(part) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if (1..=longest).contains(&text.chars().count()) => {
                address[part] = json!(text)
            }
            Some(Value::String(_)) => drop(wrong.insert(part.to_owned(), wrong_length(1, Some(longest)))),
            Some(_) => drop(wrong.insert(part.to_owned(), wrong_type("Not a valid string.", "string"))),
        }
    }
    if !wrong.is_empty() {
        fields.refuse("address", Value::Object(wrong));
    }
}

/// Writes what was wanted; a domain in use elsewhere is a conflict, an unknown contact a 404.
fn write(world: &mut World, uuid: &str, wanted: Wanted) -> Result<(), Box<Answer>> {
    if let Some(contact) = wanted
        .contact
        .as_ref()
        .filter(|contact| !world.users.contains_key(*contact))
    {
        return Err(super::unknown_user(world, contact));
    }
    let others = || world.tenants.values().filter(|tenant| tenant.uuid != uuid);
    let taken: Vec<&String> = wanted
        .domains
        .iter()
        .filter(|name| others().any(|other| other.domains.contains_key(*name)))
        .collect();
    if let Some(taken) = taken.first() {
        let message = format!("Domain name : \"['{taken}']\" is already in use, no duplicates allowed");
        return Err(conflict(
            world,
            "domain_names",
            json!({"constraint-id": "unique", "message": message}),
        ));
    }
    if let Some(tenant) = world.tenants.get_mut(uuid) {
        tenant.name = wanted.name;
        tenant.contact = wanted.contact;
        tenant.phone = wanted.phone;
        tenant.method = wanted.method;
        tenant.domains = wanted
            .domains
            .into_iter()
            .map(|name| (name, new_uuid()))
            .collect();
        tenant.address = wanted.address;
    }
    Ok(())
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.tenants.create")?;
    let body = body(world, call, "tenants")?;
    let mut fields = Fields::new(&body);
    let wanted = read(world, &mut fields)?;
    let uuid = fields.uuid("uuid");
    let slug = fields.text("slug", 1, Some(10));
    if slug.as_ref().is_some_and(|slug| {
        !slug
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }) {
        fields.refuse("slug", wrong_pattern("^[a-zA-Z0-9_]+$"));
    }
    fields.done(world.now(), "tenants")?;
    if let Some(uuid) = uuid.as_ref().filter(|uuid| world.tenants.contains_key(*uuid)) {
        let message = format!("A tenant with identity uuid=\"{uuid}\" already exists");
        let details = json!({"uuid": {"constraint_id": "unique", "message": message}});
        let said = json!("Tenant Conflict detected");
        return Err(problem(
            world.now(),
            409,
            said,
            "tenant-identity-conflict",
            details,
            Some("tenants"),
        ));
    }
    let taken = |slug: &str| world.tenants.values().any(|tenant| tenant.slug == slug);
    let slug = match slug {
        Some(slug) if taken(&slug) => {
            let message = format!("The slug \"{slug}\" is already used");
            return Err(conflict(
                world,
                "slug",
                json!({"constraint_id": "unique", "message": message}),
            ));
        }
        Some(slug) => slug,
        None => {
            let derived = slug_of(wanted.name.as_deref().unwrap_or_default(), "_", 10);
            let random = || {
                uuid::Uuid::new_v4()
                    .simple()
                    .to_string()
                    .chars()
                    .take(3)
                    .collect::<String>()
            };
            if derived.is_empty() || taken(&derived) {
                std::iter::repeat_with(random)
                    .find(|slug| !taken(slug))
                    .unwrap_or_default()
            } else {
                derived
            }
        }
    };
    let uuid = uuid.unwrap_or_else(new_uuid);
    world.add_tenant(&uuid, &caller.tenant, None, &slug);
    if let Err(refused) = write(world, &uuid, wanted) {
        world.remove_tenant(&uuid);
        return Err(refused);
    }
    let effect = Effect::on(EffectKind::Created, format!("tenants/{uuid}"));
    Ok(Answer::json(200, &shown(&world.tenants[&uuid]))
        .effect(effect)
        .notifying())
}

pub(super) fn get(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.tenants.{uuid}.read"))?;
    Ok(Answer::json(200, &shown(tenant(world, &caller, uuid)?)))
}

pub(super) fn list(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.tenants.read")?;
    let all: Vec<Value> = world
        .tenants
        .values()
        .filter(|tenant| world.is_below(&tenant.uuid, &caller.tenant))
        .map(shown)
        .collect();
    let total = all.len();
    let page = LISTING.page(world.now(), call, all)?;
    Ok(Answer::json(
        200,
        &json!({"filtered": page.filtered, "total": total, "items": page.items}),
    ))
}

pub(super) fn edit(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.tenants.{uuid}.update"))?;
    let body = body(world, call, "tenants")?;
    let mut fields = Fields::new(&body);
    let wanted = read(world, &mut fields)?;
    fields.done(world.now(), "tenants")?;
    tenant(world, &caller, uuid)?;
    write(world, uuid, wanted)?;
    let effect = Effect::on(EffectKind::Changed, format!("tenants/{uuid}"));
    Ok(Answer::json(200, &shown(&world.tenants[uuid]))
        .effect(effect)
        .notifying())
}

pub(super) fn delete(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.tenants.{uuid}.delete"))?;
    tenant(world, &caller, uuid)?;
    let now = world.now();
    if uuid == caller.own_tenant {
        let message = json!(format!("Deleting its own tenant is forbidden: \"{uuid}\""));
        let details = json!({"tenant_uuid": uuid});
        return Err(problem(
            now,
            403,
            message,
            "deleting-own-tenant-forbidden",
            details,
            Some("tenants"),
        ));
    }
    if world
        .tenants
        .values()
        .any(|tenant| tenant.parent == uuid && tenant.uuid != uuid)
    {
        // The fields are one place off: so the daemon answers.
        let message = format!("Unauthorized delete of tenant : \"{uuid}\" ; since it has at least one child");
        let body =
            json!({"message": message, "error_id": {"uuid": uuid}, "details": "tenants", "timestamp": now});
        return Err(Box::new(Answer::json(400, &body)));
    }
    world.remove_tenant(uuid);
    Ok(Answer::empty(204)
        .effect(Effect::on(EffectKind::Deleted, format!("tenants/{uuid}")))
        .notifying())
}

pub(super) fn domains(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.tenants.{uuid}.domains.read"))?;
    let domains = &tenant(world, &caller, uuid)?.domains;
    let items: Vec<Value> = domains
        .iter()
        .map(|(name, uuid)| json!({"name": name, "uuid": uuid}))
        .collect();
    Ok(Answer::json(200, &json!({"total": items.len(), "items": items})))
}

pub(super) fn set_parent(world: &mut World, call: &Call, uuid: &str, parent: &str) -> Reply {
    let caller = authorize(
        world,
        call,
        &format!("auth.tenants.{uuid}.parent.{parent}.update"),
    )?;
    tenant(world, &caller, uuid)?;
    tenant(world, &caller, parent)?;
    if world.is_below(parent, uuid) {
        let message = json!(format!("Parent ({parent}) is a descendent of tenant: \"{uuid}\""));
        let details = json!({"uuid": uuid, "parent_uuid": parent});
        return Err(problem(
            world.now(),
            409,
            message,
            "conflict",
            details,
            Some("tenants"),
        ));
    }
    if let Some(tenant) = world.tenants.get_mut(uuid) {
        parent.clone_into(&mut tenant.parent);
    }
    Ok(Answer::empty(204).effect(Effect::on(EffectKind::Changed, format!("tenants/{uuid}"))))
}

//! Policies: unique by name and by slug in a tenant; nobody gives or takes away a right that he lacks.

use serde_json::{Map, Value, json};

use super::listing::Listing;
use super::{Caller, authorize, body, not_yours};
use crate::answer::{Answer, Reply, framework, reason};
use crate::call::{Call, word};
use crate::journal::{Effect, EffectKind};
use crate::world::{Policy, World, new_uuid, slug_of, unique};

const LISTING: Listing = Listing {
    orders: &["name", "slug", "description"],
    filters: &["uuid", "name", "slug", "description", "read_only"],
    search: &["name", "slug", "description"],
};

/// A policy as one tenant sees it: those of the configuration and shared ones from above look like its own.
pub(super) fn shown(policy: &Policy, tenant: &str) -> Value {
    let foreign = policy.tenant.is_none() || policy.shared && policy.tenant.as_deref() != Some(tenant);
    json!({
        "uuid": policy.uuid,
        "tenant_uuid": if foreign { tenant } else { policy.tenant.as_deref().unwrap_or(tenant) },
        "name": policy.name,
        "slug": policy.slug,
        "description": policy.description,
        "acl": policy.acl,
        "read_only": foreign,
        "shared": policy.shared && !foreign,
    })
}

/// Whether a policy is to be seen in exactly this tenant.
fn in_tenant(world: &World, policy: &Policy, tenant: &str) -> bool {
    match &policy.tenant {
        None => true,
        Some(own) => own == tenant || policy.shared && world.is_below(tenant, own),
    }
}

/// By uuid in the caller's tenant and below, by slug in his tenant only.
pub(super) fn find<'w>(world: &'w World, caller: &Caller, name: &str) -> Result<&'w Policy, Box<Answer>> {
    let by_uuid = uuid::Uuid::try_parse(name).is_ok();
    let found = if by_uuid {
        let below = |policy: &&Policy| {
            let own = policy.tenant.as_deref();
            in_tenant(world, policy, &caller.tenant)
                || own.is_some_and(|own| world.is_below(own, &caller.tenant))
        };
        world.policies.get(name).filter(below)
    } else {
        world
            .policies
            .values()
            .find(|policy| policy.slug == name && in_tenant(world, policy, &caller.tenant))
    };
    let key = if by_uuid { "uuid" } else { "slug" };
    found.ok_or_else(|| reason(world.now(), 404, format!("No such policy {{'{key}': '{name}'}}")))
}

fn writable<'w>(world: &'w World, caller: &Caller, name: &str) -> Result<&'w Policy, Box<Answer>> {
    let found = find(world, caller, name)?;
    let own = found
        .tenant
        .as_deref()
        .is_some_and(|own| world.is_below(own, &caller.tenant));
    if own {
        Ok(found)
    } else {
        Err(reason(
            world.now(),
            403,
            format!("Forbidden policy deletion: \"{}\"", found.uuid),
        ))
    }
}

fn invalid(world: &World, field: &str) -> Box<Answer> {
    reason(
        world.now(),
        400,
        format!("Invalid value supplied for field: {field}"),
    )
}

struct Wanted {
    name: String,
    description: Option<String>,
    acl: Vec<String>,
}

fn read(world: &World, body: &Map<String, Value>) -> Result<Wanted, Box<Answer>> {
    let name = body
        .get("name")
        .and_then(Value::as_str)
        .filter(|name| (1..=80).contains(&name.chars().count()));
    let acl = match body.get("acl") {
        None => Some(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|entry| entry.as_str().map(ToOwned::to_owned))
            .collect(),
        Some(_) => None,
    };
    let description = match body.get("description") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(invalid(world, "description")),
    };
    Ok(Wanted {
        name: name.ok_or_else(|| invalid(world, "name"))?.to_owned(),
        acl: unique(acl.ok_or_else(|| invalid(world, "acl"))?),
        description,
    })
}

fn may_add(world: &World, caller: &Caller, acl: &[String]) -> Result<(), Box<Answer>> {
    let access = caller.access();
    acl.iter()
        .find(|entry| !access.may_add(entry))
        .map_or(Ok(()), |entry| Err(not_yours(world, caller, entry)))
}

fn may_remove(world: &World, caller: &Caller, acl: &[String]) -> Result<(), Box<Answer>> {
    let access = caller.access();
    acl.iter()
        .find(|entry| !access.may_remove(entry))
        .map_or(Ok(()), |entry| Err(not_yours(world, caller, entry)))
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.policies.create")?;
    let body = body(world, call, "policies")?;
    let wanted = read(world, &body)?;
    let well = |slug: &str| {
        let plain = slug
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        plain && (1..=80).contains(&slug.len())
    };
    let slug = match body.get("slug") {
        None | Some(Value::Null) => slug_of(&wanted.name, "_-", 80),
        Some(Value::String(slug)) if well(slug) => slug.clone(),
        Some(_) => return Err(invalid(world, "slug")),
    };
    may_add(world, &caller, &wanted.acl)?;
    let same =
        |policy: &Policy| policy.name == wanted.name || policy.slug.to_lowercase() == slug.to_lowercase();
    if world
        .policies
        .values()
        .any(|policy| in_tenant(world, policy, &caller.tenant) && same(policy))
    {
        return Err(reason(
            world.now(),
            409,
            format!("Policy \"{}\" already exists", wanted.name),
        ));
    }
    let policy = Policy {
        uuid: new_uuid(),
        tenant: Some(caller.tenant.clone()),
        name: wanted.name,
        slug,
        description: wanted.description,
        acl: wanted.acl,
        shared: body.get("shared") == Some(&Value::Bool(true)),
    };
    let effect = Effect::on(EffectKind::Created, format!("policies/{}", policy.uuid));
    let answer = Answer::json(200, &shown(&policy, &caller.tenant));
    world.policies.insert(policy.uuid.clone(), policy);
    Ok(answer.effect(effect))
}

pub(super) fn get(world: &World, call: &Call, name: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.policies.{}.read", word(name)))?;
    Ok(Answer::json(
        200,
        &shown(find(world, &caller, name)?, &caller.tenant),
    ))
}

/// The list's `total` counts all, whatever the filters; there is no `filtered`.
pub(super) fn list(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.policies.read")?;
    let recurse = call.recurse();
    let seen = |policy: &&Policy| {
        let own = policy.tenant.as_deref();
        in_tenant(world, policy, &caller.tenant)
            || recurse && own.is_some_and(|own| world.is_below(own, &caller.tenant))
    };
    let all: Vec<Value> = world
        .policies
        .values()
        .filter(seen)
        .map(|policy| shown(policy, &caller.tenant))
        .collect();
    let total = all.len();
    let page = LISTING.page(world.now(), call, all)?;
    Ok(Answer::json(200, &json!({"items": page.items, "total": total})))
}

/// Replaces name, description and rights; slug and `shared` stay. A name that is taken is a 500 upstream.
pub(super) fn edit(world: &mut World, call: &Call, name: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.policies.{}.update", word(name)))?;
    let body = body(world, call, "policies")?;
    let wanted = read(world, &body)?;
    let mut policy = writable(world, &caller, name)?.clone();
    let added: Vec<String> = wanted
        .acl
        .iter()
        .filter(|entry| !policy.acl.contains(entry))
        .cloned()
        .collect();
    let removed: Vec<String> = policy
        .acl
        .iter()
        .filter(|entry| !wanted.acl.contains(entry))
        .cloned()
        .collect();
    may_add(world, &caller, &added)?;
    may_remove(world, &caller, &removed)?;
    let tenant = policy.tenant.as_deref().unwrap_or_default();
    let taken = |other: &Policy| other.uuid != policy.uuid && other.name == wanted.name;
    if world
        .policies
        .values()
        .any(|other| in_tenant(world, other, tenant) && taken(other))
    {
        return Err(framework(500));
    }
    policy.name = wanted.name;
    policy.description = wanted.description;
    policy.acl = wanted.acl;
    let effect = Effect::on(EffectKind::Changed, format!("policies/{}", policy.uuid));
    let answer = Answer::json(200, &shown(&policy, &caller.tenant));
    world.policies.insert(policy.uuid.clone(), policy);
    Ok(answer.effect(effect))
}

pub(super) fn delete(world: &mut World, call: &Call, name: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.policies.{}.delete", word(name)))?;
    let policy = writable(world, &caller, name)?.clone();
    may_remove(world, &caller, &policy.acl)?;
    world.policies.remove(&policy.uuid);
    for user in world.users.values_mut() {
        user.policies.retain(|held| *held != policy.uuid);
    }
    for group in world.groups.values_mut() {
        group.policies.retain(|held| *held != policy.uuid);
    }
    Ok(Answer::empty(204).effect(Effect::on(
        EffectKind::Deleted,
        format!("policies/{}", policy.uuid),
    )))
}

/// One entry of a policy, added or taken away.
pub(super) fn access(world: &mut World, call: &Call, name: &str, entry: &str) -> Reply {
    let add = call.method == http::Method::PUT;
    let caller = authorize(world, call, &format!("auth.policies.{}.update", word(name)))?;
    let mut policy = writable(world, &caller, name)?.clone();
    let entries = [entry.to_owned()];
    if add {
        may_add(world, &caller, &entries)?;
        if policy.acl.contains(&entries[0]) {
            return Err(reason(
                world.now(),
                409,
                format!("Policy already associated to {entry}"),
            ));
        }
        policy.acl.push(entry.to_owned());
    } else {
        may_remove(world, &caller, &entries)?;
        policy.acl.retain(|held| held != entry);
    }
    let effect = Effect::on(EffectKind::Changed, format!("policies/{}", policy.uuid));
    world.policies.insert(policy.uuid.clone(), policy);
    Ok(Answer::empty(204).effect(effect))
}

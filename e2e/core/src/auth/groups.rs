//! Groups: users in them get their policies; the one of all users belongs to the system.

use serde_json::{Value, json};

use super::fields::Fields;
use super::listing::Listing;
use super::{Caller, authorize, body, not_yours, policies as policy, user, users as person};
use crate::answer::{Answer, Reply, problem, reason};
use crate::call::{Call, word};
use crate::journal::{Effect, EffectKind};
use crate::world::{Group, World, new_uuid, slug_of};

const LISTING: Listing = Listing {
    orders: &["name", "slug", "uuid"],
    filters: &["uuid", "name", "slug"],
    search: &["name", "slug"],
};

fn shown(group: &Group) -> Value {
    json!({
        "uuid": group.uuid,
        "tenant_uuid": group.tenant,
        "name": group.name,
        "slug": group.slug,
        "read_only": group.system,
        "system_managed": group.system,
    })
}

fn find<'w>(world: &'w World, caller: &Caller, uuid: &str) -> Result<&'w Group, Box<Answer>> {
    let found = world
        .groups
        .get(uuid)
        .filter(|group| world.is_below(&group.tenant, &caller.tenant));
    found.ok_or_else(|| {
        let message = json!(format!("No such group: \"{uuid}\""));
        problem(
            world.now(),
            404,
            message,
            "unknown-group",
            json!({"uuid": uuid}),
            Some("groups"),
        )
    })
}

fn writable<'w>(world: &'w World, caller: &Caller, uuid: &str) -> Result<&'w Group, Box<Answer>> {
    let group = find(world, caller, uuid)?;
    if !group.system {
        return Ok(group);
    }
    let message = json!(format!("Forbidden group modification: \"{uuid}\""));
    Err(problem(
        world.now(),
        403,
        message,
        "forbidden-group",
        json!({"uuid": uuid}),
        Some("groups"),
    ))
}

fn name(world: &World, call: &Call) -> Result<String, Box<Answer>> {
    let body = body(world, call, "groups")?;
    let mut fields = Fields::new(&body);
    let name = fields.required("name", 1, Some(128));
    fields.done(world.now(), "groups")?;
    Ok(name)
}

pub(super) fn list(world: &World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.groups.read")?;
    let recurse = call.recurse();
    let seen = |group: &&Group| {
        group.tenant == caller.tenant || recurse && world.is_below(&group.tenant, &caller.tenant)
    };
    let all: Vec<Value> = world.groups.values().filter(seen).map(shown).collect();
    let total = all.len();
    let page = LISTING.page(world.now(), call, all)?;
    Ok(Answer::json(
        200,
        &json!({"filtered": page.filtered, "total": total, "items": page.items}),
    ))
}

pub(super) fn create(world: &mut World, call: &Call) -> Reply {
    let caller = authorize(world, call, "auth.groups.create")?;
    let name = name(world, call)?;
    let slug = slug_of(&name, "_-", 80);
    let same = |group: &Group| group.tenant == caller.tenant && (group.name == name || group.slug == slug);
    if world.groups.values().any(same) {
        return Err(reason(
            world.now(),
            409,
            format!("Group \"{name}\" already exists"),
        ));
    }
    let (users, policies) = (Vec::new(), Vec::new());
    let group = Group {
        uuid: new_uuid(),
        tenant: caller.tenant,
        name,
        slug,
        system: false,
        users,
        policies,
    };
    let effect = Effect::on(EffectKind::Created, format!("groups/{}", group.uuid));
    let answer = Answer::json(200, &shown(&group));
    world.groups.insert(group.uuid.clone(), group);
    Ok(answer.effect(effect))
}

pub(super) fn get(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.groups.{uuid}.read"))?;
    Ok(Answer::json(200, &shown(find(world, &caller, uuid)?)))
}

pub(super) fn edit(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.groups.{uuid}.update"))?;
    let name = name(world, call)?;
    let group = Group {
        name,
        ..writable(world, &caller, uuid)?.clone()
    };
    let answer = Answer::json(200, &shown(&group));
    world.groups.insert(uuid.to_owned(), group);
    Ok(answer.effect(Effect::on(EffectKind::Changed, format!("groups/{uuid}"))))
}

pub(super) fn delete(world: &mut World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.groups.{uuid}.delete"))?;
    writable(world, &caller, uuid)?;
    world.groups.remove(uuid);
    Ok(Answer::empty(204).effect(Effect::on(EffectKind::Deleted, format!("groups/{uuid}"))))
}

fn listed(items: &[Value]) -> Answer {
    Answer::json(
        200,
        &json!({"items": items, "total": items.len(), "filtered": items.len()}),
    )
}

pub(super) fn users(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.groups.{uuid}.users.read"))?;
    let members = &find(world, &caller, uuid)?.users;
    let items: Vec<Value> = members
        .iter()
        .filter_map(|user| world.users.get(user))
        .map(person::shown)
        .collect();
    Ok(listed(&items))
}

pub(super) fn policies(world: &World, call: &Call, uuid: &str) -> Reply {
    let caller = authorize(world, call, &format!("auth.groups.{uuid}.policies.read"))?;
    let held = &find(world, &caller, uuid)?.policies;
    let found = held.iter().filter_map(|held| world.policies.get(held));
    let items: Vec<Value> = found.map(|found| policy::shown(found, &caller.tenant)).collect();
    Ok(listed(&items))
}

fn link(list: &mut Vec<String>, uuid: &str, add: bool) {
    list.retain(|held| held != uuid);
    if add {
        list.push(uuid.to_owned());
    }
}

fn linked(kind: &str, group: &str, other: &str, add: bool) -> Answer {
    let did = if add {
        EffectKind::Created
    } else {
        EffectKind::Deleted
    };
    Answer::empty(204).effect(Effect::on(did, format!("groups/{group}/{kind}/{other}")))
}

pub(super) fn link_user(world: &mut World, call: &Call, uuid: &str, member: &str) -> Reply {
    let add = call.method == http::Method::PUT;
    let action = if add { "create" } else { "delete" };
    let caller = authorize(
        world,
        call,
        &format!("auth.groups.{uuid}.users.{member}.{action}"),
    )?;
    writable(world, &caller, uuid)?;
    user(world, &caller, member)?;
    if let Some(group) = world.groups.get_mut(uuid) {
        link(&mut group.users, member, add);
    }
    Ok(linked("users", uuid, member, add))
}

pub(super) fn link_policy(world: &mut World, call: &Call, uuid: &str, name: &str) -> Reply {
    let add = call.method == http::Method::PUT;
    let action = if add { "create" } else { "delete" };
    let caller = authorize(
        world,
        call,
        &format!("auth.groups.{uuid}.policies.{}.{action}", word(name)),
    )?;
    writable(world, &caller, uuid)?;
    let found = policy::find(world, &caller, name)?;
    let access = caller.access();
    let lacking = |entry: &&String| {
        if add {
            !access.may_add(entry)
        } else {
            !access.may_remove(entry)
        }
    };
    if let Some(entry) = found.acl.iter().find(lacking) {
        return Err(not_yours(world, &caller, entry));
    }
    let policy = found.uuid.clone();
    if let Some(group) = world.groups.get_mut(uuid) {
        link(&mut group.policies, &policy, add);
    }
    Ok(linked("policies", uuid, &policy, add))
}

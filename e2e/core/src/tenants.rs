//! The tenants as an administrator sees and changes them, past the daemons.

use std::sync::Arc;

use crate::journal::{Daemon, Effect, EffectKind};
use crate::seed::SeedTenant;
use crate::stack::Stack;
use crate::world::new_uuid;

/// All tenants of the stack. What is changed here stands in the journal as a stranger's.
#[derive(Clone, Debug)]
pub struct Tenants {
    pub(crate) stack: Arc<Stack>,
}

impl Tenants {
    /// All tenants, by uuid; `parent` is never absent.
    #[must_use]
    pub fn list(&self) -> Vec<SeedTenant> {
        let world = self.stack.world();
        let shown = world.tenants.values().map(|tenant| SeedTenant {
            uuid: tenant.uuid.clone(),
            parent: Some(tenant.parent.clone()),
            name: tenant.name.clone().unwrap_or_default(),
            slug: tenant.slug.clone(),
        });
        shown.collect()
    }

    /// Whether a tenant is there.
    #[must_use]
    pub fn exists(&self, uuid: &str) -> bool {
        self.stack.world().tenants.contains_key(uuid)
    }

    /// Makes a tenant below another; its uuid.
    pub fn create(&self, parent: &str, name: &str) -> String {
        let uuid = new_uuid();
        // Of 10 characters, and no two alike.
        let slug: String = format!("t{}", uuid.replace('-', "")).chars().take(10).collect();
        let mut world = self.stack.world();
        world.add_tenant(&uuid, parent, Some(name.to_owned()), &slug);
        self.note("POST", "/0.1/tenants", EffectKind::Created, &uuid);
        uuid
    }

    /// Makes so many tenants below another, named `<name>-<n>` from 1; their uuids.
    pub fn create_many(&self, parent: &str, name: &str, count: usize) -> Vec<String> {
        (1..=count)
            .map(|number| self.create(parent, &format!("{name}-{number}")))
            .collect()
    }

    /// Puts a tenant below another one: who is not above it any more gets 401 for it everywhere.
    pub fn put_below(&self, uuid: &str, parent: &str) {
        let mut world = self.stack.world();
        if let Some(tenant) = world.tenants.get_mut(uuid) {
            parent.clone_into(&mut tenant.parent);
        }
        let path = format!("/0.1/tenants/{uuid}/parent/{parent}");
        self.note("PUT", &path, EffectKind::Changed, uuid);
    }

    /// Takes a tenant away with all that is in it and below it: the lowest first, as it can only be done one by one.
    pub fn delete(&self, uuid: &str) {
        let mut world = self.stack.world();
        let mut below: Vec<String> = world.tenants.keys().cloned().collect();
        below.retain(|tenant| world.is_below(tenant, uuid));
        while let Some(at) = below.iter().position(|tenant| {
            let parent = |other: &String| other != tenant && world.tenants[other].parent == *tenant;
            !below.iter().any(parent)
        }) {
            let tenant = below.swap_remove(at);
            world.remove_tenant(&tenant);
            let path = format!("/0.1/tenants/{tenant}");
            self.note("DELETE", &path, EffectKind::Deleted, &tenant);
        }
    }

    fn note(&self, method: &str, path: &str, kind: EffectKind, uuid: &str) {
        let effect = Effect::on(kind, format!("tenants/{uuid}"));
        self.stack.note_stranger(Daemon::Auth, method, path, effect);
    }
}

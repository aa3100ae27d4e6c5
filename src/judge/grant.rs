//! Layer References: whether the core grants what a plugin asks for. What is not granted is refused, and what was
//! granted once and is not any more is taken out of the core.

use super::World;
use super::candidate::Candidate;
use crate::api::parse::Plugin;
use crate::api::plugin::{RegistrationKind, Tenants, TenantsFrom};
use crate::api::reason::Reason;
use crate::observe::allowance::AllowedTenants;

/// How a kind of registration stands with the grants of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Granted, in one of the asked tenants at least.
    Open,
    /// Not granted: nothing is written for it, and what stands in the core is taken out.
    Refused,
    /// It cannot be told now: what stands goes on standing.
    Unknown,
}

/// How a kind of registration stands with the grants of the core.
#[must_use]
pub fn standing(world: &World, kind: RegistrationKind) -> Standing {
    if world.core.is_none() {
        return if is_foreign(world) {
            Standing::Refused
        } else {
            Standing::Unknown
        };
    }
    let Some(allowance) = &world.allowance else {
        return Standing::Unknown;
    };
    let Ok(plugin) = &world.itself.plugin else {
        return Standing::Unknown;
    };
    if !allowance.allows(kind) {
        return Standing::Refused;
    }
    let asked = asked(world, plugin, kind, &allowance.tenants(kind));
    if asked.iter().any(|asked| asked.granted) {
        Standing::Open
    } else {
        Standing::Refused
    }
}

/// Whether the core is one of another namespace.
#[must_use]
pub fn is_foreign(world: &World) -> bool {
    world
        .itself
        .core
        .as_ref()
        .is_some_and(|core| core.namespace != world.itself.key.namespace)
}

/// Whether the core is one of another namespace that grants nothing to this one: nothing is told of it, so that nobody
/// learns whether it exists.
#[must_use]
pub fn is_withheld(world: &World) -> bool {
    let nothing = world.allowance.as_ref().is_some_and(|all| all.is_nothing());
    is_foreign(world) && (world.core.is_none() || nothing)
}

/// The candidate for a core that cannot be used: it does not exist, or it grants nothing to this namespace.
#[must_use]
pub fn no_core(world: &World) -> Option<Candidate> {
    let core = world.itself.core.as_ref()?;
    let candidate = if is_withheld(world) {
        let told = format!(
            "there is no WazoCore \"{core}\" for this namespace: it does not exist, or none of its grants names this \
             namespace"
        );
        Candidate::new(Reason::CoreNotGranted, world.now, told.clone())
            .evidence("API server", told, None)
            .object(
                "plugins.wazo.io/v1alpha1",
                "WazoPlugin",
                &world.itself.key.namespace,
                &world.itself.key.name,
            )
            .field("spec.coreRef")
    } else if world.core.is_none() {
        let name = &core.name;
        let told = format!("there is no WazoCore \"{name}\" in this namespace");
        Candidate::new(Reason::CoreNotFound, world.now, told.clone())
            .evidence("API server", told, Some(format!("WazoCore/{name}")))
            .object(
                "plugins.wazo.io/v1alpha1",
                "WazoPlugin",
                &world.itself.key.namespace,
                &world.itself.key.name,
            )
            .field("spec.coreRef.name")
    } else {
        return None;
    };
    Some(candidate)
}

/// What a plugin asks for that its core does not grant: one candidate a field.
#[must_use]
pub fn refusals(world: &World, plugin: &Plugin) -> Vec<Candidate> {
    let (Some(core), Some(allowance)) = (&world.core, &world.allowance) else {
        return Vec::new();
    };
    if is_withheld(world) {
        return Vec::new();
    }
    let mut refusals = Vec::new();
    for (kind, field) in kinds(plugin) {
        if !allowance.allows(kind) {
            let told = format!("{field}: WazoCore \"{}\" grants no {kind:?} here", core.key.name);
            refusals.push(refusal(world, field, told));
            continue;
        }
        let asked = asked(world, plugin, kind, &allowance.tenants(kind));
        let refused = asked.into_iter().find(|asked| !asked.granted);
        refusals.extend(refused.map(|asked| {
            let told = format!(
                "{}: WazoCore \"{}\" grants no {kind:?} in {}",
                asked.field, core.key.name, asked.what
            );
            refusal(world, &asked.field, told)
        }));
    }
    refusals
}

fn refusal(world: &World, field: &str, told: String) -> Candidate {
    let key = &world.itself.key;
    Candidate::new(Reason::NotGranted, world.now, told.clone())
        .evidence("API server", told, Some(format!("WazoPlugin/{}", key.name)))
        .object(
            "plugins.wazo.io/v1alpha1",
            "WazoPlugin",
            &key.namespace,
            &key.name,
        )
        .field(field)
}

/// The kinds of registration that a plugin asks for, by their field.
fn kinds(plugin: &Plugin) -> Vec<(RegistrationKind, &'static str)> {
    let mut kinds = Vec::new();
    if !plugin.ui.is_empty() {
        kinds.push((RegistrationKind::UiApplication, "spec.registrations.ui"));
    }
    if plugin.spec.account().is_some() {
        kinds.push((RegistrationKind::Account, "spec.registrations.account"));
    }
    kinds
}

/// Tenants that a plugin asks for, by the field that names them.
struct Asked {
    field: String,
    what: String,
    granted: bool,
}

impl Asked {
    fn new(field: impl Into<String>, what: impl Into<String>, granted: bool) -> Self {
        Self {
            field: field.into(),
            what: what.into(),
            granted,
        }
    }
}

/// What is asked of one kind's tenants. A tenant of which it is not known yet whether it is below that of the core is not
/// refused here, but where the tenants of the core are known.
fn asked(world: &World, plugin: &Plugin, kind: RegistrationKind, granted: &AllowedTenants) -> Vec<Asked> {
    let tenant = world.core.as_ref().and_then(|core| core.tenant());
    // Until the core was asked nobody knows whether a listed tenant is its own.
    let own = granted.core || tenant.map_or(!granted.listed.is_empty(), |own| granted.listed.contains(&own));
    let one = |uuid: &str| {
        uuid.parse().is_ok_and(|uuid| {
            granted.descendants
                || granted.listed.contains(&uuid)
                || granted.core && tenant.is_none_or(|own| own == uuid)
        })
    };
    let of_the_core = || "the tenant of the core";
    if kind == RegistrationKind::Account {
        let asked = plugin.spec.account().and_then(|account| account.tenant.as_ref());
        let field = "spec.registrations.account.tenant";
        return vec![match asked {
            None => Asked::new(field, of_the_core(), own),
            Some(uuid) => Asked::new(field, format!("tenant {uuid}"), one(uuid)),
        }];
    }
    let Some(Tenants { from, list }) = &plugin.spec.tenants else {
        return vec![Asked::new("spec.tenants", of_the_core(), own)];
    };
    match from {
        TenantsFrom::Core => vec![Asked::new("spec.tenants.from", of_the_core(), own)],
        TenantsFrom::Descendants => {
            let what = "all tenants below that of the core";
            vec![Asked::new("spec.tenants.from", what, granted.descendants)]
        }
        TenantsFrom::List => list
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, tenant)| {
                let field = format!("spec.tenants.list[{index}].uuid");
                Asked::new(field, format!("tenant {}", tenant.uuid), one(&tenant.uuid))
            })
            .collect(),
    }
}

//! What a core allows the plugins of one namespace: what its grants come to. Pure.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::api::core::{Grant, GrantedNamespaces, NamespacesFrom};
use crate::api::plugin::{RegistrationKind, TenantsFrom};

/// Labels of a namespace.
pub type Labels = BTreeMap<String, String>;

/// What a core allows the plugins of one namespace. What is not in it is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    parts: Vec<Part>,
}

/// What one grant allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    kinds: BTreeSet<RegistrationKind>,
    tenants: AllowedTenants,
    acl: Vec<String>,
}

/// Tenants of a core.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedTenants {
    /// The tenant of the core.
    pub core: bool,
    /// All tenants below it.
    pub descendants: bool,
    /// Those by uuid.
    pub listed: BTreeSet<Uuid>,
}

impl AllowedTenants {
    /// Whether `tenant` is one of them. `core`: the tenant of the core. `below`: whether `tenant` is below it.
    #[must_use]
    pub fn allow(&self, tenant: Uuid, core: Uuid, below: bool) -> bool {
        (self.core && tenant == core) || (self.descendants && below) || self.listed.contains(&tenant)
    }

    fn add(&mut self, other: &Self) {
        self.core |= other.core;
        self.descendants |= other.descendants;
        self.listed.extend(&other.listed);
    }
}

impl Allowance {
    /// What `grants` of a core in `core_namespace` come to for `namespace` with its `labels` (`None`: not known).
    /// Without grants: the namespace of the core, in its tenant, with `UiApplication`. `None`: it cannot be told without
    /// the labels.
    #[must_use]
    pub fn of(
        core_namespace: &str,
        grants: Option<&[Grant]>,
        namespace: &str,
        labels: Option<&Labels>,
    ) -> Option<Self> {
        let by_default = [Grant {
            namespaces: None,
            tenants: None,
            registrations: None,
            acl: None,
        }];
        let mut parts = Vec::new();
        for grant in grants.unwrap_or(&by_default) {
            if names(grant.namespaces.as_ref(), core_namespace, namespace, labels)? {
                parts.push(Part::of(grant));
            }
        }
        Some(Self { parts })
    }

    /// Whether nothing at all is allowed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a kind of registration is allowed in any tenant.
    #[must_use]
    pub fn allows(&self, kind: RegistrationKind) -> bool {
        self.parts.iter().any(|part| part.kinds.contains(&kind))
    }

    /// The tenants in which a kind of registration is allowed.
    #[must_use]
    pub fn tenants(&self, kind: RegistrationKind) -> AllowedTenants {
        let mut tenants = AllowedTenants::default();
        for part in self.parts.iter().filter(|part| part.kinds.contains(&kind)) {
            tenants.add(&part.tenants);
        }
        tenants
    }

    /// The most that an account in `tenant` may ask for, in Wazo's ACL notation. `core`: the tenant of the core.
    /// `below`: whether `tenant` is below it.
    #[must_use]
    pub fn acl(&self, tenant: Uuid, core: Uuid, below: bool) -> Vec<&str> {
        self.parts
            .iter()
            .filter(|part| part.kinds.contains(&RegistrationKind::Account))
            .filter(|part| part.tenants.allow(tenant, core, below))
            .flat_map(|part| part.acl.iter().map(String::as_str))
            .collect()
    }
}

impl Part {
    fn of(grant: &Grant) -> Self {
        let mut tenants = AllowedTenants::default();
        match grant
            .tenants
            .as_ref()
            .map(|tenants| (tenants.from, &tenants.list))
        {
            None | Some((TenantsFrom::Core, _)) => tenants.core = true,
            Some((TenantsFrom::Descendants, _)) => (tenants.core, tenants.descendants) = (true, true),
            Some((TenantsFrom::List, list)) => {
                let uuids = list
                    .iter()
                    .flatten()
                    .filter_map(|tenant| tenant.uuid.parse().ok());
                tenants.listed = uuids.collect();
            }
        }
        let by_default = || vec![RegistrationKind::UiApplication];
        Self {
            kinds: grant
                .registrations
                .clone()
                .unwrap_or_else(by_default)
                .into_iter()
                .collect(),
            tenants,
            acl: grant.acl.clone().unwrap_or_default(),
        }
    }
}

fn names(
    granted: Option<&GrantedNamespaces>,
    core_namespace: &str,
    namespace: &str,
    labels: Option<&Labels>,
) -> Option<bool> {
    let from = granted.map_or(NamespacesFrom::Same, |granted| granted.from);
    Some(match from {
        NamespacesFrom::Same => namespace == core_namespace,
        NamespacesFrom::All => true,
        NamespacesFrom::Selector => {
            let wanted = granted.and_then(|granted| granted.selector.as_ref());
            let Some(wanted) = wanted.filter(|wanted| !wanted.match_labels.is_empty()) else {
                // A selector that selects by nothing is a mistake, and no mistake opens a core to everybody.
                return Some(false);
            };
            let labels = labels?;
            wanted
                .match_labels
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        }
    })
}

#[cfg(test)]
#[path = "allowance_tests.rs"]
mod tests;

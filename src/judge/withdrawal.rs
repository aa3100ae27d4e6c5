//! What stands in the core and is not granted any more. It is told by the grants and the ledger alone: the owner of a core
//! must not depend on a spec that the author of the plugin keeps suspended, or not usable.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::World;
use super::acl_grant;
use crate::acl::Acl;
use crate::api::plugin::RegistrationKind;
use crate::observe::allowance::{Allowance, AllowedTenants};
use crate::observe::ledger::Ledger;
use crate::observe::world::CoreView;

/// The tenants in which a kind of registration is granted.
#[derive(Clone, Debug)]
pub struct Granted {
    own: Uuid,
    tenants: AllowedTenants,
    below: Option<BTreeSet<Uuid>>,
}

impl Granted {
    /// What `allowance` grants at a core; `None`: it cannot be told now.
    #[must_use]
    pub fn of(core: &CoreView, allowance: Option<&Allowance>, kind: RegistrationKind) -> Option<Self> {
        let own = core.tenant()?;
        Some(Self {
            own,
            tenants: allowance?.tenants(kind),
            below: core.facts.as_ref().and_then(|facts| facts.tenants.below(own)),
        })
    }

    /// Whether a tenant is granted. One of which it is not known whether it is below that of the core is, where those are.
    #[must_use]
    pub fn covers(&self, tenant: Uuid) -> bool {
        let is_below = self.below.as_ref().is_none_or(|below| below.contains(&tenant));
        self.tenants.allow(tenant, self.own, is_below)
    }

    /// Whether no tenant is granted.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.tenants == AllowedTenants::default()
    }

    /// Whether all tenants below that of the core are granted.
    #[must_use]
    pub const fn is_everywhere(&self) -> bool {
        self.tenants.descendants
    }

    /// A ledger without what is not granted. One that names no tenants says so of all or of nothing.
    #[must_use]
    pub fn rest_of(&self, ledger: &Ledger) -> Ledger {
        let mut rest = ledger.clone();
        rest.tenants.retain(|tenant| self.covers(*tenant));
        rest.users.retain(|tenant, _| self.covers(*tenant));
        let stands = if ledger.everywhere {
            !self.is_nothing()
        } else if ledger.tells_no_place() {
            self.covers(self.own)
        } else {
            !rest.tells_no_place()
        };
        if stands {
            return rest;
        }
        Ledger {
            routes: rest.routes,
            accounts: rest.accounts,
            ..Ledger::default()
        }
    }
}

/// Whether the account holds what is not granted any more: `known` are the tenants in which it may stand.
#[must_use]
pub fn is_account_withdrawn(world: &World, known: &BTreeSet<Uuid>) -> bool {
    let kind = RegistrationKind::Account;
    let granted = world
        .core
        .as_ref()
        .and_then(|core| Granted::of(core, world.allowance.as_ref(), kind));
    let Some((granted, allowance)) = granted.zip(world.allowance.as_ref()) else {
        return false;
    };
    if !known.iter().any(|tenant| granted.covers(*tenant)) {
        return true;
    }
    let Some(seen) = world.account.as_ref().and_then(|fact| fact.seen.as_ref()) else {
        return false;
    };
    let may_stay = |tenant: Uuid, rights: &[String]| {
        let most: Vec<String> = allowance
            .acl(tenant, granted.own, true)
            .into_iter()
            .map(ToOwned::to_owned)
            .collect();
        Acl::parse(rights).is_ok_and(|rights| acl_grant::acl(&rights, &most).is_ok())
    };
    let mut users = seen.users.iter().flatten();
    let mut policies = seen.policies.iter();
    users.any(|user| !granted.covers(user.tenant))
        || policies.any(|(tenant, policy)| !granted.covers(*tenant) || !may_stay(*tenant, &policy.acl))
}

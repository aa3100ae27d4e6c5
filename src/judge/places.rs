//! Where an entry is to stand in the core: in the applications of which tenants, or of which users.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::candidate::Candidate;
use super::core::from_error;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{AudienceFrom, RegistrationKind, TenantsFrom};
use crate::core::error::CoreError;
use crate::core::facts::{AppKey, CoreFacts, Interest, SessionFact, TenantsFact, UserFact};
use crate::observe::allowance::Allowance;
use crate::observe::world::CoreView;

/// The tenants in which a plugin is wanted.
#[derive(Clone, Debug)]
pub enum Tenants {
    /// These; some of those that are named may not exist.
    Known {
        /// Where it is wanted.
        there: BTreeSet<Uuid>,
        /// Named, and not there: the field that names it.
        missing: Vec<(Uuid, String)>,
    },
    /// Not known yet.
    Pending,
    /// They cannot be known; why.
    Failed(Box<CoreError>),
}

/// From so many tenants on it is not told one by one where a plugin stands: the core has to be asked.
pub const MOST_NAMED: usize = 40;

/// The tenants in which a plugin is wanted, as far as they are granted. `None`: the core has not answered yet.
#[must_use]
pub fn tenants(core: &CoreView, allowance: Option<&Allowance>, plugin: &Plugin) -> Option<Tenants> {
    let own = core.tenant()?;
    let facts = core.facts.as_ref()?;
    let mut tenants = asked(core, plugin)?;
    if let (Tenants::Known { there, missing }, Some(allowance)) = (&mut tenants, allowance) {
        let granted = allowance.tenants(RegistrationKind::UiApplication);
        let is_below = is_below(facts, own);
        there.retain(|tenant| granted.allow(*tenant, own, is_below(tenant)));
        missing.retain(|(tenant, _)| granted.descendants || granted.listed.contains(tenant));
    }
    Some(tenants)
}

fn is_below(facts: &CoreFacts, own: Uuid) -> impl Fn(&Uuid) -> bool {
    let below = facts.tenants.below(own);
    // An account that does not see the tenants acts in those below its own alone, and in no others.
    let of_the_account = matches!(&facts.session, SessionFact::LoggedIn(account) if account.tenant == own);
    move |tenant| {
        below
            .as_ref()
            .map_or(of_the_account, |below| below.contains(tenant))
    }
}

/// Whether a tenant is one of those that are granted for UI applications; `own`: that of the core.
#[must_use]
pub fn is_granted(core: &CoreView, allowance: &Allowance, own: Uuid, tenant: Uuid) -> bool {
    let granted = allowance.tenants(RegistrationKind::UiApplication);
    let facts = core.facts.as_ref();
    facts.is_some_and(|facts| granted.allow(tenant, own, is_below(facts, own)(&tenant)))
}

fn asked(core: &CoreView, plugin: &Plugin) -> Option<Tenants> {
    let own = core.tenant()?;
    let facts = core.facts.as_ref()?;
    let known = |there| Tenants::Known {
        there,
        missing: Vec::new(),
    };
    let Some(asked) = &plugin.spec.tenants else {
        return Some(known([own].into()));
    };
    let unknown = |fact: &TenantsFact| match fact {
        TenantsFact::Failed(error) => Tenants::Failed(Box::new(error.clone())),
        TenantsFact::Unknown | TenantsFact::Known(_) => Tenants::Pending,
    };
    Some(match asked.from {
        TenantsFrom::Core => known([own].into()),
        TenantsFrom::Descendants => match facts.tenants.below(own) {
            None => unknown(&facts.tenants),
            Some(mut there) => {
                there.insert(own);
                known(there)
            }
        },
        TenantsFrom::List => {
            let named: Vec<Uuid> = asked
                .list
                .iter()
                .flatten()
                .filter_map(|tenant| tenant.uuid.parse().ok())
                .collect();
            match &facts.tenants {
                TenantsFact::Unknown => Tenants::Pending,
                // So many cannot be kept in mind, and so must be found again.
                TenantsFact::Failed(_) if named.len() > MOST_NAMED => unknown(&facts.tenants),
                TenantsFact::Failed(_) => known(named.into_iter().collect()),
                TenantsFact::Known(_) => of_list(&facts.tenants, &named),
            }
        }
    })
}

fn of_list(tenants: &TenantsFact, named: &[Uuid]) -> Tenants {
    let is_there = |tenant: &Uuid| tenants.has(*tenant) != Some(false);
    let missing = named
        .iter()
        .enumerate()
        .filter(|(_, tenant)| !is_there(tenant))
        .map(|(index, tenant)| (*tenant, format!("spec.tenants.list[{index}].uuid")));
    Tenants::Known {
        there: named.iter().copied().filter(is_there).collect(),
        missing: missing.collect(),
    }
}

/// A tenant or user in which an entry cannot be registered.
#[derive(Clone, Debug)]
pub struct Absentee {
    /// The tenant.
    pub tenant: Uuid,
    /// The user.
    pub user: Option<Uuid>,
    /// A stable CamelCase word.
    pub reason: &'static str,
    /// The field of the WazoPlugin that names it.
    pub field: String,
    /// The call to the core that failed, where one did.
    pub error: Option<CoreError>,
}

/// Where one entry is wanted.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// In these applications.
    pub apps: Vec<AppKey>,
    /// Not possible here.
    pub absent: Vec<Absentee>,
    /// So many users were not looked for yet.
    pub pending: usize,
}

/// Where an entry is wanted.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Here.
    Known(Places),
    /// Not known yet.
    Pending,
    /// It cannot be known; why.
    Failed(Box<Candidate>),
}

/// Where an entry is wanted. `None`: the core has not answered yet.
#[must_use]
pub fn scope(
    core: &CoreView,
    allowance: Option<&Allowance>,
    plugin: &Plugin,
    entry: &UiEntry,
) -> Option<Scope> {
    let (there, missing) = match tenants(core, allowance, plugin)? {
        Tenants::Known { there, missing } => (there, missing),
        Tenants::Pending => return Some(Scope::Pending),
        Tenants::Failed(error) => return Some(Scope::Failed(Box::new(from_error(&error, false)))),
    };
    let names = core.applications(entry.entry.product);
    let mut places = Places::default();
    for (tenant, field) in missing {
        places.absent.push(Absentee {
            tenant,
            user: None,
            reason: "TenantNotFound",
            field,
            error: None,
        });
    }
    match users(entry) {
        None => {
            let of = |tenant: Uuid| names.iter().map(move |name| AppKey::of_tenant(tenant, name));
            places.apps = there.into_iter().flat_map(of).collect();
        }
        Some(users) => add_users(&mut places, core, &there, &users, &names, plugin, entry),
    }
    Some(Scope::Known(places))
}

/// The users of an entry's audience; `None`: everybody in the tenant.
#[must_use]
pub fn users(entry: &UiEntry) -> Option<Vec<Uuid>> {
    let audience = entry.entry.audience.as_ref()?;
    match audience.from {
        AudienceFrom::Tenant => None,
        AudienceFrom::Users => {
            let named = audience.users.iter().flatten();
            Some(named.filter_map(|user| user.uuid.parse().ok()).collect())
        }
    }
}

fn add_users(
    places: &mut Places,
    core: &CoreView,
    there: &BTreeSet<Uuid>,
    users: &[Uuid],
    names: &[String],
    plugin: &Plugin,
    entry: &UiEntry,
) {
    let own = core.tenant().unwrap_or_default();
    let known = core.facts.as_ref().map(|facts| &facts.users);
    let at = plugin
        .ui
        .iter()
        .position(|other| other == entry)
        .unwrap_or_default();
    for (index, user) in users.iter().enumerate() {
        let absent = |tenant, reason, error| Absentee {
            tenant,
            user: Some(*user),
            reason,
            field: format!("spec.registrations.ui[{at}].audience.users[{index}].uuid"),
            error,
        };
        match known.and_then(|known| known.get(user)) {
            None => places.pending += names.len(),
            Some(UserFact::In(tenant)) if there.contains(tenant) => {
                let of = names.iter().map(|name| AppKey::of_user(*tenant, *user, name));
                places.apps.extend(of);
            }
            // Of which other tenant he is, is nobody's business here.
            Some(UserFact::In(_)) => places.absent.push(absent(own, "UserNotInTenants", None)),
            Some(UserFact::NotFound) => places.absent.push(absent(own, "UserNotFound", None)),
            Some(UserFact::Failed(error)) => {
                places
                    .absent
                    .push(absent(own, "UserNotReadable", Some(error.clone())));
            }
        }
    }
}

/// What has to be known of a core for a plugin.
#[must_use]
pub fn interest(plugin: &Plugin) -> Interest {
    let from = plugin.spec.tenants.as_ref().map(|tenants| tenants.from);
    let from = from.filter(|_| !plugin.ui.is_empty());
    Interest {
        tenants: from.is_some_and(|from| from != TenantsFrom::Core),
        everywhere: from == Some(TenantsFrom::Descendants),
        names: BTreeSet::new(),
        users: plugin.ui.iter().filter_map(users).flatten().collect(),
        daemons: super::daemons::watched(plugin),
    }
}

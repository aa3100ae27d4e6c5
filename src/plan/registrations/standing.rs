//! What may stand in the core because of a plugin and is wanted no more: found from the ledger, the spec and what was
//! last read of the core.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use crate::core::facts::{AppEdit, AppKey, CoreStep, StepState};
use crate::observe::ledger::{Ledger, LedgerEntry, MOST_TENANTS};
use crate::observe::world::{CoreView, World};

/// A URL in one application that is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) entry: LedgerEntry,
    pub(super) app: AppKey,
}

impl Leftover {
    pub(super) fn removal(&self) -> CoreStep {
        CoreStep {
            app: self.app.clone(),
            edit: AppEdit::Absent(self.entry.url.to_string()),
        }
    }
}

/// What is to go.
#[derive(Clone, Debug, Default)]
pub(super) struct Leftovers {
    /// In these places, as far as is known.
    pub(super) places: Vec<Leftover>,
    /// The core has not told yet where else, or whose else it is.
    pub(super) unknown: bool,
}

/// The wishes that are fulfilled.
pub(super) struct Became<'a>(HashMap<&'a CoreStep, &'a StepState>);

impl<'a> Became<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        let outcomes = world.outcomes.iter();
        Self(outcomes.map(|outcome| (&outcome.step, &outcome.state)).collect())
    }

    pub(super) fn state(&self, step: &CoreStep) -> Option<&'a StepState> {
        self.0.get(step).copied()
    }

    pub(super) fn is_done(&self, step: &CoreStep) -> bool {
        matches!(self.0.get(step), Some(StepState::Done { .. }))
    }
}

/// What may stand by the ledger and is not `wanted`. What others have there, too, is theirs from now on.
pub(super) fn leftovers(
    world: &World,
    core: &CoreView,
    own: Uuid,
    ledger: &Ledger,
    wanted: &BTreeSet<CoreStep>,
) -> Leftovers {
    let mut found = Leftovers::default();
    let Some(facts) = &core.facts else {
        return found;
    };
    found.unknown = ledger.everywhere && !ledger.ui.is_empty() && !facts.all_read;
    let is_there = |tenant: &Uuid| facts.tenants.has(*tenant) != Some(false);
    let mut tenants: BTreeSet<Uuid> = ledger.tenants.iter().copied().filter(is_there).collect();
    if ledger.tenants.is_empty() && ledger.users.is_empty() && !ledger.everywhere {
        tenants.insert(own);
    }
    let by_url = if ledger.everywhere {
        read_to_hold(core, ledger)
    } else {
        BTreeMap::new()
    };
    for entry in &ledger.ui {
        let names = names(core, ledger, entry);
        let mut apps: BTreeSet<AppKey> = by_url
            .get(entry.url.as_str())
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        apps.retain(|app| names.contains(&app.name) && is_there(&app.tenant));
        for name in &names {
            apps.extend(tenants.iter().map(|tenant| AppKey::of_tenant(*tenant, name)));
            let users = ledger.users.iter().filter(|(tenant, _)| is_there(tenant));
            apps.extend(
                users.flat_map(|(tenant, users)| {
                    users.iter().map(|user| AppKey::of_user(*tenant, *user, name))
                }),
            );
        }
        for app in apps {
            let leftover = Leftover {
                entry: entry.clone(),
                app,
            };
            let step = CoreStep {
                app: leftover.app.clone(),
                edit: AppEdit::Present(entry.url.to_string()),
            };
            let url = entry.url.as_str();
            if wanted.contains(&step) || world.shared.has(url, &leftover.app) {
                continue;
            }
            if world.shared.is_waiting(url, &leftover.app) {
                found.unknown = true;
            } else {
                found.places.push(leftover);
            }
        }
    }
    found
}

/// The names of the applications that may hold an entry.
pub(super) fn names(core: &CoreView, ledger: &Ledger, entry: &LedgerEntry) -> BTreeSet<String> {
    let known = ledger.apps.get(&entry.product).into_iter().flatten().cloned();
    known.chain(core.applications(entry.product)).collect()
}

/// Of each URL of the ledger, the tenants' applications that were last read to hold it.
fn read_to_hold<'a>(core: &'a CoreView, ledger: &Ledger) -> BTreeMap<&'a str, BTreeSet<AppKey>> {
    let ours: BTreeSet<&str> = ledger.urls().map(url::Url::as_str).collect();
    let mut by_url: BTreeMap<&str, BTreeSet<AppKey>> = BTreeMap::new();
    let apps = core.facts.iter().flat_map(|facts| &facts.apps);
    for (app, fact) in apps.filter(|(app, _)| app.user.is_none()) {
        for url in fact.urls.iter().filter(|url| ours.contains(url.as_str())) {
            by_url.entry(url).or_default().insert(app.clone());
        }
    }
    by_url
}

/// The smallest ledger that speaks of all `wanted` steps of the entries and of all that is left over.
pub(super) fn ledger_of(
    known: &Ledger,
    wanted: &[(LedgerEntry, Vec<AppKey>)],
    left: &Leftovers,
    remaining: &[Leftover],
) -> Ledger {
    let mut ledger = if left.unknown {
        known.clone()
    } else {
        Ledger::default()
    };
    let wanted = wanted
        .iter()
        .flat_map(|(entry, apps)| apps.iter().map(move |app| (entry, app)));
    let remaining = remaining.iter().map(|leftover| (&leftover.entry, &leftover.app));
    for (entry, app) in wanted.chain(remaining) {
        ledger.ui.insert(entry.clone());
        ledger
            .apps
            .entry(entry.product)
            .or_default()
            .insert(app.name.clone());
        match app.user {
            None => ledger.tenants.insert(app.tenant),
            Some(user) => ledger.users.entry(app.tenant).or_default().insert(user),
        };
    }
    if ledger.everywhere || ledger.tenants.len() > MOST_TENANTS {
        ledger.tenants.clear();
        ledger.everywhere = true;
    }
    ledger
}

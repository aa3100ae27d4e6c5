//! UI applications: the URL of a manifest in the external applications of a product.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{RegistrationState, Verify};
use crate::core::facts::{AppEdit, AppKey, CoreStep};
use crate::judge::places::{self, Scope};
use crate::judge::{Assessment, manifest};
use crate::observe::ledger::{Ledger, LedgerEntry, MOST_USERS};
use crate::observe::world::{CoreView, World};

/// A declared entry, and whether it may be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Product and URL.
    pub key: LedgerEntry,
    /// Whether its manifest is verified, or it stands in the core already: what is registered is not taken out because
    /// it fails for a while.
    pub open: bool,
    /// The applications in which it is wanted; `None`: not known yet.
    pub places: Option<Vec<AppKey>>,
    /// Whether these are all.
    pub complete: bool,
}

/// Product and URL of an entry.
#[must_use]
pub fn key(entry: &UiEntry) -> LedgerEntry {
    LedgerEntry {
        product: entry.entry.product,
        url: entry.manifest_url.clone(),
    }
}

/// Every declared entry.
#[must_use]
pub fn entries(world: &World, plugin: &Plugin, assessment: &Assessment, core: &CoreView) -> Vec<Declared> {
    plugin
        .ui
        .iter()
        .map(|entry| {
            let reachable = assessment.route.is_good() && assessment.certificate.holds_up_nothing();
            let verified = match plugin.spec.verify() {
                Verify::Public | Verify::Service => {
                    reachable && manifest::judge_entry(world, entry).is_good()
                }
                Verify::None => reachable && assessment.workload.is_good(),
            };
            let places = match places::scope(core, world.allowance.as_ref(), plugin, entry) {
                Some(Scope::Known(places)) => Some(places),
                _ => None,
            };
            Declared {
                key: key(entry),
                open: verified || stands_already(world, entry),
                complete: places.as_ref().is_some_and(|places| places.pending == 0),
                places: places.map(|places| places.apps),
            }
        })
        .collect()
}

fn stands_already(world: &World, entry: &UiEntry) -> bool {
    let url = entry.manifest_url.as_str();
    world.itself.ledger.ui.contains(&key(entry))
        || world.itself.before.registrations.iter().any(|row| {
            row.name == entry.entry.name
                && row.state == RegistrationState::Registered
                && row.url.as_deref() == Some(url)
        })
}

/// The steps that make `edit` true for an entry in some applications.
#[must_use]
pub fn steps(entry: &LedgerEntry, apps: &[AppKey], edit: impl Fn(String) -> AppEdit) -> Vec<CoreStep> {
    let step = |app: &AppKey| CoreStep {
        app: app.clone(),
        edit: edit(entry.url.to_string()),
    };
    apps.iter().map(step).collect()
}

/// The ledger names so many users and no more: others wait until there is room.
pub(super) fn make_room(declared: &mut [Declared], known: &Ledger) {
    let mut named: BTreeSet<(Uuid, Uuid)> = known
        .users
        .iter()
        .flat_map(|(tenant, users)| users.iter().map(|user| (*tenant, *user)))
        .collect();
    for apps in declared.iter_mut().filter_map(|entry| entry.places.as_mut()) {
        apps.retain(|app| {
            let Some(user) = app.user else {
                return true;
            };
            let user = (app.tenant, user);
            named.contains(&user) || (named.len() < MOST_USERS && named.insert(user))
        });
    }
}

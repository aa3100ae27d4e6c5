//! UI applications: the URL of a manifest in the external applications of a product.

use uuid::Uuid;

use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{RegistrationState, Verify};
use crate::core::facts::{AppEdit, AppKey, CoreStep};
use crate::judge::{Assessment, manifest};
use crate::observe::ledger::LedgerEntry;
use crate::observe::world::{CoreView, World};

/// A declared entry, and whether it may be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Product and URL.
    pub key: LedgerEntry,
    /// Whether its manifest is verified, or it stands in the core already: what is registered is not taken out because
    /// it fails for a while.
    pub open: bool,
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
pub fn entries(world: &World, plugin: &Plugin, assessment: &Assessment) -> Vec<Declared> {
    plugin
        .ui
        .iter()
        .map(|entry| {
            let verified = match plugin.spec.verify() {
                Verify::Public | Verify::Service => {
                    assessment.route.is_good() && manifest::judge_entry(world, entry).is_good()
                }
                Verify::None => assessment.route.is_good() && assessment.workload.is_good(),
            };
            Declared {
                key: key(entry),
                open: verified || stands_already(world, entry),
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

/// The steps that make `edit` true for some entries, in every application of their products.
#[must_use]
pub fn steps<'a>(
    core: &CoreView,
    tenant: Uuid,
    entries: impl Iterator<Item = &'a LedgerEntry>,
    edit: impl Fn(String) -> AppEdit,
) -> Vec<CoreStep> {
    entries
        .flat_map(|entry| {
            core.applications(entry.product)
                .into_iter()
                .map(|name| CoreStep {
                    app: AppKey { tenant, name },
                    edit: edit(entry.url.to_string()),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

//! A change of the source in one edit: what served before stays until the new source serves and every old URL is out of
//! the core, so that users are never without the plugin.

use crate::api::parse::Plugin;
use crate::judge::service;
use crate::observe::ledger::LedgerEntry;
use crate::observe::world::World;
use crate::plan::registrations::ui;

/// Whether the children may follow the spec.
#[must_use]
pub(super) fn is_done(world: &World, plugin: &Plugin) -> bool {
    // Without pods of ours there is nothing to keep.
    if plugin.workload().is_some() || world.children.deployment.is_none() {
        return true;
    }
    let serves = match &plugin.spec.service_ref {
        Some(reference) => service::judge(world, reference).is_good(),
        None => true,
    };
    let declared = |entry: &LedgerEntry| plugin.ui.iter().any(|declared| ui::key(declared) == *entry);
    serves && world.itself.ledger.ui.iter().all(declared)
}

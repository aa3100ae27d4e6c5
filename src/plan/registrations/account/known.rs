//! Where an account may stand, as far as the ledger and the Secrets of the plugin tell.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{NEXT, plugin_name};
use crate::api::account::Account;
use crate::observe::account_secret;
use crate::observe::ledger::MOST_TENANTS;
use crate::observe::world::World;

/// The tenants in which something may stand: so many that one look at all of them stays small. A partner can write
/// Secrets that look like ours, so that only those of the names that the operator gives tell of a tenant.
pub(super) fn tenants(world: &World) -> BTreeSet<Uuid> {
    let names = names(world);
    let shown = account_secret::ours(world)
        .into_iter()
        .filter(|(name, secret)| secret.sound && names.contains(*name))
        .filter_map(|(_, secret)| secret.tenant);
    let ledger = world.itself.ledger.accounts.iter().copied();
    ledger.chain(shown).take(MOST_TENANTS).collect()
}

/// The names that the operator gives to Secrets of the account by the spec, or by a spec that names none.
fn names(world: &World) -> BTreeSet<String> {
    let plugin = plugin_name(world);
    let spec = world.itself.plugin.as_ref().ok();
    let named = spec.and_then(|spec| Some(spec.account.as_ref()?.secret(&plugin)));
    [Some(Account::default_secret(&plugin)), named]
        .into_iter()
        .flatten()
        .flat_map(|name| [format!("{name}{NEXT}"), name])
        .collect()
}

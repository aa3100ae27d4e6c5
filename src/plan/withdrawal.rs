//! What the core does not grant any more is taken out of it, even where everything else of a plugin is left alone: the
//! grant is all that the owner of a core has.

use super::{CoreWishes, Plan, finalizer, registrations};
use crate::core::facts::Interest;
use crate::observe::world::World;
use registrations::drift::Drifts;

/// The plan of a plugin whose spec is not usable: what runs goes on running, and what is granted stays registered.
#[must_use]
pub fn of_unusable(world: &World) -> Plan {
    let plan = of(world);
    Plan {
        metadata: plan.metadata.or_else(|| finalizer::add(world)),
        ..plan
    }
}

/// The plan of a suspended plugin, whose earlier wishes are taken back.
#[must_use]
pub fn of_suspended(world: &World, pending: bool) -> Plan {
    let mut plan = of(world);
    plan.account.forget = plan.account.wish.is_none();
    if let Some((core, _)) = &plan.account.wish {
        // Otherwise the account, too, would be forgotten.
        plan.core.get_or_insert_with(|| CoreWishes {
            key: core.clone(),
            steps: Vec::new(),
            interest: Interest::default(),
            drifts: Drifts::default(),
        });
    }
    Plan {
        suspended: true,
        pending,
        ..plan
    }
}

fn of(world: &World) -> Plan {
    let ui = registrations::withdrawal::withdrawal(world);
    let account = registrations::account::withdrawal(world);
    let mut ledger = ui.ledger;
    if let Some(account) = &account {
        ledger.accounts.clone_from(&account.tenants);
    }
    let shrinks = ledger != world.itself.ledger;
    Plan {
        metadata: shrinks.then(|| finalizer::keep(world, &ledger)).flatten(),
        core: ui.wishes,
        account: account.unwrap_or_default(),
        ..Plan::default()
    }
}

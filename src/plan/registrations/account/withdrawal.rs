//! The end of an account that the core does not grant any more, whatever the spec says.

use super::known::tenants;
use super::{AccountPlan, decide};
use crate::judge::withdrawal::is_account_withdrawn;
use crate::observe::world::World;

/// Plans for the account of a plugin that is left alone otherwise: it is only looked at, and taken out where it holds what
/// is not granted any more. `None`: there is none, or nothing can be told of it now.
#[must_use]
pub fn withdrawal(world: &World) -> Option<AccountPlan> {
    let known = tenants(world);
    let suspended = world.core.as_ref()?.suspended();
    if known.is_empty() || suspended || world.marker().is_none() || world.allowance.is_none() {
        return None;
    }
    let withdrawn = is_account_withdrawn(world, &known);
    let mut plan = decide(world, None, known, true)?;
    let written = &world.itself.ledger.accounts;
    if withdrawn {
        plan.tenants = written.intersection(&plan.tenants).copied().collect();
        return Some(plan);
    }
    plan.tenants.clone_from(written);
    plan.secret = None;
    if let Some((_, wish)) = &mut plan.wish {
        wish.act = None;
    }
    Some(plan)
}

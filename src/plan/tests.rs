//! What is done, and in which order: held against worlds.

mod accounts;
mod children;
mod core_drift;
mod drift;
mod ledger;
mod network;
mod pods;
mod probes;
mod registrations;
mod sources;
mod stages;
mod surroundings;
mod tenants;
mod withdrawal;

use super::{Plan, plan};
use crate::core::facts::{AppEdit, CoreStep, StepState};
use crate::judge::assess;
use crate::observe::fixture::{APPS, step};
use crate::observe::ledger_mark::Standing;
use crate::observe::world::World;

fn plan_of(world: &World) -> Plan {
    plan(world, &assess(world))
}

/// The wishes at the core; none where nothing is said to the core at all.
fn steps(plan: &Plan) -> Vec<CoreStep> {
    plan.core
        .as_ref()
        .map(|wishes| wishes.steps.clone())
        .unwrap_or_default()
}

/// The same edit in every application.
fn everywhere(edit: &AppEdit) -> Vec<CoreStep> {
    APPS.map(|app| step(app, edit.clone())).to_vec()
}

fn present(url: &str) -> Vec<CoreStep> {
    everywhere(&AppEdit::Present(url.to_owned()))
}

fn absent(url: &str) -> Vec<CoreStep> {
    everywhere(&AppEdit::Absent(url.to_owned()))
}

/// The core did what was wished for.
fn did(mut world: World, steps: Vec<CoreStep>) -> World {
    for step in steps {
        world = world.step_became(step, StepState::Done { changed: true });
    }
    world
}

/// The metadata that the plan asks for stand in the object.
fn with_metadata(mut world: World, plan: &Plan) -> World {
    if let Some(change) = &plan.metadata {
        world.itself.finalizers = change.finalizers.clone();
        if let Some(ledger) = &change.ledger {
            world.itself.ledger = ledger.clone();
            world.itself.ledger_standing = Standing::Marked;
        }
    }
    world
}

fn ledger(plan: &Plan) -> Option<Vec<String>> {
    let ledger = plan.metadata.as_ref()?.ledger.as_ref()?;
    Some(ledger.urls().map(ToString::to_string).collect())
}

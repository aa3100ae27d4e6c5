//! What is told: held against the rules that tools and people rely on.

mod core;
mod events;
mod own_error;
mod properties;
mod rules;
mod status;

use crate::api::plugin::WazoPluginStatus;
use crate::judge::assess;
use crate::observe::world::World;
use crate::report::status::compose;

/// What is written of a world.
fn told(world: &World) -> WazoPluginStatus {
    compose(world, &assess(world))
}

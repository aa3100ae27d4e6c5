//! The clock of the rollout's deadline. It stands still while the fault is somebody's whom the plugin's author cannot
//! move: an outage of the core never fails a release.

use jiff::Timestamp;

use crate::api::condition::seconds;
use crate::api::fault::{Fault, Party};
use crate::api::parse::Plugin;
use crate::api::plugin::RolloutClock;
use crate::observe::world::World;

/// The clock as it stands now; `None` where this generation was in force before: nothing is being rolled out.
#[must_use]
pub fn tick(world: &World, first: Option<&Fault>) -> Option<RolloutClock> {
    let generation = world.itself.generation;
    let before = &world.itself.before;
    let mut clock = match &before.rollout {
        Some(clock) if clock.revision == generation => clock.clone(),
        None if before.observed_generation == generation => return None,
        _ => RolloutClock {
            revision: generation,
            elapsed_seconds: 0,
            since: Some(seconds(world.now)),
        },
    };
    // Who scales to zero decides when it goes on.
    let scaled_to_zero = world.itself.plugin.as_ref().is_ok_and(Plugin::is_scaled_to_zero);
    let paused = scaled_to_zero || stands_still(first) || excused(world);
    match (paused, &clock.since) {
        (true, Some(since)) => {
            clock.elapsed_seconds += between(since.0, world.now);
            clock.since = None;
        }
        (false, None) => clock.since = Some(seconds(world.now)),
        _ => {}
    }
    Some(clock)
}

/// Whether the deadline has passed.
#[must_use]
pub fn expired(clock: &RolloutClock, world: &World) -> bool {
    elapsed(clock, world.now) >= deadline(world)
}

/// Seconds until it passes, while the clock runs.
#[must_use]
pub fn left(clock: &RolloutClock, world: &World) -> Option<i64> {
    clock.since.as_ref()?;
    let left = deadline(world) - elapsed(clock, world.now);
    (left > 0).then_some(left)
}

/// Whether the core is away for an announced maintenance.
fn excused(world: &World) -> bool {
    world.core.as_ref().is_some_and(|core| core.excused().is_some())
}

fn stands_still(first: Option<&Fault>) -> bool {
    first.is_some_and(|fault| {
        let suspected = fault.suspected.as_ref().map(|suspicion| suspicion.party);
        fault.caused_by.is_some()
            || matches!(
                suspected.unwrap_or(fault.party),
                Party::Core | Party::Path | Party::Dependency | Party::Operator
            )
    })
}

fn deadline(world: &World) -> i64 {
    let own = world
        .itself
        .plugin
        .as_ref()
        .ok()
        .and_then(|plugin| plugin.deadline);
    let deadline = own.unwrap_or(world.rollout_deadline);
    i64::try_from(deadline.as_secs()).unwrap_or(i64::MAX)
}

fn elapsed(clock: &RolloutClock, now: Timestamp) -> i64 {
    clock.elapsed_seconds + clock.since.as_ref().map_or(0, |since| between(since.0, now))
}

fn between(since: Timestamp, now: Timestamp) -> i64 {
    (now.as_second() - since.as_second()).max(0)
}

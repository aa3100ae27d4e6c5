//! What somebody else changed and is left so. It takes nothing from `Ready`: what was made is told of by its own layer.

use std::time::Duration;

use jiff::Timestamp;

use crate::observe::memory::Drift;
use crate::observe::world::World;

/// The reason of `Drifted` where the spec asks for no more than a report.
pub const REPORTED: &str = "DriftReported";
/// The reason of `Drifted` where an object was put back too often.
pub const STOPPED: &str = "DriftCorrectionStopped";

/// As many objects are named.
const MOST_TOLD: usize = 8;

/// What stands so now.
#[must_use]
pub fn standing(world: &World) -> Vec<Drift> {
    let children = world.memory.values().map(|memory| &memory.fight);
    children
        .chain(world.fights.values())
        .filter_map(|fight| fight.drift.clone())
        .chain(super::account_change::drift(world))
        .collect()
}

/// The reason and the message of `Drifted`; `None`: nothing stands so.
#[must_use]
pub fn told(drifted: &[Drift]) -> Option<(&'static str, String)> {
    let mut texts: Vec<String> = drifted.iter().take(MOST_TOLD).map(ToString::to_string).collect();
    let more = drifted.len() - texts.len();
    if more > 0 {
        texts.push(format!("{more} more objects"));
    }
    let texts = texts.join("; ");
    if drifted.is_empty() {
        None
    } else if drifted.iter().any(|drift| drift.stopped.is_some()) {
        let why =
            "put back three times within an hour, it is left alone for an hour, or until the spec changes";
        Some((STOPPED, format!("{texts}; {why}")))
    } else {
        Some((REPORTED, format!("{texts}; spec.drift is Report")))
    }
}

/// After how many seconds an object that was given up is tried again.
#[must_use]
pub fn tried_again(drifted: &[Drift], world: &World) -> Option<i64> {
    let since = drifted.iter().filter_map(|drift| drift.stopped).min()?;
    let left = world.drift_window.saturating_sub(age(world, since));
    i64::try_from(left.as_secs()).ok().map(|seconds| seconds + 1)
}

/// Whether a moment is less than the window ago.
#[must_use]
pub fn is_within(world: &World, moment: Timestamp) -> bool {
    age(world, moment) < world.drift_window
}

fn age(world: &World, moment: Timestamp) -> Duration {
    Duration::try_from(world.now.duration_since(moment)).unwrap_or_default()
}

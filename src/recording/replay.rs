//! Judges a recording anew: as the operator did at the time, or as it would with other rules.
//!
//! Each moment is judged with the status that this very replay composed before, not with the recorded one, and time goes
//! on between the moments of the recording: what only time settles is judged when it is due.

use jiff::{SignedDuration, Timestamp};

use crate::api::plugin::WazoPluginStatus;
use crate::judge::{self, Assessment};
use crate::observe::world::World;
use crate::plan;
use crate::report::status;

/// As often is a World judged again for time alone: more is a verdict that does not settle.
const MOST_LOOKS: usize = 50;

/// A moment of a replay.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was known, and when.
    pub world: World,
    /// What was true.
    pub assessment: Assessment,
    /// What the status said then.
    pub status: WazoPluginStatus,
}

/// Judges Worlds one after the other, in the order of their moments. After the last one, time goes on for so many
/// `seconds`.
#[must_use]
pub fn replay(worlds: Vec<World>, seconds: i64) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut worlds = worlds.into_iter().peekable();
    while let Some(world) = worlds.next() {
        let end = worlds
            .peek()
            .map_or_else(|| later(world.now, seconds), |next| next.now);
        let mut due = Some(world.now);
        for _ in 0..MOST_LOOKS {
            let Some(now) = due.filter(|due| *due == world.now || *due < end) else {
                break;
            };
            let step = look(World { now, ..world.clone() }, steps.last());
            due = step.assessment.again.map(|seconds| later(now, seconds.max(1)));
            steps.push(step);
        }
    }
    steps
}

fn later(moment: Timestamp, seconds: i64) -> Timestamp {
    moment
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

fn look(mut world: World, before: Option<&Step>) -> Step {
    if let Some(before) = before {
        world.itself.before = before.status.clone();
        world.verdicts = before.assessment.verdicts.clone();
    }
    let assessment = judge::assess(&world);
    let plan = plan::plan(&world, &assessment);
    let status = status::of(&world, &assessment, &plan);
    Step {
        world,
        assessment,
        status,
    }
}

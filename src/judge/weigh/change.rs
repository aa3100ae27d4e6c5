//! What changed before something broke. That one thing follows another proves nothing: it is told, and makes only what is
//! doubtful more likely.

use jiff::Timestamp;

use super::Weight;
use crate::api::fault::{Confidence, Layer, Party};
use crate::judge::World;
use crate::judge::case::{Case, Lean};

/// What worked for so long, in seconds, is not likely to be asked for wrongly.
const LONG: i64 = 3600;

pub(super) fn judge(world: &World, case: &mut Case) -> Option<Weight> {
    if case.candidate.recalled || case.lean != Lean::Itself {
        return None;
    }
    let fault = &case.candidate.fault;
    let began = fault.since.0;
    let changes = &world.changes;
    let after = |at: Option<Timestamp>| follows(world, at?, began);
    let told = match fault.party {
        Party::Partner => format!("the image changed {} s before it began", after(changes.image)?),
        Party::Config if fault.layer == Layer::Certificate => {
            let renewed = after(changes.certificate).or_else(|| after(changes.spec))?;
            format!("the certificate or the spec changed {renewed} s before it began")
        }
        Party::Config => format!("the spec changed {} s before it began", after(changes.spec)?),
        Party::Cluster | Party::Dependency | Party::Core | Party::Path => {
            let hours = worked(world, began)? / LONG;
            if after(changes.image).or_else(|| after(changes.spec)).is_some() {
                return None;
            }
            format!("neither image nor spec changed, and it had worked for {hours} h")
        }
        Party::Operator | Party::Unknown => return None,
    };
    Some(Weight {
        to: fault.confidence.max(Confidence::Medium),
        told,
        supports: true,
    })
}

/// For how many seconds it worked before, where that is long.
fn worked(world: &World, began: Timestamp) -> Option<i64> {
    let ready = world.changes.ready.as_ref()?;
    let seconds = ready.until.unwrap_or(began).as_second() - ready.from.as_second();
    (seconds >= LONG && ready.from <= began).then_some(seconds)
}

/// The seconds between a change and what began within a rollout's time after it.
fn follows(world: &World, changed: Timestamp, began: Timestamp) -> Option<i64> {
    let after = began.as_second() - changed.as_second();
    let window = i64::try_from(world.rollout_deadline.as_secs()).unwrap_or(i64::MAX);
    (0..=window).contains(&after).then_some(after)
}

//! How the newest revision differs from what worked before it: what broke it is what came with it (rule R6).

use jiff::Timestamp;

use super::candidate::Candidate;
use super::state::State;
use super::workload::{newest_pods, staying};
use super::{World, known_faults, settled};
use crate::api::fault::{Layer, Party, Resolution};
use crate::api::reason::Reason;
use crate::observe::facts::PodFact;

/// What is told of pods that serve as the spec was before.
const SERVES: &str = "pods of the spec before serve with the same image";
/// What is told where they are gone.
const WORKED: &str = "the same image was ready under the spec before";

/// What a revision came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was in force before: what breaks now breaks by itself.
    InForce,
    /// Another image than the pods ran before.
    OtherImage,
    /// The image that ran well, under another spec.
    OtherSpec {
        /// Whether pods of the spec before still serve with that image.
        serving: bool,
    },
    /// Nothing worked before, as far as is known.
    First,
}

/// The origin of the newest revision. One that became ready is the edit's still while that is not long ago.
#[must_use]
pub fn of(world: &World) -> Origin {
    let in_force = settled(world);
    let otherwise = |origin| if in_force { Origin::InForce } else { origin };
    let changes = &world.changes;
    let Some(spec) = changes.spec else {
        return otherwise(Origin::First);
    };
    if changes.image.is_some_and(|image| image >= spec) {
        return otherwise(Origin::OtherImage);
    }
    let newest = newest_pods(world);
    let images: Option<Vec<_>> = newest.iter().map(|pod| pod.container.image_id.as_ref()).collect();
    // The operator's own doing makes revisions, too: other credentials, another certificate authority. And pods that were
    // there before the edit have nothing of it.
    let is_of_the_edit = newest.iter().all(|pod| pod.created >= Some(spec));
    let Some(images) = images.filter(|images| is_of_the_edit && !images.is_empty()) else {
        return otherwise(Origin::First);
    };
    let serves_with_it = |pod: &PodFact| {
        pod.ready && pod.created < Some(spec) && pod.container.image_id.iter().any(|id| images.contains(&id))
    };
    let worked = changes.worked.iter().any(|image| images.contains(&image));
    let serving = staying(world).any(serves_with_it);
    let lately = !in_force || followed(world, spec);
    if lately && (serving || worked) || was_told(world) {
        Origin::OtherSpec { serving }
    } else {
        otherwise(Origin::First)
    }
}

/// Whether what is wrong with the pods began within a rollout's time after the edit.
fn followed(world: &World, spec: Timestamp) -> bool {
    let known = known_faults(world).filter(|fault| matches!(fault.layer, Layer::Container | Layer::Probe));
    let began = known.map(|fault| fault.since.0).min().unwrap_or(world.now);
    let after = began.as_second() - spec.as_second();
    (0..=i64::try_from(world.rollout_deadline.as_secs()).unwrap_or(i64::MAX)).contains(&after)
}

/// Whether the edit is blamed already: a process that came later does not know what ran before.
fn was_told(world: &World) -> bool {
    known_faults(world)
        .filter(|fault| fault.party == Party::Config)
        .flat_map(|fault| &fault.evidence)
        .any(|evidence| evidence.observed == SERVES || evidence.observed == WORKED)
}

/// What a container does under a changed spec, and did not do before with the same image, is the change's doing, where a
/// field of the spec may make it. How a process ends by itself is its own word: no change makes it another's.
pub(super) fn judge(state: State, origin: Origin) -> State {
    match (state, origin) {
        (State::Bad(candidate), Origin::OtherSpec { serving }) if may_be_of_a_field(&candidate) => {
            State::bad(by_the_change(*candidate, serving))
        }
        (state, _) => state,
    }
}

fn may_be_of_a_field(candidate: &Candidate) -> bool {
    let fault = &candidate.fault;
    let field = fault
        .object
        .as_ref()
        .and_then(|object| object.field_path.as_ref());
    // Such a probe is always the spec's.
    let named = field.is_some() || fault.reason == Reason::LivenessKilled;
    fault.party == Party::Partner && matches!(fault.layer, Layer::Container | Layer::Probe) && named
}

fn by_the_change(candidate: Candidate, serving: bool) -> Candidate {
    let told = if serving { SERVES } else { WORKED };
    let named = candidate.fault.object.as_ref();
    let named = named.and_then(|object| object.field_path.clone());
    candidate
        .party(Party::Config)
        .resolution(Resolution::SpecChange)
        .evidence("API server", told, None)
        .field(named.unwrap_or_else(|| "spec.workload".to_owned()))
        .action("Take back what the last change of spec.workload set, or set what the image expects")
        .unless(!serving, "pods of the spec before, beside those of this one")
}

//! How the newest revision differs from what worked before it: what broke it is what came with it (rule R6).

use super::candidate::Candidate;
use super::state::State;
use super::workload::{newest_pods, staying};
use super::{World, settled};
use crate::api::fault::{Layer, Party, Resolution};
use crate::observe::facts::PodFact;

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

impl Origin {
    /// Whether the spec, and not the image, is what is new: what the spec sets may be wrong.
    #[must_use]
    pub const fn is_of_the_spec(self) -> bool {
        matches!(self, Self::OtherSpec { .. } | Self::First)
    }
}

/// The origin of the newest revision.
#[must_use]
pub fn of(world: &World) -> Origin {
    if settled(world) {
        return Origin::InForce;
    }
    let changes = &world.changes;
    let Some(spec) = changes.spec else {
        return Origin::First;
    };
    if changes.image.is_some_and(|image| image >= spec) {
        return Origin::OtherImage;
    }
    let newest = newest_pods(world);
    // The operator's own doing makes revisions, too: other credentials, another certificate authority.
    let is_of_this_spec = newest.iter().filter_map(|pod| pod.created).max() >= Some(spec);
    let images: Option<Vec<_>> = newest.iter().map(|pod| pod.container.image_id.as_ref()).collect();
    let Some(images) = images.filter(|images| is_of_this_spec && !images.is_empty()) else {
        return Origin::First;
    };
    let serves_with_it = |pod: &PodFact| {
        pod.ready && pod.created <= Some(spec) && pod.container.image_id.iter().any(|id| images.contains(&id))
    };
    let worked = changes.ready.as_ref().is_some_and(|ready| ready.from <= spec);
    let serving = staying(world).any(serves_with_it);
    if serving || worked {
        Origin::OtherSpec { serving }
    } else {
        Origin::First
    }
}

/// What a container does under a changed spec, and did not do before with the same image, is the change's doing.
pub(super) fn judge(state: State, origin: Origin) -> State {
    match (state, origin) {
        (State::Bad(candidate), Origin::OtherSpec { serving }) if is_of_the_container(&candidate) => {
            State::bad(by_the_change(*candidate, serving))
        }
        (state, _) => state,
    }
}

fn is_of_the_container(candidate: &Candidate) -> bool {
    let fault = &candidate.fault;
    fault.party == Party::Partner && matches!(fault.layer, Layer::Container | Layer::Probe)
}

fn by_the_change(candidate: Candidate, serving: bool) -> Candidate {
    let told = if serving {
        "pods of the spec before serve with the same image"
    } else {
        "the same image was ready under the spec before"
    };
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

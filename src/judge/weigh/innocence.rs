//! The presumption of innocence: the partner is blamed only where something was seen from inside the container's boundary:
//! how its process ended, what it answered, that nothing listens there. What an address further out answers may be made on
//! the way.

use super::Weight;
use crate::api::fault::{Confidence, Layer, Party};
use crate::judge::World;
use crate::judge::case::Case;

/// From where the container is seen itself. Nothing between a Service and its pods makes answers of its own.
const INSIDE: [&str; 3] = ["kubelet", "operator→pod", "operator→Service"];

pub(super) fn judge(world: &World, case: &mut Case) -> Option<Weight> {
    let plugin = world.itself.plugin.as_ref().ok()?;
    let fault = &mut case.candidate.fault;
    // Whoever hosts it elsewhere answers there; and that no endpoint is ready is the kubelet's word.
    let seen = plugin.spec.url.is_some()
        || fault.layer == Layer::Service
        || fault
            .evidence
            .iter()
            .any(|evidence| INSIDE.contains(&evidence.vantage.as_str()));
    if fault.party != Party::Partner || seen {
        return None;
    }
    let missing = "an answer of the pods to the operator";
    if !fault.missing.iter().any(|known| known == missing) {
        fault.missing.push(missing.to_owned());
    }
    Some(Weight {
        to: Confidence::Low,
        told: "nothing was seen of the container itself".to_owned(),
        supports: false,
    })
}

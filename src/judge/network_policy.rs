//! Layer NetworkPolicy: pods that the kubelet reaches, and nobody else does. The kubelet's probes are exempt from
//! policies.

use super::World;
use super::around::{nodes, owner};
use super::candidate::Candidate;
use super::endpoints::{is_changed, seen, since};
use super::workload::newest_pods;
use crate::api::fault::Party;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::probe::Knock;

/// Judges pods that take no connection of the operator's while the kubelet says that they are ready.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Vec<Candidate> {
    let pods = newest_pods(world);
    let all_ready = !pods.is_empty() && pods.iter().all(|pod| pod.ready);
    let silent = seen(world)
        .and_then(|(control, _)| control.pod)
        .filter(|knock| matches!(knock, Knock::TimedOut | Knock::Unreachable));
    let Some(knock) = silent.filter(|_| all_ready && plugin.workload().is_some()) else {
        return Vec::new();
    };
    // What a node that is away last said of its pods is no news.
    if nodes(world).is_some_and(|nodes| nodes.iter().any(|node| node.is_down())) {
        return Vec::new();
    }
    let told = "the pods take no connections, though the kubelet, which no policy stops, finds them ready";
    let mut candidate = Candidate::new(Reason::NetworkBlocked, since(world), told)
        .evidence("operator→pod", knock.words(), Some(owner(world)))
        .evidence("kubelet", "Ready=True", Some(owner(world)));
    let key = &world.itself.key;
    for policy in world.surroundings.policies.iter().take(2) {
        let object = Some(format!("NetworkPolicy/{policy}"));
        candidate = candidate.evidence("API server", "selects the pods", object);
    }
    let ours = world.children.network_policy.is_some();
    let candidate = match world.surroundings.policies.first() {
        _ if is_changed(world, "NetworkPolicy") => candidate.party(Party::Config).object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            &key.namespace,
            &key.name,
        ),
        // Policies only add to one another: beside one that lets everybody in, another one stops nobody.
        Some(policy) if !ours => {
            candidate.object("networking.k8s.io/v1", "NetworkPolicy", &key.namespace, policy)
        }
        _ => candidate,
    };
    vec![candidate]
}

//! What the rules that look at a plugin's surroundings have in common.

use super::candidate::Candidate;
use super::workload::newest_pods;
use super::{World, settled};
use crate::observe::facts::{ContainerState, PodFact};
use crate::observe::surroundings::{EventFact, NodeFact, Part};

/// Seconds for which a thing may fail that often fails once and then goes on: a volume that is still bound to the node of
/// the pod before, a network plugin that starts.
const PATIENCE: i64 = 20;

/// The object of evidence: the owner, not the pod.
pub(super) fn owner(world: &World) -> String {
    format!("Deployment/{}", world.itself.key.name)
}

/// Degraded only, where this revision was in force before and something still serves.
pub(super) fn weighed_by_what_serves(world: &World, candidate: Candidate) -> Candidate {
    let available = world
        .children
        .deployment
        .as_ref()
        .map_or(0, |known| known.available);
    if settled(world) && available > 0 {
        candidate.not_blocking()
    } else {
        candidate
    }
}

/// The pods of the newest revision that a node has, and of which it has not started the container yet.
pub(super) fn being_started(world: &World) -> Vec<&PodFact> {
    let waits = |pod: &&PodFact| match &pod.container.state {
        ContainerState::Unknown => true,
        ContainerState::Waiting { reason, .. } => {
            matches!(reason.as_str(), "" | "ContainerCreating" | "PodInitializing")
        }
        _ => false,
    };
    newest_pods(world)
        .into_iter()
        .filter(|pod| !pod.ready && pod.node.is_some() && pod.disruption.is_none())
        .filter(waits)
        .collect()
}

/// The events of these reasons about pods that are being started: those about others tell of what is over.
pub(super) fn at_the_start<'a>(world: &'a World, reasons: &[&str]) -> Vec<&'a EventFact> {
    let pods = being_started(world);
    let is_of_one = |event: &&EventFact| pods.iter().any(|pod| pod.name == event.name);
    world
        .surroundings
        .events
        .iter()
        .filter(|event| event.kind == "Pod" && reasons.contains(&event.reason.as_str()))
        .filter(is_of_one)
        .collect()
}

/// A candidate that counts at once where the same was seen again and again; before that it may still come right.
pub(super) fn once_it_lasts(event: &EventFact, world: &World, candidate: Candidate) -> Candidate {
    let began = event.since.or(event.at).unwrap_or(world.now);
    let age = world.now.as_second() - began.as_second();
    let again = event.at > event.since && event.since.is_some();
    if again || age >= PATIENCE {
        candidate
    } else {
        candidate
            .indirect("whether it fails again: it was seen once")
            .again(PATIENCE - age)
    }
}

/// The nodes of the pods of the newest revision, where all of them were read.
pub(super) fn nodes(world: &World) -> Option<Vec<&NodeFact>> {
    if !world.surroundings.knows(Part::Nodes) {
        return None;
    }
    let pods = newest_pods(world);
    let nodes: Vec<_> = pods
        .iter()
        .filter_map(|pod| world.surroundings.node(pod.node.as_deref()?))
        .collect();
    (!nodes.is_empty() && nodes.len() == pods.len()).then_some(nodes)
}

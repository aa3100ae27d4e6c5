//! Layer Node: whether the nodes of the plugin's pods can run them.

use super::World;
use super::around::{being_started, nodes, weighed_by_what_serves};
use super::candidate::Candidate;
use super::workload::newest_pods;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::observe::facts::{ContainerState, PodFact};
use crate::observe::surroundings::NodeFact;
use crate::probe::ReadinessLook;

/// Judges the nodes. One ill node of many is no cause: the others go on.
#[must_use]
pub fn judge(world: &World, _plugin: &Plugin) -> Vec<Candidate> {
    let Some(nodes) = nodes(world) else {
        return Vec::new();
    };
    // A pod that is ready now shows that its node works, whatever is said of it.
    if newest_pods(world).iter().any(|pod| pod.ready) {
        return Vec::new();
    }
    if nodes.iter().all(|node| node.is_down()) {
        return vec![weighed_by_what_serves(world, not_ready(world, &nodes))];
    }
    let pressed = nodes.iter().all(|node| node.is_ill());
    if pressed && is_a_sign_of_pressure(world) {
        return vec![weighed_by_what_serves(world, under_pressure(world, &nodes))];
    }
    Vec::new()
}

fn not_ready(world: &World, nodes: &[&NodeFact]) -> Candidate {
    let since = nodes.iter().filter_map(|node| node.since).max();
    let told = if nodes.iter().all(|node| node.gone) {
        "the nodes of the plugin's pods are gone"
    } else {
        "the nodes of the plugin's pods are not ready"
    };
    let state = |node: &NodeFact| {
        if node.gone {
            return "there is no such node".to_owned();
        }
        if node.ready == "True" {
            return "NetworkUnavailable=True".to_owned();
        }
        format!("Ready={}", node.ready)
    };
    let candidate = Candidate::new(Reason::NodeNotReady, since.unwrap_or(world.now), told);
    let candidate = pointing_at(candidate, nodes);
    seen(candidate, nodes, state)
}

fn under_pressure(world: &World, nodes: &[&NodeFact]) -> Candidate {
    let told = "the nodes of the plugin's pods are short of something, and the pods show it";
    let candidate = Candidate::new(Reason::NodeUnderPressure, began(world), told);
    let state = |node: &NodeFact| format!("{}=True", node.pressures.join(", "));
    seen(pointing_at(candidate, nodes), nodes, state)
        .indirect("whether the pods do well on a node that is not short of anything")
}

/// Since when the pods are not ready: a node does not tell since when it is short of something.
fn began(world: &World) -> jiff::Timestamp {
    let pods = newest_pods(world);
    let since = pods
        .iter()
        .filter_map(|pod| pod.ready_since.or(pod.created))
        .min();
    since.unwrap_or(world.now)
}

fn pointing_at(mut candidate: Candidate, nodes: &[&NodeFact]) -> Candidate {
    if let Some(node) = nodes.first() {
        let object = candidate.fault.object.get_or_insert_default();
        object.api_version = Some("v1".to_owned());
        object.kind = Some("Node".to_owned());
        object.name = Some(node.name.clone());
    }
    candidate
}

fn seen(mut candidate: Candidate, nodes: &[&NodeFact], state: impl Fn(&NodeFact) -> String) -> Candidate {
    let mut known = Vec::new();
    for node in nodes {
        if !known.contains(&&node.name) {
            known.push(&node.name);
            let object = Some(format!("Node/{}", node.name));
            candidate = candidate.evidence("API server", state(node), object);
        }
    }
    candidate
}

/// What a node that is short of memory, disk or processes does to pods: answers come late, processes are killed, pods are
/// not started. A process that exits by itself does not do it for that.
fn is_a_sign_of_pressure(world: &World) -> bool {
    let running = |pod: &&PodFact| match &pod.container.state {
        ContainerState::Running { since } => *since,
        _ => None,
    };
    let runs: Vec<_> = newest_pods(world).iter().filter_map(running).collect();
    // A look at an earlier run of the process says nothing of this one.
    let fresh = world.probe.readiness.as_ref();
    let fresh = fresh.filter(|fact| runs.iter().any(|began| fact.checked_at >= *began));
    let slow = fresh.is_some_and(|fact| matches!(fact.look, ReadinessLook::TimedOut | ReadinessLook::Broken));
    let killed = newest_pods(world).iter().any(|pod| {
        let last = pod.container.last.as_ref();
        last.is_some_and(|run| run.exit_code == 137 && run.reason != "OOMKilled")
    });
    slow || killed || !being_started(world).is_empty()
}

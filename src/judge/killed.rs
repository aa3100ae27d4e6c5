//! Layers Container, Probe and Node: who ended a process that did not end by itself, and for what.

use jiff::Timestamp;

use super::candidate::Candidate;
use super::container::Context;
use super::origin::Origin;
use crate::api::fault::{Layer, Party};
use crate::api::reason::Reason;
use crate::observe::facts::{PodFact, Termination};
use crate::observe::surroundings::{EventFact, Part};

/// The exit code of a process that was killed.
const KILLED: i32 = 137;
/// The kubelet tells of a kill at most so long before the process ends: the grace period.
const GRACE_SECONDS: i64 = 60;

/// What came from outside the process; `None`: it ended by itself, as far as is known.
pub(super) fn judge(
    run: &Termination,
    pod: &PodFact,
    context: &Context<'_>,
    since: Timestamp,
) -> Option<Candidate> {
    if run.reason == "OOMKilled" {
        return Some(out_of_memory(pod, context, since));
    }
    if let Some(event) = by_a_probe(run, pod, context) {
        return Some(of_probe(event, context, since));
    }
    if run.exit_code != KILLED {
        return None;
    }
    if let Some(event) = of_the_node(run, context) {
        return Some(of_node(event, pod, context, since));
    }
    let around = context.surroundings;
    let told = "the container's process was killed";
    let missing = if around.knows(Part::NodeEvents) && around.knows(Part::Events) {
        "who killed it: neither the kubelet nor the node tells"
    } else {
        "the events of the pods and of their nodes: who killed it"
    };
    let candidate = Candidate::new(Reason::ProcessExited, since, told)
        .evidence("kubelet", "exit code 137", Some(context.owner.clone()))
        .indirect(missing);
    Some(candidate)
}

/// Memory: the limit's owner is meant, whoever set it.
fn out_of_memory(pod: &PodFact, context: &Context<'_>, since: Timestamp) -> Candidate {
    let told = "the container was ended because it used more memory than its limit";
    let candidate = Candidate::new(Reason::OutOfMemory, since, told).evidence(
        "kubelet",
        "OOMKilled",
        Some(context.owner.clone()),
    );
    let by_field = |candidate: Candidate| candidate.field("spec.workload.resources.limits.memory");
    if context.limit_of_spec {
        let candidate = by_field(candidate);
        return match context.origin {
            Origin::First => candidate
                .party(Party::Config)
                .indirect("how much memory the image needs: nothing of it was ever ready"),
            // What was enough before is not enough for what runs now; of an edit `origin` judges.
            Origin::OtherSpec { .. } | Origin::OtherImage | Origin::InForce => candidate,
        };
    }
    let Some(limit) = pod.memory_limit else {
        return by_field(candidate);
    };
    let around = context.surroundings;
    if !around.knows(Part::Limits) {
        return by_field(candidate).indirect("the namespace's LimitRanges: who set the limit");
    }
    let by_the_cluster = |candidate: Candidate| {
        candidate.party(Party::Cluster).action(
            "Set spec.workload.resources.limits.memory, or ask who runs the cluster to raise the LimitRange's default",
        )
    };
    let mebibytes = limit >> 20;
    let Some(range) = around.limits.iter().find(|range| range.memory == Some(limit)) else {
        // Neither the spec nor the operator sets one: it was put in when the pod was admitted.
        return by_the_cluster(candidate)
            .evidence(
                "API server",
                format!("the pod was given {mebibytes}Mi, and not by the spec"),
                None,
            )
            .indirect("who set the limit: no LimitRange of the namespace gives it now");
    };
    by_the_cluster(candidate)
        .evidence(
            "API server",
            format!("the LimitRange gives containers without a limit {mebibytes}Mi"),
            Some(format!("LimitRange/{}", range.name)),
        )
        .object("v1", "LimitRange", &context.namespace, &range.name)
}

/// The kubelet's word that it ends the container for a failed probe, of the time of this end.
fn by_a_probe<'a>(run: &Termination, pod: &PodFact, context: &Context<'a>) -> Option<&'a EventFact> {
    let events = context.surroundings.events.iter();
    let ended = run.finished?.as_second();
    let is_of_this = |event: &&EventFact| {
        event.at.is_some_and(|at| {
            let before = ended - at.as_second();
            (-GRACE_SECONDS..=GRACE_SECONDS).contains(&before)
        })
    };
    events
        .filter(|event| event.kind == "Pod" && event.reason == "Killing" && event.name == pod.name)
        .filter(|event| {
            event.message.contains("failed liveness probe") || event.message.contains("failed startup probe")
        })
        .find(is_of_this)
}

fn of_probe(event: &EventFact, context: &Context<'_>, since: Timestamp) -> Candidate {
    let probe = if event.message.contains("startup") {
        "startup"
    } else {
        "liveness"
    };
    let candidate = Candidate::new(
        Reason::LivenessKilled,
        since,
        format!("the kubelet ends the container because its {probe} probe fails"),
    )
    .evidence(
        "kubelet",
        format!("failed {probe} probe, will be restarted"),
        Some(context.owner.clone()),
    );
    let candidate = match context.origin {
        // Such a probe is always the spec's: podTemplate, or startup.
        Origin::First => candidate
            .party(Party::Config)
            .field("spec.workload")
            .indirect("whether the image can pass such a probe: nothing of it was ever ready"),
        Origin::OtherSpec { .. } | Origin::OtherImage | Origin::InForce => candidate,
    };
    let pressed = context
        .surroundings
        .nodes
        .iter()
        .find(|node| !node.pressures.is_empty());
    match pressed {
        // A node that is short of something makes every process slow.
        Some(node) => candidate.doubtful(format!("a node of the pods has {}", node.pressures.join(", "))),
        None => candidate,
    }
}

/// The node's own word that it had no memory left, of the time of this end.
fn of_the_node<'a>(run: &Termination, context: &Context<'a>) -> Option<&'a EventFact> {
    let ended = run.finished.map_or(i64::MIN, Timestamp::as_second);
    let mut events = context.surroundings.events.iter();
    events.find(|event| {
        let near = event
            .at
            .is_some_and(|at| (at.as_second() - ended).abs() <= GRACE_SECONDS);
        event.kind == "Node" && event.reason == "SystemOOM" && near
    })
}

fn of_node(event: &EventFact, pod: &PodFact, context: &Context<'_>, since: Timestamp) -> Candidate {
    let told = "the node ran out of memory and killed the container's process";
    let mut candidate = Candidate::new(Reason::NodeOutOfMemory, since, told)
        .evidence("kubelet", "SystemOOM", Some(format!("Node/{}", event.name)))
        .evidence(
            "kubelet",
            "exit code 137, and not for its own limit",
            Some(context.owner.clone()),
        );
    let object = candidate.fault.object.get_or_insert_default();
    object.api_version = Some("v1".to_owned());
    object.kind = Some("Node".to_owned());
    object.name = pod.node.clone();
    candidate
}

/// An eviction, by the kubelet's words: for what the pod itself used beyond its own limit, or for the node's sake.
pub(super) fn evicted(why: &str, words: &str, context: &Context<'_>, since: Timestamp) -> Candidate {
    const OWN: [&str; 3] = [
        "exceeded its local ephemeral storage limit",
        "ephemeral local storage usage exceeds the total limit",
        "exceeds the limit",
    ];
    let owner = Some(context.owner.clone());
    if OWN.iter().any(|sign| words.contains(sign)) {
        let told = "the pod was ended because it wrote more to its disk than its limit";
        return Candidate::new(Reason::StorageLimitExceeded, since, told).evidence(
            "kubelet",
            "evicted for its own storage limit",
            owner,
        );
    }
    let told = "pods were evicted or preempted";
    let candidate = Candidate::new(Reason::PodsEvicted, since, told).evidence("kubelet", why, owner);
    match words.split_once("low on resource: ") {
        Some((_, what)) => {
            let what = what.split(['.', ' ']).next().unwrap_or_default();
            candidate.evidence("kubelet", format!("the node was low on {what}"), None)
        }
        None => candidate,
    }
    .layer(Layer::Node)
}

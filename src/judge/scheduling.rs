//! Layer Scheduling: why no node takes a pod, by the scheduler's words and by what the nodes offer.

use super::candidate::Candidate;
use super::state::State;
use crate::api::reason::Reason;
use crate::observe::facts::{ConditionFact, PodFact, Requests};
use crate::observe::surroundings::{CapacityFact, Part, Surroundings};
use jiff::Timestamp;

/// As long as an autoscaler may take to bring a node.
const SCALE_UP_SECONDS: i64 = 300;

/// What is known beside the pod.
pub(super) struct Around<'a> {
    pub(super) owner: String,
    pub(super) surroundings: &'a Surroundings,
    pub(super) now: Timestamp,
}

/// A cause that the scheduler names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Nodes are full.
    Full,
    /// The pod asks for other nodes.
    Unmatched,
    /// Nodes that Kubernetes itself keeps free: not ready, under pressure, cordoned.
    KeptFree,
    /// A claim is not bound, or its volume is elsewhere.
    Volume,
    /// Anything else.
    Other,
}

/// Judges a pod that no node takes.
pub(super) fn judge(pod: &PodFact, why: &ConditionFact, since: Timestamp, around: &Around<'_>) -> State {
    if let Some(left) = scaling_up(pod, around) {
        let told = "no node can run the pod yet: the cluster's autoscaler adds one";
        return State::for_now("RolloutInProgress", told, left);
    }
    let told = scheduler_words(&why.message);
    let causes = causes(&told);
    let all = |these: &[Cause]| causes.iter().all(|cause| these.contains(cause));
    let of = |reason: Reason| {
        Candidate::new(reason, since, format!("no node can run the pod: {told}")).evidence(
            "scheduler",
            told.clone(),
            Some(around.owner.clone()),
        )
    };
    State::bad(if causes.contains(&Cause::Volume) {
        of(Reason::VolumeNotBound).indirect("the state of the claims that the pods name")
    } else if all(&[Cause::KeptFree]) {
        of(Reason::NodesUnavailable)
    } else if all(&[Cause::Unmatched]) {
        of(Reason::NoNodeMatches).field("spec.workload.podTemplate")
    } else if causes.contains(&Cause::Full) {
        full(pod.requests, around.surroundings, of)
    } else {
        of(Reason::Unschedulable).indirect("whether an autoscaler is about to add a node")
    })
}

/// A pod that asks for more than the largest node has will wait for ever.
fn full(asked: Option<Requests>, surroundings: &Surroundings, of: impl Fn(Reason) -> Candidate) -> Candidate {
    let capacity = surroundings.capacity.as_ref();
    let Some((asked, capacity)) = asked.zip(capacity) else {
        let missing = if surroundings.unreadable.contains(&Part::Capacity) {
            "what the largest node offers: the nodes cannot be read"
        } else {
            "what the largest node offers"
        };
        return of(Reason::NoCapacity).indirect(missing);
    };
    match too_much(asked, capacity) {
        Some(told) => of(Reason::RequestTooLarge)
            .evidence("API server", told, None)
            .field("spec.workload.resources.requests"),
        None => of(Reason::NoCapacity).evidence(
            "API server",
            "the pod would fit on the largest node, were that empty",
            None,
        ),
    }
}

fn too_much(asked: Requests, capacity: &CapacityFact) -> Option<String> {
    if asked.cpu_millis > capacity.largest_cpu_millis {
        let (asked, most) = (asked.cpu_millis, capacity.largest_cpu_millis);
        return Some(format!(
            "it asks for {asked}m CPU, and the largest node has {most}m"
        ));
    }
    if asked.memory > capacity.largest_memory {
        let mebibytes = |bytes: u64| bytes >> 20;
        let (asked, most) = (mebibytes(asked.memory), mebibytes(capacity.largest_memory));
        return Some(format!(
            "it asks for {asked}Mi memory, and the largest node has {most}Mi"
        ));
    }
    None
}

/// The seconds that an autoscaler has left that said that it adds a node.
fn scaling_up(pod: &PodFact, around: &Around<'_>) -> Option<i64> {
    let event = around.surroundings.event("Pod", "TriggeredScaleUp")?;
    let at = event.at.filter(|at| Some(*at) >= pod.created)?;
    let left = SCALE_UP_SECONDS - (around.now.as_second() - at.as_second());
    (left > 0).then_some(left)
}

fn causes(words: &str) -> Vec<Cause> {
    words.split(", ").map(cause).collect()
}

fn cause(words: &str) -> Cause {
    let has = |part: &str| words.contains(part);
    if has("PersistentVolumeClaim") || has("persistentvolumeclaim") || has("volume node affinity conflict") {
        Cause::Volume
    } else if has("untolerated taint") {
        if has("{node.kubernetes.io/") {
            Cause::KeptFree
        } else {
            Cause::Other
        }
    } else if has("node(s) were unschedulable") {
        Cause::KeptFree
    } else if has("didn't match Pod's node affinity") || has("topology spread") || has("node selector") {
        Cause::Unmatched
    } else if has("Insufficient") || has("Too many pods") {
        Cause::Full
    } else {
        Cause::Other
    }
}

/// The scheduler's words without the counts of nodes, which change as nodes come and go.
pub(super) fn scheduler_words(message: &str) -> String {
    let causes = message.split_once(": ").map_or(message, |(_, causes)| causes);
    let causes = causes.split(". ").next().unwrap_or(causes);
    causes
        .split(", ")
        .map(|cause| {
            cause
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')
                .trim_end_matches('.')
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fault::Party;
    use crate::observe::surroundings::EventFact;

    const GIBI: u64 = 1 << 30;

    fn judged(message: &str, cpu_millis: u64, surroundings: &Surroundings) -> State {
        let pod = PodFact {
            requests: Some(Requests {
                cpu_millis,
                memory: GIBI,
            }),
            ..PodFact::default()
        };
        let why = ConditionFact {
            status: "False".to_owned(),
            reason: "Unschedulable".to_owned(),
            message: message.to_owned(),
            since: None,
        };
        let now = Timestamp::from_second(1000).unwrap();
        let around = Around {
            owner: "Deployment/crm".to_owned(),
            surroundings,
            now,
        };
        judge(&pod, &why, now, &around)
    }

    fn known() -> Surroundings {
        Surroundings {
            capacity: Some(CapacityFact {
                largest_cpu_millis: 4000,
                largest_memory: 8 * GIBI,
                ..CapacityFact::default()
            }),
            ..Surroundings::default()
        }
    }

    fn candidate(state: State) -> Candidate {
        match state {
            State::Bad(candidate) => *candidate,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_schedulers_words_and_the_nodes_tell_whose_fault_it_is() {
        use Party::{Cluster, Config};
        let cordoned = "0/2 nodes are available: 2 node(s) were unschedulable. preemption: none";
        let lost = "0/2 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, \
                    1 node(s) were unschedulable.";
        let unmatched =
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: x";
        let claim =
            "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: x";
        let full = "0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory.";
        for (message, cpu, party, reason, decisive) in [
            (cordoned, 100, Cluster, Reason::NodesUnavailable, true),
            (lost, 100, Cluster, Reason::NodesUnavailable, true),
            (unmatched, 100, Config, Reason::NoNodeMatches, true),
            (claim, 100, Cluster, Reason::VolumeNotBound, false),
            (full, 100, Cluster, Reason::NoCapacity, true),
            (full, 4001, Config, Reason::RequestTooLarge, true),
            (
                "0/1 nodes are available: 1 node(s) had untolerated taint {team: a}.",
                1,
                Cluster,
                Reason::Unschedulable,
                false,
            ),
        ] {
            let told = candidate(judged(message, cpu, &known()));
            assert_eq!(
                (told.fault.party, told.fault.reason, told.decisive),
                (party, reason, decisive),
                "{message}"
            );
        }
    }

    #[test]
    fn before_the_nodes_are_read_it_is_not_sure_that_the_cluster_is_full() {
        let told = candidate(judged(
            "0/1 nodes are available: 1 Insufficient cpu.",
            9000,
            &Surroundings::default(),
        ));
        assert_eq!(told.fault.reason, Reason::NoCapacity);
        assert!(!told.decisive && !told.fault.missing.is_empty());
    }

    #[test]
    fn nobody_is_blamed_while_an_autoscaler_adds_a_node() {
        let mut around = known();
        around.events = vec![EventFact {
            kind: "Pod".to_owned(),
            reason: "TriggeredScaleUp".to_owned(),
            at: Timestamp::from_second(900).ok(),
            ..EventFact::default()
        }];
        let full = "0/1 nodes are available: 1 Insufficient cpu.";
        assert!(matches!(
            judged(full, 100, &around),
            State::Waiting { again: Some(200), .. }
        ));
        around.events[0].at = Timestamp::from_second(600).ok();
        assert_eq!(
            candidate(judged(full, 100, &around)).fault.reason,
            Reason::NoCapacity
        );
    }

    #[test]
    fn the_schedulers_counts_are_left_out() {
        assert_eq!(
            scheduler_words(
                "0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory. preemption: none"
            ),
            "Insufficient cpu, Insufficient memory"
        );
    }
}

//! What is to be read of a plugin's surroundings: nothing while it is well, and of one that is not only what may tell why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;

use super::children::{Owner, pod};
use crate::api::fault::{Layer, Reason};
use crate::api::parse::Plugin;
use crate::inquiry::{MOST_CLAIMS, MOST_NODES, MOST_PODS, SurroundingsJob};
use crate::judge::Assessment;
use crate::judge::state::State;
use crate::judge::workload::newest_pods;
use crate::observe::facts::{ContainerState, PodFact, Termination};
use crate::observe::surroundings::Part;
use crate::observe::world::World;
use crate::probe::{Look, LookError, ReadinessLook};

/// How long a rollout may take before anybody asks why.
const PATIENCE: SignedDuration = SignedDuration::from_secs(3);
/// The exit code of a process that was killed.
const KILLED: i32 = 137;

/// What is to be read; `None`: the plugin is well, or its pods are not the operator's.
#[must_use]
pub fn job(world: &World, plugin: &Plugin, assessment: &Assessment) -> Option<SurroundingsJob> {
    let workload = plugin.workload()?;
    let from = since(world, assessment)?;
    let template = pod::template(&Owner::of(world), plugin, workload);
    let pods = newest_pods(world);
    let claims = claims(&template);
    let nodes: BTreeSet<String> = pods
        .iter()
        .filter_map(|pod| pod.node.clone())
        .take(MOST_NODES)
        .collect();
    let mut parts = BTreeSet::from([Part::Events]);
    let mut add = |part, wanted: bool| {
        if wanted {
            parts.insert(part);
        }
    };
    let unready = pods.iter().any(|pod| !pod.ready);
    let reached = pods.iter().any(|pod| pod.ready);
    add(Part::Nodes, !nodes.is_empty());
    add(
        Part::NodeEvents,
        !nodes.is_empty() && pods.iter().any(|pod| was_killed(pod)),
    );
    add(Part::Capacity, pods.iter().any(|pod| fits_no_node(pod)));
    add(Part::Quotas, cannot_be_made(world));
    add(
        Part::Limits,
        pods.iter().any(|pod| pod.container.ran_out_of_memory()),
    );
    add(Part::Claims, !claims.is_empty() && unready);
    add(Part::Endpoints, reached && is_badly_seen(world));
    add(Part::Policies, does_not_answer(world));
    Some(SurroundingsJob {
        from,
        parts,
        pods: pods.iter().take(MOST_PODS).map(|pod| pod.name.clone()).collect(),
        nodes,
        claims,
        labels: labels(&template),
        seen: seen(world, &pods, assessment),
    })
}

/// From when on it is to be looked at; `None`: nothing is wrong that the surroundings could explain.
fn since(world: &World, assessment: &Assessment) -> Option<Option<Timestamp>> {
    let own = |fault: &&crate::api::fault::Fault| {
        fault.caused_by.is_none() && is_in_cluster(fault.layer, fault.reason)
    };
    if assessment.faults.iter().any(|fault| own(&fault))
        || is_bad(&assessment.workload)
        || is_badly_seen(world)
    {
        return Some(None);
    }
    // What is in doubt is not told of yet: the facts that settle it are wanted all the same.
    let unready = newest_pods(world).iter().any(|pod| !pod.ready);
    if !unready && !matches!(assessment.workload, State::Waiting { .. }) {
        return None;
    }
    let youngest = newest_pods(world).into_iter().filter_map(|pod| pod.created).max();
    let began = assessment
        .clock
        .as_ref()
        .and_then(|clock| clock.since.as_ref())
        .map(|since| since.0);
    let from = youngest
        .or(began)
        .and_then(|began| began.checked_add(PATIENCE).ok());
    Some(from)
}

const fn is_bad(state: &State) -> bool {
    matches!(state, State::Bad(_))
}

/// Whether the prober does not find everything as it should be, be it that it is not told of yet.
fn is_badly_seen(world: &World) -> bool {
    let looks = world
        .probe
        .manifests
        .iter()
        .flat_map(|fact| [&fact.public, &fact.service]);
    looks.flatten().any(|look| !look.is_good())
}

/// Whether it is of a layer that the cluster's objects may explain.
fn is_in_cluster(layer: Layer, reason: Reason) -> bool {
    let late = reason == Reason::RolloutDeadlineExceeded;
    let named = matches!(reason, Reason::ReferenceMissing | Reason::PullSecretRejected);
    late || named || (Layer::Admission..=Layer::Manifest).contains(&layer)
}

fn runs(pod: &PodFact) -> impl Iterator<Item = &Termination> {
    let now = match &pod.container.state {
        ContainerState::Terminated(run) => Some(run),
        _ => None,
    };
    now.into_iter().chain(pod.container.last.as_ref())
}

/// Killed by somebody, and not for its own memory limit: perhaps for the node's memory.
fn was_killed(pod: &PodFact) -> bool {
    runs(pod).any(|run| run.exit_code == KILLED && run.reason != "OOMKilled")
}

/// Whether what all nodes offer may tell more: no node takes it, or its image is for other nodes.
fn fits_no_node(pod: &PodFact) -> bool {
    let of_another_architecture =
        |words: &str| words.contains("no match for platform") || words.contains("exec format");
    let waits = match &pod.container.state {
        ContainerState::Waiting { message, .. } => of_another_architecture(message),
        _ => false,
    };
    pod.unschedulable.is_some() || waits || runs(pod).any(|run| of_another_architecture(&run.message))
}

fn cannot_be_made(world: &World) -> bool {
    let deployment = world.children.deployment.as_ref();
    let refused = world.memory.values().filter_map(|memory| memory.refusal.as_ref());
    deployment.is_some_and(|deployment| deployment.replica_failure.is_some())
        || refused
            .into_iter()
            .any(|refusal| refusal.reason == Reason::QuotaExceeded)
}

/// Whether the pods let a probe of the operator wait.
fn does_not_answer(world: &World) -> bool {
    let silent = |look: &Look| matches!(look, Look::Bad(LookError::TimedOut | LookError::Unreachable));
    let readiness = world.probe.readiness.as_ref();
    readiness.is_some_and(|fact| fact.look == ReadinessLook::TimedOut)
        || world
            .probe
            .manifests
            .iter()
            .any(|fact| [&fact.pod, &fact.service].into_iter().flatten().any(silent))
}

/// The claims that the pods name.
fn claims(template: &Value) -> BTreeSet<String> {
    let volumes = template["spec"]["volumes"].as_array();
    let named = |volume: &Value| {
        volume["persistentVolumeClaim"]["claimName"]
            .as_str()
            .map(ToOwned::to_owned)
    };
    volumes
        .into_iter()
        .flatten()
        .filter_map(named)
        .take(MOST_CLAIMS)
        .collect()
}

fn labels(template: &Value) -> BTreeMap<String, String> {
    let labels = template["metadata"]["labels"].as_object();
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    labels.into_iter().flatten().filter_map(text).collect()
}

/// What is known of the pods and of the verdict, in a form that changes with it.
fn seen(world: &World, pods: &[&PodFact], assessment: &Assessment) -> String {
    let mut seen: Vec<String> = pods
        .iter()
        .map(|pod| {
            let state = match &pod.container.state {
                ContainerState::Unknown => "unknown",
                ContainerState::Waiting { reason, .. } => reason,
                ContainerState::Running { .. } => "running",
                ContainerState::Terminated(run) => &run.reason,
            };
            format!(
                "{state}/{}/{}/{}",
                pod.container.restarts,
                pod.ready,
                pod.unschedulable.is_some()
            )
        })
        .collect();
    seen.sort_unstable();
    seen.extend(assessment.faults.first().map(|fault| fault.reason.to_string()));
    let failure = world
        .children
        .deployment
        .as_ref()
        .and_then(|known| known.replica_failure.as_ref());
    seen.extend(failure.map(|failure| failure.reason.clone()));
    seen.join(" ")
}

//! Layers Admission, Quota and down to Probe: whether the newest revision of the plugin runs in full.

use serde_json::Value;

use super::admission;
use super::candidate::Candidate;
use super::container::{self, Context};
use super::exposure;
use super::image;
use super::origin;
use super::state::State;
use super::{World, known_faults, settled};
use crate::api::duration;
use crate::api::fault::{Fault, Layer, Party, Resolution};
use crate::api::parse::Plugin;
use crate::api::plugin::Workload;
use crate::api::reason::Reason;
use crate::observe::facts::{DeploymentFact, PodFact};
use crate::observe::map::CONTAINER;
use crate::observe::memory::{ChildKind, Refusal};

/// One text for all that a rollout goes through: its steps follow one another within seconds.
pub(super) const ROLLING: &str = "the Deployment is being rolled out";

/// Judges children, Deployment and pods. Also: the seconds after which time alone may change what a pod shows.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> (State, Option<i64>) {
    if let Some(candidate) = exposure::judge(world, plugin) {
        return (State::bad(candidate), None);
    }
    if let Some(state) = refused_child(world) {
        return (state, None);
    }
    let Some(deployment) = &world.children.deployment else {
        let state = State::waiting("Progressing", "the Deployment is being made");
        return (state, None);
    };
    if deployment.id.deleting {
        let state = State::waiting(
            "RolloutInProgress",
            "the Deployment is being deleted, and made again",
        );
        return (state, None);
    }
    if let Some(failure) = &deployment.replica_failure {
        return (State::bad(admission::of_pods(failure, world, plugin)), None);
    }
    if plugin.is_scaled_to_zero() && deployment.desired == 0 {
        return (State::Good, None);
    }
    let states = pods(world, plugin, deployment);
    let again = states.iter().filter_map(|(_, state)| state.again()).min();
    (of_pods(world, deployment, states), again)
}

fn of_pods(world: &World, deployment: &DeploymentFact, states: Vec<(&PodFact, State)>) -> State {
    let worst = worst(world, deployment, states);
    if let Some(State::Bad(mut candidate)) = worst {
        // Some pods serve, and the revision was in force before: the plugin is degraded, not gone.
        if settled(world) && deployment.available > 0 {
            candidate.fault.blocking = false;
        }
        return State::Bad(candidate);
    }
    if deployment.rolled_out() || scaled(world, deployment) {
        return State::Good;
    }
    worst.unwrap_or_else(|| State::waiting("RolloutInProgress", ROLLING))
}

/// The revision that a look at the manifest is of: the newest revision of the pods, once no other one serves. A change
/// of the number of pods changes nothing of it.
#[must_use]
pub fn revision(world: &World) -> String {
    let newest = newest_pods(world)
        .first()
        .map(|pod| pod.revision.clone())
        .unwrap_or_default();
    if is_of_one_revision(world) {
        newest
    } else {
        format!("{newest}-rolling")
    }
}

/// The pods of the newest revision that are to stay: those of the Deployment's template, or the youngest where none
/// of them was made yet.
#[must_use]
pub fn newest_pods(world: &World) -> Vec<&PodFact> {
    let of_template: Vec<_> = staying(world)
        .filter(|pod| Some(pod.revision.as_str()) == template(world))
        .collect();
    if !of_template.is_empty() {
        return of_template;
    }
    let newest = staying(world)
        .max_by_key(|pod| (pod.created, pod.revision.as_str()))
        .map(|pod| pod.revision.as_str());
    staying(world)
        .filter(|pod| Some(pod.revision.as_str()) == newest)
        .collect()
}

/// Whether all pods that are to stay are of the newest revision, however many are asked for.
#[must_use]
fn is_of_one_revision(world: &World) -> bool {
    match template(world) {
        Some(template) => {
            staying(world).next().is_some() && staying(world).all(|pod| pod.revision == template)
        }
        None => world.children.deployment.as_ref().is_some_and(|deployment| {
            deployment.observed_generation >= deployment.id.generation
                && deployment.updated == deployment.replicas
        }),
    }
}

/// Pods that are not being deleted.
pub(super) fn staying(world: &World) -> impl Iterator<Item = &PodFact> {
    world.children.pods.values().filter(|pod| !pod.deleting)
}

fn template(world: &World) -> Option<&str> {
    let deployment = world.children.deployment.as_ref()?;
    Some(deployment.template.as_str()).filter(|template| !template.is_empty())
}

fn refused_child(world: &World) -> Option<State> {
    world
        .memory
        .iter()
        .filter(|(kind, _)| !matches!(kind, ChildKind::HttpRoute | ChildKind::Ingress))
        .find_map(|(kind, memory)| Some(State::bad(refused(world, *kind, memory.refusal.as_ref()?))))
}

fn refused(world: &World, kind: ChildKind, refusal: &Refusal) -> Candidate {
    let key = &world.itself.key;
    let told = format!("the {} cannot be applied: {}", kind.kind(), refusal.message);
    let owner = format!("{}/{}", kind.kind(), key.name);
    let candidate = Candidate::new(refusal.reason, refusal.since, told).evidence(
        "API server",
        refusal.message.clone(),
        Some(owner),
    );
    let Some(field) = &refusal.field else {
        return candidate.object(kind.api_version(), kind.kind(), &key.namespace, &key.name);
    };
    let plugin = candidate
        .object(
            "plugins.wazo.io/v1alpha1",
            "WazoPlugin",
            &key.namespace,
            &key.name,
        )
        .field(field.clone());
    // What the schema of a pod refuses in our own words is not taken later either.
    if refusal.reason == Reason::ApplyRejected {
        plugin.resolution(Resolution::SpecChange)
    } else {
        plugin
    }
}

/// A change of the number of pods alone does not take away that the revision is in force.
fn scaled(world: &World, deployment: &DeploymentFact) -> bool {
    super::was_ready(world) && is_of_one_revision(world) && deployment.available > 0
}

/// The pods of the newest revision that are not ready, each with what is wrong with it.
fn pods<'a>(world: &'a World, plugin: &Plugin, deployment: &DeploymentFact) -> Vec<(&'a PodFact, State)> {
    let Some(workload) = plugin.workload() else {
        return Vec::new();
    };
    let pods = newest_pods(world);
    let origin = origin::of(world);
    let context = Context {
        owner: format!("Deployment/{}", world.itself.key.name),
        image: &workload.image,
        port: workload.port,
        worked: settled(world) || deployment.ready > 0 && pods.iter().any(|pod| pod.ready),
        startup: startup_seconds(workload),
        readiness: world.probe.readiness.as_ref(),
        surroundings: &world.surroundings,
        namespace: world.itself.key.namespace.clone(),
        limit_of_spec: sets_memory_limit(plugin, workload),
        overridden: workload.command.is_some() || workload.args.is_some(),
        killable: is_killable(plugin, workload),
        origin,
        own_secret: plugin
            .account
            .as_ref()
            .map(|account| account.secret(&world.itself.key.name)),
        now: world.now,
    };
    pods.into_iter()
        .filter(|pod| !pod.ready)
        .map(|pod| (pod, for_these_nodes(container::judge(pod, &context), world)))
        .map(|(pod, state)| (pod, origin::judge(state, origin)))
        .map(|(pod, state)| (pod, keep_known_cause(state, world)))
        .collect()
}

/// What the spec's `podTemplate` says of the plugin's own container; null where it says nothing.
fn container_of_template(plugin: &Plugin) -> &Value {
    let template = plugin.pod_template.as_ref();
    let containers = template.and_then(|template| template["spec"]["containers"].as_array());
    let mut own = containers.into_iter().flatten();
    own.find(|container| container["name"] == CONTAINER)
        .unwrap_or(&Value::Null)
}

/// Whether the spec sets the memory limit of the container.
fn sets_memory_limit(plugin: &Plugin, workload: &Workload) -> bool {
    let limits = workload.resources.as_ref().and_then(|all| all.limits.as_ref());
    let of_template = &container_of_template(plugin)["resources"]["limits"]["memory"];
    !of_template.is_null() || limits.is_some_and(|limits| limits.contains_key("memory"))
}

/// Whether the spec sets a probe for whose failures the kubelet ends the container.
fn is_killable(plugin: &Plugin, workload: &Workload) -> bool {
    let container = container_of_template(plugin);
    let probed = !container["livenessProbe"].is_null() || !container["startupProbe"].is_null();
    workload.startup.is_some() || probed
}

/// The time that the spec gives the process to start.
fn startup_seconds(workload: &Workload) -> i64 {
    let asked = workload.startup.as_ref();
    asked
        .and_then(|startup| duration::parse(&startup.timeout))
        .and_then(|timeout| i64::try_from(timeout.as_secs()).ok())
        .unwrap_or(container::STARTUP_SECONDS)
}

fn worst(world: &World, deployment: &DeploymentFact, states: Vec<(&PodFact, State)>) -> Option<State> {
    let (evicted, alive): (Vec<_>, Vec<_>) =
        states.into_iter().partition(|(pod, _)| pod.disruption.is_some());
    let of = |states: Vec<(&PodFact, State)>| {
        let states = states.into_iter().map(|(_, state)| state);
        states.min_by_key(|state| rank(state, world))
    };
    let alive = of(alive);
    // What an eviction leaves behind stays for long; it tells something only until it is replaced, or fails otherwise.
    if matches!(alive, Some(State::Bad(_))) || deployment.rolled_out() {
        return alive;
    }
    of(evicted).or(alive)
}

/// The worst first; of equal ones that which is told already, so that the verdict does not move from pod to pod, and
/// otherwise by what is seen: the names of pods say nothing.
fn rank(state: &State, world: &World) -> impl Ord + use<> {
    match state {
        State::Bad(candidate) => {
            let fault = &candidate.fault;
            let told = known_faults(world)
                .any(|known| known.reason == fault.reason && known.message == fault.message);
            let seen = fault.evidence.iter().map(|evidence| evidence.observed.as_str());
            let words = seen.fold(fault.message.clone(), |all, observed| all + observed);
            let cause = Some((fault.layer, !told, fault.since.0, fault.reason));
            (0, cause, 0, words)
        }
        State::Waiting { message, again, .. } => {
            let class = if again.is_some() { 1 } else { 2 };
            (class, None, again.unwrap_or(0), message.clone())
        }
        State::Good => (3, None, 0, String::new()),
    }
}

/// Where nodes are of several architectures, the image would run on some of them, had the spec asked for those.
fn for_these_nodes(state: State, world: &World) -> State {
    let capacity = world.surroundings.capacity.as_ref();
    let several = capacity.filter(|capacity| capacity.architectures.len() > 1);
    match (state, several) {
        (State::Bad(candidate), Some(capacity))
            if candidate.fault.reason == Reason::ArchitectureUnsupported =>
        {
            let all: Vec<&str> = capacity.architectures.iter().map(String::as_str).collect();
            let told = format!("the nodes are of several architectures: {}", all.join(", "));
            let mut candidate = candidate
                .evidence("API server", told, None)
                .party(Party::Config)
                .field("spec.workload.podTemplate.spec.nodeSelector");
            "Ask for nodes of the image's architecture (nodeSelector kubernetes.io/arch), or build the image for all"
                .clone_into(&mut candidate.fault.action);
            State::bad(candidate)
        }
        (state, _) => state,
    }
}

/// Between two tries the kubelet's message loses the cause of a failed pull, and after a restart of the operator the
/// pods have not been asked yet why they are not ready: the cause that is known stays, for the same spec.
fn keep_known_cause(state: State, world: &World) -> State {
    let State::Bad(mut candidate) = state else {
        return state;
    };
    let same_spec = world.itself.before.observed_generation == world.itself.generation;
    let known = known_faults(world)
        .filter(|_| same_spec)
        .find(|known| match candidate.fault.reason {
            Reason::ImagePullFailed => image::is_cause(known.reason),
            Reason::NotReady => known.layer == Layer::Probe,
            // Its events were not read again yet.
            Reason::ProcessExited | Reason::ProcessCompleted | Reason::ProcessCrashed => {
                !candidate.decisive && known.reason == Reason::LivenessKilled
            }
            _ => false,
        });
    if let Some(known) = known {
        candidate.fault = Fault {
            blocking: true,
            ..known.clone()
        };
        candidate.recalled = true;
    }
    State::Bad(candidate)
}

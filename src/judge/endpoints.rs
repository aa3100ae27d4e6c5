//! Layer Service, for a plugin whose pods are the operator's: whether the operator's own Service leads to them.

use super::candidate::Candidate;
use super::manifest::SETTLE_SECONDS;
use super::workload::newest_pods;
use super::{World, known_faults, source};
use crate::api::fault::Party;
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::observe::surroundings::{EndpointsFact, Part};
use crate::probe::{ControlFact, Knock, Look};

const SERVICE: &str = "operator→Service";

/// Judges the Service, while the manifest cannot be had although pods are ready.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Vec<Candidate> {
    if plugin.workload().is_none() || !newest_pods(world).iter().any(|pod| pod.ready) {
        return Vec::new();
    }
    let endpoints = world.surroundings.endpoints.as_ref();
    let astray = endpoints.and_then(|endpoints| leads_astray(world, endpoints));
    astray.or_else(|| does_not_answer(world)).into_iter().collect()
}

/// The Service as it stands is not as the operator made it.
fn leads_astray(world: &World, endpoints: &EndpointsFact) -> Option<Candidate> {
    let (told, field) = match endpoints {
        EndpointsFact { found: false, .. } => return None,
        EndpointsFact { selects: false, .. } => (
            "the selector of the plugin's Service does not select its pods, which are ready",
            "spec.selector",
        ),
        EndpointsFact { port_fits: false, .. } => (
            "the plugin's Service does not lead to the port that its pods, which are ready, listen on",
            "spec.ports",
        ),
        _ => return None,
    };
    let key = &world.itself.key;
    let about = Some(format!("Service/{}", key.name));
    let seen = format!(
        "{field} is not as the operator made it, {} endpoints are ready",
        endpoints.ready
    );
    let candidate = Candidate::new(Reason::SelectorMismatch, since(world), told)
        .evidence("API server", seen, about)
        .object("v1", "Service", &key.namespace, &key.name)
        .field(field);
    Some(if endpoints.changed || is_changed(world, "Service") {
        let mut candidate = candidate.party(Party::Config);
        "Undo the change of the Service, or delete it: the operator makes it anew unless spec.drift is Report"
            .clone_into(&mut candidate.fault.action);
        candidate
    } else {
        candidate
    })
}

/// Whether somebody else changed a child of the operator's, and it is left so.
pub(super) fn is_changed(world: &World, kind: &str) -> bool {
    super::drift::standing(world)
        .iter()
        .any(|drift| drift.kind == kind)
}

/// The Service does not take connections, and the pods do: between them is what the cluster runs.
fn does_not_answer(world: &World) -> Option<Candidate> {
    let (control, pods_answer) = seen(world)?;
    if were_new(world) {
        return None;
    }
    let knock = control.service.filter(|knock| *knock != Knock::Taken)?;
    if !pods_answer {
        return None;
    }
    let key = &world.itself.key;
    let told = "the plugin's Service does not take connections, and its pods do";
    let candidate = Candidate::new(Reason::ServiceUnreachable, since(world), told)
        .evidence(SERVICE, knock.words(), Some(format!("Service/{}", key.name)))
        .evidence("operator→pod", "takes connections", None)
        .object("v1", "Service", &key.namespace, &key.name);
    Some(if world.surroundings.knows(Part::Endpoints) {
        candidate
    } else {
        candidate.indirect(Part::Endpoints.words())
    })
}

/// Whether the pods had not been ready for long when it was looked, and the Service was neither seen to work since nor told
/// of before: kube-proxy follows the EndpointSlices, which follow the kubelet.
fn were_new(world: &World) -> bool {
    let told = known_faults(world).any(|fault| fault.reason == Reason::ServiceUnreachable);
    let serving = source::serving_since(world);
    let looks = &world.probe.manifests;
    let worked = looks
        .iter()
        .any(|fact| fact.last_good.is_some_and(|good| good >= serving));
    let looked = looks.iter().map(|fact| fact.checked_at).max();
    let age = looked.unwrap_or(world.now).as_second() - serving.as_second();
    !told && !worked && age < SETTLE_SECONDS
}

/// What control probes showed, and whether the pods answer the operator.
pub(super) fn seen(world: &World) -> Option<(&ControlFact, bool)> {
    let fact = world
        .probe
        .manifests
        .iter()
        .find(|fact| fact.control != ControlFact::default())?;
    let answers = matches!(fact.pod, Some(Look::Good { .. })) || fact.control.pod == Some(Knock::Taken);
    Some((&fact.control, answers))
}

/// Since when a manifest cannot be had.
pub(super) fn since(world: &World) -> jiff::Timestamp {
    let bad = world.probe.manifests.iter().filter(|fact| {
        [&fact.public, &fact.service]
            .into_iter()
            .flatten()
            .any(|look| !look.is_good())
    });
    bad.map(|fact| fact.at).min().unwrap_or(world.now)
}

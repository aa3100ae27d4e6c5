//! Layer Volume: whether the volumes of the plugin's pods can be had, and what they are made of exists.

use super::World;
use super::around::{at_the_start, once_it_lasts, owner, weighed_by_what_serves};
use super::candidate::Candidate;
use super::workload::newest_pods;
use crate::api::fault::{Layer, Party};
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::observe::surroundings::{ClaimFact, EventFact};

/// Judges the volumes.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Vec<Candidate> {
    let claim = claim(world);
    let mount = mount(world, plugin);
    claim
        .into_iter()
        .chain(mount)
        .map(|candidate| weighed_by_what_serves(world, candidate))
        .take(1)
        .collect()
}

/// The first claim that cannot be used while a pod waits.
fn claim(world: &World) -> Option<Candidate> {
    let pods = newest_pods(world);
    if !pods
        .iter()
        .any(|pod| !pod.ready && (pod.unschedulable.is_some() || pod.ip.is_none()))
    {
        return None;
    }
    let claims = &world.surroundings.claims;
    let missing = claims.iter().find(|claim| !claim.found);
    // A class may wait for a pod to be placed: while none is, the claim is not what is in the way.
    let placed = pods.iter().any(|pod| pod.node.is_some());
    let unusable = claims.iter().find(|claim| {
        claim.found
            && claim.phase != "Bound"
            && (placed || !claim.waits_for_pod || failed(world, claim).is_some())
    });
    missing
        .map(|claim| not_there(world, claim))
        .or_else(|| unusable.map(|claim| not_bound(world, claim)))
}

/// What the one who makes volumes, or binds claims to them, says of a claim.
fn failed<'a>(world: &'a World, claim: &ClaimFact) -> Option<&'a EventFact> {
    world.surroundings.events.iter().find(|event| {
        event.kind == "PersistentVolumeClaim"
            && event.name == claim.name
            && matches!(event.reason.as_str(), "ProvisioningFailed" | "FailedBinding")
    })
}

fn not_there(world: &World, claim: &ClaimFact) -> Candidate {
    let told = format!(
        "there is no PersistentVolumeClaim \"{}\" in this namespace",
        claim.name
    );
    of_spec(
        world,
        Candidate::new(Reason::ReferenceMissing, began(world), told.clone()).evidence(
            "API server",
            told,
            Some(format!("PersistentVolumeClaim/{}", claim.name)),
        ),
    )
}

fn not_bound(world: &World, claim: &ClaimFact) -> Candidate {
    let key = &world.itself.key;
    let about = Some(format!("PersistentVolumeClaim/{}", claim.name));
    let since = claim.since.unwrap_or_else(|| began(world));
    let said = failed(world, claim);
    let class = claim.class.as_deref().unwrap_or_default();
    if claim.class_found == Some(false) {
        let told = format!(
            "PersistentVolumeClaim \"{}\" names a StorageClass \"{class}\" that does not exist",
            claim.name
        );
        return Candidate::new(Reason::VolumeNotBound, since, told)
            .evidence("API server", format!("no StorageClass \"{class}\""), about)
            .object("v1", "PersistentVolumeClaim", &key.namespace, &claim.name)
            .field("spec.storageClassName")
            .party(Party::Config);
    }
    let told = format!(
        "PersistentVolumeClaim \"{}\" is {}, and a pod waits for it",
        claim.name,
        if claim.phase.is_empty() {
            "not bound"
        } else {
            claim.phase.as_str()
        }
    );
    let seen = said.map_or_else(|| format!("phase {}", claim.phase), |event| event.message.clone());
    let candidate = Candidate::new(Reason::VolumeNotBound, since, told)
        .evidence("API server", seen, about)
        .object("v1", "PersistentVolumeClaim", &key.namespace, &claim.name);
    match said {
        // Who makes the volumes says why it cannot.
        Some(event) if event.reason == "ProvisioningFailed" => candidate,
        _ => candidate.indirect("why the volume is not made: who makes it says nothing"),
    }
}

/// What the kubelet says while it mounts the volumes of a pod.
fn mount(world: &World, plugin: &Plugin) -> Option<Candidate> {
    let events = at_the_start(world, &["FailedMount", "FailedAttachVolume"]);
    let missing = events
        .iter()
        .find_map(|event| Some((*event, missing(&event.message)?)));
    if let Some((event, what)) = missing {
        return Some(reference(world, plugin, event, &what));
    }
    // Beside one that names a cause this one only says that there is one.
    let telling = events
        .iter()
        .find(|event| !event.message.contains("timed out waiting"));
    let event = telling.or(events.first())?;
    let told = "the volumes of the plugin's pods cannot be mounted";
    let candidate = Candidate::new(Reason::VolumeNotMounted, began_with(world, event), told).evidence(
        "kubelet",
        event.message.clone(),
        Some(owner(world)),
    );
    Some(once_it_lasts(event, world, candidate))
}

/// The Secret or ConfigMap that a mount does not find, in the kubelet's words: `secret "a" not found`.
fn missing(message: &str) -> Option<String> {
    for kind in ["secret", "configmap"] {
        let Some((_, rest)) = message.split_once(&format!("{kind} \"")) else {
            continue;
        };
        if let Some((name, rest)) = rest.split_once('"')
            && rest.starts_with(" not found")
        {
            return Some(format!("{kind} \"{name}\""));
        }
    }
    let key = message.contains("references non-existent");
    key.then(|| "a key of a Secret or ConfigMap".to_owned())
}

fn reference(world: &World, plugin: &Plugin, event: &EventFact, what: &str) -> Candidate {
    let told = format!("the pods mount something that does not exist: {what}");
    let candidate = Candidate::new(Reason::ReferenceMissing, began_with(world, event), told).evidence(
        "kubelet",
        format!("{what} not found"),
        Some(owner(world)),
    );
    let account = plugin.account.as_ref();
    let own = account.map(|account| account.secret(&world.itself.key.name));
    if own.is_some_and(|own| what == format!("secret \"{own}\"")) {
        // The operator makes that one.
        return candidate.party(Party::Operator).layer(Layer::References);
    }
    of_spec(world, candidate)
}

fn of_spec(world: &World, candidate: Candidate) -> Candidate {
    let key = &world.itself.key;
    candidate
        .object(
            "plugins.wazo.io/v1alpha1",
            "WazoPlugin",
            &key.namespace,
            &key.name,
        )
        .field("spec.workload.podTemplate")
}

fn began(world: &World) -> jiff::Timestamp {
    let pods = newest_pods(world);
    pods.iter()
        .filter_map(|pod| pod.created)
        .min()
        .unwrap_or(world.now)
}

fn began_with(world: &World, event: &EventFact) -> jiff::Timestamp {
    event.since.or(event.at).unwrap_or(world.now)
}

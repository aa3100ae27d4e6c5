//! Layer Service, for a plugin with `spec.serviceRef`: whether the partner's Service leads to something that serves.

use super::candidate::Candidate;
use super::state::State;
use super::{World, known_faults, settled, was};
use crate::api::condition::ConditionType;
use crate::api::fault::Layer;
use crate::api::plugin::ServiceReference;
use crate::api::reason::Reason;
use crate::observe::service_facts::BackendFact;

/// How long the partner's pods may take to become ready when the plugin is new.
const START_SECONDS: i64 = 60;

/// Judges the Service that the plugin names.
#[must_use]
pub fn judge(world: &World, reference: &ServiceReference) -> State {
    let Some(backend) = known(world) else {
        return not_looked_at(world);
    };
    let Some(Some(service)) = &backend.service else {
        let told = format!("there is no Service \"{}\" in this namespace", reference.name);
        return at(
            world,
            reference,
            Reason::ServiceNotFound,
            told,
            "spec.serviceRef.name",
        );
    };
    if service.owner.as_deref() == Some(world.itself.uid.as_str()) {
        let told = format!(
            "Service \"{}\" is the operator's own and goes with the workload: name another one",
            reference.name
        );
        return at(
            world,
            reference,
            Reason::ServiceUnusable,
            told,
            "spec.serviceRef.name",
        );
    }
    if service.external {
        let told = format!(
            "Service \"{}\" is of type ExternalName: use spec.url instead",
            reference.name
        );
        return at(
            world,
            reference,
            Reason::ServiceUnusable,
            told,
            "spec.serviceRef.name",
        );
    }
    if !service.ports.iter().any(|(number, _)| *number == reference.port) {
        let told = format!("Service \"{}\" has no port {}", reference.name, reference.port);
        return at(
            world,
            reference,
            Reason::ServiceUnusable,
            told,
            "spec.serviceRef.port",
        );
    }
    if !backend.ready().is_empty() {
        return State::Good;
    }
    nothing_ready(world, reference, backend)
}

/// What is known of the Service that the plugin names now.
#[must_use]
pub fn known(world: &World) -> Option<&BackendFact> {
    world.backend.as_ref().filter(|backend| backend.is_known())
}

fn nothing_ready(world: &World, reference: &ServiceReference, backend: &BackendFact) -> State {
    let age = world.now.as_second() - backend.since.as_second();
    let told = format!("no endpoint of Service \"{}\" is ready", reference.name);
    let reported = known_faults(world).any(|fault| fault.reason == Reason::NoReadyEndpoints);
    if !settled(world) && !reported && age < START_SECONDS {
        return State::for_now("NoReadyEndpoints", told, START_SECONDS - age);
    }
    let candidate = Candidate::new(Reason::NoReadyEndpoints, backend.since, told)
        .evidence(
            "API server",
            "no endpoint is ready",
            Some(format!("Service/{}", reference.name)),
        )
        .object("v1", "Service", &world.itself.key.namespace, &reference.name)
        .indirect("the state of the pods behind the Service");
    State::bad(candidate)
}

fn at(world: &World, reference: &ServiceReference, reason: Reason, told: String, field: &str) -> State {
    let key = &world.itself.key;
    State::bad(
        Candidate::new(reason, world.now, told.clone())
            .evidence("API server", told, Some(format!("Service/{}", reference.name)))
            .object(
                "plugins.wazo.io/v1alpha1",
                "WazoPlugin",
                &key.namespace,
                &key.name,
            )
            .field(field),
    )
}

/// Before the lists of this process have arrived: what the status says of a generation that was in force goes on to
/// hold.
fn not_looked_at(world: &World) -> State {
    let known = known_faults(world).find(|fault| fault.caused_by.is_none() && fault.layer == Layer::Service);
    match known {
        Some(fault) if settled(world) => State::bad(Candidate::recalled(fault.clone())),
        _ if settled(world) && was(world, ConditionType::WorkloadReady) => State::Good,
        _ => State::waiting("Progressing", "the Service has not been looked at yet"),
    }
}

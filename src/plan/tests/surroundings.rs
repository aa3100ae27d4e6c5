//! What is read of the surroundings: only of what is ill, and only what may tell why.

use std::time::Duration;

use jiff::Timestamp;

use crate::inquiry::SurroundingsJob;
use crate::judge::assess;
use crate::observe::fixture::{NOW, at, break_pod, waiting};
use crate::observe::surroundings::{EndpointsFact, Part};
use crate::observe::world::World;
use crate::plan::plan;
use crate::probe::{ControlFact, Knock, Look, LookError};

fn job(world: &World) -> Option<SurroundingsJob> {
    plan(world, &assess(world)).surroundings
}

fn parts(world: &World) -> Vec<Part> {
    job(world).unwrap().parts.into_iter().collect()
}

#[test]
fn nothing_is_read_of_a_plugin_that_is_well() {
    assert_eq!(job(&World::healthy()), None);
    assert_eq!(
        job(&World::healthy().core_away()),
        None,
        "the core is no part of the cluster"
    );
    assert_eq!(job(&World::healthy().crashing(3).deleted()), None);
}

#[test]
fn a_rollout_has_some_seconds_before_anybody_asks() {
    let young = World::reachable().waiting("ContainerCreating", "").pods(|pod| {
        pod.created = Some(at(NOW - 1));
        pod.ip = None;
    });
    let from: Option<Timestamp> = at(NOW - 1).checked_add(Duration::from_secs(3)).ok();
    assert_eq!(job(&young).unwrap().from, from);
}

#[test]
fn of_a_process_that_crashes_its_events_and_its_node_are_read() {
    let crashing = World::healthy().crashing(3);
    assert_eq!(parts(&crashing), [Part::Events, Part::Nodes]);
    let told = job(&crashing).unwrap();
    assert_eq!(told.pods, ["crm-panel-abc-1"]);
    assert_eq!(told.nodes, ["node-1".to_owned()].into());
    assert_eq!(told.from, None);
    let killed = World::healthy().crashing(137);
    assert_eq!(parts(&killed), [Part::Events, Part::NodeEvents, Part::Nodes]);
}

#[test]
fn what_is_in_doubt_is_looked_into_before_it_is_told_of() {
    let mut doubtful = World::healthy().public(LookError::Refused, None);
    for fact in &mut doubtful.probe.manifests {
        fact.at = doubtful.now;
    }
    assert!(assess(&doubtful).faults.is_empty());
    assert_eq!(parts(&doubtful), [Part::Events, Part::Nodes, Part::Endpoints]);
    let pulling = World::healthy().pods(|pod| break_pod(pod, waiting("ErrImagePull", "x"), None));
    assert!(job(&pulling).is_some());
}

#[test]
fn claims_are_read_where_the_template_names_some() {
    let world = World::healthy()
        .spec(|spec| {
            let template = serde_json::json!({"spec": {"volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "crm-data"}}]}});
            spec.workload.as_mut().unwrap().pod_template = serde_json::from_value(template).unwrap();
        })
        .waiting("ContainerCreating", "");
    let told = job(&world).unwrap();
    assert!(told.parts.contains(&Part::Claims), "{told:?}");
    assert_eq!(told.claims, ["crm-data".to_owned()].into());
}

#[test]
fn a_service_that_is_blamed_goes_on_to_be_looked_at() {
    let mut world = World::healthy().public(LookError::Refused, Some(Look::Good { warnings: Vec::new() }));
    for fact in &mut world.probe.manifests {
        fact.control = ControlFact {
            service: Some(Knock::Refused),
            ..ControlFact::default()
        };
    }
    world.surroundings.read.insert(Part::Endpoints);
    world.surroundings.endpoints = Some(EndpointsFact {
        found: true,
        selects: true,
        port_fits: true,
        ..EndpointsFact::default()
    });
    let assessment = assess(&world);
    assert!(!assessment.faults.is_empty());
    assert_eq!(
        plan(&world, &assessment).probes.len(),
        1,
        "what is not looked at is never seen to be good again"
    );
}

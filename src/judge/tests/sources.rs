//! Plugins whose pods are the partner's, or nobody's here; and plugins without pods.

use super::{Doing, assess, doing};
use crate::api::condition::{ConditionType, find};
use crate::api::fault::Party;
use crate::api::reason::Reason;
use crate::observe::fixture::NOW;
use crate::observe::fixture::sources::{behind_service, elsewhere};
use crate::observe::world::World;
use crate::probe::LookError;
use crate::report::status;

fn condition(world: &World, kind: ConditionType) -> (String, String) {
    let status = status::compose(world, &assess(world));
    let condition = find(&status.conditions, kind).unwrap();
    (condition.status.clone(), condition.reason.clone())
}

fn of(status: &str, reason: &str) -> (String, String) {
    (status.to_owned(), reason.to_owned())
}

#[test]
fn a_plugin_behind_a_service_of_the_partners_is_ready() {
    let world = World::healthy_behind_service();
    assert_eq!(doing(&assess(&world)), Doing::Ready);
    assert_eq!(
        condition(&world, ConditionType::WorkloadReady),
        of("True", "ServiceReady")
    );
    assert_eq!(
        condition(&world, ConditionType::Available),
        of("True", "EndpointsReady")
    );
    let status = status::compose(&world, &assess(&world));
    assert_eq!(status.version.as_deref(), Some("1.4.2"), "from the manifest");
    assert_eq!((status.replicas, status.selector), (None, None));
}

#[test]
fn each_flaw_of_the_service_has_its_reason_and_its_field() {
    let field = "spec.serviceRef.name";
    let own = |world: World| {
        world.backend(|backend| {
            backend.service.as_mut().unwrap().as_mut().unwrap().owner = Some("uid-of-crm-panel".to_owned());
        })
    };
    let external = |world: World| {
        world.backend(|backend| backend.service.as_mut().unwrap().as_mut().unwrap().external = true)
    };
    let no_port = |world: World| {
        world.backend(|backend| backend.service.as_mut().unwrap().as_mut().unwrap().ports.clear())
    };
    let gone = |world: World| world.backend(|backend| backend.service = Some(None));
    for (world, reason, path) in [
        (
            gone(World::healthy_behind_service()),
            Reason::ServiceNotFound,
            field,
        ),
        (
            own(World::healthy_behind_service()),
            Reason::ServiceUnusable,
            field,
        ),
        (
            external(World::healthy_behind_service()),
            Reason::ServiceUnusable,
            field,
        ),
        (
            no_port(World::healthy_behind_service()),
            Reason::ServiceUnusable,
            "spec.serviceRef.port",
        ),
    ] {
        let assessment = assess(&world);
        let fault = &assessment.faults[0];
        assert_eq!((fault.party, fault.reason), (Party::Config, reason));
        assert_eq!(fault.object.as_ref().unwrap().field_path.as_deref(), Some(path));
        assert!(fault.blocking);
    }
}

#[test]
fn endpoints_that_are_not_ready_are_the_partners_once_that_lasts() {
    let world = World::healthy_behind_service().nothing_ready(NOW - 3);
    assert_eq!(doing(&assess(&world)), Doing::Ready, "not on the first sign");
    let world = World::healthy_behind_service().nothing_ready(NOW - 11);
    let assessment = assess(&world);
    assert_eq!(
        (assessment.faults[0].party, assessment.faults[0].reason),
        (Party::Partner, Reason::NoReadyEndpoints)
    );
    assert_eq!(
        condition(&world, ConditionType::Available),
        of("False", "NoReadyEndpoints")
    );
    assert!(assessment.registrations.iter().all(|row| row.state.is_good()));
}

#[test]
fn a_new_plugin_waits_for_its_endpoints_before_anybody_is_blamed() {
    let new = |since: i64| {
        let mut world = World::reachable().spec(behind_service).serves_behind_service();
        world.children.deployment = None;
        world.nothing_ready(since)
    };
    assert_eq!(doing(&assess(&new(NOW - 59))), Doing::Progressing);
    assert_eq!(assess(&new(NOW - 59)).again, Some(1));
    assert_eq!(assess(&new(NOW - 60)).faults[0].reason, Reason::NoReadyEndpoints);
}

#[test]
fn after_a_restart_what_was_told_of_the_service_goes_on_to_hold() {
    let mut world = World::healthy_behind_service().restarted();
    world.backend = None;
    assert_eq!(doing(&assess(&world)), Doing::Ready);
    assert_eq!(
        condition(&world, ConditionType::Available),
        of("True", "EndpointsReady")
    );
    let gone = World::healthy_behind_service().backend(|backend| backend.service = Some(None));
    let mut gone = gone.reported().restarted();
    gone.backend = None;
    assert_eq!(assess(&gone).faults[0].reason, Reason::ServiceNotFound);
}

#[test]
fn a_plugin_elsewhere_is_ready_when_its_manifest_is_good() {
    let world = World::healthy_elsewhere();
    assert_eq!(doing(&assess(&world)), Doing::Ready);
    assert_eq!(
        condition(&world, ConditionType::WorkloadReady),
        of("True", "HostedElsewhere")
    );
    assert_eq!(condition(&world, ConditionType::Available), of("True", "Answers"));
    let away = World::healthy_elsewhere().public(LookError::NotFound, None);
    let status = status::compose(&away, &assess(&away));
    assert_eq!(status.url.as_deref(), Some("https://cdn.example/crm"));
    let away = away.later(60);
    assert_eq!(assess(&away).faults[0].reason, Reason::ManifestNotFound);
    assert_eq!(
        condition(&away, ConditionType::Available),
        of("False", "NotAnswering")
    );
}

#[test]
fn a_plugin_elsewhere_without_a_manifest_is_not_said_to_answer() {
    let world = World::just_applied().spec(|spec| {
        elsewhere(spec);
        spec.registrations = None;
    });
    assert_eq!(
        condition(&world, ConditionType::Available),
        of("Unknown", "NotProbed")
    );
}

/// A plugin that was registered, scaled to no pod.
fn scaled_to_zero() -> World {
    let mut world = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().replicas = 0)
        .applied()
        .deployment(|deployment| {
            deployment.id.generation = 2;
            deployment.desired = 0;
            deployment.available = 0;
            deployment.ready = 0;
        });
    world.children.pods.clear();
    world
}

#[test]
fn no_pod_at_all_is_nobodys_fault_and_takes_no_ready_away() {
    let world = scaled_to_zero();
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Ready);
    assert!(assessment.faults.is_empty());
    assert_eq!(
        condition(&world, ConditionType::Available),
        of("False", "ScaledToZero")
    );
    assert!(assessment.registrations.iter().all(|row| row.state.is_good()));
    let status = status::compose(&world, &assessment);
    assert_eq!(status.version.as_deref(), Some("1.4.2"));
    assert_eq!(
        status.selector.as_deref(),
        Some("plugins.wazo.io/plugin=crm-panel")
    );
}

#[test]
fn what_was_never_registered_waits_for_a_pod_without_a_deadline() {
    let mut world = World::reachable()
        .spec(|spec| spec.workload.as_mut().unwrap().replicas = 0)
        .applied()
        .deployment(|deployment| {
            deployment.desired = 0;
            deployment.available = 0;
        });
    world.children.pods.clear();
    world.probe = Default::default();
    let world = world.reported().later(100_000);
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Progressing);
    assert!(assessment.faults.is_empty());
    assert_eq!(assessment.clock.unwrap().elapsed_seconds, 0);
}

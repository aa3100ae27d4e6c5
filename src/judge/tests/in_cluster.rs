//! `spec.expose.verify`: what is judged where, and what a change of it takes away.

use super::{Doing, assess, doing};
use crate::api::condition::{ConditionType, find};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::plugin::{RegistrationState, Verify};
use crate::api::reason::Reason;
use crate::observe::fixture::URL;
use crate::observe::world::World;
use crate::plan::plan;
use crate::probe::{Front, Look, LookError};
use crate::report::status;

fn verify(world: World, verify: Verify) -> World {
    world.spec(|spec| spec.expose.as_mut().unwrap().verify = Some(verify))
}

/// A settled plugin whose manifest was looked at at its Service.
fn at_service(look: Look, pod: Option<Look>) -> World {
    let mut world = verify(World::healthy(), Verify::Service).looked_at(look, pod);
    let fact = &mut world.probe.manifests[0];
    (fact.service, fact.public) = (fact.public.take(), None);
    let good = Look::Good { warnings: Vec::new() };
    let mut settled = world.clone();
    settled.probe.manifests[0].service = Some(good);
    world.itself.before = settled.applied().reported().itself.before;
    world.applied()
}

fn good() -> Look {
    Look::Good { warnings: Vec::new() }
}

fn bad(error: LookError) -> Look {
    Look::Bad(error)
}

fn status_error() -> LookError {
    LookError::Status {
        code: 500,
        from_html: false,
    }
}

fn exposed(world: &World) -> (String, String, String) {
    let status = status::compose(world, &assess(world));
    let condition = find(&status.conditions, ConditionType::Exposed).unwrap().clone();
    (condition.status, condition.reason, condition.message)
}

#[test]
fn a_plugin_whose_service_answers_well_is_ready_and_says_what_was_not_checked() {
    let world = at_service(good(), None);
    assert_eq!(doing(&assess(&world)), Doing::Ready);
    let (truth, reason, message) = exposed(&world);
    assert_eq!((truth.as_str(), reason.as_str()), ("True", "ReachableInCluster"));
    assert!(message.contains("the public address is not asked"), "{message}");
    let unverified = verify(World::healthy(), Verify::None);
    let (truth, reason, message) = exposed(&unverified);
    assert_eq!((truth.as_str(), reason.as_str()), ("True", "NotVerified"));
    assert!(
        message.contains("neither the manifest nor the public address"),
        "{message}"
    );
    assert_eq!(exposed(&World::healthy()).1, "Reachable");
}

#[test]
fn the_side_of_the_service_that_fails_is_the_one_that_is_blamed() {
    for (error, pod, party, layer, reason, confidence) in [
        (
            LookError::TimedOut,
            Some(good()),
            Party::Cluster,
            Layer::Service,
            Reason::ServiceUnreachable,
            Confidence::High,
        ),
        (
            LookError::Refused,
            None,
            Party::Cluster,
            Layer::Service,
            Reason::ServiceUnreachable,
            Confidence::Medium,
        ),
        (
            LookError::Refused,
            Some(bad(LookError::Refused)),
            Party::Partner,
            Layer::Probe,
            Reason::NotListening,
            Confidence::High,
        ),
        (
            status_error(),
            Some(bad(status_error())),
            Party::Partner,
            Layer::Manifest,
            Reason::ManifestUnavailable,
            Confidence::High,
        ),
        (
            status_error(),
            Some(good()),
            Party::Partner,
            Layer::Manifest,
            Reason::ManifestUnavailable,
            Confidence::Medium,
        ),
        (
            LookError::AddressRefused {
                addr: [169, 254, 169, 254].into(),
            },
            None,
            Party::Config,
            Layer::Service,
            Reason::ServiceUnusable,
            Confidence::High,
        ),
    ] {
        let told = format!("{error}, pods {pod:?}");
        let assessment = assess(&at_service(bad(error), pod).later(60));
        let fault = &assessment.faults[0];
        assert_eq!(
            (fault.party, fault.layer, fault.reason, fault.confidence),
            (party, layer, reason, confidence),
            "{told}"
        );
        assert_eq!(fault.evidence[0].vantage, "operator→Service", "{told}");
    }
}

#[test]
fn a_service_that_fails_goes_on_to_fail_after_a_restart() {
    let world = at_service(bad(LookError::TimedOut), Some(good()))
        .reported()
        .reported();
    let restarted = world.clone().later(100).restarted();
    let told = status::compose(&restarted, &assess(&restarted));
    assert_eq!(told, world.itself.before);
}

#[test]
fn a_change_of_where_it_is_verified_takes_no_registration_away() {
    for (from, to) in [
        (Verify::Public, Verify::Service),
        (Verify::Service, Verify::None),
        (Verify::None, Verify::Public),
        (Verify::Public, Verify::None),
    ] {
        let before = match from {
            Verify::Service => at_service(good(), None),
            other => verify(World::healthy(), other).applied().reported(),
        };
        let mut world = verify(before, to);
        if to != Verify::None {
            world.probe.manifests.clear();
        }
        let assessment = assess(&world);
        let row = &assessment.registrations[0].status;
        assert_eq!(
            (row.state, row.url.as_deref()),
            (RegistrationState::Registered, Some(URL)),
            "{from:?} to {to:?}"
        );
        let plan = plan(&world, &assessment);
        let steps = plan.core.map(|wishes| wishes.steps).unwrap_or_default();
        assert_eq!(steps.len(), 2, "{from:?} to {to:?}: it stays wished for");
        assert!(
            plan.children.iter().all(|want| !want.writes()),
            "{from:?} to {to:?}"
        );
        let expected = if to == Verify::None {
            Doing::Ready
        } else {
            Doing::Progressing
        };
        assert_eq!(doing(&assessment), expected, "{from:?} to {to:?}");
    }
}

#[test]
fn what_was_seen_elsewhere_does_not_verify_it() {
    let world = verify(World::reachable(), Verify::Service);
    assert!(
        world.probe.manifests[0]
            .public
            .as_ref()
            .is_some_and(Look::is_good)
    );
    assert_eq!(doing(&assess(&world)), Doing::Progressing);
    assert_eq!(plan(&world, &assess(&world)).metadata, None);
}

#[test]
fn the_service_is_asked_at_its_own_address() {
    let front = |world: &World| plan(world, &assess(world)).probes.first().map(|job| job.front);
    let service = |text: &str| Some(Front::Service(text.parse().unwrap()));
    assert_eq!(front(&at_service(good(), None)), service("10.96.0.7:80"));
    let mut unknown = at_service(good(), None);
    unknown.children.service.as_mut().unwrap().cluster_ip = None;
    assert_eq!(front(&unknown), None);
    assert_eq!(front(&verify(World::healthy(), Verify::None)), None);
    let behind = verify(World::healthy_behind_service(), Verify::Service);
    assert_eq!(front(&behind), service("10.0.0.9:8080"), "headless: an endpoint");
    let behind = behind.backend(|backend| {
        let known = backend.service.as_mut().unwrap().as_mut().unwrap();
        known.cluster_ip = Some([10, 96, 0, 9].into());
    });
    assert_eq!(front(&behind), service("10.96.0.9:80"));
}

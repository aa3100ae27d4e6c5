//! A restart of the operator: what was true of a plugin that was in force goes on to hold until something is seen.

use super::{Doing, assess, doing, reasons};
use crate::api::fault::Fault;
use crate::api::plugin::WazoPluginStatus;
use crate::api::reason::Reason;
use crate::core::error::CoreErrorKind;
use crate::core::facts::Daemon;
use crate::judge::candidate::Candidate;
use crate::observe::facts::ContainerState;
use crate::observe::fixture::{NOW, at, break_pod, core_error, pending_core_facts, serving, waiting};
use crate::observe::world::World;
use crate::probe::{Look, LookError, ReadinessLook};
use crate::report::status::compose;

fn status(world: &World) -> WazoPluginStatus {
    compose(world, &assess(world))
}

/// The status after the restart is the status before it; with and without first news of the core.
fn is_the_same(what: &str, world: World) {
    let world = world.reported().reported();
    let restarted = world.clone().later(100).restarted();
    assert_eq!(status(&restarted), world.itself.before, "{what}");
    let asking = restarted.core_facts(Some(pending_core_facts()));
    assert_eq!(status(&asking), world.itself.before, "{what}, core being asked");
}

#[test]
fn a_restart_changes_nothing_in_the_status_of_a_settled_plugin() {
    let invalid = || LookError::Invalid(Vec::new());
    is_the_same("ready", World::healthy());
    is_the_same("crash", World::healthy().crashing(3));
    is_the_same(
        "manifest",
        World::healthy().public(invalid(), Some(Look::Bad(invalid()))),
    );
    is_the_same(
        "public address",
        World::healthy().public(LookError::TimedOut, None),
    );
    for look in [
        ReadinessLook::NotListening,
        ReadinessLook::Status(500),
        ReadinessLook::TimedOut,
    ] {
        is_the_same("readiness", World::healthy().unready(Some(look)));
    }
    is_the_same("core away", World::healthy().core_away());
    is_the_same("core away and crash", World::healthy().crashing(3).core_away());
    is_the_same(
        "manifest and core away",
        World::healthy()
            .public(invalid(), Some(Look::Bad(invalid())))
            .core_away(),
    );
}

#[test]
fn a_core_whose_name_does_not_resolve_is_not_taken_for_the_plugins_own_dns() {
    let mut facts = crate::observe::fixture::core_facts();
    facts.session =
        crate::core::facts::SessionFact::Failed(core_error(Daemon::Auth, CoreErrorKind::NameNotResolved));
    let fault = crate::judge::core::judge(
        &crate::observe::fixture::core_key(),
        None,
        Some(&facts),
        true,
        at(NOW),
    );
    is_the_same(
        "DNS of the core",
        World::healthy().core_fault(fault.map(|found| found.fault)),
    );
}

#[test]
fn two_degrading_faults_are_both_known_after_a_restart() {
    let mut pod = serving("crm-panel-abc-2", 8);
    break_pod(
        &mut pod,
        ContainerState::Running {
            since: Some(at(NOW - 3000)),
        },
        None,
    );
    let mut world = World::healthy()
        .deployment(|deployment| {
            deployment.desired = 2;
            deployment.replicas = 2;
            deployment.updated = 2;
        })
        .with_pod(pod);
    world.probe.readiness = World::healthy()
        .unready(Some(ReadinessLook::Status(500)))
        .probe
        .readiness;
    let earlier: Option<Fault> = Some(Candidate::new(Reason::CoreServiceDown, at(NOW - 500), "down").fault);
    is_the_same("pod and core", world.core_fault(earlier));
}

#[test]
fn a_known_cause_of_a_pod_that_degraded_the_plugin_blocks_when_no_pod_is_left() {
    let mut pod = serving("crm-panel-abc-2", 8);
    break_pod(
        &mut pod,
        ContainerState::Running {
            since: Some(at(NOW - 3000)),
        },
        None,
    );
    let mut world = World::healthy()
        .deployment(|deployment| {
            deployment.desired = 2;
            deployment.replicas = 2;
            deployment.updated = 2;
        })
        .with_pod(pod);
    world.probe.readiness = World::healthy()
        .unready(Some(ReadinessLook::Status(500)))
        .probe
        .readiness;
    let degraded = world.reported();
    assert_eq!(doing(&assess(&degraded)), Doing::Ready);
    let gone = degraded.unready(None);
    let assessment = assess(&gone);
    assert_eq!(reasons(&assessment), [Reason::ReportsUnhealthy]);
    assert!(assessment.faults[0].blocking);
    assert_eq!(doing(&assessment), Doing::Ill);
}

#[test]
fn a_fault_keeps_the_times_under_which_it_is_known() {
    let known = World::healthy().crashing(3).reported();
    let again = known
        .clone()
        .later(600)
        .pods(|pod| pod.container.last.as_mut().unwrap().finished = Some(at(NOW + 590)));
    let (old, new) = (
        known.itself.before.fault.unwrap(),
        assess(&again).faults.remove(0),
    );
    assert_eq!(
        new, old,
        "neither its beginning nor its evidence gets younger with each crash"
    );
}

#[test]
fn between_two_tries_the_kubelets_message_loses_the_cause_which_stays_known() {
    let known = World::reachable()
        .waiting("ErrImagePull", "x509: certificate signed by unknown authority")
        .reported();
    let back_off = known
        .clone()
        .waiting("ImagePullBackOff", "Back-off pulling image");
    assert_eq!(assess(&back_off).faults, assess(&known).faults);
    let other =
        back_off.spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/other:1".to_owned());
    assert_eq!(
        reasons(&assess(&other)),
        [Reason::ImagePullFailed],
        "another image, another cause"
    );
}

#[test]
fn a_rollout_that_was_under_way_goes_on_with_its_clock() {
    let world = World::reachable().crashing(3).reported().later(100).reported();
    let clock = assess(&world.clone().later(50).restarted()).clock.unwrap();
    assert_eq!(Some(clock), world.itself.before.rollout);
    let pending = World::reachable()
        .container(waiting("ContainerCreating", ""), None)
        .reported()
        .later(100)
        .restarted();
    assert_eq!(doing(&assess(&pending)), Doing::Progressing);
}

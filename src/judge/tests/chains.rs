//! Two chains of causes: what hides what, and what the core's troubles do to a plugin.

use super::{Doing, assess, doing, reasons, verdicts};
use crate::api::core::WazoCoreSpec;
use crate::api::fault::{Confidence, Fault, Layer, Party};
use crate::api::reason::Reason;
use crate::core::error::CoreErrorKind;
use crate::core::facts::{AppEdit, Daemon, StepState};
use crate::judge::candidate::Candidate;
use crate::observe::fixture::{APPS, NOW, URL, at, condition, core_error, core_facts, step};
use crate::observe::world::World;
use crate::probe::{Look, LookError};
use std::sync::Arc;

fn core_fault(reason: Reason, since: i64) -> Option<Fault> {
    Some(Candidate::new(reason, at(since), "the core fails").fault)
}

fn invalid() -> LookError {
    LookError::Invalid(Vec::new())
}

#[test]
fn a_crash_hides_the_manifest_that_the_process_does_not_serve() {
    let world = World::healthy()
        .crashing(3)
        .public(invalid(), Some(Look::Bad(invalid())));
    assert_eq!(reasons(&assess(&world)), [Reason::ProcessExited]);
}

#[test]
fn two_independent_roots_are_two_faults_the_blocking_one_first() {
    let world = World::healthy()
        .public(invalid(), Some(Look::Bad(invalid())))
        .core_away();
    let assessment = assess(&world);
    assert_eq!(
        verdicts(&assessment),
        [
            (
                Party::Partner,
                Layer::Manifest,
                Reason::ManifestInvalid,
                Confidence::High,
                true
            ),
            (
                Party::Core,
                Layer::CoreTransport,
                Reason::CoreUnreachable,
                Confidence::Medium,
                false
            ),
        ]
    );
    assert_eq!(doing(&assessment), Doing::Ill);
}

#[test]
fn of_two_blocking_roots_the_earlier_one_is_first() {
    for (core_since, first, expected) in [
        (NOW - 3000, Reason::CoreServiceDown, Doing::Retrying),
        (NOW - 1, Reason::ManifestInvalid, Doing::Retrying),
    ] {
        let world = World::reachable()
            .public(invalid(), Some(Look::Bad(invalid())))
            .core_fault(core_fault(Reason::CoreServiceDown, core_since));
        let assessment = assess(&world);
        assert_eq!(reasons(&assessment)[0], first);
        assert_eq!((assessment.faults.len(), doing(&assessment)), (2, expected));
    }
}

#[test]
fn a_core_that_goes_away_takes_nothing_from_a_plugin_that_is_done() {
    let world = World::healthy().core_away();
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Ready);
    assert_eq!(
        verdicts(&assessment),
        [(
            Party::Core,
            Layer::CoreTransport,
            Reason::CoreUnreachable,
            Confidence::Medium,
            false
        )]
    );
    let cause = assessment.faults[0].caused_by.as_ref().unwrap();
    assert_eq!(
        (
            cause.kind.as_deref(),
            cause.namespace.as_deref(),
            cause.name.as_deref()
        ),
        (Some("WazoCore"), Some("acme"), Some("main"))
    );
    let failing = world.outcome(StepState::Failed(core_error(
        Daemon::Confd,
        CoreErrorKind::DaemonDown(502),
    )));
    let assessment = assess(&failing);
    assert_eq!((doing(&assessment), assessment.faults.len()), (Doing::Ready, 1));
    assert_eq!(assessment.registrations[0].status.current, 2);
}

#[test]
fn a_core_that_is_away_before_the_registration_is_waited_for_without_end() {
    let world = World::reachable().core_away().reported();
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Retrying);
    assert!(assessment.faults[0].blocking && assessment.faults[0].caused_by.is_some());
    assert_eq!(
        assessment.clock.as_ref().unwrap().since,
        None,
        "the clock stands still"
    );
    let late = assess(&world.clone().later(1_000_000));
    assert_eq!(doing(&late), Doing::Retrying);
    assert_eq!(late.again, None);
    let mut back = World::reachable().later(1_000_000);
    back.itself.before = world.itself.before;
    let assessment = assess(&back);
    assert_eq!(doing(&assessment), Doing::Progressing);
    assert_eq!(assessment.again, Some(240), "the clock goes on where it stood");
}

#[test]
fn a_wrong_url_of_the_core_stalls_the_core_and_not_its_plugins() {
    let world = World::reachable()
        .core_fault(core_fault(Reason::CoreUrlWrong, NOW - 9))
        .reported();
    assert_eq!(doing(&assess(&world.later(10_000))), Doing::Retrying);
}

#[test]
fn the_clock_stands_still_only_while_nobody_of_the_plugins_side_is_to_blame() {
    for (world, stands) in [
        (World::reachable().crashing(3), false),
        (
            World::reachable().waiting("ErrImagePull", "toomanyrequests"),
            true,
        ),
        (World::reachable().waiting("ErrImagePull", "x509: unknown"), false),
        (World::reachable().core_away(), true),
        (World::reachable(), false),
    ] {
        let clock = assess(&world).clock.unwrap();
        assert_eq!(clock.since.is_none(), stands);
    }
}

#[test]
fn a_crash_that_began_while_the_core_was_away_is_not_laid_at_the_partners_door() {
    let world = World::healthy().core_away().crashing(3);
    let assessment = assess(&world);
    let crash = &assessment.faults[0];
    assert_eq!(crash.reason, Reason::ProcessExited);
    assert_eq!((crash.party, crash.confidence), (Party::Unknown, Confidence::Low));
    let suspected = crash.suspected.as_ref().unwrap();
    assert_eq!(
        (suspected.party, suspected.reason),
        (Party::Core, Reason::CoreUnreachable)
    );
    assert!(!crash.contradicting.is_empty());
    let before = World::healthy()
        .crashing(3)
        .core_fault(core_fault(Reason::CoreUnreachable, NOW - 5));
    let crash = &assess(&before).faults[0];
    assert_eq!(
        (crash.party, crash.confidence),
        (Party::Partner, Confidence::High)
    );
}

#[test]
fn an_outage_of_the_core_fails_no_release_even_if_the_new_process_dies_of_it() {
    let world = World::reachable()
        .core_away()
        .crashing(3)
        .reported()
        .later(10_000);
    assert_eq!(doing(&assess(&world)), Doing::Retrying);
}

#[test]
fn a_suspended_core_holds_back_only_what_is_not_registered() {
    let suspend = |world: World| {
        with_core_spec(world, |spec| {
            Some(WazoCoreSpec {
                suspend: Some(true),
                ..spec
            })
        })
    };
    let done = assess(&suspend(World::healthy()));
    assert_eq!((doing(&done), done.faults.len()), (Doing::Ready, 0));
    let pending = assess(&suspend(World::reachable()));
    assert_eq!(
        (doing(&pending), reasons(&pending)),
        (Doing::Retrying, vec![Reason::CoreSuspended])
    );
}

/// The spec of the WazoCore is changed; `None`: it cannot be read any more.
fn with_core_spec(mut world: World, edit: impl FnOnce(WazoCoreSpec) -> Option<WazoCoreSpec>) -> World {
    let core = world.core.as_mut().unwrap();
    let mut entry = core.entry.as_ref().clone();
    entry.spec = entry.spec.and_then(edit);
    core.entry = Arc::new(entry);
    world
}

#[test]
fn a_core_whose_spec_cannot_be_read_takes_nothing_and_gives_nothing() {
    let unreadable =
        |world: World| with_core_spec(world, |_| None).core_fault(core_fault(Reason::InvalidSpec, NOW - 9));
    let done = assess(&unreadable(World::healthy()));
    assert_eq!(doing(&done), Doing::Ready);
    assert_eq!(
        (
            done.registrations[0].status.desired,
            done.registrations[0].status.current
        ),
        (2, 2)
    );
    let pending = assess(&unreadable(World::reachable()));
    assert_eq!(
        (doing(&pending), reasons(&pending)),
        (Doing::Retrying, vec![Reason::InvalidSpec])
    );
}

#[test]
fn a_core_without_an_application_for_the_product_registers_nothing() {
    let none = serde_json::json!({"applications": {"app": []}});
    let world = with_core_spec(World::reachable(), |spec| {
        Some(WazoCoreSpec {
            ui: serde_json::from_value(none).unwrap(),
            ..spec
        })
    });
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Progressing);
    let row = &assessment.registrations[0].status;
    assert_eq!(
        (row.desired, row.current, row.reason.as_deref()),
        (1, 0, Some("NoApplication"))
    );
}

#[test]
fn a_core_that_does_not_exist_is_named() {
    let assessment = assess(&World::reachable().without_core());
    assert_eq!(
        (doing(&assessment), reasons(&assessment)),
        (Doing::Retrying, vec![Reason::CoreNotFound])
    );
    let field = assessment.faults[0]
        .object
        .as_ref()
        .unwrap()
        .field_path
        .as_deref();
    assert_eq!(field, Some("spec.coreRef.name"));
}

#[test]
fn an_application_that_cannot_be_edited_is_a_fault_of_its_own() {
    let present = || AppEdit::Present(URL.to_owned());
    for (first, second) in [(0, 1), (1, 0)] {
        let world = World::reachable()
            .step_became(
                step(APPS[first], present()),
                StepState::Refused("is a number".to_owned()),
            )
            .step_became(step(APPS[second], present()), StepState::Done { changed: true });
        let assessment = assess(&world);
        assert_eq!(
            verdicts(&assessment),
            [(
                Party::Config,
                Layer::Registration,
                Reason::CoreConflict,
                Confidence::High,
                true
            )]
        );
        assert_eq!(assessment.registrations[0].status.current, 1);
    }
}

#[test]
fn what_the_core_refuses_is_not_hidden_by_what_still_waits() {
    let present = || AppEdit::Present(URL.to_owned());
    let failed = || StepState::Failed(core_error(Daemon::Confd, CoreErrorKind::Rejected(400)));
    for (first, second) in [(0, 1), (1, 0)] {
        let world = World::reachable()
            .step_became(step(APPS[first], present()), failed())
            .step_became(step(APPS[second], present()), StepState::Pending);
        assert_eq!(reasons(&assess(&world)), [Reason::RequestRejected]);
    }
}

#[test]
fn a_plugin_that_registers_nothing_does_not_need_the_core() {
    let mut world = World::healthy().core_away();
    world.itself.plugin.as_mut().unwrap().ui.clear();
    let assessment = assess(&world);
    assert_eq!((doing(&assessment), assessment.faults.len()), (Doing::Ready, 0));
}

#[test]
fn events_that_a_core_does_not_pass_on_degrade_and_block_nothing() {
    let mut facts = core_facts();
    let confd = facts.services.get_mut(&Daemon::Confd).unwrap();
    confd.state = crate::core::facts::ServiceState::Degraded;
    confd.failing = vec!["bus_consumer".to_owned()];
    let fault = crate::judge::core::judge(
        &crate::observe::fixture::core_key(),
        None,
        Some(&facts),
        true,
        at(NOW),
    );
    let world = World::reachable().core_fault(fault.map(|found| found.fault));
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Progressing);
    assert_eq!(reasons(&assessment), [Reason::CoreEventsDegraded]);
}

#[test]
fn a_gateway_that_is_off_and_a_crash_are_one_chain() {
    let world = World::healthy()
        .crashing(3)
        .route(|route| route.parents[0].accepted = Some(condition("False", "NoMatchingParent", "")));
    assert_eq!(reasons(&assess(&world)), [Reason::ProcessExited]);
}

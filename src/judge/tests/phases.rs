use super::{Doing, assess, doing, reasons};
use crate::api::fault::Party;
use crate::api::reason::Reason;
use crate::core::facts::{AppEdit, StepState};
use crate::judge::{Phase, State, settled};
use crate::observe::facts::ContainerState;
use crate::observe::fixture::{
    APPS, NOW, START, URL, at, break_pod, condition, exit, serving, step, waiting,
};
use crate::observe::memory::ChildKind;
use crate::observe::world::World;
use crate::probe::{LookError, ReadinessLook};

#[test]
fn a_healthy_plugin_is_ready_and_nobody_is_at_fault() {
    let assessment = assess(&World::healthy());
    assert_eq!(assessment.phase, Phase::Ready);
    assert!(assessment.faults.is_empty() && assessment.clock.is_none());
    assert_eq!(assessment.again, None);
    assert!(assessment.registrations.iter().all(|row| row.state.is_good()));
}

#[test]
fn the_first_pass_over_a_plugin_is_progress() {
    let world = World::just_applied();
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Progressing);
    assert!(assessment.faults.is_empty());
    let clock = assessment.clock.unwrap();
    assert_eq!((clock.revision, clock.elapsed_seconds), (1, 0));
    assert_eq!(clock.since.unwrap().0, world.now);
    assert_eq!(assessment.again, Some(240));
}

#[test]
fn a_plugin_becomes_ready_step_by_step_and_nobody_is_blamed_on_the_way() {
    let mut world = World::just_applied().reported();
    for (next, expected) in [
        (World::just_applied().applied(), Doing::Progressing),
        (World::reachable(), Doing::Progressing),
        (World::reachable().outcome(StepState::Pending), Doing::Progressing),
        (World::reachable().registered(), Doing::Ready),
    ] {
        let before = world.itself.before;
        world = next.later(10);
        world.itself.before = before;
        let assessment = assess(&world);
        assert_eq!(doing(&assessment), expected);
        assert!(assessment.faults.is_empty(), "{:?}", assessment.faults);
        world = world.reported();
    }
    assert!(settled(&world));
}

#[test]
fn a_crash_during_a_rollout_stalls_with_its_own_reason_when_the_deadline_passes() {
    let world = World::reachable().crashing(3).reported();
    assert_eq!(doing(&assess(&world)), Doing::Retrying);
    let almost = assess(&world.clone().later(239));
    assert_eq!((doing(&almost), almost.again), (Doing::Retrying, Some(1)));
    let late = assess(&world.later(240));
    let Phase::Stalled { reason, .. } = late.phase else {
        panic!("{:?}", late.phase);
    };
    assert_eq!(reason, "ProcessExited");
}

#[test]
fn a_release_that_crashes_is_retried_and_one_that_crashed_later_is_ill() {
    let release = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm-panel:2".to_owned())
        .crashing(3);
    let assessment = assess(&release);
    assert_eq!(doing(&assessment), Doing::Retrying);
    assert!(assessment.clock.is_some());
    assert_eq!(doing(&assess(&World::healthy().crashing(3))), Doing::Ill);
}

#[test]
fn an_error_of_our_own_leaves_work_to_do_in_a_plugin_that_worked() {
    let forbidden = World::healthy().refused(ChildKind::Deployment, Reason::OperatorForbidden);
    assert!(settled(&forbidden));
    let assessment = assess(&forbidden);
    assert_eq!(assessment.phase, Phase::Retrying(Reason::OperatorForbidden));
    let policy = World::healthy().refused(ChildKind::Deployment, Reason::PolicyDenied);
    assert_eq!(assess(&policy).phase, Phase::Ill(Reason::PolicyDenied));
}

#[test]
fn a_rollout_that_does_not_end_for_no_known_reason_exceeds_its_deadline() {
    let world = World::just_applied().applied().reported().later(240);
    let late = assess(&world);
    let Phase::Stalled { reason, .. } = &late.phase else {
        panic!("{:?}", late.phase);
    };
    assert_eq!(reason, "RolloutDeadlineExceeded");
    assert_eq!(reasons(&late), [Reason::RolloutDeadlineExceeded]);
    assert_eq!(late.faults[0].party, Party::Unknown);
    assert!(
        !late.faults[0].missing.is_empty(),
        "who does not know says what would tell"
    );
    let still = assess(&world.reported().later(60));
    assert_eq!(still.faults[0].since, late.faults[0].since);
}

#[test]
fn a_rollout_that_stalled_and_then_works_is_ready() {
    let stalled = World::reachable().crashing(3).reported().later(300).reported();
    assert_eq!(doing(&assess(&stalled)), Doing::Stalled);
    let mut repaired = World::reachable().registered().later(400);
    repaired.itself.before = stalled.itself.before;
    let assessment = assess(&repaired);
    assert_eq!((doing(&assessment), assessment.clock), (Doing::Ready, None));
}

#[test]
fn a_plugin_that_breaks_at_run_time_is_ill_and_never_stalls_by_time() {
    let world = World::healthy().crashing(3).reported().later(100_000);
    let assessment = assess(&world);
    assert_eq!(assessment.phase, Phase::Ill(Reason::ProcessExited));
    assert_eq!(assessment.clock, None);
}

#[test]
fn a_generation_that_changes_only_the_number_of_pods_keeps_ready() {
    let world = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().replicas = 2)
        .deployment(|deployment| {
            deployment.id.generation = 2;
            deployment.desired = 2;
        });
    assert_eq!(
        doing(&assess(&world)),
        Doing::Ready,
        "the controller has not seen it yet"
    );
    let world = world.deployment(|deployment| {
        deployment.observed_generation = 2;
        deployment.replicas = 2;
        deployment.updated = 2;
    });
    let mut young = serving("crm-panel-abc-2", 8);
    break_pod(&mut young, ContainerState::Unknown, None);
    assert_eq!(doing(&assess(&world.with_pod(young))), Doing::Ready);
}

#[test]
fn a_change_of_the_image_takes_ready_until_the_new_pods_serve_and_their_manifest_was_seen() {
    let world = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm-panel:1.5".to_owned())
        .deployment(|deployment| {
            deployment.id.generation = 2;
            deployment.template = "def".to_owned();
        });
    assert_eq!(doing(&assess(&world)), Doing::Progressing);
    let mut new = serving("crm-panel-def-1", 9);
    new.revision = "def".to_owned();
    new.created = Some(at(NOW));
    let mut rolled = world.deployment(|deployment| deployment.observed_generation = 2);
    rolled.children.pods = [(new.name.clone(), new)].into();
    let unseen = assess(&rolled);
    assert!(unseen.workload.is_good());
    assert_eq!(
        doing(&unseen),
        Doing::Progressing,
        "the old manifest proves nothing"
    );
    let seen = rolled.looked_at(crate::probe::Look::Good { warnings: Vec::new() }, None);
    assert_eq!(doing(&assess(&seen)), Doing::Ready);
}

#[test]
fn pods_that_degrade_the_plugin_do_not_hide_a_manifest_that_nobody_can_use() {
    let invalid = || LookError::Invalid(Vec::new());
    let world = World::healthy()
        .deployment(|deployment| {
            deployment.desired = 2;
            deployment.replicas = 2;
            deployment.updated = 2;
        })
        .with_pod(bad_pod())
        .public(invalid(), Some(crate::probe::Look::Bad(invalid())));
    let assessment = assess(&world);
    assert_eq!(
        reasons(&assessment),
        [Reason::ManifestInvalid, Reason::ProcessExited]
    );
    assert_eq!(doing(&assessment), Doing::Ill);
}

#[test]
fn of_two_bad_pods_the_one_that_is_told_already_stays_told() {
    let mut other = bad_pod();
    other.name = "crm-panel-abc-3".to_owned();
    other.container.last = Some(exit(2, "Error"));
    let two = |first: i64, second: i64| {
        let ended = |pod: &mut crate::observe::facts::PodFact, second: i64| {
            pod.container.last.as_mut().unwrap().finished = Some(at(NOW - second));
        };
        let (mut one, mut two) = (bad_pod(), other.clone());
        ended(&mut one, first);
        ended(&mut two, second);
        World::healthy().crashing(1).with_pod(one).with_pod(two)
    };
    let first = two(40, 30)
        .pods(|pod| pod.deleting = pod.name.ends_with("-abc-1"))
        .reported();
    let mut later = two(10, 30).pods(|pod| pod.deleting = pod.name.ends_with("-abc-1"));
    later.itself.before = first.itself.before.clone();
    assert_eq!(assess(&later).faults[0].message, assess(&first).faults[0].message);
}

#[test]
fn some_bad_pods_of_a_plugin_that_serves_degrade_it_and_do_not_block() {
    let two = |world: World| {
        world
            .deployment(|deployment| {
                deployment.desired = 2;
                deployment.replicas = 2;
                deployment.updated = 2;
            })
            .with_pod(bad_pod())
    };
    let assessment = assess(&two(World::healthy()));
    assert_eq!(doing(&assessment), Doing::Ready);
    assert_eq!(reasons(&assessment), [Reason::ProcessExited]);
    assert!(!assessment.faults[0].blocking);
    let rollout = assess(&two(World::reachable()));
    assert_eq!(doing(&rollout), Doing::Retrying, "in a rollout every pod counts");
}

fn bad_pod() -> crate::observe::facts::PodFact {
    let mut pod = serving("crm-panel-abc-2", 8);
    break_pod(&mut pod, waiting("CrashLoopBackOff", ""), Some(exit(1, "Error")));
    pod
}

#[test]
fn what_an_eviction_leaves_behind_does_not_outlive_it() {
    let mut left = serving("crm-panel-abc-0", 6);
    left.ready = false;
    left.disruption = Some("Evicted".to_owned());
    let replaced = World::healthy().with_pod(left.clone());
    let assessment = assess(&replaced);
    assert_eq!((doing(&assessment), reasons(&assessment)), (Doing::Ready, vec![]));
    let crashing = World::healthy().crashing(3).with_pod(left);
    assert_eq!(reasons(&assess(&crashing)), [Reason::ProcessExited]);
}

#[test]
fn what_is_not_decisive_must_last_before_it_counts_against_what_worked() {
    let slow = |since: i64| {
        World::healthy()
            .unready(Some(ReadinessLook::TimedOut))
            .pods(|pod| pod.ready_since = Some(at(since)))
    };
    let first = assess(&slow(NOW - 3));
    assert_eq!((doing(&first), reasons(&first)), (Doing::Ready, vec![]));
    assert_eq!(first.again, Some(7), "it is looked at again");
    let confirmed = assess(&slow(NOW - 10));
    assert_eq!(confirmed.phase, Phase::Ill(Reason::ProbeTimeout));
    let decisive = slow(NOW - 3).unready(Some(ReadinessLook::NotListening));
    assert_eq!(assess(&decisive).phase, Phase::Ill(Reason::NotListening));
}

#[test]
fn what_is_not_decisive_delays_a_first_rollout_and_blames_nobody_yet() {
    let mut world = World::reachable();
    world.probe.manifests[0].last_good = None;
    let mut world = world.public(LookError::TimedOut, None);
    world.probe.manifests[0].at = at(NOW - 3);
    let assessment = assess(&world);
    assert_eq!(
        (doing(&assessment), reasons(&assessment)),
        (Doing::Progressing, vec![])
    );
    assert_eq!(assessment.again, Some(7));
    let later = assess(&world.later(7));
    assert_eq!(reasons(&later), [Reason::PublicAddressUnreachable]);
}

#[test]
fn a_new_process_has_time_to_start() {
    let world = World::reachable()
        .unready(Some(ReadinessLook::NotListening))
        .pods(|pod| {
            pod.container.state = ContainerState::Running {
                since: Some(at(NOW - 10)),
            }
        });
    let assessment = assess(&world);
    assert_eq!(
        (doing(&assessment), reasons(&assessment)),
        (Doing::Progressing, vec![])
    );
    assert_eq!(assessment.again, Some(20));
}

#[test]
fn a_process_that_ends_again_and_again_is_blamed_while_it_starts_again_too() {
    for (code, why, reason) in [
        (3, "Error", Reason::ProcessExited),
        (0, "Completed", Reason::ProcessCompleted),
        (137, "OOMKilled", Reason::OutOfMemory),
    ] {
        let down = World::reachable()
            .container(waiting("CrashLoopBackOff", ""), Some(exit(code, why)))
            .reported();
        let up = down.clone().container(
            ContainerState::Running {
                since: Some(at(NOW - 2)),
            },
            Some(exit(code, why)),
        );
        assert_eq!(reasons(&assess(&down)), [reason]);
        assert_eq!(
            reasons(&assess(&up)),
            [reason],
            "a verdict that comes and goes with each start"
        );
        assert_eq!(assess(&down).faults, assess(&up).faults);
    }
}

#[test]
fn a_pod_that_comes_back_after_its_node_is_starting_and_nobody_is_blamed() {
    let world = World::healthy().container(
        ContainerState::Running {
            since: Some(at(NOW - 2)),
        },
        Some(exit(255, "Unknown")),
    );
    assert_eq!(reasons(&assess(&world)), []);
}

#[test]
fn what_the_core_has_to_hold_and_does_not_is_registered_again() {
    let mut facts = crate::observe::fixture::core_facts();
    let app = step(APPS[0], AppEdit::Present(URL.to_owned())).app;
    let fact = crate::core::facts::AppFact {
        urls: Vec::new(),
        at: at(START),
    };
    facts.apps.insert(app, fact);
    let world = World::healthy().core_facts(Some(facts)).step_became(
        step(APPS[0], AppEdit::Present(URL.to_owned())),
        StepState::Pending,
    );
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Progressing);
    assert_eq!(assessment.registrations[0].status.current, 1);
    assert!(matches!(assessment.registrations[0].state, State::Waiting { .. }));
}

#[test]
fn a_child_on_its_way_out_is_not_taken_for_the_one_that_follows() {
    for world in [
        World::healthy().deployment(|deployment| deployment.id.deleting = true),
        World::healthy().route(|route| route.id.deleting = true),
    ] {
        assert_eq!(doing(&assess(&world)), Doing::Progressing);
    }
}

#[test]
fn a_route_that_the_gateway_does_not_take_hides_what_lies_behind_it() {
    let world = World::healthy()
        .public(LookError::Refused, None)
        .route(|route| route.parents[0].accepted = Some(condition("False", "NoMatchingParent", "")));
    let assessment = assess(&world);
    assert_eq!(reasons(&assessment), [Reason::RouteNotAccepted]);
}

#[test]
fn the_deadline_of_the_spec_counts_before_that_of_the_operator() {
    let rolling = || World::just_applied().applied().reported();
    let asked = |deadline: &str| {
        let deadline = deadline.to_owned();
        rolling()
            .spec(|spec| {
                spec.rollout = Some(crate::api::plugin::Rollout {
                    deadline: Some(deadline),
                })
            })
            .reported()
    };
    let stalled =
        |world: World, after: i64| matches!(assess(&world.later(after)).phase, Phase::Stalled { .. });
    assert!(!stalled(rolling(), 239) && stalled(rolling(), 240));
    assert!(!stalled(asked("30s"), 29) && stalled(asked("30s"), 30));
    assert!(!stalled(asked("1h30m"), 5399) && stalled(asked("1h30m"), 5400));
}

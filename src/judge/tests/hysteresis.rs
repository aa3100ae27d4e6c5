//! When a verdict is told, and when it goes.

use super::{Doing, assess, doing, reasons};
use crate::api::fault::Confidence;
use crate::api::reason::Reason;
use crate::judge::Assessment;
use crate::observe::fixture::{NOW, at, exit, waiting};
use crate::observe::verdicts::Past;
use crate::observe::world::World;
use crate::probe::ReadinessLook;

/// The next look at a plugin: what was told and remembered stands.
fn next(before: &World, now: World) -> World {
    let mut now = now;
    now.verdicts = assess(before).verdicts;
    now.itself.before = before.clone().reported().itself.before;
    now
}

fn remembered(mut world: World, reason: Reason, past: Past) -> World {
    world.verdicts.generation = world.itself.generation;
    world.verdicts.past.insert(reason, past);
    world
}

fn past(decisive: bool, last: i64, returns: &[i64]) -> Past {
    Past {
        told: true,
        decisive,
        last: at(last),
        returns: returns.iter().map(|second| at(*second)).collect(),
    }
}

#[test]
fn what_decides_alone_is_told_and_cleared_by_the_first_observation() {
    let crash = World::healthy().crashing(3);
    assert_eq!(reasons(&assess(&crash)), [Reason::ProcessExited]);
    let back = next(&crash, World::healthy().later(1));
    assert_eq!(
        (doing(&assess(&back)), reasons(&assess(&back))),
        (Doing::Ready, vec![])
    );
}

#[test]
fn what_does_not_decide_alone_goes_when_the_thing_itself_is_seen_to_be_good() {
    let slow = World::healthy().unready(Some(ReadinessLook::TimedOut));
    assert_eq!(reasons(&assess(&slow)), [Reason::ProbeTimeout]);
    let back = next(&slow, World::healthy().later(1));
    assert_eq!(reasons(&assess(&back)), []);
}

#[test]
fn what_does_not_decide_alone_stays_for_a_minute_while_nothing_is_known_to_be_good() {
    let slow = World::healthy().unready(Some(ReadinessLook::TimedOut));
    let starting = |after: i64| {
        let world = World::healthy()
            .container(waiting("ContainerCreating", ""), None)
            .later(after);
        next(&slow, world)
    };
    let held = assess(&starting(20));
    assert_eq!(reasons(&held), [Reason::ProbeTimeout]);
    assert_eq!(held.again, Some(40));
    assert_eq!(reasons(&assess(&starting(60))), []);
}

#[test]
fn a_verdict_that_goes_for_another_one_of_the_same_thing_is_not_held() {
    let slow = World::healthy().unready(Some(ReadinessLook::TimedOut));
    let crash = next(&slow, World::healthy().crashing(3).later(5));
    assert_eq!(reasons(&assess(&crash)), [Reason::ProcessExited]);
}

#[test]
fn what_comes_and_goes_keeps_its_reason_with_less_confidence_and_says_so() {
    let returns = [NOW - 300, NOW - 200, NOW - 100];
    let crash = remembered(
        World::healthy().crashing(3),
        Reason::ProcessExited,
        past(true, NOW - 1, &returns),
    );
    let fault = assess(&crash).faults.remove(0);
    assert_eq!(
        (fault.reason, fault.confidence),
        (Reason::ProcessExited, Confidence::Medium)
    );
    assert_eq!(
        fault.contradicting,
        ["it comes and goes: it came back 3 times within ten minutes"]
    );
    let calm = |after: i64| -> Assessment {
        let known = World::healthy().crashing(3).reported();
        let mut world = World::healthy().later(after);
        world.itself.before = known.itself.before;
        assess(&remembered(
            world,
            Reason::ProcessExited,
            past(true, NOW, &returns),
        ))
    };
    assert_eq!(
        reasons(&calm(30)),
        [Reason::ProcessExited],
        "not before it is clean for a minute"
    );
    assert_eq!(calm(30).again, Some(30));
    assert_ne!(doing(&calm(30)), Doing::Ready);
    assert_eq!((doing(&calm(60)), reasons(&calm(60))), (Doing::Ready, vec![]));
}

#[test]
fn a_verdict_on_another_spec_is_not_held() {
    let slow = World::healthy().unready(Some(ReadinessLook::TimedOut));
    let world = World::healthy()
        .container(waiting("ContainerCreating", ""), None)
        .spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm:2".to_owned())
        .later(20);
    assert_eq!(reasons(&assess(&next(&slow, world))), []);
}

#[test]
fn restarts_of_one_crash_loop_are_one_verdict_and_not_a_flapping() {
    let mut world = World::healthy().crashing(3);
    for round in 1..20 {
        let up = World::healthy()
            .container(
                crate::observe::facts::ContainerState::Running {
                    since: Some(at(NOW + round * 20)),
                },
                Some(exit(3, "Error")),
            )
            .later(round * 20 + 2);
        world = next(&world, up);
        let assessment = assess(&world);
        assert_eq!(reasons(&assessment), [Reason::ProcessExited]);
        assert!(assessment.faults[0].contradicting.is_empty());
    }
}

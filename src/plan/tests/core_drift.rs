//! What becomes of a URL that somebody else takes out of an application.

use super::{plan_of, present};
use crate::api::plugin::{Drift as Mode, RegistrationState};
use crate::core::facts::{CoreStep, StepState};
use crate::judge::{assess, drift::told};
use crate::observe::fixture::{URL, core_facts};
use crate::observe::world::World;
use crate::plan::registrations::drift::Drifts;
use crate::report::status::compose;

fn step() -> CoreStep {
    present(URL).remove(0)
}

/// Somebody took the URL out of one application.
fn taken_out(world: World) -> World {
    world.step_became(step(), StepState::Drifted)
}

fn drifts(world: &World) -> Drifts {
    plan_of(world).core.unwrap().drifts
}

/// What `apply` remembers, and what the core's actor does, of a plan's decision.
fn carried_out(mut world: World) -> World {
    let drifts = drifts(&world);
    world.fights.extend(drifts.fights);
    for step in drifts.put_back {
        world = world.step_became(step, StepState::Done { changed: true });
    }
    world
}

fn report(world: World) -> World {
    world
        .spec(|spec| spec.drift = Some(Mode::Report))
        .applied()
        .reported()
}

#[test]
fn what_somebody_took_out_is_put_back_and_told() {
    assert_eq!(drifts(&World::healthy()), Drifts::default());
    let found = drifts(&taken_out(World::healthy()));
    assert_eq!(found.put_back, [step()]);
    let texts: Vec<String> = found.corrected.iter().map(ToString::to_string).collect();
    let app = step().app;
    let expected = format!(
        "application \"{}/{}\" was changed: configuration.manifest_urls",
        app.tenant, app.name
    );
    assert_eq!(texts, [expected]);
}

#[test]
fn after_the_third_time_within_an_hour_it_is_left_alone_and_then_tried_again() {
    let mut world = World::healthy();
    for _ in 0..3 {
        world = carried_out(taken_out(world).later(60));
    }
    let given_up = carried_out(taken_out(world.clone()).later(60));
    assert!(drifts(&given_up).put_back.is_empty());
    let (reason, message) = told(&assess(&given_up).drifted).unwrap();
    assert_eq!(reason, "DriftCorrectionStopped");
    assert!(message.contains(&step().app.name), "{message}");
    // It takes nothing from Ready, and is told by the numbers.
    let status = compose(&given_up, &assess(&given_up));
    let row = &status.registrations[0];
    assert_eq!(
        (row.current, row.desired, row.state),
        (1, 2, RegistrationState::Registered)
    );
    assert_eq!(row.reason.as_deref(), Some("Drifted"));
    assert!(status.fault.is_none());
    let ready = crate::api::condition::find(&status.conditions, crate::api::condition::ConditionType::Ready);
    assert_eq!(ready.unwrap().status, "True");
    // Its time is over.
    let again = given_up.clone().later(3601);
    assert_eq!(drifts(&again).put_back, [step()]);
    assert_eq!(drifts(&again).fights[&step().app].corrections.len(), 1);
    // Another spec is a new try.
    let edited = given_up.spec(|spec| spec.workload.as_mut().unwrap().replicas = 2);
    assert_eq!(drifts(&edited).put_back, [step()]);
    // What lies more than an hour back does not count.
    let spread = taken_out(world.later(3600));
    assert_eq!(drifts(&spread).put_back, [step()]);
}

#[test]
fn with_report_nothing_is_put_back_and_a_restart_changes_nothing() {
    let world = carried_out(taken_out(report(World::healthy())));
    assert!(drifts(&world).put_back.is_empty());
    let (reason, _) = told(&assess(&world).drifted).unwrap();
    assert_eq!(reason, "DriftReported");
    let mut world = world.reported();
    let status = world.itself.before.clone();
    assert_eq!(status.drift.len(), 1);
    // The next process remembers, and asks that it be looked at before it is written.
    let fights = crate::observe::drift_status::recalled(&status).applications;
    assert_eq!(fights, world.fights);
    let memory = world.memory.clone();
    world = world.restarted().core_facts(Some(core_facts()));
    (world.fights, world.memory) = (fights, memory);
    assert_eq!(
        compose(&world, &assess(&world)).registrations,
        status.registrations
    );
    let found = drifts(&world);
    assert_eq!(found.stood, present(URL).into_iter().collect());
    // Put back by whoever took it out, it is no drift any more.
    let peace = carried_out(world.outcome(StepState::Done { changed: false }));
    assert!(told(&assess(&peace).drifted).is_none());
    assert_eq!(compose(&peace, &assess(&peace)).registrations[0].current, 2);
}

#[test]
fn what_never_stood_is_written_without_a_question() {
    assert!(drifts(&World::reachable()).stood.is_empty());
    // While this process knows what became of its wishes, the status is no news.
    assert!(drifts(&World::healthy()).stood.is_empty());
}

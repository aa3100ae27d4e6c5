use super::told;
use crate::api::fault::{Confidence, Party};
use crate::api::plugin::WazoPluginStatus;
use crate::apply::Applied;
use crate::core::facts::StepState;
use crate::judge::assess;
use crate::observe::memory::{ChildKind, Drift};
use crate::observe::world::World;
use crate::report::events::{applied, deregistered, faults, transitions};
use crate::report::status::{deleting, suspended};

fn between(before: &World, after: &World) -> Vec<&'static str> {
    let notes = transitions(&told(before), &told(after));
    notes.into_iter().map(|note| note.reason).collect()
}

#[test]
fn what_stays_as_it_is_is_not_told() {
    for world in [
        World::just_applied(),
        World::healthy(),
        World::healthy().crashing(3),
        World::reachable().core_away(),
    ] {
        assert_eq!(between(&world, &world.clone().later(5)), [""; 0]);
    }
}

#[test]
fn a_registration_is_told_once_and_so_is_that_all_is_well() {
    let pending = World::reachable().outcome(StepState::Pending);
    assert_eq!(between(&World::reachable(), &pending), [""; 0]);
    assert_eq!(
        between(&pending, &World::reachable().registered()),
        ["Registered", "Ready"]
    );
    let moved = World::healthy()
        .spec(|spec| {
            let ui = spec.registrations.as_mut().unwrap().ui.as_mut().unwrap();
            ui[0].manifest = "/v2.json".to_owned();
        })
        .looked_at(crate::probe::Look::Good { warnings: Vec::new() }, None)
        .registered();
    assert_eq!(between(&World::healthy(), &moved), ["Registered"], "another URL");
}

#[test]
fn a_fault_is_told_when_it_comes_turns_or_goes() {
    let (well, crash, core) = (
        World::healthy(),
        World::healthy().crashing(3),
        World::healthy().core_away(),
    );
    assert_eq!(between(&well, &crash), ["FaultAttributed"]);
    assert_eq!(between(&crash, &well), ["FaultCleared", "Ready"]);
    assert_eq!(between(&well, &core), ["FaultAttributed"]);
    assert_eq!(
        between(&core, &well),
        ["FaultCleared"],
        "Ready was never taken away"
    );
    let both = World::healthy().crashing(3).core_away();
    assert_eq!(
        between(&crash, &both),
        ["FaultAttributed"],
        "another party: we changed our mind"
    );
    let fault = told(&crash).fault.unwrap();
    let note = faults((None, &[]), (Some(&fault), &[])).remove(0);
    assert!(note.warning);
    assert!(note.text.starts_with("Partner: ProcessExited: "), "{}", note.text);
    let mut elsewhere = fault.clone();
    elsewhere.party = Party::Unknown;
    assert_eq!(faults((Some(&fault), &[]), (Some(&elsewhere), &[])).len(), 1);
    let mut reworded = fault.clone();
    reworded.message = "in other words".to_owned();
    assert_eq!(faults((Some(&fault), &[]), (Some(&reworded), &[])), []);
}

#[test]
fn a_fault_that_is_not_told_of_any_more_since_nobody_looks_is_not_said_to_be_over() {
    let world = World::healthy().crashing(3).reported();
    let faulty = world.itself.before.clone();
    let cleared = |before: &WazoPluginStatus, after: &WazoPluginStatus| {
        let notes = transitions(before, after);
        notes.iter().any(|note| note.reason == "FaultCleared")
    };
    let paused = suspended(&world, false);
    assert!(faulty.fault.is_some() && paused.fault.is_none());
    assert!(!cleared(&faulty, &paused));
    let leaving = deleting(&world, &assess(&world));
    assert!(leaving.fault.is_none());
    assert!(!cleared(&faulty, &leaving));
    // What held a deletion up, and does no more, is over.
    let mut held = leaving.clone();
    held.fault = faulty.fault.clone();
    assert!(cleared(&held, &leaving));
    let healthy = told(&World::healthy());
    assert!(cleared(&faulty, &healthy));
}

#[test]
fn an_event_about_a_fault_bears_its_party_and_confidence_and_no_other_does() {
    let (well, crash) = (told(&World::healthy()), told(&World::healthy().crashing(3)));
    for (before, after) in [(&well, &crash), (&crash, &well)] {
        for note in transitions(before, after) {
            let of_a_fault = note.reason.starts_with("Fault");
            let attribution = of_a_fault.then_some((Party::Partner, Confidence::High));
            assert_eq!(note.attribution, attribution, "{}", note.reason);
        }
    }
}

#[test]
fn what_was_applied_or_put_back_is_told() {
    assert_eq!(applied(&Applied::default()), []);
    let made = Applied {
        created: vec![ChildKind::ServiceAccount, ChildKind::Deployment],
        changed: vec![ChildKind::Service],
        ..Applied::default()
    };
    let notes = applied(&made);
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].reason, notes[0].warning), ("Applied", false));
    assert_eq!(notes[0].text, "applied ServiceAccount, Deployment, Service");
    let drift = Applied {
        corrected: vec![Drift {
            kind: "HTTPRoute".into(),
            name: "crm".to_owned(),
            fields: vec!["spec.hostnames".to_owned()],
            by: Some("kubectl-edit".to_owned()),
            stopped: None,
        }],
        ..Applied::default()
    };
    let notes = applied(&drift);
    assert_eq!((notes.len(), notes[0].reason), (1, "DriftCorrected"));
    assert_eq!(
        notes[0].text,
        "HTTPRoute \"crm\" was changed by kubectl-edit: spec.hostnames; it was put back"
    );
}

#[test]
fn the_last_event_says_what_may_be_left_behind() {
    let status = told(&World::healthy());
    assert_eq!(deregistered(&status, false).reason, "Deregistered");
    let note = deregistered(&status, true);
    assert_eq!((note.reason, note.warning), ("RegistrationsAbandoned", true));
    assert!(note.text.contains(crate::observe::fixture::URL));
}

//! From the URL of a manifest to the core and back: in this order, and through every death in between.

use super::{absent, did, ledger, plan_of, present, steps, with_metadata};
use crate::api::names::FINALIZER;
use crate::api::plugin::{DeletionPolicy, RegistrationState, Verify};
use crate::core::facts::StepState;
use crate::observe::fixture::{URL, pending_core_facts};
use crate::observe::ledger::Ledger;
use crate::observe::world::World;
use crate::probe::{Look, LookError};

const NEW: &str = "https://crm.example/v2.json";

fn good() -> Look {
    Look::Good { warnings: Vec::new() }
}

#[test]
fn the_ledger_holds_a_url_before_the_core_may() {
    let world = World::reachable();
    let plan = plan_of(&world);
    assert_eq!(ledger(&plan), Some(vec![URL.to_owned()]));
    assert!(!plan.metadata.as_ref().unwrap().release);
    let next = plan_of(&with_metadata(world, &plan));
    assert_eq!(next.metadata, None);
    assert_eq!(steps(&next), present(URL));
}

#[test]
fn nothing_is_wished_for_before_the_manifest_was_seen_to_be_good() {
    let mut unseen = World::reachable();
    unseen.probe.manifests.clear();
    let of_old_pods = {
        let mut world = World::reachable();
        world.probe.manifests[0].revision = "old".to_owned();
        world
    };
    let of_old_url = {
        let mut world = World::reachable();
        world.probe.manifests[0].url = NEW.parse().unwrap();
        world
    };
    let mut off = World::reachable();
    off.children.route.as_mut().unwrap().parents.clear();
    for world in [
        unseen,
        World::reachable().public(LookError::NotFound, None),
        of_old_pods,
        of_old_url,
        off,
    ] {
        let plan = plan_of(&world);
        assert!(steps(&plan).is_empty());
        assert_eq!(plan.metadata, None);
    }
}

#[test]
fn without_verification_a_rolled_out_workload_is_enough() {
    let unverified = |world: World| {
        let mut world = world.spec(|spec| spec.expose.as_mut().unwrap().verify = Some(Verify::None));
        world.probe.manifests.clear();
        world.applied()
    };
    assert!(plan_of(&unverified(World::reachable())).metadata.is_some());
    let crashing = plan_of(&unverified(World::reachable()).crashing(3));
    assert_eq!((crashing.metadata, crashing.probes.len()), (None, 0));
}

#[test]
fn what_is_registered_stays_wished_for_while_the_plugin_is_ill() {
    let invalid = || LookError::Invalid(Vec::new());
    for world in [
        World::healthy().crashing(3),
        World::healthy().public(invalid(), Some(Look::Bad(invalid()))),
        World::healthy().core_away(),
        World::healthy().outcome(StepState::Pending),
    ] {
        let plan = plan_of(&world);
        assert_eq!((plan.metadata.clone(), steps(&plan)), (None, present(URL)));
    }
}

#[test]
fn what_the_status_says_to_be_registered_finds_its_way_back_into_a_lost_ledger() {
    let mut world = World::healthy().crashing(3);
    world.itself.ledger = Ledger::default();
    assert_eq!(ledger(&plan_of(&world)), Some(vec![URL.to_owned()]));
}

#[test]
fn an_old_url_goes_when_the_new_one_is_read_back_and_then_leaves_the_ledger() {
    let world = World::healthy().spec(|spec| {
        spec.registrations.as_mut().unwrap().ui.as_mut().unwrap()[0].manifest = "/v2.json".to_owned();
    });
    let world = world.applied();
    let plan = plan_of(&world);
    assert_eq!(
        (plan.metadata.clone(), steps(&plan)),
        (None, vec![]),
        "not verified yet"
    );
    let world = world.looked_at(good(), None);
    let plan = plan_of(&world);
    assert_eq!(ledger(&plan), Some(vec![URL.to_owned(), NEW.to_owned()]));
    let world = with_metadata(world, &plan);
    assert_eq!(steps(&plan_of(&world)), present(NEW));
    let half = did(world.clone(), present(NEW)[..1].to_vec());
    assert_eq!(
        steps(&plan_of(&half)),
        present(NEW),
        "one application does not have it yet"
    );
    let world = did(world, present(NEW));
    let plan = plan_of(&world);
    assert_eq!(steps(&plan), [present(NEW), absent(URL)].concat());
    assert_eq!(
        plan.metadata, None,
        "it stays in the ledger until it is read to be gone"
    );
    let world = did(world, absent(URL));
    let plan = plan_of(&world);
    assert_eq!(ledger(&plan), Some(vec![NEW.to_owned()]));
    let world = with_metadata(world, &plan);
    let plan = plan_of(&world);
    assert_eq!((plan.metadata.clone(), steps(&plan)), (None, present(NEW)));
}

#[test]
fn a_url_that_comes_back_is_wished_for_and_the_other_one_goes() {
    let world = World::healthy().in_ledger(NEW);
    assert_eq!(steps(&plan_of(&world)), [present(URL), absent(NEW)].concat());
}

#[test]
fn an_entry_that_is_gone_from_the_spec_goes_from_the_core() {
    let mut world = World::healthy().spec(|spec| spec.registrations = None).applied();
    world.probe.manifests.clear();
    let plan = plan_of(&world);
    assert_eq!((plan.metadata.clone(), steps(&plan)), (None, absent(URL)));
    let plan = plan_of(&did(world, absent(URL)));
    assert_eq!(ledger(&plan), Some(vec![]));
}

#[test]
fn a_url_that_another_entry_still_needs_in_the_same_application_is_not_taken_out() {
    // App and Mobile share an application; the Mobile entry goes, the App entry keeps the URL.
    let mut world = World::healthy();
    let core = world.core.as_mut().unwrap();
    let mut entry = core.entry.as_ref().clone();
    let apps = serde_json::json!({"app": crate::observe::fixture::APPS, "mobile": [crate::observe::fixture::APPS[0]]});
    entry.spec.as_mut().unwrap().ui =
        Some(serde_json::from_value(serde_json::json!({"applications": apps})).unwrap());
    core.entry = std::sync::Arc::new(entry);
    world
        .itself
        .ledger
        .ui
        .insert(crate::observe::ledger::LedgerEntry {
            product: crate::api::ui_manifest::Product::Mobile,
            url: URL.parse().unwrap(),
        });
    let plan = plan_of(&world);
    assert_eq!(steps(&plan), present(URL));
    assert_eq!(
        ledger(&plan),
        Some(vec![URL.to_owned()]),
        "nothing of the Mobile entry is left"
    );
}

#[test]
fn without_a_core_or_before_its_first_answer_nothing_is_said_to_it_and_nothing_forgotten() {
    for world in [
        World::healthy().without_core(),
        World::healthy().core_facts(None),
        World::healthy().core_facts(Some(pending_core_facts())),
    ] {
        let plan = plan_of(&world);
        assert!(plan.core.is_none() && plan.metadata.is_none());
    }
}

#[test]
fn a_core_whose_spec_cannot_be_read_is_not_one_that_holds_nothing() {
    let unreadable = |mut world: World| {
        let core = world.core.as_mut().unwrap();
        let mut entry = core.entry.as_ref().clone();
        entry.spec = None;
        core.entry = std::sync::Arc::new(entry);
        world
    };
    let world = unreadable(World::healthy().in_ledger(NEW));
    let plan = plan_of(&world);
    assert!(plan.core.is_none() && plan.metadata.is_none(), "the ledger stays");
    assert_eq!(
        plan_of(&world.deleted()).metadata,
        None,
        "and so does the finalizer"
    );
}

#[test]
fn the_finalizer_goes_when_everything_in_the_ledger_is_read_to_be_gone() {
    let world = World::healthy().in_ledger(NEW).deleted();
    let plan = plan_of(&world);
    assert_eq!(steps(&plan), [absent(URL), absent(NEW)].concat());
    assert!(plan.metadata.is_none() && plan.children.is_empty() && plan.probes.is_empty());
    let half = did(world.clone(), absent(URL));
    assert_eq!(plan_of(&half).metadata, None);
    let refused = half.step_became(absent(NEW).remove(0), StepState::Refused("a number".to_owned()));
    assert_eq!(plan_of(&refused).metadata, None);
    let plan = plan_of(&did(refused, absent(NEW)));
    let change = plan.metadata.unwrap();
    assert!(change.release && !change.finalizers.iter().any(|name| name == FINALIZER));
}

#[test]
fn what_another_plugin_declares_too_is_left_to_it() {
    let deleted = plan_of(&World::healthy().shared(URL).deleted());
    assert!(deleted.metadata.unwrap().release && deleted.core.is_none());
    let moved = plan_of(&World::healthy().in_ledger(NEW).shared(NEW));
    assert_eq!(
        (ledger(&moved), steps(&moved)),
        (Some(vec![URL.to_owned()]), present(URL))
    );
    let declared = plan_of(&World::healthy().shared(URL));
    assert_eq!(
        (declared.metadata.clone(), steps(&declared)),
        (None, present(URL))
    );
}

#[test]
fn what_the_status_says_to_be_registered_is_taken_out_even_if_the_ledger_was_lost() {
    let mut world = World::healthy().deleted();
    world.itself.ledger = Ledger::default();
    let plan = plan_of(&world);
    assert_eq!((plan.metadata.clone(), steps(&plan)), (None, absent(URL)));
}

#[test]
fn a_plugin_that_was_never_registered_goes_without_asking_the_core() {
    for before in [RegistrationState::Pending, RegistrationState::Held] {
        let mut world = World::reachable().core_facts(None).reported().deleted();
        world.itself.before.registrations[0].state = before;
        assert!(plan_of(&world).metadata.unwrap().release);
    }
}

#[test]
fn a_deletion_waits_for_a_core_that_is_away_missing_or_silent() {
    for world in [
        World::healthy().without_core(),
        World::healthy().core_facts(None),
        World::healthy().core_away().outcome(StepState::Pending),
    ] {
        assert_eq!(plan_of(&world.deleted()).metadata, None);
    }
}

#[test]
fn retained_or_abandoned_registrations_stay_and_the_object_goes() {
    let retained = World::healthy().spec(|spec| spec.deletion_policy = Some(DeletionPolicy::Retain));
    let mut abandoned = World::healthy().without_core();
    abandoned.itself.abandon = true;
    for world in [retained, abandoned] {
        let plan = plan_of(&world.deleted());
        assert!(plan.metadata.unwrap().release && plan.core.is_none());
    }
    let mut alive = World::healthy();
    alive.itself.abandon = true;
    assert_eq!(
        steps(&plan_of(&alive)),
        present(URL),
        "the annotation speaks of a deletion alone"
    );
}

#[test]
fn an_object_that_is_not_understood_is_deregistered_by_its_ledger() {
    let world = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().image = String::new())
        .deleted();
    let plan = plan_of(&world);
    assert_eq!((plan.metadata.clone(), steps(&plan)), (None, absent(URL)));
}

#[test]
fn a_deletion_waits_while_it_is_not_known_whose_else_a_url_is() {
    let mut world = World::healthy().deleted();
    world.shared.wait_anywhere(URL);
    let plan = plan_of(&world);
    assert!(plan.metadata.is_none() && steps(&plan).is_empty());
    world.shared = Default::default();
    assert_eq!(steps(&plan_of(&world)), absent(URL));
}

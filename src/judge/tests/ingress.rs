use crate::api::fault::{Confidence, Party};
use crate::api::reason::Reason;
use crate::judge::assess;
use crate::judge::state::State;
use crate::observe::facts::IngressFact;
use crate::observe::fixture::{NOW, at};
use crate::observe::memory::ChildKind;
use crate::observe::world::{IngressClassView, World};
use crate::probe::{Look, LookError};

/// Just made by the operator, so many seconds ago; nothing was reported yet.
fn young(age: i64, edit: impl FnOnce(&mut IngressFact)) -> World {
    let mut world = World::reachable().with_ingress();
    let ingress = world.children.ingress.as_mut().unwrap();
    ingress.created = Some(at(NOW - age));
    edit(ingress);
    world
}

fn unpublished(ingress: &mut IngressFact) {
    ingress.addresses.clear();
    ingress.published = false;
}

fn away() -> Look {
    Look::Bad(LookError::NotResolving)
}

#[test]
fn an_ingress_with_an_address_is_a_way_to_the_plugin() {
    let world = World::healthy().with_ingress().reported();
    let assessment = assess(&world);
    assert!(
        assessment.route.is_good() && assessment.faults.is_empty(),
        "{assessment:#?}"
    );
    let by_name = young(10, |ingress| ingress.addresses.clear());
    assert!(assess(&by_name).route.is_good(), "published by name");
}

#[test]
fn a_controller_has_a_minute_to_publish_an_address_and_then_the_cluster_is_asked() {
    let waiting = assess(&young(10, unpublished).looked_at(away(), None));
    assert!(
        matches!(&waiting.route, State::Waiting { reason, .. } if *reason == "IngressPending"),
        "{:?}",
        waiting.route
    );
    assert!(waiting.faults.is_empty());
    let late = young(61, unpublished).looked_at(away(), None);
    let confirming = assess(&late);
    assert!(confirming.faults.is_empty(), "{:?}", confirming.faults);
    let mut reported = late.reported();
    reported.itself.before.fault = None;
    let world = reported.later(60);
    // First seen longer ago than it takes to believe it.
    let fault = {
        let mut candidate = world.clone();
        candidate.itself.before.fault =
            Some(crate::judge::candidate::Candidate::new(Reason::IngressNotServed, at(NOW), "").fault);
        assess(&candidate).faults.remove(0)
    };
    assert_eq!(
        (fault.party, fault.reason),
        (Party::Cluster, Reason::IngressNotServed)
    );
    assert_eq!(
        fault.confidence,
        Confidence::Medium,
        "some controllers never publish one"
    );
}

#[test]
fn what_the_public_address_answers_counts_for_more_than_an_empty_status() {
    let world = young(600, unpublished);
    assert!(assess(&world).route.is_good(), "{:?}", assess(&world).route);
    let restarted = World::healthy().with_ingress().reported();
    let mut restarted = restarted.restarted();
    unpublished(restarted.children.ingress.as_mut().unwrap());
    assert!(
        assess(&restarted).route.is_good(),
        "what was true before the restart goes on to hold"
    );
}

#[test]
fn a_class_that_is_not_there_is_named_by_its_field() {
    let mut world = young(5, unpublished);
    world.ingress_class = IngressClassView::NotFound;
    let fault = assess(&world).faults.remove(0);
    assert_eq!(
        (fault.party, fault.reason),
        (Party::Config, Reason::IngressClassNotFound)
    );
    let object = fault.object.unwrap();
    assert_eq!(
        object.field_path.as_deref(),
        Some("spec.expose.ingress.className")
    );
    assert!(fault.message.contains("\"nginx\""), "{}", fault.message);
}

#[test]
fn no_class_and_no_default_is_a_fault_only_where_nobody_serves_the_ingress() {
    let no_class = |world: World| {
        let mut world = world.spec(|spec| {
            let ingress = spec.expose.as_mut().unwrap().ingress.as_mut().unwrap();
            ingress.class_name = None;
        });
        world.itself.generation -= 1;
        world.ingress_class = IngressClassView::NoDefault;
        world.children.ingress.as_mut().unwrap().class = None;
        world
    };
    assert!(assess(&no_class(young(600, |_| {}))).route.is_good());
    let alone = no_class(young(600, unpublished)).looked_at(away(), None);
    assert_eq!(assess(&alone).faults[0].reason, Reason::IngressClassNotFound);
}

#[test]
fn an_ingress_that_the_api_server_refuses_is_told_with_its_words() {
    let world = young(5, unpublished).refused(ChildKind::Ingress, Reason::PolicyDenied);
    assert_eq!(assess(&world).faults[0].reason, Reason::PolicyDenied);
}

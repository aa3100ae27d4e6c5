//! What those that share something with a plugin do to the confidence, and what they never do.

use super::{assess, verdicts};
use crate::api::fault::{Confidence, Fault, Layer, Party};
use crate::api::reason::Reason;
use crate::judge::reckon;
use crate::observe::neighbours::{Count, Standing};
use crate::observe::world::World;
use crate::probe::ReadinessLook;

fn standing(layer: Layer, well: usize, ill: usize) -> Standing {
    let count = |number| Count {
        plugins: number,
        namespaces: number,
    };
    Standing {
        well: count(well),
        ill: [(layer, count(ill))].into(),
    }
}

fn pull(well: usize, ill: usize) -> World {
    let mut world = World::reachable().waiting("ErrImagePull", "dial tcp 10.0.0.9:443: i/o timeout");
    world.neighbours.registry = standing(Layer::Image, well, ill);
    world
}

fn slow(well: usize, ill: usize) -> World {
    let mut world = World::healthy().unready(Some(ReadinessLook::TimedOut));
    let node = ("node-1".to_owned(), standing(Layer::Probe, well, ill));
    world.neighbours.nodes = [node].into();
    world
}

fn fault(world: &World) -> Fault {
    assess(world).faults.remove(0)
}

#[test]
fn three_namespaces_that_fail_to_pull_alike_make_it_sure_that_it_is_not_the_plugin() {
    let alone = fault(&pull(0, 0));
    assert_eq!(
        (alone.party, alone.confidence),
        (Party::Cluster, Confidence::Medium)
    );
    let many = fault(&pull(1, 2));
    assert_eq!((many.party, many.confidence), (Party::Cluster, Confidence::High));
    let said = many.evidence.last().unwrap();
    assert_eq!(
        (said.vantage.as_str(), said.observed.as_str()),
        (
            "neighbours",
            "plugins of 3 of 4 namespaces with the same registry fail at the same layer"
        )
    );
}

#[test]
fn one_plugin_alone_that_cannot_reach_a_registry_which_others_reach_blames_nobody() {
    let alone = fault(&pull(2, 0));
    assert_eq!((alone.party, alone.confidence), (Party::Unknown, Confidence::Low));
    let suspected = alone.suspected.unwrap();
    assert_eq!(
        (suspected.party, suspected.reason),
        (Party::Cluster, Reason::RegistryUnreachable)
    );
    assert!(alone.contradicting[0].starts_with("other plugins do well"));
}

#[test]
fn a_partner_is_not_blamed_where_all_plugins_of_the_node_are_too_slow() {
    assert_eq!(fault(&slow(0, 0)).party, Party::Partner);
    let many = fault(&slow(0, 2));
    assert_eq!((many.party, many.confidence), (Party::Unknown, Confidence::Low));
    let alone = fault(&slow(3, 0));
    assert_eq!(
        (alone.party, alone.confidence),
        (Party::Partner, Confidence::Medium),
        "neighbours convict nobody"
    );
}

#[test]
fn what_decides_alone_is_doubted_and_goes_on_to_count_where_many_fail_alike() {
    let mut world = World::healthy().crashing(3);
    let node = ("node-1".to_owned(), standing(Layer::Container, 0, 4));
    world.neighbours.nodes = [node].into();
    let crash = fault(&world);
    assert_eq!(
        (crash.party, crash.confidence),
        (Party::Partner, Confidence::Medium)
    );
    world.neighbours.nodes = [("node-1".to_owned(), standing(Layer::Container, 4, 0))].into();
    assert_eq!(fault(&world).confidence, Confidence::High);
}

#[test]
fn the_same_neighbours_seen_again_are_no_second_voice() {
    let once = pull(1, 2).reported();
    let again = once.clone().later(600).reported();
    assert_eq!(once.itself.before.fault, again.itself.before.fault);
    let slow = slow(0, 2).reported();
    let later = slow.clone().later(600).reported();
    assert_eq!(slow.itself.before.fault, later.itself.before.fault);
}

#[test]
fn a_process_that_may_have_died_of_the_core_is_not_convicted_by_neighbours_that_live() {
    let mut world = World::healthy().core_away().crashing(3);
    world.neighbours.nodes = [("node-1".to_owned(), standing(Layer::Container, 9, 0))].into();
    assert_eq!(
        (fault(&world).party, fault(&world).confidence),
        (Party::Unknown, Confidence::Low)
    );
}

#[test]
fn a_reckoning_says_what_each_step_did() {
    let invalid = || crate::probe::LookError::Invalid(Vec::new());
    let world = pull(2, 0).public(invalid(), Some(crate::probe::Look::Bad(invalid())));
    let reckoning = reckon(&world);
    assert_eq!(reckoning.candidates.len(), 1);
    assert_eq!(reckoning.adjustments.len(), 1);
    assert_eq!(
        (reckoning.adjustments[0].from, reckoning.adjustments[0].to),
        (Confidence::Medium, Confidence::Low)
    );
    assert_eq!(reckoning.threshold[0].party, Party::Cluster);
    assert_eq!(reckoning.verdicts, assess(&world).faults);
    let text = reckoning.to_string();
    for part in [
        "#0 Cluster · RegistryUnreachable (Medium) at Image, must last",
        "#0 Medium → Low by Neighbours",
        "#0 does not blame Cluster",
        "#0 is told",
        "Unknown · RegistryUnreachable (Low)",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let json = serde_json::to_value(&reckoning).unwrap();
    assert_eq!(json["verdicts"][0]["party"], "Unknown");
    assert_eq!(verdicts(&assess(&world)).len(), 1);
}

#[test]
fn an_image_that_fails_alike_elsewhere_fails_by_itself() {
    let mut world = slow(0, 0);
    world.neighbours.image = standing(Layer::Probe, 0, 1);
    let told = fault(&world);
    assert_eq!((told.party, told.confidence), (Party::Partner, Confidence::High));
    assert_eq!(
        told.evidence.last().unwrap().observed,
        "the same image fails at the same layer in 1 other namespaces"
    );
}

#[test]
fn what_changed_right_before_is_told_and_convicts_nobody() {
    let mut world = World::healthy().crashing(3);
    let began = fault(&world).since.0;
    world.changes.image = began.checked_sub(jiff::SignedDuration::from_secs(40)).ok();
    let told = fault(&world);
    let said = told.evidence.last().unwrap();
    assert_eq!(
        (said.vantage.as_str(), said.observed.as_str()),
        ("change", "the image changed 40 s before it began")
    );
    world.changes.image = began.checked_sub(jiff::SignedDuration::from_secs(400)).ok();
    let evidence = fault(&world).evidence;
    assert!(
        evidence.iter().all(|said| said.vantage != "change"),
        "that was long before"
    );
}

#[test]
fn what_the_gateway_answers_convicts_no_partner() {
    let status = crate::probe::LookError::Status {
        code: 500,
        from_html: true,
    };
    let told = fault(&World::healthy().public(status, None));
    assert_eq!((told.party, told.confidence), (Party::Unknown, Confidence::Low));
    assert_eq!(told.suspected.unwrap().party, Party::Partner);
    assert_eq!(told.contradicting, ["nothing was seen of the container itself"]);
}

#[test]
fn pods_of_one_revision_that_run_different_images_degrade_the_plugin() {
    let mut other = crate::observe::fixture::serving("crm-panel-abc-2", 8);
    other.container.image_id = Some("registry.example/crm-panel@sha256:ff".to_owned());
    let world = World::healthy()
        .deployment(|deployment| {
            deployment.desired = 2;
            deployment.replicas = 2;
            deployment.updated = 2;
            deployment.ready = 2;
            deployment.available = 2;
        })
        .with_pod(other);
    let told = fault(&world);
    assert_eq!(
        (told.party, told.reason, told.confidence, told.blocking),
        (Party::Partner, Reason::TagMoved, Confidence::Medium, false)
    );
    let mut world = world;
    let mut capacity = crate::observe::surroundings::CapacityFact::default();
    capacity.architectures.insert("amd64".to_owned());
    world.surroundings.capacity = Some(capacity);
    assert_eq!(fault(&world).confidence, Confidence::High);
    let mirrored = world.pods(|pod| pod.container.image_id = Some(format!("{}/x@sha256:0f", pod.name)));
    assert!(assess(&mirrored).faults.is_empty());
}

//! What a revision came with: the image, the spec, or nothing that worked before it.

use super::super::assess;
use super::verdicts;
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::observe::facts::ContainerState;
use crate::observe::fixture::{NOW, at, break_pod, exit, serving, waiting};
use crate::observe::world::World;
use crate::probe::ReadinessLook;
use Confidence::{High, Medium};
use Party::{Config, Partner};

const DIGEST: &str = "registry.example/crm-panel@sha256:0f";

/// The spec was edited a minute and a half ago; a pod of the revision before it serves, those of the new one fail.
fn edited(break_new: impl Fn(World) -> World) -> World {
    let mut world = break_new(World::healthy().reported().spec(|_| {}));
    let made = NOW - 90;
    for pod in world.children.pods.values_mut() {
        pod.created = Some(at(made));
        pod.container.image_id = Some(DIGEST.to_owned());
    }
    let mut old = serving("crm-panel-old", 99);
    old.revision = "old".to_owned();
    old.container.image_id = Some(DIGEST.to_owned());
    world.children.pods.insert(old.name.clone(), old);
    world.changes.spec = Some(at(made));
    world
}

fn unready(look: ReadinessLook) -> impl Fn(World) -> World {
    move |world| world.unready(Some(look))
}

fn told(world: &World) -> (Party, Layer, Reason, Confidence) {
    let (party, layer, reason, confidence, _) = verdicts(&assess(world))[0];
    (party, layer, reason, confidence)
}

fn field(world: &World) -> Option<String> {
    let assessment = assess(world);
    assessment.faults[0].object.clone()?.field_path
}

#[test]
fn what_fails_with_another_spec_and_the_same_image_is_the_specs_fault() {
    let exits = |world: World| world.container(waiting("CrashLoopBackOff", ""), Some(exit(2, "Error")));
    let not_listening = edited(unready(ReadinessLook::NotListening));
    assert_eq!(
        told(&not_listening),
        (Config, Layer::Probe, Reason::NotListening, High)
    );
    assert_eq!(field(&not_listening).as_deref(), Some("spec.workload.port"));
    let not_there = edited(unready(ReadinessLook::Status(404)));
    assert_eq!(
        told(&not_there),
        (Config, Layer::Probe, Reason::ReportsUnhealthy, High)
    );
    assert_eq!(field(&not_there).as_deref(), Some("spec.workload.readiness.path"));
    let exited = edited(exits);
    assert_eq!(
        told(&exited),
        (Partner, Layer::Container, Reason::ProcessExited, High),
        "how a process ends is its own word"
    );
    let asked = |world: World| {
        exits(world.spec(|spec| spec.workload.as_mut().unwrap().args = Some(vec!["--nowhere".to_owned()])))
    };
    assert_eq!(
        told(&edited(asked)),
        (Config, Layer::Container, Reason::ProcessExited, High)
    );
}

#[test]
fn it_is_told_with_less_confidence_when_the_pods_before_are_gone() {
    let mut world = edited(unready(ReadinessLook::NotListening));
    world.children.pods.remove("crm-panel-old");
    world.changes.worked = Some(DIGEST.to_owned());
    assert_eq!(told(&world), (Config, Layer::Probe, Reason::NotListening, Medium));
}

#[test]
fn what_fails_with_another_image_is_the_images_fault_whatever_else_was_edited() {
    let mut world = edited(unready(ReadinessLook::NotListening));
    for pod in world
        .children
        .pods
        .values_mut()
        .filter(|pod| pod.revision != "old")
    {
        pod.container.image_id = Some("registry.example/crm-panel@sha256:ff".to_owned());
    }
    world.changes.image = Some(at(NOW - 80));
    assert_eq!(told(&world), (Partner, Layer::Probe, Reason::NotListening, High));
}

#[test]
fn a_revision_that_the_operator_made_by_itself_blames_no_edit() {
    let mut world = edited(unready(ReadinessLook::NotListening));
    world.changes.spec = Some(at(NOW - 10));
    assert_ne!(told(&world).0, Config, "the pods are older than the edit");
}

#[test]
fn what_never_worked_and_listens_elsewhere_was_asked_for_wrongly() {
    let first = |look| World::healthy().spec(|_| {}).unready(Some(look));
    let elsewhere = first(ReadinessLook::ListensElsewhere(8000));
    assert_eq!(
        told(&elsewhere),
        (Config, Layer::Probe, Reason::NotListening, Medium)
    );
    let nowhere = first(ReadinessLook::NotListening);
    assert_eq!(
        told(&nowhere),
        (Partner, Layer::Probe, Reason::NotListening, Medium)
    );
    let not_there = first(ReadinessLook::Status(404));
    assert_eq!(
        told(&not_there),
        (Config, Layer::Probe, Reason::ReportsUnhealthy, Medium)
    );
    let broken = first(ReadinessLook::Status(500));
    assert_eq!(
        told(&broken),
        (Partner, Layer::Probe, Reason::ReportsUnhealthy, High)
    );
    let proxied = elsewhere.pods(|pod| pod.sidecars = true);
    assert_eq!(told(&proxied).0, Partner, "a proxy may be what listens there");
}

#[test]
fn what_worked_and_listens_elsewhere_now_changed_by_itself() {
    let world = World::healthy()
        .reported()
        .unready(Some(ReadinessLook::ListensElsewhere(8000)));
    assert_eq!(told(&world), (Partner, Layer::Probe, Reason::NotListening, High));
}

#[test]
fn a_pod_that_cannot_start_yet_blames_nobody_for_the_edit() {
    let mut world = edited(|world| world);
    for pod in world
        .children
        .pods
        .values_mut()
        .filter(|pod| pod.revision != "old")
    {
        break_pod(
            pod,
            ContainerState::Running {
                since: Some(at(NOW - 5)),
            },
            None,
        );
    }
    assert!(assess(&world).faults.is_empty());
}

/// The edit's pods became ready, and the pods before them are gone.
fn in_force_since_an_edit() -> World {
    let mut world = edited(|world| world.reported());
    world.children.pods.remove("crm-panel-old");
    world.changes.worked = Some(DIGEST.to_owned());
    world
}

#[test]
fn an_edit_is_blamed_for_what_its_pods_do_soon_after_they_were_ready_and_not_much_later() {
    let crashes = unready(ReadinessLook::NotListening);
    let soon = crashes(in_force_since_an_edit());
    assert_eq!(told(&soon), (Config, Layer::Probe, Reason::NotListening, Medium));
    let goes_on = soon.reported().later(3600);
    assert_eq!(told(&goes_on).0, Config, "it began soon after");
    let mut late = in_force_since_an_edit();
    late.changes.spec = Some(at(NOW - 3600));
    let late = crashes(late);
    assert_eq!(told(&late), (Partner, Layer::Probe, Reason::NotListening, High));
}

#[test]
fn another_process_goes_on_to_blame_the_edit() {
    let mut world = edited(unready(ReadinessLook::NotListening)).reported();
    world.children.pods.remove("crm-panel-old");
    world.changes = Default::default();
    world.changes.spec = Some(at(NOW - 90));
    assert_eq!(told(&world).0, Config);
}

#[test]
fn pods_that_were_there_before_the_edit_have_nothing_of_it() {
    let mut world = in_force_since_an_edit();
    for pod in world.children.pods.values_mut() {
        pod.created = Some(at(NOW - 500));
    }
    let world = world.container(waiting("CrashLoopBackOff", ""), Some(exit(2, "Error")));
    assert_eq!(told(&world).0, Partner);
}

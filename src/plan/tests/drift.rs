//! What becomes of a child that somebody else changed or deleted.

use serde_json::json;

use crate::api::plugin::Drift as Mode;
use crate::judge::{assess, drift::told};
use crate::observe::fields::Ownership;
use crate::observe::memory::{ChildKind, Drift};
use crate::observe::world::World;
use crate::plan::children::{How, Want, all};
use crate::plan::drift::agrees;

const IMAGE: &str = "spec/template/f:spec/containers/plugin/image";

fn want(world: &World, kind: ChildKind) -> Want {
    let wants = all(world, world.itself.plugin.as_ref().unwrap());
    wants.into_iter().find(|want| want.kind == kind).unwrap()
}

fn how(world: &World) -> How {
    want(world, ChildKind::Deployment).how
}

/// Somebody else set the image of the Deployment.
fn edited(mut world: World) -> World {
    let applied = want(&world, ChildKind::Deployment).object;
    let deployment = world.children.deployment.as_mut().unwrap();
    deployment.id.generation += 1;
    deployment.id.fields = Ownership::after_apply(&applied, &[IMAGE], "kubectl-edit");
    world
}

fn drift() -> Drift {
    Drift {
        kind: "Deployment".into(),
        name: "crm-panel".to_owned(),
        fields: vec!["spec.template.spec.containers[name=plugin].image".to_owned()],
        by: Some("kubectl-edit".to_owned()),
        stopped: None,
    }
}

fn put_back() -> How {
    How::PutBack {
        uid: "uid-of-deployments".to_owned(),
        drift: drift(),
    }
}

/// What `apply` remembers of a plan's decision.
fn remembered(mut world: World) -> World {
    let memory = world.memory.get_mut(&ChildKind::Deployment).unwrap();
    memory
        .fight
        .corrections
        .push((world.now, world.itself.generation));
    world
}

fn left(world: &World) -> Drift {
    match how(world) {
        How::Leave(drift) => drift,
        other => panic!("{other:?}"),
    }
}

fn report(world: World) -> World {
    // As it is when the spec says so for long: the children are of this generation.
    world
        .spec(|spec| spec.drift = Some(Mode::Report))
        .applied()
        .reported()
}

#[test]
fn what_somebody_else_changed_is_put_back_after_a_restart_as_well() {
    assert_eq!(how(&World::healthy()), How::Keep);
    assert_eq!(how(&edited(World::healthy())), put_back());
    assert_eq!(how(&edited(World::healthy()).restarted()), put_back());
}

#[test]
fn what_somebody_adds_without_touching_ours_is_no_drift() {
    let mut world = World::healthy();
    world.children.deployment.as_mut().unwrap().id.generation = 7;
    world.children.service.as_mut().unwrap().id.resource_version = "99".to_owned();
    let wants = all(&world, world.itself.plugin.as_ref().unwrap());
    assert!(wants.len() >= 4);
    for want in wants {
        assert_eq!(want.how, How::Keep, "{:?}", want.kind);
    }
}

#[test]
fn a_field_that_the_server_does_not_let_us_have_is_no_drift() {
    let mut world = edited(World::healthy());
    let memory = world.memory.get_mut(&ChildKind::Deployment).unwrap();
    memory.left.as_mut().unwrap().denied = drift().fields;
    assert_eq!(how(&world), How::Keep);
}

#[test]
fn an_annotation_or_an_owner_that_somebody_took_out_does_not_make_it_new_or_anothers() {
    let mut world = edited(World::healthy());
    world.children.deployment.as_mut().unwrap().id.applied = None;
    assert_eq!(how(&world), put_back());
    world.children.deployment.as_mut().unwrap().id.owner = None;
    assert_eq!(how(&world), put_back());
    assert_eq!(how(&world.restarted()), How::Blocked { leaving: false });
}

#[test]
fn a_deleted_child_is_made_again_and_that_counts() {
    let mut world = World::healthy();
    world.children.deployment = None;
    let deleted = Drift {
        fields: Vec::new(),
        by: None,
        ..drift()
    };
    assert_eq!(how(&world), How::Restore(deleted.clone()));
    let fought = remembered(remembered(remembered(world.clone())));
    assert!(left(&fought).stopped.is_some());
    assert_eq!(how(&world.restarted()), How::Create);
    assert_eq!(deleted.to_string(), "Deployment \"crm-panel\" was deleted");
}

#[test]
fn with_report_nothing_is_written_and_the_fields_are_told() {
    let world = edited(report(World::healthy()));
    assert_eq!(left(&world), drift());
    assert!(!want(&world, ChildKind::Deployment).writes());
    assert_eq!(left(&world.clone().restarted()), drift());
    let mut deleted = report(World::healthy());
    deleted.children.deployment = None;
    assert_eq!(left(&deleted).fields, [""; 0]);
    let (reason, message) = told(&[left(&world)]).unwrap();
    assert_eq!(reason, "DriftReported");
    let expected = "Deployment \"crm-panel\" was changed by kubectl-edit: \
                    spec.template.spec.containers[name=plugin].image; spec.drift is Report";
    assert_eq!(message, expected);
    assert_eq!(told(&[]), None);
}

#[test]
fn a_childs_own_change_is_applied_whatever_is_asked_of_drift() {
    let world = edited(report(World::healthy())).spec(|spec| spec.workload.as_mut().unwrap().replicas = 2);
    assert!(matches!(how(&world), How::Change { .. }));
}

#[test]
fn after_the_third_correction_within_an_hour_it_is_left_until_the_hour_is_over() {
    let twice = remembered(remembered(edited(World::healthy())));
    assert_eq!(how(&twice), put_back());
    let thrice = remembered(twice);
    assert_eq!(left(&thrice).stopped, Some(thrice.now));
    assert_eq!(
        how(&thrice.clone().later(3600)),
        put_back(),
        "three in more than an hour"
    );
    let mut given_up = thrice;
    let memory = given_up.memory.get_mut(&ChildKind::Deployment).unwrap();
    memory.fight.stopped = Some((given_up.now, given_up.itself.generation));
    memory.fight.drift = Some(Drift {
        stopped: Some(given_up.now),
        ..drift()
    });
    assert_eq!(assess(&given_up).again, Some(3601));
    assert!(left(&given_up.clone().later(3599)).stopped.is_some());
    assert_eq!(how(&given_up.clone().later(3600)), put_back());
    let mut respecified = given_up.clone();
    respecified.itself.generation += 1;
    assert_eq!(how(&respecified), put_back(), "another spec");
    // Its status is all that the next process knows.
    let restarted = given_up.reported().restarted();
    assert!(left(&restarted.clone().later(3000)).stopped.is_some());
    assert_eq!(how(&restarted.later(3600)), put_back());
}

#[test]
fn a_live_object_that_has_our_values_agrees_whoever_set_them() {
    let ours = json!({"spec": {"a": 1, "list": [{"name": "x", "v": "1"}], "args": ["a", "b"]}});
    let mut live = json!({"spec": {"a": 1, "more": 2, "args": ["a", "b"],
        "list": [{"name": "injected"}, {"name": "x", "v": "1", "defaulted": true}]}});
    assert!(agrees(&ours, &live));
    live["spec"]["args"] = json!(["b", "a"]);
    assert!(!agrees(&ours, &live));
    assert!(!agrees(&ours, &json!({"spec": {}})));
}

#[test]
fn what_is_told_of_an_object_stays_while_strangers_go_on_editing_it() {
    let mut world = edited(report(World::healthy()));
    let first = left(&world);
    world.memory.get_mut(&ChildKind::Deployment).unwrap().fight.drift = Some(first.clone());
    let applied = want(&world, ChildKind::Deployment).object;
    world.children.deployment.as_mut().unwrap().id.fields =
        Ownership::after_apply(&applied, &["spec/replicas"], "another");
    assert_eq!(left(&world), first);
}

#[test]
fn drift_takes_nothing_from_ready() {
    let mut world = edited(report(World::healthy()));
    let before = world.itself.before.conditions.len();
    world.memory.get_mut(&ChildKind::Deployment).unwrap().fight.drift = Some(drift());
    let world = world.reported();
    let conditions = &world.itself.before.conditions;
    assert_eq!(conditions.len(), before + 1);
    let truth = |kind: &str| &conditions.iter().find(|one| one.type_ == kind).unwrap().status;
    assert_eq!(
        (truth("Ready").as_str(), truth("Drifted").as_str()),
        ("True", "True")
    );
    assert_eq!(world.itself.before.fault, None);
}

use super::{absent, plan_of, steps};
use crate::api::names::FINALIZER;
use crate::observe::fixture::URL;
use crate::observe::world::World;
use crate::plan::children::How;

#[test]
fn nothing_is_done_before_the_finalizer_stands() {
    let plan = plan_of(&World::just_applied());
    let change = plan.metadata.clone().unwrap();
    assert_eq!(change.finalizers, [FINALIZER]);
    let ledger = change.ledger.unwrap();
    assert!(ledger.ui.is_empty() && !change.release);
    assert!(plan.writes());
    assert!(steps(&plan).is_empty());
}

#[test]
fn the_finalizers_of_others_stay() {
    let mut world = World::just_applied();
    world.itself.finalizers = vec!["other.example/f".to_owned()];
    let change = plan_of(&world).metadata.unwrap();
    assert_eq!(change.finalizers, ["other.example/f", FINALIZER]);
    let mut world = World::reachable().deleted();
    world.itself.finalizers.push("other.example/f".to_owned());
    let change = plan_of(&world).metadata.unwrap();
    assert_eq!(
        (change.finalizers, change.release),
        (vec!["other.example/f".to_owned()], true)
    );
}

#[test]
fn a_healthy_plugin_needs_no_write() {
    let plan = plan_of(&World::healthy());
    assert!(!plan.writes() && plan.metadata.is_none());
    assert!(plan.children.iter().all(|want| want.how == How::Keep));
}

#[test]
fn a_restart_of_the_operator_writes_nothing() {
    let plan = plan_of(&World::healthy().restarted());
    assert!(!plan.writes());
    assert!(plan.children.iter().all(|want| want.how == How::Keep));
}

#[test]
fn a_suspended_plugin_is_not_written_probed_or_wished_for() {
    let quiet = World::healthy().spec(|spec| spec.suspend = Some(true)).applied();
    let plan = plan_of(&quiet);
    assert!(plan.suspended && !plan.pending && !plan.writes());
    assert!(plan.core.is_none() && plan.probes.is_empty() && plan.readiness.is_none());
    let changed =
        quiet.spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm-panel:2".to_owned());
    let plan = plan_of(&changed);
    assert!(plan.suspended && plan.pending && !plan.writes());
}

#[test]
fn a_plugin_that_is_suspended_from_the_start_waits_for_everything() {
    let plan = plan_of(&World::just_applied().spec(|spec| spec.suspend = Some(true)));
    assert!(plan.suspended && plan.pending && !plan.writes());
}

#[test]
fn deletion_overrides_suspension() {
    let world = World::healthy().spec(|spec| spec.suspend = Some(true)).deleted();
    let plan = plan_of(&world);
    assert!(!plan.suspended);
    assert_eq!(steps(&plan), absent(URL));
}

#[test]
fn a_spec_that_is_not_usable_changes_nothing_but_the_finalizer() {
    let break_it = |world: World| world.spec(|spec| spec.workload.as_mut().unwrap().image = String::new());
    let plan = plan_of(&break_it(World::healthy()));
    assert!(!plan.writes() && plan.children.is_empty() && plan.core.is_none() && !plan.suspended);
    let plan = plan_of(&break_it(World::just_applied()));
    assert_eq!(plan.metadata.unwrap().finalizers, [FINALIZER]);
    assert!(plan.children.is_empty() && plan.core.is_none());
}

//! Children and looks of plugins whose pods are not ours, and the way from one source to another.

use super::{absent, did, plan_of, present, steps, with_metadata};
use crate::observe::fixture::URL;
use crate::observe::fixture::sources::{behind_service, elsewhere, reference};
use crate::observe::memory::ChildKind;
use crate::observe::world::World;
use crate::plan::Plan;
use crate::plan::children::How;
use crate::probe::Look;

fn kinds(plan: &Plan) -> Vec<ChildKind> {
    plan.children.iter().map(|want| want.kind).collect()
}

fn removed(plan: &Plan) -> Vec<ChildKind> {
    let wants = plan.children.iter();
    wants
        .filter(|want| matches!(want.how, How::Remove { .. }))
        .map(|want| want.kind)
        .collect()
}

#[test]
fn a_service_of_the_partners_gets_a_route_and_nothing_else() {
    let world = World::healthy_behind_service();
    let plan = plan_of(&world);
    assert_eq!(kinds(&plan), [ChildKind::HttpRoute]);
    assert!(!plan.writes());
    let backend = &plan.children[0].object["spec"]["rules"][0]["backendRefs"][0];
    assert_eq!((&backend["name"], &backend["port"]), (&"crm".into(), &80.into()));
    assert_eq!(plan.service, Some(reference()));
    assert_eq!(plan.probes[0].pods, ["10.0.0.9:8080".parse().unwrap()]);
    assert_eq!(plan.readiness, None);
}

#[test]
fn a_plugin_elsewhere_gets_no_child_and_is_looked_at() {
    let plan = plan_of(&World::healthy_elsewhere());
    assert!(plan.children.is_empty() && plan.service.is_none());
    assert_eq!(
        plan.probes[0].url.as_str(),
        "https://cdn.example/crm/manifest.json"
    );
    assert!(plan.probes[0].pods.is_empty() && plan.probes[0].gateway_addresses.is_empty());
}

#[test]
fn the_pods_stay_until_something_is_ready_behind_the_service() {
    let waiting = World::healthy().spec(behind_service);
    let plan = plan_of(&waiting);
    assert!(plan.children.is_empty(), "{:?}", kinds(&plan));
    assert_eq!(steps(&plan), present(URL), "it stays registered");
    assert_eq!(plan.service, Some(reference()));
    let serving = waiting.serves_behind_service();
    let plan = plan_of(&serving);
    assert_eq!(
        removed(&plan),
        [
            ChildKind::ServiceAccount,
            ChildKind::NetworkPolicy,
            ChildKind::Deployment,
            ChildKind::Service
        ]
    );
    assert!(matches!(plan.children.last().unwrap().how, How::Change { .. }));
    assert_eq!(steps(&plan), present(URL));
}

#[test]
fn the_pods_stay_until_the_new_address_is_registered_and_the_old_one_is_out() {
    let new = "https://cdn.example/crm/manifest.json";
    let mut world = World::healthy().spec(elsewhere);
    world.probe = Default::default();
    let plan = plan_of(&world);
    assert!(plan.children.is_empty());
    assert!(
        steps(&plan).is_empty(),
        "nothing is done before the new one is verified"
    );
    let world = world.looked_at(Look::Good { warnings: Vec::new() }, None);
    let plan = plan_of(&world);
    assert_eq!(steps(&plan), present(new));
    let world = did(with_metadata(world, &plan), present(new));
    let plan = plan_of(&world);
    assert_eq!(steps(&plan), [present(new), absent(URL)].concat());
    assert!(
        plan.children.is_empty(),
        "the old address is still known to users"
    );
    let world = did(with_metadata(world, &plan), absent(URL));
    let world = with_metadata(world.clone(), &plan_of(&world));
    assert_eq!(
        removed(&plan_of(&world)),
        [
            ChildKind::ServiceAccount,
            ChildKind::NetworkPolicy,
            ChildKind::Deployment,
            ChildKind::Service,
            ChildKind::HttpRoute
        ]
    );
}

#[test]
fn from_two_pods_on_a_budget_keeps_one_of_them() {
    let scaled =
        |replicas: i32| World::healthy().spec(|spec| spec.workload.as_mut().unwrap().replicas = replicas);
    for replicas in [0, 1] {
        assert!(!kinds(&plan_of(&scaled(replicas))).contains(&ChildKind::PodDisruptionBudget));
    }
    let two = scaled(2);
    let plan = plan_of(&two);
    let budget = plan
        .children
        .iter()
        .find(|want| want.kind == ChildKind::PodDisruptionBudget);
    let budget = budget.unwrap();
    assert_eq!(budget.how, How::Create);
    assert_eq!(budget.object["spec"]["maxUnavailable"], 1);
    assert_eq!(
        budget.object["spec"]["selector"]["matchLabels"]["plugins.wazo.io/plugin"],
        "crm-panel"
    );
    let one = two
        .applied()
        .spec(|spec| spec.workload.as_mut().unwrap().replicas = 1);
    assert_eq!(removed(&plan_of(&one)), [ChildKind::PodDisruptionBudget]);
}

#[test]
fn a_plugin_scaled_to_zero_is_not_looked_at() {
    let world = World::healthy().spec(|spec| spec.workload.as_mut().unwrap().replicas = 0);
    assert!(plan_of(&world).probes.is_empty());
    assert_eq!(steps(&plan_of(&world)), present(URL), "it stays registered");
}

#[test]
fn the_deployment_is_tried_as_it_is_wanted() {
    let plan = plan_of(&World::just_applied());
    let wanted = plan
        .children
        .iter()
        .find(|want| want.kind == ChildKind::Deployment);
    assert_eq!(plan.rehearsal.as_ref(), wanted);
    assert_eq!(
        plan_of(&World::healthy()).rehearsal.unwrap().how,
        How::Keep,
        "nothing is new"
    );
    assert_eq!(plan_of(&World::healthy_behind_service()).rehearsal, None);
}

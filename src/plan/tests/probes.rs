use super::plan_of;
use crate::observe::facts::ContainerState;
use crate::observe::fixture::{START, URL, at, serving};
use crate::observe::world::World;
use crate::probe::Front;

#[test]
fn a_manifest_is_looked_at_where_the_route_is_taken_and_something_serves() {
    let plan = plan_of(&World::reachable());
    assert_eq!(plan.probes.len(), 1);
    let job = &plan.probes[0];
    assert_eq!(
        (job.name.as_str(), job.url.as_str(), job.front),
        ("panel", URL, Front::Public)
    );
    assert_eq!(
        job.gateway_addresses,
        ["10.1.0.1".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(job.pods, ["10.0.0.7:8080".parse().unwrap()]);
    assert_eq!(plan.readiness, None);
    let off = World::reachable().route(|route| route.parents.clear());
    assert!(plan_of(&off).probes.is_empty());
    assert!(
        plan_of(&World::reachable().crashing(3)).probes.is_empty(),
        "nothing serves yet"
    );
    assert_eq!(
        plan_of(&World::healthy().crashing(3)).probes.len(),
        1,
        "what was in force is watched"
    );
}

#[test]
fn a_look_is_of_a_revision_which_more_pods_do_not_change() {
    let one = plan_of(&World::healthy()).probes.remove(0).revision;
    let more = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().replicas = 2)
        .deployment(|deployment| deployment.id.generation = 2)
        .with_pod(serving("crm-panel-abc-2", 8));
    assert_eq!(plan_of(&more).probes.remove(0).revision, one);
    let mut new = serving("crm-panel-def-1", 9);
    new.revision = "def".to_owned();
    new.created = Some(at(START + 60));
    let rolling = World::healthy()
        .deployment(|deployment| deployment.template = "def".to_owned())
        .with_pod(new);
    let both = plan_of(&rolling).probes.remove(0).revision;
    assert_ne!(both, one);
    let mut done = rolling;
    done.children.pods.remove("crm-panel-abc-1");
    let new = plan_of(&done).probes.remove(0).revision;
    assert!(
        new != both && new != one,
        "the manifest is looked at again when the old pods are gone"
    );
}

#[test]
fn the_addresses_of_the_plugins_own_ingress_may_be_connected_to() {
    let mut world = World::healthy().with_ingress();
    let addresses = |world: &World| plan_of(world).probes[0].gateway_addresses.clone();
    assert_eq!(
        addresses(&world),
        ["10.1.0.2".parse::<std::net::IpAddr>().unwrap()]
    );
    world.children.ingress.as_mut().unwrap().addresses.clear();
    assert!(addresses(&world).is_empty(), "one that is known by name only");
}

#[test]
fn an_ingress_without_an_address_is_looked_at_all_the_same() {
    let mut world = World::healthy().with_ingress();
    let ingress = world.children.ingress.as_mut().unwrap();
    (ingress.addresses, ingress.published) = (Vec::new(), false);
    world.probe = Default::default();
    world.itself.before = Default::default();
    let assessment = crate::judge::assess(&world);
    assert!(!assessment.route.is_good());
    assert_eq!(plan_of(&world).probes.len(), 1);
}

#[test]
fn pods_that_run_and_are_not_ready_are_asked_why() {
    let world = World::healthy().unready(None);
    let job = plan_of(&world).readiness.unwrap();
    assert_eq!(job.pods, ["10.0.0.7:8080".parse().unwrap()]);
    assert_eq!(job.path.as_deref(), Some("/manifest.json"));
    let starting = world.pods(|pod| pod.container.state = ContainerState::Unknown);
    assert_eq!(plan_of(&starting).readiness, None);
}

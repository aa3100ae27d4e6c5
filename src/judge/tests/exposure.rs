//! The credentials of a core stay out of the pods of a plugin.

use serde_json::json;

use super::{Doing, assess, doing};
use crate::api::fault::Party;
use crate::api::plugin::Workload;
use crate::api::reason::Reason;
use crate::observe::memory::ChildKind;
use crate::observe::world::World;
use crate::plan::children;

fn world(workload: serde_json::Value) -> World {
    let mut fields = json!({"image": "registry.example/crm-panel:1.4.2", "port": 8080});
    let all = fields.as_object_mut().unwrap();
    all.extend(workload.as_object().unwrap().clone());
    let workload: Workload = serde_json::from_value(fields).unwrap();
    let mut world = World::healthy().spec(|spec| spec.workload = Some(workload));
    world.core_secrets = ["wazo-production".to_owned()].into();
    world
}

fn deployment_is_planned(world: &World) -> bool {
    let wants = children::all(world, world.itself.plugin.as_ref().unwrap());
    wants.iter().any(|want| want.kind == ChildKind::Deployment)
}

#[test]
fn a_workload_that_mentions_the_credentials_of_a_core_is_refused() {
    let volume = json!([{"name": "v", "secret": {"secretName": "wazo-production"}}]);
    for (workload, path) in [
        (
            json!({"envFrom": [{"secretRef": {"name": "wazo-production"}}]}),
            "spec.workload.envFrom[0].secretRef.name",
        ),
        (
            json!({"imagePullSecrets": [{"name": "wazo-production"}]}),
            "spec.workload.imagePullSecrets[0].name",
        ),
        (
            json!({"podTemplate": {"spec": {"volumes": volume}}}),
            "spec.workload.podTemplate.spec.volumes[0].secret.secretName",
        ),
    ] {
        let world = world(workload);
        let assessment = assess(&world);
        let fault = &assessment.faults[0];
        assert_eq!(
            (fault.party, fault.reason),
            (Party::Config, Reason::CoreCredentialsExposed)
        );
        assert_eq!(fault.object.as_ref().unwrap().field_path.as_deref(), Some(path));
        assert_eq!(doing(&assessment), Doing::Stalled);
        assert!(!deployment_is_planned(&world), "such pods are not made");
    }
}

#[test]
fn another_secret_of_the_namespace_may_be_mentioned() {
    let world = world(json!({"envFrom": [{"secretRef": {"name": "keys"}}]}));
    assert!(deployment_is_planned(&world));
    assert!(
        assess(&world)
            .faults
            .iter()
            .all(|fault| fault.reason != Reason::CoreCredentialsExposed)
    );
}

//! Every field of `spec.workload`, as the pods get it.

use serde_json::{Value, json};

use crate::api::plugin::Workload;
use crate::observe::memory::ChildKind;
use crate::observe::world::World;
use crate::plan::children::all;

/// A plugin with these fields of `spec.workload`, beside image and port.
fn with(fields: Value) -> World {
    let mut workload = json!({"image": "registry.example/crm-panel:1.4.2", "port": 8080});
    let all = workload.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    let workload: Workload = serde_json::from_value(workload).unwrap();
    World::just_applied().spec(|spec| spec.workload = Some(workload))
}

fn pod(world: &World) -> Value {
    let wants = all(world, world.itself.plugin.as_ref().unwrap());
    let deployment = wants.into_iter().find(|want| want.kind == ChildKind::Deployment);
    deployment.unwrap().object["spec"]["template"]["spec"].clone()
}

fn container(fields: Value) -> Value {
    pod(&with(fields))["containers"][0].clone()
}

#[test]
fn command_arguments_and_environment_are_those_of_the_spec() {
    let sources =
        json!([{"configMapRef": {"name": "settings"}}, {"prefix": "A_", "secretRef": {"name": "keys"}}]);
    let seen = container(json!({
        "command": ["/bin/server"], "args": ["--verbose"], "envFrom": sources,
        "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}],
    }));
    assert_eq!(
        (&seen["command"], &seen["args"]),
        (&json!(["/bin/server"]), &json!(["--verbose"]))
    );
    assert_eq!(seen["envFrom"], sources);
    assert_eq!(seen["env"][0]["valueFrom"]["secretKeyRef"]["name"], "keys");
    let empty = container(json!({"command": [], "args": [], "envFrom": [], "env": []}));
    assert_eq!(empty, container(json!({})));
}

#[test]
fn the_time_for_starting_is_as_many_failed_probes_of_the_readiness_handler() {
    let seen = container(json!({"startup": {"timeout": "2m"}, "readiness": {"path": "/healthz"}}));
    let probe = &seen["startupProbe"];
    assert_eq!(probe["httpGet"], seen["readinessProbe"]["httpGet"]);
    assert_eq!(
        probe["failureThreshold"].as_u64().unwrap() * probe["periodSeconds"].as_u64().unwrap(),
        120
    );
    assert_eq!(seen["readinessProbe"]["failureThreshold"], 3);
    assert_eq!(
        container(json!({"startup": {"timeout": "11s"}}))["startupProbe"]["failureThreshold"],
        6
    );
    assert_eq!(container(json!({}))["startupProbe"], Value::Null);
}

#[test]
fn pods_are_restricted_whatever_the_spec_says_of_users() {
    let asked =
        json!({"runAsUser": 10001, "runAsGroup": 10002, "fsGroup": 10003, "readOnlyRootFilesystem": true});
    for fields in [json!({}), json!({"securityContext": asked})] {
        let pod = pod(&with(fields));
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(pod["automountServiceAccountToken"], false);
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(
            container["securityContext"]["capabilities"],
            json!({"drop": ["ALL"]})
        );
        let tmp = json!({"name": "tmp", "mountPath": "/tmp"});
        assert_eq!(container["volumeMounts"], json!([tmp]));
    }
    let pod = pod(&with(json!({"securityContext": asked})));
    let context = &pod["containers"][0]["securityContext"];
    assert_eq!(
        (&context["runAsUser"], &context["runAsGroup"]),
        (&json!(10001), &json!(10002))
    );
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(pod["securityContext"]["fsGroup"], 10003);
}

#[test]
fn a_service_account_of_the_partners_makes_ours_needless() {
    let world = with(json!({"serviceAccountName": "partner"}));
    assert_eq!(pod(&world)["serviceAccountName"], "partner");
    let wants = all(&world, world.itself.plugin.as_ref().unwrap());
    assert!(wants.iter().all(|want| want.kind != ChildKind::ServiceAccount));
}

//! Each refusal, by the path of its field; and what is let through.

use serde_json::{Value, json};

use super::{PATH, check, mentions};
use crate::api::parse::Invalid;
use crate::api::plugin::Workload;

fn workload(template: Value) -> Workload {
    serde_json::from_value(json!({"image": "r.example/p:1", "port": 8080, "podTemplate": template})).unwrap()
}

fn checked(template: Value) -> Result<Option<Value>, Invalid> {
    check(&workload(template))
}

/// The problem at a path below the template; a test fails where it is another path.
fn refused(template: Value, path: &str) -> String {
    let error = checked(template.clone()).expect_err(&template.to_string());
    assert_eq!(error.path, format!("{PATH}.{path}"), "{template}");
    error.problem
}

fn pod(spec: Value) -> Value {
    json!({"spec": spec})
}

fn in_plugin(fields: Value) -> Value {
    named("plugin", fields)
}

fn named(name: &str, fields: Value) -> Value {
    let mut container = json!({"name": name});
    let all = container.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    pod(json!({"containers": [container]}))
}

macro_rules! refusals {
    ($($name:ident: $template:expr => $path:literal, $says:literal;)+) => {
        $(#[test]
        fn $name() {
            let problem = refused($template, $path);
            assert!(problem.contains($says), "{problem}");
        })+
    };
}

refusals! {
    a_field_that_nobody_knows_is_refused: pod(json!({"hostPid": true})) => "spec.hostPid", "correct its name";
    a_field_that_nobody_knows_in_a_container_is_refused:
        in_plugin(json!({"securityContext": {"priviledged": true}})) => "spec.containers[0].securityContext.priviledged", "no field";
    a_field_of_the_wrong_type_is_refused: pod(json!({"hostNetwork": "yes"})) => "spec.hostNetwork", "invalid type";
    a_part_that_is_no_part_of_a_template_is_refused: json!({"status": {}}) => "status", "no field";
    a_name_in_the_metadata_is_refused: json!({"metadata": {"name": "x"}}) => "metadata.name", "labels and annotations";
    a_label_of_the_operator_is_refused:
        json!({"metadata": {"labels": {"plugins.wazo.io/plugin": "x"}}}) => "metadata.labels.plugins.wazo.io/plugin", "operator's";
    an_annotation_of_the_operator_is_refused:
        json!({"metadata": {"annotations": {"plugins.wazo.io/applied": "x"}}}) => "metadata.annotations.plugins.wazo.io/applied", "operator's";
    an_annotation_that_takes_apparmor_off_is_refused:
        json!({"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/plugin": "unconfined"}}})
        => "metadata.annotations.container.apparmor.security.beta.kubernetes.io/plugin", "securityContext";
    the_network_of_the_node_is_refused: pod(json!({"hostNetwork": true})) => "spec.hostNetwork", "node";
    the_processes_of_the_node_are_refused: pod(json!({"hostPID": true})) => "spec.hostPID", "node";
    the_memory_of_the_node_is_refused: pod(json!({"hostIPC": true})) => "spec.hostIPC", "node";
    a_node_is_not_named: pod(json!({"nodeName": "n1"})) => "spec.nodeName", "nodeSelector";
    a_priority_is_not_named: pod(json!({"priority": 2_000_000_000})) => "spec.priority", "priorityClassName";
    a_system_class_is_refused:
        pod(json!({"priorityClassName": "system-node-critical"})) => "spec.priorityClassName", "cluster's own";
    another_service_account_is_named_elsewhere:
        pod(json!({"serviceAccountName": "admin"})) => "spec.serviceAccountName", "spec.workload.serviceAccountName";
    the_old_name_of_the_service_account_is_refused:
        pod(json!({"serviceAccount": "admin"})) => "spec.serviceAccount", "spec.workload.serviceAccountName";
    a_mounted_token_is_refused:
        pod(json!({"automountServiceAccountToken": true})) => "spec.automountServiceAccountToken", "token";
    ephemeral_containers_are_refused:
        pod(json!({"ephemeralContainers": [{"name": "d", "image": "i"}]})) => "spec.ephemeralContainers", "kubectl debug";
    windows_is_refused: pod(json!({"os": {"name": "windows"}})) => "spec.os.name", "Linux";
    root_is_refused: pod(json!({"securityContext": {"runAsUser": 0}})) => "spec.securityContext.runAsUser", "root";
    a_pod_that_may_be_root_is_refused:
        pod(json!({"securityContext": {"runAsNonRoot": false}})) => "spec.securityContext.runAsNonRoot", "root";
    sysctls_are_refused: pod(json!({"securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}]}}))
        => "spec.securityContext.sysctls", "node's";
    a_pod_without_seccomp_is_refused: pod(json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}))
        => "spec.securityContext.seccompProfile.type", "RuntimeDefault";
    a_pod_without_apparmor_is_refused: pod(json!({"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}))
        => "spec.securityContext.appArmorProfile.type", "RuntimeDefault";
    a_process_of_a_windows_host_is_refused: pod(json!({"securityContext": {"windowsOptions": {"hostProcess": true}}}))
        => "spec.securityContext.windowsOptions", "Linux";
    another_selinux_role_is_refused: pod(json!({"securityContext": {"seLinuxOptions": {"role": "sysadm_r"}}}))
        => "spec.securityContext.seLinuxOptions.role", "node";
    another_selinux_type_is_refused: in_plugin(json!({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}))
        => "spec.containers[0].securityContext.seLinuxOptions.type", "container_t";
    a_privileged_container_is_refused: in_plugin(json!({"securityContext": {"privileged": true}}))
        => "spec.containers[0].securityContext.privileged", "privileges";
    escalation_is_refused: named("side", json!({"image": "i", "securityContext": {"allowPrivilegeEscalation": true}}))
        => "spec.containers[0].securityContext.allowPrivilegeEscalation", "privileges";
    added_capabilities_are_refused: in_plugin(json!({"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}}))
        => "spec.containers[0].securityContext.capabilities.add", "1023";
    another_proc_mount_is_refused: in_plugin(json!({"securityContext": {"procMount": "Unmasked"}}))
        => "spec.containers[0].securityContext.procMount", "Default";
    a_container_as_root_is_refused: in_plugin(json!({"securityContext": {"runAsUser": 0}}))
        => "spec.containers[0].securityContext.runAsUser", "root";
    a_container_that_may_be_root_is_refused: in_plugin(json!({"securityContext": {"runAsNonRoot": false}}))
        => "spec.containers[0].securityContext.runAsNonRoot", "root";
    a_container_without_seccomp_is_refused: in_plugin(json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}))
        => "spec.containers[0].securityContext.seccompProfile.type", "RuntimeDefault";
    a_privileged_init_container_is_refused:
        pod(json!({"initContainers": [{"name": "i", "image": "i", "securityContext": {"privileged": true}}]}))
        => "spec.initContainers[0].securityContext.privileged", "privileges";
    a_port_of_the_node_is_refused: named("side", json!({"image": "i", "ports": [{"containerPort": 9, "hostPort": 9}]}))
        => "spec.containers[0].ports[0].hostPort", "spec.expose";
    an_address_of_the_node_is_refused: named("side", json!({"image": "i", "ports": [{"containerPort": 9, "hostIP": "0.0.0.0"}]}))
        => "spec.containers[0].ports[0].hostIP", "spec.expose";
    mounts_into_the_node_are_refused:
        in_plugin(json!({"volumeMounts": [{"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}]}))
        => "spec.containers[0].volumeMounts[0].mountPropagation", "node";
    a_probe_of_another_host_is_refused: in_plugin(json!({"livenessProbe": {"httpGet": {"host": "10.0.0.1", "port": 80}}}))
        => "spec.containers[0].livenessProbe.httpGet.host", "itself";
    a_hook_at_another_host_is_refused:
        in_plugin(json!({"lifecycle": {"preStop": {"tcpSocket": {"host": "10.0.0.1", "port": 80}}}}))
        => "spec.containers[0].lifecycle.preStop.tcpSocket.host", "itself";
    a_path_of_the_node_is_refused: pod(json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}))
        => "spec.volumes[0].hostPath", "allowed volumes";
    a_volume_of_the_network_is_refused: pod(json!({"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}))
        => "spec.volumes[0].nfs", "allowed volumes";
    a_projected_token_is_refused:
        pod(json!({"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}))
        => "spec.volumes[0].projected.sources[0].serviceAccountToken", "token";
    the_image_is_said_in_one_place: in_plugin(json!({"image": "other"})) => "spec.containers[0].image", "spec.workload.image";
    the_environment_is_said_in_one_place: in_plugin(json!({"env": [{"name": "A", "value": "b"}]}))
        => "spec.containers[0].env", "spec.workload.env";
    the_readiness_is_said_in_one_place: in_plugin(json!({"readinessProbe": {"exec": {"command": ["true"]}}}))
        => "spec.containers[0].readinessProbe", "spec.workload.readiness";
    the_start_is_said_in_one_place: in_plugin(json!({"startupProbe": {"exec": {"command": ["true"]}}}))
        => "spec.containers[0].startupProbe", "spec.workload.startup";
    the_port_of_the_plugin_is_said_in_one_place: in_plugin(json!({"ports": [{"containerPort": 8080}]}))
        => "spec.containers[0].ports[0]", "spec.workload.port";
    the_name_of_the_port_is_the_operators: in_plugin(json!({"ports": [{"name": "http", "containerPort": 9}]}))
        => "spec.containers[0].ports[0]", "spec.workload.port";
    the_place_of_the_credentials_is_the_operators:
        in_plugin(json!({"volumeMounts": [{"name": "v", "mountPath": "/var//run/./wazo/x"}]}))
        => "spec.containers[0].volumeMounts[0].mountPath", "credentials";
    an_init_container_does_not_bear_the_name_of_the_plugin:
        pod(json!({"initContainers": [{"name": "plugin", "image": "i"}]})) => "spec.initContainers[0]", "another one";
    another_container_needs_an_image: named("side", json!({})) => "spec.containers[0]", "image";
    a_container_needs_a_name: pod(json!({"containers": [{"image": "i"}]})) => "spec.containers[0]", "needs name";
    a_container_is_not_there_twice:
        pod(json!({"containers": [{"name": "a", "image": "i"}, {"name": "a", "image": "i"}]})) => "spec.containers[1]", "twice";
}

#[test]
fn a_template_that_is_too_large_is_refused() {
    let error = checked(json!({"metadata": {"annotations": {"a": "x".repeat(70_000)}}})).unwrap_err();
    assert!(
        error.path == PATH && error.problem.contains("ConfigMap"),
        "{error}"
    );
}

#[test]
fn what_takes_no_privilege_is_let_through() {
    let template = json!({
        "metadata": {"labels": {"team": "crm"}, "annotations": {"prometheus.io/scrape": "true"}},
        "spec": {
            "nodeSelector": {"disk": "ssd"}, "priorityClassName": "business", "hostUsers": false, "hostNetwork": false,
            "runtimeClassName": "gvisor", "terminationGracePeriodSeconds": 60, "schedulerName": null,
            "tolerations": [{"key": "dedicated", "operator": "Exists"}],
            "imagePullSecrets": [{"name": "pull"}],
            "securityContext": {"runAsUser": 1000, "supplementalGroups": [2000], "runAsNonRoot": true},
            "volumes": [
                {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "data", "persistentVolumeClaim": {"claimName": "d"}},
                {"name": "keys", "secret": {"secretName": "keys"}}, {"name": "settings", "configMap": {"name": "settings"}},
            ],
            "initContainers": [{"name": "migrate", "image": "i", "restartPolicy": "Always"}],
            "containers": [
                {"name": "plugin", "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}},
                 "ports": [{"name": "metrics", "containerPort": 9090}],
                 "volumeMounts": [{"name": "cache", "mountPath": "/tmp"}, {"name": "keys", "mountPath": "/var/run/wazo-keys"}],
                 "securityContext": {"privileged": false, "capabilities": {"drop": ["ALL"], "add": []}}},
                {"name": "proxy", "image": "envoy:1", "env": [{"name": "A", "value": "b"}], "resources": {"limits": {"cpu": "1"}}},
            ],
        },
    });
    let decoded = checked(template.clone()).unwrap().unwrap();
    assert_eq!(decoded["spec"]["containers"][1]["image"], "envoy:1");
    assert_eq!(decoded["spec"].get("schedulerName"), None);
    assert_eq!(checked(json!({})).unwrap().unwrap()["spec"], Value::Null);
    assert_eq!(
        check(&serde_json::from_value(json!({"image": "i", "port": 1})).unwrap()),
        Ok(None)
    );
}

#[test]
fn every_way_to_mention_a_secret_is_seen() {
    let env = |name: &str| json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]);
    let from = |name: &str| json!([{"secretRef": {"name": name}}]);
    let template = json!({"spec": {
        "imagePullSecrets": [{"name": "s1"}],
        "containers": [{"name": "side", "image": "i", "env": env("s2"), "envFrom": from("s3")}],
        "initContainers": [{"name": "init", "image": "i", "env": env("s4"), "envFrom": from("s5")}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "s6"}}, {"name": "b", "projected": {"sources": [{"secret": {"name": "s7"}}]}},
            {"name": "c", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "s8"}}},
        ],
    }});
    let mut workload = workload(template);
    workload.env = serde_json::from_value(env("s9")).unwrap();
    workload.env_from = serde_json::from_value(from("s10")).unwrap();
    workload.image_pull_secrets = serde_json::from_value(json!([{"name": "s11"}])).unwrap();
    let decoded = check(&workload).unwrap();
    let found = mentions(&workload, decoded.as_ref());
    let mut names: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
    names.sort_unstable_by_key(|name| name[1..].parse::<u32>().unwrap());
    assert_eq!(names, (1..=11).map(|n| format!("s{n}")).collect::<Vec<_>>());
    let path = |name: &str| {
        found
            .iter()
            .find(|found| found.name == name)
            .unwrap()
            .path
            .clone()
    };
    assert_eq!(
        path("s6"),
        "spec.workload.podTemplate.spec.volumes[0].secret.secretName"
    );
    assert_eq!(path("s9"), "spec.workload.env[0].valueFrom.secretKeyRef.name");
}

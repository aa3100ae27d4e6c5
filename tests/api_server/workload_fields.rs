//! The fields of `spec.workload`: in the pods, refused by us, refused by the API server, and scaled.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use wazo_e2e::gate::{Gate, Side};
use wazo_e2e::objects::{self, Seen, plugin};
use wazo_e2e::trial::{Trial, trial};
use wazo_plugin_operator::api::plugin::WazoPlugin;

fn with(name: &str, fields: Value) -> Value {
    let mut object = plugin(name);
    let workload = object["spec"]["workload"]
        .as_object_mut()
        .expect("a plugin with pods");
    workload.extend(fields.as_object().expect("fields").clone());
    object
}

async fn deployment(trial: &Trial, name: &str) -> Option<Value> {
    trial.get("apps/v1", "Deployment", name).await
}

fn field(seen: &Seen) -> &str {
    seen.0["status"]["fault"]["object"]["fieldPath"]
        .as_str()
        .unwrap_or_default()
}

fn core_writes(gate: &Gate) -> usize {
    let written = gate.mutations();
    let to_core = written
        .iter()
        .filter(|asked| asked.side == Side::Core && !asked.is_session());
    to_core.count()
}

#[test]
fn every_field_reaches_pods_that_the_restricted_standard_admits() {
    trial(async |trial: &mut Trial| {
        let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> =
            kube::Api::all(trial.client().clone());
        namespaces
            .patch(trial.namespace(), &PatchParams::default(), &Patch::Merge(&labels))
            .await
            .unwrap();
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "partner"}});
        trial.apply(&account).await;
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let fields = json!({
            "replicas": 2, "command": ["/panel"], "args": ["--port", "8080"],
            "env": [{"name": "A", "value": "b"}], "envFrom": [{"configMapRef": {"name": "settings", "optional": true}}],
            "resources": {"requests": {"cpu": "50m"}, "limits": {"memory": "64Mi"}},
            "readiness": {"path": "/healthz"}, "startup": {"timeout": "1m30s"},
            "securityContext": {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001, "readOnlyRootFilesystem": true},
            "serviceAccountName": "partner", "imagePullSecrets": [{"name": "pull"}],
            "podTemplate": {
                "metadata": {"annotations": {"prometheus.io/scrape": "true"}},
                "spec": {
                    "terminationGracePeriodSeconds": 60,
                    "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}],
                    "containers": [
                        {"name": "plugin", "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
                         "volumeMounts": [{"name": "cache", "mountPath": "/cache"}]},
                        {"name": "proxy", "image": "registry.test/proxy:1"},
                    ],
                },
            },
        });
        trial.apply(&with("crm", fields)).await;
        trial.well("crm").await;
        let deployment = deployment(trial, "crm").await.unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(
            (&container["command"], &container["args"]),
            (&json!(["/panel"]), &json!(["--port", "8080"]))
        );
        assert_eq!(container["startupProbe"]["failureThreshold"], 45);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["volumeMounts"].as_array().unwrap().len(), 2);
        assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
        assert_eq!(pod["containers"][1]["name"], "proxy");
        assert_eq!(
            pod["containers"][1]["securityContext"]["capabilities"]["drop"],
            json!(["ALL"])
        );
        assert_eq!(
            (&pod["serviceAccountName"], &pod["terminationGracePeriodSeconds"]),
            (&json!("partner"), &json!(60))
        );
        assert_eq!(
            pod["topologySpreadConstraints"][0]["whenUnsatisfiable"],
            "ScheduleAnyway"
        );
        assert!(trial.get("v1", "ServiceAccount", "crm").await.is_none());
        assert!(
            trial
                .get("policy/v1", "PodDisruptionBudget", "crm")
                .await
                .is_some()
        );
        // A controller of the cluster may write the status of a budget; nothing of that is drift.
        let generation = deployment["metadata"]["generation"].clone();
        trial
            .edit_plugin("crm", &json!({"spec": {"rollout": {"deadline": "10m"}}}))
            .await;
        trial.well("crm").await;
        let after = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(after["metadata"]["generation"], generation);
    });
}

#[test]
fn a_privilege_is_refused_by_its_path_and_no_pod_is_made() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        for (template, path) in [
            (
                json!({"spec": {"hostNetwork": true}}),
                "spec.workload.podTemplate.spec.hostNetwork",
            ),
            (
                json!({"spec": {"containers": [{"name": "plugin", "securityContext": {"privileged": true}}]}}),
                "spec.workload.podTemplate.spec.containers[0].securityContext.privileged",
            ),
            (
                json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}}),
                "spec.workload.podTemplate.spec.volumes[0].hostPath",
            ),
            (
                json!({"spec": {"nodeNam": "n"}}),
                "spec.workload.podTemplate.spec.nodeNam",
            ),
        ] {
            trial.apply(&with("crm", json!({"podTemplate": template}))).await;
            let seen = trial
                .plugin_until("crm", path, |seen| {
                    seen.is_observed() && seen.is_fault("Config", "InvalidSpec") && field(seen) == path
                })
                .await;
            assert_eq!(seen.truth("Stalled"), "True");
            assert!(deployment(trial, "crm").await.is_none());
        }
        trial.apply(&plugin("crm")).await;
        trial.well("crm").await;
    });
}

#[test]
fn the_credentials_of_a_core_are_kept_from_pods() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mention = json!({"envFrom": [{"secretRef": {"name": objects::CORE}}]});
        trial.apply(&with("crm", mention)).await;
        let seen = trial.fault("crm", "Config", "CoreCredentialsExposed").await;
        assert_eq!(field(&seen), "spec.workload.envFrom[0].secretRef.name");
        assert_eq!(seen.truth("Stalled"), "True");
        assert!(deployment(trial, "crm").await.is_none());
        trial.apply(&plugin("crm")).await;
        trial.well("crm").await;
    });
}

#[test]
fn what_the_api_server_would_refuse_touches_nothing_that_works() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        let before = deployment(trial, "crm").await.unwrap();
        let written = core_writes(&gate);
        for (fields, path) in [
            (
                json!({"podTemplate": {"spec": {"restartPolicy": "Never"}}}),
                "spec.workload.podTemplate.spec.restartPolicy",
            ),
            (
                json!({"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}),
                "spec.workload.resources.requests",
            ),
            (
                json!({"env": [{"name": "A=B", "value": "c"}]}),
                "spec.workload.env[0].name",
            ),
            (
                json!({"podTemplate": {"spec": {"containers": [{"name": "Proxy", "image": "i"}]}}}),
                "spec.workload.podTemplate.spec.containers[0].name",
            ),
        ] {
            trial.apply(&with("crm", fields)).await;
            let seen = trial
                .plugin_until("crm", path, |seen| {
                    seen.is_observed() && seen.is_fault("Config", "ApplyRejected") && field(seen) == path
                })
                .await;
            assert_eq!((seen.truth("Stalled"), seen.truth("Available")), ("True", "True"));
            let after = deployment(trial, "crm").await.unwrap();
            assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
        }
        assert!(trial.is_registered("crm"));
        assert_eq!(core_writes(&gate), written);
        trial.apply(&plugin("crm")).await;
        trial.well("crm").await;
        let asked = gate.reads();
        let rehearsals = asked.iter().filter(|asked| asked.query.contains("dryRun="));
        assert!(rehearsals.count() >= 4, "each new configuration is tried");
    });
}

#[test]
fn the_scale_subresource_scales_and_git_does_not_fight_it() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let api = trial.of::<WazoPlugin>();
        let scale = async |replicas: i32| {
            let asked = Patch::Merge(json!({"spec": {"replicas": replicas}}));
            let scale = api
                .patch_scale("crm", &PatchParams::default(), &asked)
                .await
                .unwrap();
            assert_eq!(scale.spec.unwrap().replicas.unwrap_or(0), replicas);
        };
        scale(3).await;
        trial
            .plugin_until("crm", "running three pods", |seen| {
                seen.is_ready() && seen.0["status"]["readyReplicas"] == 3
            })
            .await;
        let told = api.get_scale("crm").await.unwrap().status.unwrap();
        assert_eq!(
            (told.replicas, told.selector.as_deref()),
            (3, Some("plugins.wazo.io/plugin=crm"))
        );
        assert!(
            trial
                .get("policy/v1", "PodDisruptionBudget", "crm")
                .await
                .is_some()
        );
        // What a pipeline applies does not name the replicas.
        let mut again = plugin("crm");
        again["metadata"]["labels"] = json!({"applied": "again"});
        trial.apply(&again).await;
        let seen = trial.ready("crm").await;
        assert_eq!(seen.0["spec"]["workload"]["replicas"], 3);
        scale(0).await;
        let seen = trial
            .plugin_until("crm", "scaled to zero", |seen| {
                seen.is_ready() && seen.reason("Available") == "ScaledToZero"
            })
            .await;
        assert!(!seen.has_fault());
        assert!(trial.is_registered("crm"));
        let no_budget = trial.get("policy/v1", "PodDisruptionBudget", "crm").await;
        assert!(no_budget.is_none());
        scale(1).await;
        trial
            .plugin_until("crm", "running again", |seen| {
                seen.is_ready() && !seen.has_fault() && seen.truth("Available") == "True"
            })
            .await;
    });
}

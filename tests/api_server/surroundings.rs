//! What the operator reads of a plugin's surroundings because something is wrong with it, and what it makes of that.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod, ResourceQuota};
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use wazo_e2e::gate::{Asked, Gate, Side};
use wazo_e2e::objects::{Seen, plugin};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{Trial, trial};

/// Whether it is a read of what is only read while something is wrong.
fn is_of_surroundings(asked: &Asked) -> bool {
    const RESOURCES: [&str; 6] = [
        "/nodes",
        "/events",
        "/resourcequotas",
        "/limitranges",
        "/persistentvolumeclaims",
        "/storageclasses",
    ];
    let of_slices = asked.path.contains("/endpointslices") && !asked.query.contains("watch=");
    asked.side == Side::ApiServer
        && asked.method.as_str() == "GET"
        && (of_slices || RESOURCES.iter().any(|resource| asked.path.contains(resource)))
}

fn surroundings(gate: &Gate) -> Vec<String> {
    let reads = gate.reads();
    let of_them = reads.iter().filter(|asked| is_of_surroundings(asked));
    of_them.map(ToString::to_string).collect()
}

#[test]
fn a_healthy_plugin_causes_no_read_of_its_surroundings() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate: Arc<Gate> = trial.start();
        trial.ready_plugin("crm").await;
        gate.arm(None);
        // Passes without end, and readings of the core: nothing of it asks for more.
        for number in 0..5 {
            let asked = json!({"metadata": {"annotations": {
                "reconcile.plugins.wazo.io/requestedAt": number.to_string()}}});
            trial.edit_plugin("crm", &asked).await;
            trial
                .plugin_until("crm", "looked at once more", |seen| {
                    seen.0["status"]["lastHandledReconcileAt"].as_str() == Some(&number.to_string())
                })
                .await;
        }
        let core = |gate: &Gate| {
            gate.reads()
                .iter()
                .filter(|asked| asked.side == Side::Core)
                .count()
        };
        trial.holds("readings of the core", || core(&gate) >= 5).await;
        let read = surroundings(&gate);
        assert!(read.is_empty(), "{read:#?}");
    });
}

#[test]
fn a_plugin_that_is_ill_is_looked_at_and_no_more_once_it_is_well() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate: Arc<Gate> = trial.start();
        trial.ready_plugin("crm").await;
        gate.arm(None);
        trial.pods("crm", PodState::crash(3));
        trial.fault("crm", "Partner", "ProcessExited").await;
        let read = |what: &'static str| surroundings(&gate).iter().any(|asked| asked.contains(what));
        trial.holds("its events are read", || read("/events")).await;
        trial.holds("its node is read", || read("/nodes/simulated")).await;
        trial.pods("crm", PodState::Ready);
        trial.well("crm").await;
        gate.arm(None);
        let core = |gate: &Gate| {
            gate.reads()
                .iter()
                .filter(|asked| asked.side == Side::Core)
                .count()
        };
        trial.holds("readings of the core", || core(&gate) >= 8).await;
        let read = surroundings(&gate);
        assert!(read.is_empty(), "{read:#?}");
    });
}

/// The pod of a plugin, once there is one on a node.
async fn pod(trial: &Trial, plugin: &str) -> Pod {
    let pods: Api<Pod> = Api::namespaced(trial.client().clone(), trial.namespace());
    let found = std::sync::Mutex::new(None);
    trial
        .patient(async || {
            let label = format!("plugins.wazo.io/plugin={plugin}");
            let all = pods
                .list(&kube::api::ListParams::default().labels(&label))
                .await
                .unwrap();
            let bound = all.items.into_iter().find(|pod| {
                let spec = pod.spec.as_ref();
                spec.is_some_and(|spec| spec.node_name.is_some()) && pod.metadata.deletion_timestamp.is_none()
            });
            let there = bound.is_some();
            *found.lock().unwrap() = bound;
            there
        })
        .await;
    found.into_inner().unwrap().unwrap()
}

/// The kubelet says something about a pod, for the third time.
async fn say(trial: &Trial, pod: &Pod, reason: &str, message: &str) {
    let time = |before: i64| {
        Timestamp::from_second(Timestamp::now().as_second() - before)
            .unwrap()
            .to_string()
    };
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{}.{}", pod.name_any(), reason.to_lowercase())},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": trial.namespace(),
            "name": pod.name_any(), "uid": pod.metadata.uid},
        "type": "Warning", "reason": reason, "message": message, "count": 3,
        "source": {"component": "kubelet"}, "reportingComponent": "kubelet",
        "firstTimestamp": time(8), "lastTimestamp": time(0),
    });
    trial.apply(&event).await;
}

fn creating() -> PodState {
    PodState::Waiting {
        reason: "ContainerCreating",
        message: String::new(),
    }
}

fn object(seen: &Seen) -> (String, String) {
    let object = &seen.0["status"]["fault"]["object"];
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    (text("kind"), text("name"))
}

/// The pod of a plugin whose container is being made.
async fn being_made(trial: &mut Trial) -> Pod {
    trial.connect().await;
    trial.start();
    trial.panel("crm").await;
    trial.pods("crm", creating());
    trial.apply(&plugin("crm")).await;
    pod(trial, "crm").await
}

/// What a person reads of a fault names no pod.
fn names_no_pod(seen: &Seen, pod: &Pod) {
    let told = seen.0["status"].to_string();
    assert!(!told.contains(&pod.name_any()), "{told}");
}

#[test]
fn a_volume_that_cannot_be_mounted_is_the_clusters_and_a_missing_secret_is_the_manifests() {
    trial(async |trial: &mut Trial| {
        let pod = being_made(trial).await;
        let mount =
            "MountVolume.SetUp failed for volume \"data\" : rpc error: code = Internal desc = no such disk";
        say(trial, &pod, "FailedMount", mount).await;
        let seen = trial.fault("crm", "Cluster", "VolumeNotMounted").await;
        assert_eq!(seen.fault("layer"), "Volume");
        assert_eq!(seen.fault("confidence"), "High");
        names_no_pod(&seen, &pod);
        let missing = "MountVolume.SetUp failed for volume \"keys\" : secret \"crm-keys\" not found";
        say(trial, &pod, "FailedMount", missing).await;
        let seen = trial.fault("crm", "Config", "ReferenceMissing").await;
        assert!(
            seen.fault("message").contains("crm-keys"),
            "{}",
            seen.fault("message")
        );
        trial.pods("crm", PodState::Ready);
        trial.well("crm").await;
    });
}

#[test]
fn a_sandbox_that_cannot_be_made_is_the_clusters() {
    trial(async |trial: &mut Trial| {
        let pod = being_made(trial).await;
        let message =
            "Failed to create pod sandbox: plugin type=\"bridge\" failed (add): no IP addresses left";
        say(trial, &pod, "FailedCreatePodSandBox", message).await;
        let seen = trial.fault("crm", "Cluster", "SandboxFailed").await;
        assert_eq!(seen.fault("layer"), "Sandbox");
        names_no_pod(&seen, &pod);
    });
}

/// A node of the test's own, not ready, to which only pods go that ask for it.
async fn lost_node(trial: &Trial, name: &str) {
    let nodes: Api<Node> = Api::all(trial.client().clone());
    let node = json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}});
    let params = PatchParams::apply("test").force();
    nodes.patch(name, &params, &Patch::Apply(node)).await.unwrap();
    let taint =
        json!({"spec": {"taints": [{"key": "test.example/own", "value": name, "effect": "NoSchedule"}]}});
    nodes
        .patch(name, &PatchParams::default(), &Patch::Merge(taint))
        .await
        .unwrap();
    let room = json!({"cpu": "2", "memory": "4Gi", "pods": "10", "ephemeral-storage": "10Gi"});
    let status = json!({"status": {"capacity": room, "allocatable": room,
        "conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.", "lastTransitionTime": Timestamp::now().to_string()}]}});
    nodes
        .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
}

#[test]
fn a_node_that_is_away_is_named_and_is_the_clusters() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let node = format!("lost-{}", trial.namespace());
        lost_node(trial, &node).await;
        let mut wanted = plugin("crm");
        wanted["spec"]["workload"]["podTemplate"] = json!({"spec": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "tolerations": [{"key": "test.example/own", "operator": "Exists"}],
        }});
        trial.apply(&wanted).await;
        let seen = trial.fault("crm", "Cluster", "NodeNotReady").await;
        assert_eq!(object(&seen), ("Node".to_owned(), node.clone()));
        let nodes: Api<Node> = Api::all(trial.client().clone());
        nodes
            .delete(&node, &kube::api::DeleteParams::default())
            .await
            .unwrap();
    });
}

#[test]
fn a_quota_that_is_used_up_is_named() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
            "spec": {"hard": {"pods": "0"}}});
        trial.apply(&quota).await;
        let quotas: Api<ResourceQuota> = Api::namespaced(trial.client().clone(), trial.namespace());
        let status = json!({"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}});
        quotas
            .patch_status("none", &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
        trial.apply(&plugin("crm")).await;
        trial.fault("crm", "Cluster", "QuotaExceeded").await;
        trial
            .plugin_until("crm", "naming the quota", |seen| {
                object(seen) == ("ResourceQuota".to_owned(), "none".to_owned())
            })
            .await;
    });
}

/// A webhook that nobody answers for, asked for what is made of one kind in the trial's namespace.
fn webhook(trial: &Trial, resource: &str, group: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": format!("away-{}", trial.namespace())},
        "webhooks": [{
            "name": "away.test.example", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "timeoutSeconds": 1,
            "clientConfig": {"url": "https://127.0.0.1:9/away"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": trial.namespace()}},
            "rules": [{"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}],
        }],
    })
}

async fn with_webhook(trial: &Trial, resource: &str, group: &str) -> (Api<kube::api::DynamicObject>, String) {
    let wanted = webhook(trial, resource, group);
    let name = wanted["metadata"]["name"].as_str().unwrap().to_owned();
    let kind = kube::core::GroupVersionKind::gvk(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
    );
    let resource = kube::core::ApiResource::from_gvk(&kind);
    let api: Api<kube::api::DynamicObject> = Api::all_with(trial.client().clone(), &resource);
    let params = PatchParams::apply("test").force();
    api.patch(&name, &params, &Patch::Apply(wanted)).await.unwrap();
    (api, name)
}

#[test]
fn a_webhook_that_does_not_answer_for_pods_is_the_clusters() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let (webhooks, name) = with_webhook(trial, "pods", "").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Cluster", "WebhookUnavailable").await;
        let told = seen.0["status"]["fault"]["evidence"].to_string();
        assert!(told.contains("away.test.example"), "{told}");
        webhooks
            .delete(&name, &kube::api::DeleteParams::default())
            .await
            .unwrap();
    });
}

#[test]
fn a_webhook_that_does_not_answer_for_a_child_is_the_clusters_and_no_error_of_the_operator() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let (webhooks, name) = with_webhook(trial, "deployments", "apps").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Cluster", "WebhookUnavailable").await;
        assert!(
            seen.fault("message").contains("away.test.example"),
            "{}",
            seen.fault("message")
        );
        webhooks
            .delete(&name, &kube::api::DeleteParams::default())
            .await
            .unwrap();
        trial.well("crm").await;
    });
}

#[test]
fn a_claim_whose_class_does_not_exist_is_the_manifests() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "nowhere",
                "resources": {"requests": {"storage": "1Gi"}}}});
        trial.apply(&claim).await;
        let mut wanted = plugin("crm");
        wanted["spec"]["workload"]["podTemplate"] = json!({"spec": {"volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}});
        trial.apply(&wanted).await;
        let seen = trial.fault("crm", "Config", "VolumeNotBound").await;
        assert_eq!(
            object(&seen),
            ("PersistentVolumeClaim".to_owned(), "data".to_owned())
        );
    });
}

#[test]
fn a_request_that_no_node_can_meet_is_the_manifests() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mut wanted = plugin("crm");
        wanted["spec"]["workload"]["resources"] = json!({"requests": {"cpu": "20000"}});
        trial.apply(&wanted).await;
        let seen = trial.fault("crm", "Config", "RequestTooLarge").await;
        assert_eq!(seen.fault("confidence"), "High");
    });
}

//! The partner's cluster: quota, admission, volumes, nodes, and people with `kubectl edit`.

use std::time::Duration;

use kube::api::PostParams;
use serde_json::{Value, json};

use super::config::needs_memory;
use super::helpers::{mended_with_new_pods, object, spec_base, then_delete_pods};
use crate::case::{Act, Case, Signal, Step, fixed, patch_step, step};
use crate::stage::{PLUGIN, Stage};
use crate::trouble::{Result, Trouble};

const GROUP: &str = "cluster";
const CLUSTER: &[&str] = &["Cluster"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = quota();
    cases.extend(admission());
    cases.extend(edited());
    cases.extend(shared());
    cases
}

fn no_pods() -> Act {
    object(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}},
    }))
}

/// The quota that leaves no room, for pairs.
pub(super) fn quota_used_up() -> Act {
    then_delete_pods(no_pods())
}

fn quota() -> Vec<Case> {
    let range = |limits: Value| {
        object(json!({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "range"}, "spec": {"limits": [limits]},
        }))
    };
    let claim = Act {
        heal: Some(step(|stage| Box::pin(a_volume_for_the_claim(stage)))),
        ..object(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "1Gi"}}},
        }))
    };
    let with_claim = json!({"spec": {"workload": {"podTemplate": {"spec": {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}}}});
    vec![
        Case::first("quota-leaves-no-pod", GROUP, no_pods())
            .truth(CLUSTER, &["Quota"], &["QuotaExceeded"])
            .signal(Signal::Object("ReplicaSet", "exceeded quota"))
            .decisive(),
        Case::later("quota-leaves-no-new-pod", GROUP, quota_used_up())
            .truth(CLUSTER, &["Quota"], &["QuotaExceeded"])
            .signal(Signal::Object("ReplicaSet", "exceeded quota"))
            .decisive(),
        Case::first(
            "limit-range-refuses-the-request",
            GROUP,
            range(json!({"type": "Container", "min": {"cpu": "100m"}})),
        )
        .base(spec_base(json!({"workload": {"resources": {"requests": {"cpu": "10m"}, "limits": {"cpu": "1"}}}})))
        .truth(CLUSTER, &["Quota", "Admission"], &[])
        .signal(Signal::Object("ReplicaSet", "minimum cpu usage"))
        .outside(),
        Case::first(
            "limit-range-makes-memory-scarce",
            GROUP,
            mended_with_new_pods(range(
                json!({"type": "Container", "default": {"memory": "24Mi"}, "defaultRequest": {"memory": "24Mi"}}),
            )),
        )
        .base(needs_memory())
        .truth(CLUSTER, &["Quota", "Container"], &[])
        .signal(Signal::Object("Pod", "OOMKilled"))
        .outside()
        .window(20),
        Case::first("volume-claim-stays-unbound", GROUP, claim)
            .base(fixed(with_claim))
            .truth(CLUSTER, &["Volume", "Scheduling"], &[])
            .signal(Signal::Object("Pod", "unbound immediate")),
    ]
}

/// Who runs the cluster makes the volume that is waited for.
async fn a_volume_for_the_claim(stage: &Stage) -> Result {
    stage
        .apply(&json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": stage.of_cluster("faults-data"),
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "", "capacity": {"storage": "1Gi"},
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": stage.namespace, "name": "data"},
                "hostPath": {"path": "/tmp", "type": "Directory"},
            },
        }))
        .await
}

/// Waits until a pod is refused: policies and webhooks come into force some seconds after they were made.
async fn until_refused(stage: &Stage) -> Result {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked"},
        "spec": {"containers": [{"name": "c", "image": "wazo.test/pause:1"}]},
    });
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let pod = serde_json::from_value(pod)?;
    for _ in 0..150 {
        let asked = stage.api("v1", "Pod").create(&dry, &pod).await;
        if asked.is_err_and(|error| error.to_string().contains("faults-")) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(Trouble::new("the policy does not come into force"))
}

fn here(stage: &Stage) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}})
}

/// A policy of the cluster that refuses objects of a kind in this namespace.
fn policy(group: &'static str, resource: &'static str) -> Act {
    const VERSION: &str = "admissionregistration.k8s.io/v1";
    Act::doing(
        step(move |stage| {
            Box::pin(async move {
                let name = stage.of_cluster("faults-policy");
                let rule = json!({"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource, "pods"]});
                let mut rules = vec![rule];
                // Pods are asked about, to see whether it is in force.
                if resource != "pods" {
                    rules[0]["resources"] = json!([resource]);
                    rules.push(json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}));
                }
                stage
                    .apply(&json!({
                        "apiVersion": VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": name,
                        "spec": {
                            "failurePolicy": "Fail",
                            "matchConstraints": {"resourceRules": rules},
                            "validations": [{
                                "expression": format!("object.kind == 'Pod' && '{resource}' != 'pods' && (!has(object.metadata.name) || object.metadata.name != 'asked')"),
                                "message": "images must be signed",
                            }],
                        },
                    }))
                    .await?;
                stage
                    .apply(&json!({
                        "apiVersion": VERSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": name,
                        "spec": {
                            "policyName": name["name"], "validationActions": ["Deny"],
                            "matchResources": {"namespaceSelector": here(stage)},
                        },
                    }))
                    .await?;
                until_refused(stage).await
            })
        }),
        step(|stage| {
            Box::pin(async move {
                let name = format!("faults-policy-{}", stage.namespace);
                stage
                    .delete_of_cluster(VERSION, "ValidatingAdmissionPolicyBinding", &name)
                    .await?;
                stage
                    .delete_of_cluster(VERSION, "ValidatingAdmissionPolicy", &name)
                    .await
            })
        }),
    )
}

/// A webhook of the cluster's that nobody serves.
pub(super) fn dead_webhook() -> Act {
    const VERSION: &str = "admissionregistration.k8s.io/v1";
    const KIND: &str = "ValidatingWebhookConfiguration";
    Act::doing(
        step(|stage| {
            Box::pin(async move {
                stage
                    .apply(&json!({
                        "apiVersion": VERSION, "kind": KIND, "metadata": stage.of_cluster("faults-webhook"),
                        "webhooks": [{
                            "name": "faults-webhook.example.com", "sideEffects": "None", "failurePolicy": "Fail",
                            "admissionReviewVersions": ["v1"], "timeoutSeconds": 2,
                            "clientConfig": {"url": "https://127.0.0.1:1/"},
                            "namespaceSelector": here(stage),
                            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                        }],
                    }))
                    .await?;
                until_refused(stage).await
            })
        }),
        step(|stage| {
            Box::pin(async move {
                let name = format!("faults-webhook-{}", stage.namespace);
                stage.delete_of_cluster(VERSION, KIND, &name).await
            })
        }),
    )
}

fn admission() -> Vec<Case> {
    vec![
        Case::first("policy-refuses-pods", GROUP, policy("", "pods"))
            .truth(CLUSTER, &["Admission"], &["PolicyDenied"])
            .signal(Signal::Object("ReplicaSet", "images must be signed"))
            .decisive()
            .clear_within(60),
        Case::first("policy-refuses-deployments", GROUP, policy("apps", "deployments"))
            .truth(CLUSTER, &["Admission"], &["PolicyDenied"])
            .outside()
            .decisive()
            .clear_within(60),
        Case::first("webhook-of-the-cluster-is-dead", GROUP, dead_webhook())
            .truth(CLUSTER, &["Admission"], &["WebhookUnavailable", "PolicyDenied"])
            .signal(Signal::Object("ReplicaSet", "failed calling webhook"))
            .decisive()
            .clear_within(60),
        Case::later(
            "webhook-dies-and-a-pod-is-lost",
            GROUP,
            then_delete_pods(dead_webhook()),
        )
        .truth(CLUSTER, &["Admission"], &["WebhookUnavailable", "PolicyDenied"])
        .signal(Signal::Object("ReplicaSet", "failed calling webhook"))
        .decisive()
        // The ReplicaSet's controller waits ever longer between two tries.
        .clear_within(180),
    ]
}

/// Somebody edits an object of ours, which the plugin's `drift: Report` leaves as it is; then puts it back.
fn somebody_edits(version: &'static str, kind: &'static str, edit: Value) -> Act {
    Act::doing(
        step(move |stage| {
            let edit = edit.clone();
            Box::pin(async move {
                let held = stage.api(version, kind).get(PLUGIN).await?;
                stage.note("edited", serde_json::to_value(&held)?);
                stage.edit(version, kind, PLUGIN, edit).await
            })
        }),
        step(move |stage| {
            Box::pin(async move {
                let held = stage.noted("edited");
                let mut back = json!({"spec": held["spec"]});
                if kind == "Service" {
                    back["spec"]["selector"]["edited-by"] = Value::Null;
                }
                stage.edit(version, kind, PLUGIN, back).await
            })
        }),
    )
}

/// Of the route's first rule, with filters.
fn filtered(filters: Value) -> Act {
    const VERSION: &str = "gateway.networking.k8s.io/v1";
    Act::doing(
        step(move |stage| {
            let filters = filters.clone();
            Box::pin(async move {
                let held = serde_json::to_value(stage.api(VERSION, "HTTPRoute").get(PLUGIN).await?)?;
                stage.note("edited", held.clone());
                let mut rules = held["spec"]["rules"].clone();
                rules[0]["filters"] = filters;
                stage
                    .edit(VERSION, "HTTPRoute", PLUGIN, json!({"spec": {"rules": rules}}))
                    .await
            })
        }),
        step(|stage| {
            Box::pin(async move {
                let held = stage.noted("edited");
                let back = json!({"spec": {"rules": held["spec"]["rules"]}});
                stage.edit(VERSION, "HTTPRoute", PLUGIN, back).await
            })
        }),
    )
}

fn edited() -> Vec<Case> {
    let reported = || spec_base(json!({"drift": "Report", "workload": {"readiness": {"path": "/healthz"}}}));
    let evict = Act::doing(
        step(|stage| {
            let (client, namespace) = (stage.ground.client.clone(), stage.namespace.clone());
            Box::pin(async move {
                stage.spawn(tokio::spawn(evict_for_ever(client, namespace)));
                Ok(())
            })
        }),
        step(|_| Box::pin(async { Ok(()) })),
    );
    vec![
        Case::later("selector-of-our-service-edited", GROUP, somebody_edits("v1", "Service", json!({"spec": {"selector": {"edited-by": "somebody"}}})))
            .base(reported())
            .truth(&["Cluster", "Config"], &["Service"], &[])
            .window(35),
        Case::later(
            "filter-of-our-route-takes-cors-away",
            GROUP,
            filtered(json!([{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["Access-Control-Allow-Origin"]}}])),
        )
        .base(reported())
        .truth(CLUSTER, &["Route"], &["CorsLostOnTheWay"])
        .window(35),
        Case::later(
            "filter-of-our-route-leads-elsewhere",
            GROUP,
            filtered(json!([{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/nowhere"}}}])),
        )
        .base(reported())
        .truth(CLUSTER, &["Route"], &[])
        .outside()
        .window(35),
        Case::later("pods-are-evicted-again-and-again", GROUP, evict)
            .truth(CLUSTER, &["Node"], &["PodsEvicted"])
            .outside()
            .window(30),
    ]
}

/// Evicts every pod of a namespace, again and again.
async fn evict_for_ever(client: kube::Client, namespace: String) {
    use k8s_openapi::api::core::v1::Pod;
    use kube::ResourceExt;
    use kube::api::{Api, EvictParams, ListParams};
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    loop {
        let list = pods.list(&ListParams::default()).await;
        for pod in list.into_iter().flatten() {
            // What is gone already is as wanted.
            let _ = pods.evict(&pod.name_any(), &EvictParams::default()).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn halted(program: &'static str) -> Act {
    Act::doing(
        step(move |stage| Box::pin(async move { stage.ground.halt(program) })),
        step(move |stage| Box::pin(async move { stage.ground.resume(program) })),
    )
}

fn node(patch: Value) -> Step {
    step(move |stage| {
        let patch = patch.clone();
        Box::pin(async move {
            let nodes = stage.cluster_api("v1", "Node");
            let params = kube::api::PatchParams::default();
            nodes
                .patch("node1", &params, &kube::api::Patch::Merge(patch))
                .await?;
            Ok(())
        })
    })
}

/// What every plugin of the cluster shares: played alone.
fn shared() -> Vec<Case> {
    let cordon = Act::doing(
        node(json!({"spec": {"unschedulable": true}})),
        node(json!({"spec": {"unschedulable": null, "taints": null}})),
    );
    let taint = Act::doing(
        node(json!({"spec": {"taints": [{"key": "maintenance", "effect": "NoSchedule"}]}})),
        node(json!({"spec": {"taints": null}})),
    );
    vec![
        Case::later("node-cordoned-and-a-pod-lost", GROUP, then_delete_pods(cordon))
            .truth(CLUSTER, &["Scheduling", "Node"], &[])
            .signal(Signal::Object("Pod", "Unschedulable"))
            .exclusive(),
        Case::later("node-tainted-and-a-pod-lost", GROUP, then_delete_pods(taint))
            .truth(CLUSTER, &["Scheduling", "Node"], &[])
            .signal(Signal::Object("Pod", "Unschedulable"))
            .outside()
            .exclusive(),
        Case::later("kubelet-stops", GROUP, halted("kubelet"))
            .truth(CLUSTER, &["Node"], &[])
            .window(60)
            .exclusive(),
        Case::later("cluster-dns-stops", GROUP, halted("coredns"))
            .truth(CLUSTER, &["DNS"], &[])
            .window(45)
            .exclusive(),
        Case::later("gateway-stops", GROUP, halted("traefik"))
            .truth(CLUSTER, &["Route"], &["PublicAddressUnreachable"])
            .window(45)
            .exclusive(),
        Case::later("right-of-the-operator-taken-away", GROUP, without_right())
            .truth(&["Operator"], &[], &["OperatorForbidden", "OperatorError"])
            .window(30)
            .outside()
            .exclusive(),
    ]
}

/// The operator may not write Deployments any more, and a change of the spec is due.
fn without_right() -> Act {
    const VERSION: &str = "rbac.authorization.k8s.io/v1";
    const ROLE: &str = "wazo-plugin-operator";
    let mut act = Act::doing(
        step(|stage| {
            Box::pin(async move {
                let roles = stage.cluster_api(VERSION, "ClusterRole");
                let held = serde_json::to_value(roles.get(ROLE).await?)?;
                stage.note("rules", held["rules"].clone());
                let mut rules = held["rules"].clone();
                for rule in rules.as_array_mut().into_iter().flatten() {
                    if let Some(resources) = rule["resources"].as_array_mut()
                        && resources.contains(&json!("deployments"))
                    {
                        rule["verbs"] = json!(["get", "list", "watch"]);
                    }
                }
                write_rules(stage, rules).await
            })
        }),
        step(|stage| Box::pin(async move { write_rules(stage, stage.noted("rules")).await })),
    );
    act.patch = Some(patch_step(|_| {
        Box::pin(async { Ok(json!({"spec": {"workload": {"env": [{"name": "CHANGED", "value": "yes"}]}}})) })
    }));
    act
}

async fn write_rules(stage: &Stage, rules: Value) -> Result {
    let roles = stage.cluster_api("rbac.authorization.k8s.io/v1", "ClusterRole");
    let patch = kube::api::Patch::Merge(json!({"rules": rules}));
    roles
        .patch("wazo-plugin-operator", &kube::api::PatchParams::default(), &patch)
        .await?;
    Ok(())
}

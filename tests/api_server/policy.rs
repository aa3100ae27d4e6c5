//! What the cluster's own policies refuse: known before anything is written.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::{Value, json};
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{PATIENCE, Trial, trial};

/// A policy for the Deployments of the test's namespace that lets no image of plugins through.
async fn forbid_images(trial: &Trial) {
    let name = trial.namespace();
    let policy: ValidatingAdmissionPolicy = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"],
            }]},
            "validations": [{
                "expression": "object.spec.template.spec.containers.all(c, c.image.startsWith('allowed.test/'))",
                "message": "images come from allowed.test",
            }],
        },
    }))
    .expect("an object of the API");
    let binding: ValidatingAdmissionPolicyBinding = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}},
        },
    }))
    .expect("an object of the API");
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(trial.client().clone());
    policies
        .create(&PostParams::default(), &policy)
        .await
        .expect("the API server takes it");
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(trial.client().clone());
    bindings
        .create(&PostParams::default(), &binding)
        .await
        .expect("the API server takes it");
    // It is in force some moments after it is there.
    let probe = deployment();
    let in_force = async {
        while trial.try_apply(&probe).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, in_force)
        .await
        .expect("the policy comes into force");
}

async fn allow_images(trial: &Trial) {
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(trial.client().clone());
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(trial.client().clone());
    let now = DeleteParams::default();
    bindings
        .delete(trial.namespace(), &now)
        .await
        .expect("the API server takes it");
    policies
        .delete(trial.namespace(), &now)
        .await
        .expect("the API server takes it");
}

/// A Deployment without pods that the policy refuses.
fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "probe"}},
            "template": {"metadata": {"labels": {"app": "probe"}},
                "spec": {"containers": [{"name": "probe", "image": "other.test/probe:1"}]}},
        },
    })
}

#[test]
fn a_policy_of_the_cluster_is_named_before_anything_is_written_and_heals() {
    trial(async |trial: &mut Trial| {
        forbid_images(trial).await;
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Cluster", "PolicyDenied").await;
        let message = seen.fault("message");
        assert!(message.contains("images come from allowed.test"), "{message}");
        assert_eq!(
            (seen.truth("Ready"), seen.truth("Reconciling")),
            ("False", "True"),
            "the policy may change: it is tried again"
        );
        for (version, kind) in [
            ("v1", "ServiceAccount"),
            ("apps/v1", "Deployment"),
            ("v1", "Service"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ] {
            assert!(trial.get(version, kind, "crm").await.is_none(), "{kind}");
        }
        assert!(!trial.is_known("crm"));
        allow_images(trial).await;
        trial.well("crm").await;
    });
}

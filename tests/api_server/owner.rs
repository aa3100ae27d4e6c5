//! Who the operator is to a core.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use serde_json::json;
use wazo_e2e::objects::{self, CORE, Seen};
use wazo_e2e::trial::{Trial, trial};

async fn edit_is_refused(trial: &Trial, owner: &str) -> String {
    let mut core = objects::core_at(&trial.core().url());
    core["spec"]["ownerId"] = json!(owner);
    let refused = trial.try_apply(&core).await.expect_err("refused");
    refused.to_string()
}

#[test]
fn the_owner_is_the_cluster_by_default_and_can_only_be_pinned_to_that() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let seen = trial.core_until("Ready", Seen::is_ready).await;
        let owner = seen.0["status"]["ownerId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let cluster = Api::<Namespace>::all(trial.client().clone())
            .get("kube-system")
            .await
            .unwrap();
        assert_eq!(Some(&owner), cluster.metadata.uid.as_ref());
        let told = edit_is_refused(trial, "another").await;
        assert!(told.contains("status.ownerId"), "{told}");
        trial.edit_core(&json!({"spec": {"ownerId": owner}})).await;
        let seen = trial.core_until("observed", Seen::is_ready).await;
        assert_eq!(seen.0["status"]["ownerId"], owner);
        let told = edit_is_refused(trial, "another").await;
        assert!(told.contains("immutable"), "{told}");
        // Nor can it be taken away again.
        let taken = json!({"spec": {"ownerId": null}});
        let api = trial.of::<wazo_plugin_operator::api::core::WazoCore>();
        let patch = kube::api::Patch::Merge(&taken);
        let refused = api.patch(CORE, &Default::default(), &patch).await;
        assert!(refused.is_err());
    });
}

#[test]
fn an_owner_that_is_set_before_the_first_contact_is_the_one_in_force() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial
            .edit_core(&json!({"spec": {"ownerId": "acme-production"}}))
            .await;
        trial.start();
        let seen = trial.core_until("Ready", Seen::is_ready).await;
        assert_eq!(seen.0["status"]["ownerId"], "acme-production");
    });
}

//! The end of a plugin in every order in which somebody may delete what belongs together.

use kube::Resource;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams};
use serde_json::{Value, json};
use wazo_e2e::objects::{CORE, plugin};
use wazo_e2e::trial::{Trial, trial};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;

const COPY: &str = "plugins.wazo.io/core-credentials-copy";

pub(crate) async fn delete_by<K: Resource<DynamicType = ()>>(
    trial: &Trial,
    name: &str,
    params: DeleteParams,
) {
    let api: Api<DynamicObject> = trial.of::<K>();
    if let Err(error) = api.delete(name, &params).await {
        panic!("{name} not deleted: {error}");
    }
}

pub(crate) async fn copies(trial: &Trial) -> Vec<Value> {
    let mut secrets = trial.list("v1", "Secret").await;
    secrets.retain(|secret| secret["type"] == COPY);
    secrets
}

/// Where the copy of the core's credentials is, and its name.
pub(crate) async fn copy_of(trial: &Trial) -> (Api<DynamicObject>, String) {
    let core = trial.core_until("there", |_| true).await;
    let uid = core.0["metadata"]["uid"].as_str().unwrap_or_default();
    let secrets = Api::namespaced_with(
        trial.client().clone(),
        trial.namespace(),
        &kube::core::ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&()),
    );
    (secrets, format!("wazocore-{uid}"))
}

pub(crate) async fn told(trial: &Trial, reason: &str) -> bool {
    let events = trial.list("events.k8s.io/v1", "Event").await;
    events.iter().any(|event| event["reason"] == reason)
}

#[test]
fn a_foreground_deletion_takes_the_children_first_and_none_is_made_again() {
    trial(async |trial: &mut Trial| {
        // The garbage collector looks for new kinds every 30 s.
        trial.wait_at_most(std::time::Duration::from_secs(90));
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let before = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        // The core is away, so that the object outlives its children.
        trial
            .core()
            .faults()
            .inject(wazo_e2e::wazo_simulated_core::Fault::refuse_connections())
            .await;
        delete_by::<WazoPlugin>(trial, "crm", DeleteParams::foreground()).await;
        let deployments: Api<DynamicObject> = Api::namespaced_with(
            trial.client().clone(),
            trial.namespace(),
            &kube::core::ApiResource::erase::<k8s_openapi::api::apps::v1::Deployment>(&()),
        );
        trial
            .until(deployments.clone(), "crm", "gone", |seen| seen.is_none())
            .await;
        trial
            .plugin_until("crm", "blocked", |seen| {
                seen.reason("Ready") == "DeregistrationBlocked"
            })
            .await;
        let remade = deployments.list(&ListParams::default()).await.unwrap();
        assert!(remade.items.is_empty(), "{before:#}");
        trial.core().faults().clear_all().await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        trial.stop().await;
        assert!(told(trial, "ChildrenDeletedFirst").await);
    });
}

#[test]
fn a_deletion_that_orphans_leaves_the_children_to_nobody_and_deregisters() {
    trial(async |trial: &mut Trial| {
        // The garbage collector looks for new kinds every 30 s.
        trial.wait_at_most(std::time::Duration::from_secs(90));
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        delete_by::<WazoPlugin>(trial, "crm", DeleteParams::orphan()).await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        let left = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert!(left["metadata"]["ownerReferences"].is_null(), "{left:#}");
        assert!(!told(trial, "ChildrenDeletedFirst").await);
        // Another plugin of that name does not take over what is nobody's.
        trial.apply(&plugin("crm")).await;
        trial.fault("crm", "Config", "NameTaken").await;
    });
}

#[test]
fn a_core_that_is_suspended_holds_a_deletion_until_it_is_resumed() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.edit_core(&json!({"spec": {"suspend": true}})).await;
        trial
            .core_until("Suspended", |seen| seen.truth("Suspended") == "True")
            .await;
        trial.delete_plugin("crm").await;
        trial
            .plugin_until("crm", "blocked", |seen| {
                seen.reason("Ready") == "DeregistrationBlocked"
            })
            .await;
        assert!(trial.is_registered("crm"));
        trial.edit_core(&json!({"spec": {"suspend": null}})).await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
    });
}

#[test]
fn what_a_core_refers_to_may_be_deleted_first_even_while_no_operator_runs() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let (secrets, name) = copy_of(trial).await;
        trial.until(secrets, &name, "there", |seen| seen.is_some()).await;
        let kept = copies(trial).await;
        assert_eq!(kept.len(), 1, "a copy of the credentials stands beside the core");
        assert_eq!(kept[0]["metadata"]["ownerReferences"][0]["kind"], "WazoCore");
        trial.stop().await;
        // As `kubectl delete -f` of a folder: everything at once, in whatever order.
        trial.delete("v1", "Secret", CORE).await;
        trial.delete("v1", "ConfigMap", CORE).await;
        trial.delete("plugins.wazo.io/v1alpha1", "WazoCore", CORE).await;
        trial.delete_plugin("crm").await;
        trial.start();
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        trial.strangers_data_is_intact();
        trial
            .until(trial.of::<WazoCore>(), CORE, "gone", |seen| seen.is_none())
            .await;
        trial.stop().await;
        assert_eq!(copies(trial).await.len(), 0, "the copy goes with its core");
    });
}

#[test]
fn the_copy_of_the_credentials_follows_them_and_is_kept_from_pods() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.core().faults().change_password("changed-in-the-core");
        let username = trial.core().account().0.to_owned();
        trial
            .apply(&wazo_e2e::objects::credentials(&username, "changed-in-the-core"))
            .await;
        let (secrets, name) = copy_of(trial).await;
        // "changed-in-the-core" in base64.
        trial
            .until(secrets, &name, "the new password", |seen| {
                seen.is_some_and(|seen| seen.0["data"]["password"] == "Y2hhbmdlZC1pbi10aGUtY29yZQ==")
            })
            .await;
        let mut thief = plugin("thief");
        thief["spec"]["workload"]["envFrom"] = json!([{"secretRef": {"name": name}}]);
        trial.apply(&thief).await;
        trial.fault("thief", "Config", "CoreCredentialsExposed").await;
    });
}

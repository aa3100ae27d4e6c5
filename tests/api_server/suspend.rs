//! Suspension: the operator keeps its hands off.

use serde_json::json;
use wazo_e2e::objects::IMAGE;
use wazo_e2e::trial::{Trial, trial};

#[test]
fn a_suspended_plugin_keeps_what_it_has() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        let seen = trial
            .plugin_until("crm", "Suspended", |seen| {
                seen.is_observed() && seen.truth("Suspended") == "True"
            })
            .await;
        assert_eq!(seen.truth("Ready"), "True", "nothing is pending");
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": null}}))
            .await;
        let seen = trial
            .plugin_until("crm", "resumed", |seen| {
                seen.is_ready() && seen.condition("Suspended").is_none()
            })
            .await;
        assert!(!seen.has_fault());
    });
}

#[test]
fn a_change_waits_until_the_suspension_ends() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let image = "registry.test/panel:2.0.0";
        trial
            .edit_plugin(
                "crm",
                &json!({"spec": {"suspend": true, "workload": {"image": image}}}),
            )
            .await;
        trial
            .plugin_until("crm", "waiting with changes", |seen| {
                seen.is_observed() && seen.reason("Ready") == "SuspendedWithChanges"
            })
            .await;
        let of = |deployment: &serde_json::Value| {
            deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone()
        };
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(of(&deployment), IMAGE);
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": false}}))
            .await;
        trial
            .plugin_until("crm", "Ready and resumed", |seen| {
                seen.is_ready() && seen.condition("Suspended").is_none()
            })
            .await;
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(of(&deployment), image);
    });
}

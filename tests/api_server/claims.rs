//! A URL that several plugins declare: it stays for one who has it, and for nobody who only says so.

use serde_json::{Value, json};
use wazo_e2e::objects::{self, Seen, host, plugin};
use wazo_e2e::trial::{Trial, trial};

/// A plugin that declares the URL of another one.
fn claimant(name: &str, of: &str) -> Value {
    let mut object = plugin(name);
    object["spec"]["expose"]["url"] = json!(format!("https://{}", host(of)));
    object
}

async fn deleted_for_good(trial: &Trial) {
    trial.delete_plugin("crm").await;
    trial.gone("crm").await;
    assert!(!trial.is_known("crm"));
    trial.strangers_data_is_intact();
}

#[test]
fn a_claim_by_a_core_that_nobody_logs_in_to_keeps_nothing_in_the_core() {
    trial(async |trial: &mut Trial| {
        let acme = trial.neighbour().await;
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let cores = trial.enter(&acme);
        // The URL of the victim's core, and no credentials.
        trial.apply(&objects::core_at(&trial.core().url())).await;
        trial.apply(&claimant("claimant", "crm")).await;
        trial
            .core_until("without credentials", |seen| {
                seen.is_observed() && seen.has_fault()
            })
            .await;
        trial
            .plugin_until("claimant", "looked at", |seen| {
                seen.is_observed() && seen.has_fault()
            })
            .await;
        trial.enter(&cores);
        deleted_for_good(trial).await;
    });
}

#[test]
fn a_claim_for_a_user_whom_nobody_will_look_for_keeps_nothing_in_the_core() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let mut object = claimant("claimant", "crm");
        let users = json!([{"uuid": "5d1c3d2e-0a9d-4d0c-8a42-5b6f8f1effff"}]);
        object["spec"]["registrations"]["ui"][0]["audience"] = json!({"from": "Users", "users": users});
        object["spec"]["suspend"] = json!(true);
        trial.apply(&object).await;
        trial
            .plugin_until("claimant", "suspended", |seen| {
                seen.is_observed() && seen.truth("Suspended") == "True"
            })
            .await;
        deleted_for_good(trial).await;
    });
}

/// How often an application was changed.
fn changes(trial: &Trial) -> usize {
    let effects = trial.core().journal().effects();
    let keys = effects.iter().filter_map(|entry| entry.effect.key.as_ref());
    keys.filter(|key| key.starts_with("external_apps/")).count()
}

/// A plugin of another namespace, with a WazoCore of its own, has the URL, too.
async fn twin(trial: &mut Trial, namespace: &str) -> Seen {
    trial.enter(namespace);
    trial.connect().await;
    trial.panel("twin").await;
    trial.apply(&claimant("twin", "crm")).await;
    trial.well("twin").await
}

#[test]
fn a_url_that_another_plugin_has_stays_although_the_operator_was_not_there() {
    trial(async |trial: &mut Trial| {
        let acme = trial.neighbour().await;
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let cores = trial.namespace().to_owned();
        twin(trial, &acme).await;
        let before = changes(trial);
        for (name, suspend) in [("crm", false), ("again", true)] {
            if suspend {
                trial
                    .edit_plugin("twin", &json!({"spec": {"suspend": true}}))
                    .await;
                trial
                    .plugin_until("twin", "suspended", |seen| seen.truth("Suspended") == "True")
                    .await;
                trial.enter(&cores);
                trial.panel(name).await;
                trial.apply(&claimant(name, "crm")).await;
                trial.well(name).await;
            }
            trial.enter(&cores);
            trial.stop().await;
            trial.delete_plugin(name).await;
            trial.start();
            trial.gone(name).await;
            assert!(trial.is_registered("crm"), "suspended: {suspend}");
            trial.enter(&acme);
        }
        assert_eq!(changes(trial), before, "not for a moment was it taken out");
        trial
            .edit_plugin("twin", &json!({"spec": {"suspend": null}}))
            .await;
        trial.delete_plugin("twin").await;
        trial.gone("twin").await;
        assert!(!trial.is_known("crm"), "the last one takes it out");
    });
}

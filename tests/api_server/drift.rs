//! Somebody else changes what the operator made.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use wazo_e2e::gate::{Gate, Side};
use wazo_e2e::objects::{Seen, plugin};
use wazo_e2e::trial::{Trial, trial};

/// What the operator sets, and a change of which disturbs no pod.
const FIELD: &str = "spec.revisionHistoryLimit";
const OURS: i64 = 3;
/// What a fighter sets, and numbers behind it: no text holds them by chance.
const THEIRS: i64 = 1_731_500_000;
/// How all of them begin.
const BEGIN: &str = "17315000";

fn edit(value: i64) -> serde_json::Value {
    json!({"spec": {"revisionHistoryLimit": value}})
}

async fn edited_by(api: &Api<Deployment>, manager: &str, value: i64) {
    let params = PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    };
    api.patch("crm", &params, &Patch::Merge(edit(value)))
        .await
        .expect("the API server takes it");
}

fn deployments(trial: &Trial) -> Api<Deployment> {
    Api::namespaced(trial.client().clone(), trial.namespace())
}

/// How often the operator wrote the Deployment.
fn writes(gate: &Gate) -> usize {
    let all = gate.mutations();
    all.iter()
        .filter(|asked| asked.side == Side::ApiServer && asked.path.ends_with("/deployments/crm"))
        .count()
}

async fn limit_is(trial: &Trial, value: i64) {
    trial
        .child_until::<Deployment>("crm", "as wanted", |seen| {
            seen.0["spec"]["revisionHistoryLimit"] == value
        })
        .await;
}

async fn drifted(trial: &Trial, reason: &str) -> Seen {
    trial
        .plugin_until("crm", reason, |seen| {
            seen.truth("Drifted") == "True" && seen.reason("Drifted") == reason
        })
        .await
}

/// Asks for a pass and waits for its answer.
async fn looked_at(trial: &Trial) -> Seen {
    let asked = json!({"metadata": {"annotations": {"reconcile.plugins.wazo.io/requestedAt": "now"}}});
    trial.edit_plugin("crm", &asked).await;
    trial
        .plugin_until("crm", "looked at", |seen| {
            seen.0["status"]["lastHandledReconcileAt"] == "now"
        })
        .await
}

#[test]
fn a_second_controller_that_fights_is_named_and_left_alone_after_the_third_correction() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate: Arc<Gate> = trial.start();
        trial.ready_plugin("crm").await;
        assert_eq!(writes(&gate), 1);
        let api = deployments(trial);
        let fighter = async {
            for round in 0.. {
                edited_by(&api, "fighter", THEIRS + round).await;
                limit_is(trial, OURS).await;
            }
        };
        let seen = tokio::select! {
            () = fighter => unreachable!("it fights for ever"),
            seen = drifted(trial, "DriftCorrectionStopped") => seen,
        };
        let message = seen.message("Drifted");
        for part in ["Deployment \"crm\"", "by fighter", FIELD] {
            assert!(message.contains(part), "{message}");
        }
        assert!(seen.is_ready(), "{:#}", seen.0["status"]);
        assert_eq!(writes(&gate), 1 + 3);
        let told = trial.events("crm", "DriftCorrected").await;
        assert_eq!(told.iter().map(|(times, _)| times).sum::<i64>(), 3, "{told:?}");
        assert!(told[0].1.contains(FIELD), "{told:?}");
        assert_eq!(trial.events("crm", "DriftCorrectionStopped").await.len(), 1);
        let events = trial.list("events.k8s.io/v1", "Event").await;
        let notes = events.iter().map(|event| event["note"].to_string());
        for text in notes.chain([seen.0["status"].to_string()]) {
            assert!(!text.contains(BEGIN), "a value is told: {text}");
        }
        // The next operator goes by what was told.
        let gate = trial.start();
        edited_by(&api, "fighter", 99).await;
        let seen = looked_at(trial).await;
        assert_eq!(seen.reason("Drifted"), "DriftCorrectionStopped");
        assert_eq!(writes(&gate), 0);
        // Another spec is a new try.
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"replicas": 2}}}))
            .await;
        limit_is(trial, OURS).await;
        trial
            .plugin_until("crm", "at peace", |seen| {
                seen.is_ready() && seen.condition("Drifted").is_none()
            })
            .await;
    });
}

#[test]
fn an_object_that_was_given_up_is_tried_again_when_its_time_is_over() {
    trial(async |trial: &mut Trial| {
        trial.wiring().settings.drift_window = std::time::Duration::from_secs(3);
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let api = deployments(trial);
        let fighter = async {
            loop {
                edited_by(&api, "fighter", 10).await;
                limit_is(trial, OURS).await;
            }
        };
        tokio::select! {
            () = fighter => unreachable!("it fights for ever"),
            _ = drifted(trial, "DriftCorrectionStopped") => {}
        }
        limit_is(trial, OURS).await;
        trial
            .plugin_until("crm", "at peace", |seen| seen.condition("Drifted").is_none())
            .await;
    });
}

#[test]
fn with_report_nothing_is_put_back_and_it_is_told_once() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.panel("crm").await;
        let mut object = plugin("crm");
        object["spec"]["drift"] = json!("Report");
        trial.apply(&object).await;
        trial.ready("crm").await;
        edited_by(&deployments(trial), "stranger", 7).await;
        let seen = drifted(trial, "DriftReported").await;
        let message = seen.message("Drifted");
        for part in ["Deployment \"crm\"", "by stranger", FIELD] {
            assert!(message.contains(part), "{message}");
        }
        assert!(seen.is_ready());
        // A restart does not make it new.
        assert_eq!(writes(&gate), 1);
        let gate = trial.start();
        looked_at(trial).await;
        trial.delete("v1", "ServiceAccount", "crm").await;
        trial
            .plugin_until("crm", "told of the deletion", |seen| {
                seen.message("Drifted")
                    .contains("ServiceAccount \"crm\" was deleted")
                    || writes(&gate) > 0
            })
            .await;
        assert_eq!(writes(&gate), 0);
        // What is as it should be again is no drift, whoever set it.
        edited_by(&deployments(trial), "stranger", OURS).await;
        trial
            .plugin_until("crm", "told of the ServiceAccount alone", |seen| {
                !seen.message("Drifted").contains("Deployment")
            })
            .await;
        // Somebody who wants it back says so.
        trial
            .edit_plugin("crm", &json!({"spec": {"drift": "Correct"}}))
            .await;
        trial
            .child_until::<ServiceAccount>("crm", "made again", |seen| {
                seen.0["metadata"]["deletionTimestamp"].is_null()
            })
            .await;
        trial
            .plugin_until("crm", "at peace", |seen| {
                seen.is_ready() && seen.condition("Drifted").is_none()
            })
            .await;
    });
}

#[test]
fn what_was_changed_while_no_operator_ran_is_put_back() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.stop().await;
        edited_by(&deployments(trial), "night-shift", 7).await;
        let gate = trial.start();
        limit_is(trial, OURS).await;
        trial
            .plugin_until("crm", "Ready", |seen| {
                seen.is_ready() && seen.condition("Drifted").is_none()
            })
            .await;
        assert_eq!(writes(&gate), 1);
    });
}

#[test]
fn what_others_add_to_a_child_is_left_alone() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        let note = json!({"metadata": {"annotations": {"team.example/owner": "crm"}}, "spec": {"minReadySeconds": 1}});
        trial.patch("apps/v1", "Deployment", "crm", &note).await;
        trial
            .patch(
                "v1",
                "ServiceAccount",
                "crm",
                &json!({"metadata": {"labels": {"a": "b"}}}),
            )
            .await;
        looked_at(trial).await;
        assert_eq!(writes(&gate), 1);
        assert!(trial.events("crm", "DriftCorrected").await.is_empty());
    });
}

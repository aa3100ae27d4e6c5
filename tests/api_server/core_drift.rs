//! Somebody else takes out of the core what the operator registered there.

use serde_json::json;
use wazo_e2e::objects::{Seen, manifest_url, plugin};
use wazo_e2e::trial::{APPS, STRANGER, Trial, trial};

/// A stranger replaces what an application holds by what is his.
fn take_out(trial: &Trial) {
    let taken = trial.core().apps().edit(trial.core().tenant(), APPS[0], |app| {
        app.configuration["manifest_urls"] = json!([STRANGER]);
    });
    assert!(taken);
}

/// How often the operator wrote the application.
fn writes(trial: &Trial) -> usize {
    let path = format!("/api/confd/1.1/external/apps/{}", APPS[0]);
    let entries = trial.core().journal().entries();
    let ours = entries
        .iter()
        .filter(|entry| !entry.stranger && entry.method == "PUT");
    ours.filter(|entry| entry.path == path).count()
}

async fn put_back(trial: &Trial) {
    trial.holds("put back", || trial.is_registered("crm")).await;
}

/// The status tells of so many corrections.
async fn counted(trial: &Trial, times: usize) {
    trial
        .plugin_until("crm", "counted", |seen| {
            let corrected = &seen.0["status"]["drift"][0]["correctedAt"];
            seen.is_ready() && corrected.as_array().is_some_and(|all| all.len() == times)
        })
        .await;
}

async fn drifted(trial: &Trial, reason: &str) -> Seen {
    trial
        .plugin_until("crm", reason, |seen| {
            seen.reason("Drifted") == reason && seen.is_ready() && registered(seen) == "1/2"
        })
        .await
}

fn registered(seen: &Seen) -> &str {
    seen.0["status"]["registered"]["summary"]
        .as_str()
        .unwrap_or_default()
}

/// Asks for a pass and waits for its answer.
async fn looked_at(trial: &Trial, text: &str) -> Seen {
    let asked = json!({"metadata": {"annotations": {"reconcile.plugins.wazo.io/requestedAt": text}}});
    trial.edit_plugin("crm", &asked).await;
    trial
        .plugin_until("crm", "looked at", |seen| {
            seen.0["status"]["lastHandledReconcileAt"] == text
        })
        .await
}

/// Another operator takes over, reads the application, and leaves it.
async fn a_restart_leaves_it(trial: &mut Trial, reason: &str) {
    let before = writes(trial);
    trial.stop().await;
    let gate = trial.start();
    trial
        .holds("the core is read", || {
            let reads = gate.reads();
            reads
                .iter()
                .filter(|asked| asked.path.contains("/external/apps"))
                .count()
                > 1
        })
        .await;
    let seen = looked_at(trial, reason).await;
    assert_eq!((seen.reason("Drifted"), registered(&seen)), (reason, "1/2"));
    assert_eq!(writes(trial), before);
    assert_eq!(trial.urls(APPS[0]), [STRANGER]);
}

#[test]
fn a_stranger_who_fights_in_the_core_is_left_alone_after_the_third_correction_over_restarts() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let first = writes(trial);
        for times in 1..=2 {
            take_out(trial);
            put_back(trial).await;
            counted(trial, times).await;
        }
        // The next operator goes on counting.
        trial.stop().await;
        trial.start();
        trial.well("crm").await;
        take_out(trial);
        put_back(trial).await;
        counted(trial, 3).await;
        take_out(trial);
        let seen = drifted(trial, "DriftCorrectionStopped").await;
        let message = seen.message("Drifted");
        for part in ["application \"", APPS[0], "configuration.manifest_urls"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains(STRANGER), "a value is told: {message}");
        assert_eq!(seen.0["status"]["registrations"][0]["reason"], "Drifted");
        assert!(!seen.has_fault());
        assert_eq!(writes(trial), first + 3);
        a_restart_leaves_it(trial, "DriftCorrectionStopped").await;
        // Another spec is a new try.
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"replicas": 2}}}))
            .await;
        put_back(trial).await;
        trial
            .plugin_until("crm", "at peace", |seen| {
                seen.is_ready() && seen.condition("Drifted").is_none() && registered(seen) == "2/2"
            })
            .await;
        trial.stop().await;
        assert_eq!(trial.events("crm", "DriftCorrectionStopped").await.len(), 1);
        let told = trial.events("crm", "DriftCorrected").await;
        assert!(told.iter().any(|(_, text)| text.contains(APPS[0])), "{told:?}");
    });
}

#[test]
fn with_report_what_a_stranger_takes_out_of_the_core_stays_out_over_restarts() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mut object = plugin("crm");
        object["spec"]["drift"] = json!("Report");
        trial.apply(&object).await;
        trial.ready("crm").await;
        let first = writes(trial);
        take_out(trial);
        drifted(trial, "DriftReported").await;
        a_restart_leaves_it(trial, "DriftReported").await;
        assert_eq!(writes(trial), first);
        // Whoever puts it back himself ends it.
        trial.core().apps().edit(trial.core().tenant(), APPS[0], |app| {
            app.configuration["manifest_urls"] = json!([STRANGER, manifest_url("crm")]);
        });
        trial
            .plugin_until("crm", "at peace", |seen| {
                seen.is_ready() && seen.condition("Drifted").is_none() && registered(seen) == "2/2"
            })
            .await;
        // Somebody who wants it back says so.
        take_out(trial);
        drifted(trial, "DriftReported").await;
        trial
            .edit_plugin("crm", &json!({"spec": {"drift": "Correct"}}))
            .await;
        put_back(trial).await;
        assert_eq!(writes(trial), first + 1);
    });
}

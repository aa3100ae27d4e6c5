//! What the operator does when there is nothing to do: nothing. Neither while it runs, nor when it starts again.

use std::sync::Arc;

use serde_json::{Value, json};
use wazo_e2e::difference::difference;
use wazo_e2e::gate::{Asked, Gate, Side};
use wazo_e2e::objects::plugin;
use wazo_e2e::panel::{ManifestFault, Misbehave};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{Trial, trial};
use wazo_e2e::wazo_simulated_core::Fault;

/// What was written, apart from sessions of the core.
fn lasting(gate: &Gate) -> Vec<String> {
    gate.mutations()
        .iter()
        .filter(|asked| !asked.is_session())
        .map(ToString::to_string)
        .collect()
}

fn reads_apps(asked: &Asked) -> bool {
    asked.side == Side::Core && asked.path.contains("/external/apps")
}

fn has_read_apps(gate: &Gate) -> bool {
    gate.reads().iter().any(reads_apps)
}

/// Asks for a pass and waits for its answer, one write of the status: by then all earlier passes are over.
async fn ask_for_a_pass(trial: &Trial, name: &str, text: &str) -> Value {
    let asked = json!({"metadata": {"annotations": {"reconcile.plugins.wazo.io/requestedAt": text}}});
    trial.edit_plugin(name, &asked).await;
    let seen = trial
        .plugin_until(name, "looked at once more", |seen| {
            seen.0["status"]["lastHandledReconcileAt"] == text
        })
        .await;
    let mut status = seen.0["status"].clone();
    status["lastHandledReconcileAt"] = Value::Null;
    status
}

/// Lets another operator take over: it comes to the same status, times included, and writes nothing but the answer to
/// the pass that was asked for.
async fn a_restart_changes_nothing(trial: &mut Trial, name: &str, informed: impl Fn(&Gate) -> bool) {
    let before = ask_for_a_pass(trial, name, "before").await;
    let impaired = i32::from(!before["fault"].is_null());
    trial
        .core_until("counting the plugin", |core| {
            core.0["status"]["plugins"]["impaired"] == impaired
                // It was asked, whatever it answered.
                && core.reason("Reconciling") != "Progressing"
        })
        .await;
    trial.stop().await;
    trial.recorder().catch_up().await;
    let writes = |trial: &Trial| {
        let recorder = trial.recorder();
        (
            recorder.writes(&format!("WazoPlugin/{name}")),
            recorder.writes("WazoCore/main"),
        )
    };
    let (plugin, core) = writes(trial);
    let gate = trial.start();
    trial.holds("the operator is informed", || informed(&gate)).await;
    let after = ask_for_a_pass(trial, name, "after").await;
    assert_eq!(before, after, "{}", difference(&before, &after));
    trial.stop().await;
    trial.recorder().catch_up().await;
    // The annotation of the test, and the one answer to it.
    assert_eq!(writes(trial), (plugin + 2, core), "{}", trial.recorder().story());
    // A second try on an older version may have been refused: it changed nothing.
    let answer = format!("/wazoplugins/{name}/status");
    let others: Vec<_> = lasting(&gate)
        .into_iter()
        .filter(|asked| !asked.ends_with(&answer))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn a_restart_with_a_ready_plugin_changes_nothing() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        a_restart_changes_nothing(trial, "crm", has_read_apps).await;
    });
}

#[test]
fn a_restart_with_a_plugin_that_crashes_changes_nothing() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.pods("crm", PodState::crash(3));
        trial.apply(&plugin("crm")).await;
        trial.fault("crm", "Partner", "ProcessExited").await;
        trial
            .plugin_until("crm", "exposed", |seen| seen.truth("WorkloadReady") == "False")
            .await;
        a_restart_changes_nothing(trial, "crm", has_read_apps).await;
    });
}

#[test]
fn a_restart_with_a_manifest_that_is_not_valid_changes_nothing() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        let invalid = Misbehave {
            manifest: Some(ManifestFault::Without("id".to_owned())),
            ..Misbehave::default()
        };
        panel.misbehave(invalid).unwrap();
        trial.fault("crm", "Partner", "ManifestInvalid").await;
        a_restart_changes_nothing(trial, "crm", has_read_apps).await;
    });
}

#[test]
fn a_restart_while_the_core_is_away_changes_nothing() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.core().faults().inject(Fault::refuse_connections()).await;
        trial.fault("crm", "Core", "CoreUnreachable").await;
        // The third request to the core comes behind the verdict on the first one, which failed.
        let tries = |gate: &Gate| {
            let all = [gate.mutations(), gate.reads()].concat();
            all.iter().filter(|asked| asked.side == Side::Core).count() > 2
        };
        a_restart_changes_nothing(trial, "crm", tries).await;
        assert!(trial.ready("crm").await.is_ready());
    });
}

#[test]
fn a_restart_with_an_image_that_does_not_exist_changes_nothing() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.pods("crm", PodState::image_not_found("registry.test/panel:1.0.0"));
        trial.apply(&plugin("crm")).await;
        trial.fault("crm", "Config", "ImageNotFound").await;
        a_restart_changes_nothing(trial, "crm", has_read_apps).await;
    });
}

#[test]
fn while_nothing_happens_nothing_is_written() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate: Arc<Gate> = trial.start();
        for name in ["crm", "board"] {
            trial.ready_plugin(name).await;
        }
        for name in ["crm", "board"] {
            ask_for_a_pass(trial, name, "settled").await;
        }
        gate.arm(None);
        // The core is read again and again, and so are the manifests.
        trial
            .holds("five readings of the core", || {
                gate.reads().iter().filter(|asked| reads_apps(asked)).count() >= 5
            })
            .await;
        let written = lasting(&gate);
        assert!(written.is_empty(), "{written:#?}");
        let asked = gate.reads();
        let polled = asked
            .iter()
            .filter(|asked| asked.side == Side::ApiServer && asked.path.contains("plugins.wazo.io"));
        assert_eq!(polled.count(), 0, "what is watched is not read besides");
    });
}

#[test]
fn a_stopped_operator_leaves_no_session_at_the_core() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        assert!(trial.core().live_tokens() >= 1);
        trial.stop().await;
        assert_eq!(trial.core().live_tokens(), 0);
    });
}

#[test]
fn one_session_serves_until_its_tokens_expire_and_then_one_more_is_made() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        let logins = || {
            let all = gate.mutations();
            all.iter()
                .filter(|asked| asked.side == Side::Core && asked.path.ends_with("/token"))
                .count()
        };
        assert_eq!(logins(), 1);
        trial.recorder().catch_up().await;
        let history = trial.recorder().history("WazoPlugin/crm").len();
        trial.core().faults().expire_tokens();
        trial.holds("a new login", || logins() == 2).await;
        trial.ready_plugin("board").await;
        assert_eq!(logins(), 2);
        assert_eq!(
            trial.recorder().history("WazoPlugin/crm").len(),
            history,
            "an expired token is nobody's fault"
        );
    });
}

//! What the operator does when there is nothing to do: nothing.

use serde_json::json;
use wazo_e2e::gate::{Asked, Side};
use wazo_e2e::trial::{Trial, trial};

fn lasting(asked: &[Asked]) -> Vec<String> {
    asked
        .iter()
        .filter(|asked| !asked.is_session())
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_restarted_operator_writes_nothing() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.stop().await;
        let writes = trial.recorder().writes("WazoPlugin/crm");
        let gate = trial.start();
        // It has read the applications of the core, and so has all facts.
        gate.passes(|asked| asked.side == Side::Core && asked.path.contains("/external/apps"))
            .await;
        // A pass that is asked for answers with one write of the status: by then all earlier passes are over.
        let asked = json!({"metadata": {"annotations": {"reconcile.plugins.wazo.io/requestedAt": "now"}}});
        trial.edit_plugin("crm", &asked).await;
        trial
            .plugin_until("crm", "looked at once more", |seen| {
                seen.0["status"]["lastHandledReconcileAt"] == "now"
            })
            .await;
        let written = lasting(&gate.mutations());
        assert_eq!(written.len(), 1, "{written:#?}");
        assert!(written[0].ends_with("/wazoplugins/crm/status"), "{written:#?}");
        trial.stop().await;
        trial.recorder().catch_up().await;
        // Our own edit, and the answer to it.
        assert_eq!(trial.recorder().writes("WazoPlugin/crm"), writes + 2);
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

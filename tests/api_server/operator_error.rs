//! Errors of the operator's own: an old `Ready=True` does not stand in silence, and heals by itself.

use http::Method;
use serde_json::{Value, json};
use wazo_e2e::gate::{Asked, Gate, Side};
use wazo_e2e::objects::{CORE, Seen};
use wazo_e2e::trial::{Trial, trial};

/// Whether a request changes an object of our kinds itself; its status may be written.
fn changes(asked: &Asked, object: &str) -> bool {
    asked.side == Side::ApiServer && asked.method == Method::PATCH && asked.path.ends_with(object)
}

fn tries(gate: &Gate, object: &str) -> usize {
    gate.mutations()
        .iter()
        .filter(|asked| changes(asked, object))
        .count()
}

fn tells_of_it(seen: &Seen, evidence: &str) -> bool {
    seen.is_fault("Operator", "OperatorForbidden")
        && seen.truth("Ready") == "False"
        && seen.reason("Ready") == "OperatorForbidden"
        && seen.reason("Reconciling") == "ProgressingWithRetry"
        && seen.0["status"]["fault"]["evidence"][0]["observed"] == evidence
}

/// What is written is written once: some more passes fail and change nothing.
async fn more_failures_write_nothing(trial: &Trial, gate: &Gate, object: &str, seen: &Seen) {
    let before = tries(gate, object);
    trial
        .holds("two more tries", || tries(gate, object) >= before + 2)
        .await;
    let kind = seen.0["kind"].as_str().unwrap();
    let name = seen.0["metadata"]["name"].as_str().unwrap();
    let now = trial.get("plugins.wazo.io/v1alpha1", kind, name).await.unwrap();
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(version(&now), version(&seen.0), "{now}");
}

#[test]
fn a_right_that_the_operator_lacks_is_told_in_the_status_of_a_plugin_that_was_ready() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        gate.arm(None);
        gate.forbid(|asked| changes(asked, "/wazoplugins/crm"));
        // Before anything else the operator sees to it that the object does not go meanwhile.
        let workload = json!({"image": "registry.test/panel:2.0.0"});
        let spec = json!({"metadata": {"finalizers": null}, "spec": {"workload": workload}});
        trial.edit_plugin("crm", &spec).await;
        let evidence = "patch wazoplugins: 403";
        let seen = trial
            .plugin_until("crm", "told of the right", |seen| tells_of_it(seen, evidence))
            .await;
        assert_eq!(seen.truth("Available"), "True", "what was known stays");
        assert!(!trial.events("crm", "FaultAttributed").await.is_empty());
        more_failures_write_nothing(trial, &gate, "/wazoplugins/crm", &seen).await;
        gate.allow();
        let seen = trial.well("crm").await;
        assert_eq!(seen.finalizers(), ["plugins.wazo.io/deregister"]);
        assert!(seen.condition("Reconciling").is_none());
    });
}

#[test]
fn a_right_that_the_operator_lacks_is_told_in_the_status_of_a_core_that_was_ready() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        trial.core_until("Ready", Seen::is_ready).await;
        let object = format!("/wazocores/{CORE}");
        gate.arm(None);
        let forbidden = object.clone();
        gate.forbid(move |asked| changes(asked, &forbidden));
        trial.edit_core(&json!({"metadata": {"finalizers": null}})).await;
        let evidence = "patch wazocores: 403";
        let seen = trial
            .core_until("told of the right", |seen| tells_of_it(seen, evidence))
            .await;
        more_failures_write_nothing(trial, &gate, &object, &seen).await;
        gate.allow();
        trial
            .core_until("well again", |seen| seen.is_ready() && !seen.has_fault())
            .await;
        trial.well("crm").await;
    });
}

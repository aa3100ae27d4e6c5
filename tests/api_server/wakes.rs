//! Nobody who waits is forgotten: whatever a plugin saw for a moment, it looks again when that is over.

use kube::Resource;
use serde_json::json;
use wazo_e2e::gate::{Asked, Gate, Side};
use wazo_e2e::objects::{self, Seen, plugin};
use wazo_e2e::trial::{Trial, trial};
use wazo_plugin_operator::api::core::WazoCore;

const OTHER: &str = "0b7c2f7e-52a5-4c0e-9f5b-1d3a7e60ffff";
const VERSION: &str = "plugins.wazo.io/v1alpha1";

/// Another stack answers, and the operator has logged in to it and gone on for a while.
async fn another_stack_answers(trial: &Trial, gate: &Gate, uuid: &str) {
    gate.arm(None);
    trial.core().faults().change_stack_uuid(uuid);
    trial.core().faults().expire_tokens();
    let login = |asked: &Asked| asked.side == Side::Core && asked.path.ends_with("/token");
    gate.passes(login).await;
    gate.arm(None);
    // One after the other: behind the second one stands all that the login told.
    let looks = |gate: &Gate| {
        let all = gate.reads();
        all.iter()
            .filter(|asked| asked.side == Side::Core && asked.path.contains("/auth/"))
            .count()
    };
    trial.holds("looks behind the login", || looks(gate) >= 2).await;
}

fn waits_for_the_core(seen: &Seen) -> bool {
    seen.is_observed()
        && seen.truth("WorkloadReady") == "True"
        && seen.truth("Exposed") == "True"
        && seen.0["status"]["registrations"][0]["reason"] == "CorePending"
}

#[test]
fn a_plugin_that_looked_while_its_core_was_another_for_a_moment_is_woken_when_it_is_as_before() {
    trial(async |trial: &mut Trial| {
        let known = trial.core().stack_uuid();
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        // The loop of cores stands still: what happens from here on it sees the end of, and nothing in between.
        gate.hold(|asked| {
            asked.side == Side::ApiServer && asked.path.ends_with(&format!("/secrets/{}", objects::CORE))
        });
        gate.caught().await;
        another_stack_answers(trial, &gate, OTHER).await;
        trial.panel("late").await;
        trial.apply(&plugin("late")).await;
        trial
            .plugin_until("late", "waiting for nothing but its core", waits_for_the_core)
            .await;
        another_stack_answers(trial, &gate, &known).await;
        gate.lift();
        trial.well("late").await;
        trial.well("crm").await;
    });
}

#[test]
fn a_core_that_is_gone_without_our_doing_is_missed_at_once_and_so_is_its_return_seen() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.delete(VERSION, &WazoCore::kind(&()), objects::CORE).await;
        trial
            .core_until("on its way out", |core| {
                !core.0["metadata"]["deletionTimestamp"].is_null()
            })
            .await;
        trial.edit_core(&json!({"metadata": {"finalizers": null}})).await;
        trial.fault("crm", "Config", "CoreNotFound").await;
        trial.connect().await;
        trial.well("crm").await;
        trial.core_until("Ready", Seen::is_ready).await;
    });
}

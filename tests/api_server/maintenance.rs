//! An announced maintenance of a core: nobody is blamed while it lasts.

use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Value, json};
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{Trial, trial};
use wazo_e2e::wazo_simulated_core::Fault;

fn until(seconds: i64) -> Value {
    let end = Timestamp::now() + SignedDuration::from_secs(seconds);
    let end = end.round(Unit::Second).expect("a moment of our time");
    json!({"spec": {"maintenance": {"until": end.to_string(), "reason": "upgrade to 26.09"}}})
}

#[test]
fn an_announced_maintenance_blames_nobody_and_ends_by_the_clock() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.edit_core(&until(3600)).await;
        let core = trial
            .core_until("observed", |seen| seen.is_observed() && seen.is_ready())
            .await;
        assert!(
            !core.has_fault(),
            "a core that answers is Ready, announced or not"
        );
        trial.core().faults().inject(Fault::refuse_connections()).await;
        let core = trial
            .core_until("in maintenance", |seen| seen.reason("Ready") == "Maintenance")
            .await;
        assert!(
            core.message("Ready").contains("upgrade to 26.09"),
            "{}",
            core.message("Ready")
        );
        assert!(!core.has_fault());
        assert_eq!((core.truth("Reconciling"), core.truth("Stalled")), ("True", ""));
        trial.panel("board").await;
        trial.apply(&plugin("board")).await;
        let waits = trial
            .plugin_until("board", "waiting", |seen| {
                seen.truth("Exposed") == "True" && seen.truth("WorkloadReady") == "True"
            })
            .await;
        assert!(!waits.has_fault());
        assert_eq!(
            (waits.truth("Reconciling"), waits.truth("Ready")),
            ("True", "Unknown")
        );
        trial.delete_plugin("crm").await;
        let seen = trial
            .plugin_until("crm", "waiting for the end", |seen| {
                seen.message("Ready").contains("maintenance")
            })
            .await;
        assert!(!seen.has_fault());
        let events = trial.list("events.k8s.io/v1", "Event").await;
        assert!(
            events.iter().all(|event| event["reason"] != "FaultAttributed"),
            "{events:#?}"
        );
        // It ends without an edit: the core is still away, and that is a fault from then on.
        trial.edit_core(&until(2)).await;
        let core = trial.core_fault("Core", "CoreUnreachable").await;
        assert!(core.is_blocked());
        trial.fault("board", "Core", "CoreUnreachable").await;
        trial.core().faults().clear_all().await;
        trial.well("board").await;
        trial.gone("crm").await;
    });
}

#[test]
fn what_is_wrong_here_is_not_excused_by_a_maintenance_there() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.edit_core(&until(3600)).await;
        trial.delete("v1", "Secret", wazo_e2e::objects::CORE).await;
        trial.core_fault("Config", "CredentialsMissing").await;
    });
}

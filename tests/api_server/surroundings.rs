//! What the operator reads of a plugin's surroundings because something is wrong with it, and what it makes of that.

use std::sync::Arc;

use serde_json::json;
use wazo_e2e::gate::{Asked, Gate, Side};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{Trial, trial};

/// Whether it is a read of what is only read while something is wrong.
fn is_of_surroundings(asked: &Asked) -> bool {
    const RESOURCES: [&str; 6] = [
        "/nodes",
        "/events",
        "/resourcequotas",
        "/limitranges",
        "/persistentvolumeclaims",
        "/storageclasses",
    ];
    let of_slices = asked.path.contains("/endpointslices") && !asked.query.contains("watch=");
    asked.side == Side::ApiServer
        && asked.method.as_str() == "GET"
        && (of_slices || RESOURCES.iter().any(|resource| asked.path.contains(resource)))
}

fn surroundings(gate: &Gate) -> Vec<String> {
    let reads = gate.reads();
    let of_them = reads.iter().filter(|asked| is_of_surroundings(asked));
    of_them.map(ToString::to_string).collect()
}

#[test]
fn a_healthy_plugin_causes_no_read_of_its_surroundings() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate: Arc<Gate> = trial.start();
        trial.ready_plugin("crm").await;
        gate.arm(None);
        // Passes without end, and readings of the core: nothing of it asks for more.
        for number in 0..5 {
            let asked = json!({"metadata": {"annotations": {
                "reconcile.plugins.wazo.io/requestedAt": number.to_string()}}});
            trial.edit_plugin("crm", &asked).await;
            trial
                .plugin_until("crm", "looked at once more", |seen| {
                    seen.0["status"]["lastHandledReconcileAt"] == number.to_string()
                })
                .await;
        }
        let core = |gate: &Gate| {
            gate.reads()
                .iter()
                .filter(|asked| asked.side == Side::Core)
                .count()
        };
        trial.holds("readings of the core", || core(&gate) >= 5).await;
        let read = surroundings(&gate);
        assert!(read.is_empty(), "{read:#?}");
    });
}

#[test]
fn a_plugin_that_is_ill_is_looked_at_and_no_more_once_it_is_well() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate: Arc<Gate> = trial.start();
        trial.ready_plugin("crm").await;
        gate.arm(None);
        trial.pods("crm", PodState::crash(3));
        trial.fault("crm", "Partner", "ProcessExited").await;
        let read = |what: &'static str| surroundings(&gate).iter().any(|asked| asked.contains(what));
        trial.holds("its events are read", || read("/events")).await;
        trial.holds("its node is read", || read("/nodes/simulated")).await;
        trial.pods("crm", PodState::Ready);
        trial.well("crm").await;
        gate.arm(None);
        let core = |gate: &Gate| {
            gate.reads()
                .iter()
                .filter(|asked| asked.side == Side::Core)
                .count()
        };
        trial.holds("readings of the core", || core(&gate) >= 8).await;
        let read = surroundings(&gate);
        assert!(read.is_empty(), "{read:#?}");
    });
}

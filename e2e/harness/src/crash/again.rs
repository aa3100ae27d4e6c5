//! A suspension, and a status that is lost, with a blow at every point.

use std::ops::AsyncFn;
use std::sync::Arc;

use serde_json::json;

use super::{PLUGIN, Run, end_state, every_point};
use crate::gate::{Blow, Gate, Point};
use crate::trial::Trial;

/// Suspends a plugin, changes it, and resumes it, with a blow at every point of the way. The answer is the number of
/// points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_a_suspension(blow: Blow) -> usize {
    every_point("suspend", blow, suspend)
}

/// Takes the status and the ledger from a plugin and the status from its core, with a blow at every point of the way
/// back. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_after_a_lost_status(blow: Blow) -> usize {
    every_point("status lost", blow, lose_the_status)
}

async fn suspend(trial: &mut Trial, point: Option<Point>) -> Run {
    let changed = "registry.test/panel:2.0.0";
    let suspended = async |trial: &Trial| {
        trial
            .plugin_until(PLUGIN, "suspended", |seen| {
                seen.is_observed() && seen.truth("Suspended") == "True"
            })
            .await;
    };
    let resumed = async |trial: &Trial| {
        trial
            .plugin_until(PLUGIN, "resumed", |seen| {
                seen.is_ready() && !seen.has_fault() && seen.truth("Suspended").is_empty()
            })
            .await;
    };
    let gate = standing(trial).await;
    gate.arm(point);
    trial
        .edit_plugin(
            PLUGIN,
            &json!({"spec": {"suspend": true, "workload": {"image": changed}}}),
        )
        .await;
    survive(trial, &gate, suspended).await;
    trial
        .edit_plugin(PLUGIN, &json!({"spec": {"suspend": null}}))
        .await;
    survive(trial, &gate, resumed).await;
    ended(trial, &gate).await
}

async fn lose_the_status(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    gate.arm(point);
    trial.lose_the_status(PLUGIN).await;
    let well = async |trial: &Trial| {
        trial.well(PLUGIN).await;
        trial
            .core_until("Ready", |seen| seen.is_ready() && !seen.has_fault())
            .await;
    };
    survive(trial, &gate, well).await;
    ended(trial, &gate).await
}

/// A plugin that is Ready, under an operator behind a gate.
async fn standing(trial: &mut Trial) -> Arc<Gate> {
    trial.wiring().calm();
    trial.connect().await;
    let gate = trial.start();
    trial.ready_plugin(PLUGIN).await;
    gate
}

/// Waits for something; where the operator dies meanwhile, under the next one.
async fn survive(trial: &mut Trial, gate: &Gate, wanted: impl AsyncFn(&Trial)) {
    tokio::select! {
        () = gate.died() => {}
        () = wanted(trial) => return,
    }
    gate.disarm();
    trial.start();
    wanted(trial).await;
}

async fn ended(trial: &mut Trial, gate: &Gate) -> Run {
    // It may be struck right behind the last write that the test waits for.
    let struck = gate.disarm() || gate.is_dead();
    if gate.is_dead() {
        trial.start();
    }
    trial.well(PLUGIN).await;
    Run {
        end: end_state(trial).await,
        mutations: gate.mutations(),
        struck,
    }
}

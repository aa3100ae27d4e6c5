//! A plugin is suspended, changed and resumed.

use serde_json::json;

use super::course::{Course, Run, standing, well};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::trial::Trial;

const CHANGED: &str = "registry.test/panel:2.0.0";

/// Suspends a plugin, changes it, and resumes it, with a blow at every point of the way. The answer is the number of
/// points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_a_suspension(blow: Blow) -> usize {
    points::every("suspend", blow, suspend)
}

async fn suspend(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    let mut course = Course::from_here(trial, gate, point);
    let suspended = json!({"spec": {"suspend": true, "workload": {"image": CHANGED}}});
    course.trial.edit_plugin(PLUGIN, &suspended).await;
    course.survives(is_suspended).await;
    let resumed = json!({"spec": {"suspend": null}});
    course.trial.edit_plugin(PLUGIN, &resumed).await;
    course.survives(is_resumed).await;
    course.settles(well).await;
    course.ended().await
}

async fn is_suspended(trial: &Trial) {
    trial
        .plugin_until(PLUGIN, "suspended", |seen| {
            seen.is_observed() && seen.truth("Suspended") == "True"
        })
        .await;
}

async fn is_resumed(trial: &Trial) {
    trial
        .plugin_until(PLUGIN, "resumed", |seen| {
            seen.is_ready() && !seen.has_fault() && seen.truth("Suspended").is_empty()
        })
        .await;
}

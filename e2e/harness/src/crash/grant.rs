//! A grant is withdrawn, and given again.

use serde_json::json;

use super::course::{Course, Run, all_well, standing};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::trial::Trial;

/// Withdraws the grant by which a plugin is registered, and gives it again, with a blow at every point of the way. The
/// answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run, or the plugin stays registered without a grant.
pub fn every_point_of_a_withdrawn_grant(blow: Blow) -> usize {
    points::every("grant withdrawn", blow, withdraw)
}

async fn withdraw(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    let mut course = Course::from_here(trial, gate, point);
    course.trial.edit_core(&json!({"spec": {"grants": []}})).await;
    course.survives(is_out).await;
    course.trial.edit_core(&json!({"spec": {"grants": null}})).await;
    course.survives(is_in).await;
    course.settles(is_in).await;
    course.ended().await
}

/// Waits until the plugin is told, is out of the core, and no ledger speaks of it any more.
async fn is_out(trial: &Trial) {
    trial
        .plugin_until(PLUGIN, "out of the core", |seen| {
            let ledger = seen.0["metadata"]["annotations"]["plugins.wazo.io/ledger"].as_str();
            seen.is_fault("Config", "NotGranted")
                && !trial.is_known(PLUGIN)
                && ledger.is_none_or(|ledger| !ledger.contains("manifest.json"))
        })
        .await;
}

async fn is_in(trial: &Trial) {
    trial
        .holds("registered again", || trial.is_registered(PLUGIN))
        .await;
    all_well(trial).await;
}

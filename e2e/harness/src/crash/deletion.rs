//! A plugin and its core are deleted.

use wazo_plugin_operator::api::core::WazoCore;

use super::course::{Course, Run, standing};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::objects;
use crate::trial::Trial;

/// Deletes a plugin and then its core, with a blow at every point of the way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_deletion(blow: Blow) -> usize {
    points::every("delete", blow, delete)
}

async fn delete(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    let mut course = Course::from_here(trial, gate, point);
    course.survives(gone).await;
    course.settles(gone).await;
    course.ended().await
}

/// Asks for the deletion of the plugin, then of the core, where that was not done yet; waits until both are gone.
pub(super) async fn gone(trial: &Trial) {
    for (kind, name) in [("WazoPlugin", PLUGIN), ("WazoCore", objects::CORE)] {
        let version = "plugins.wazo.io/v1alpha1";
        let standing = trial.get(version, kind, name).await;
        if standing.is_some_and(|object| object["metadata"]["deletionTimestamp"].is_null()) {
            trial.delete(version, kind, name).await;
        }
        if kind == "WazoPlugin" {
            trial.gone(name).await;
        } else {
            trial
                .until(trial.of::<WazoCore>(), name, "gone", |seen| seen.is_none())
                .await;
        }
    }
}

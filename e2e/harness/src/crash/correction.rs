//! A stranger changes a child.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};

use super::course::{Course, Run, standing};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::objects::Seen;
use crate::trial::Trial;

/// A stranger changes a child, which is put back, with a blow at every point of the way. The answer is the number of
/// points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_correction(blow: Blow) -> usize {
    points::every("correct", blow, correct)
}

async fn correct(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    trial.core_until("Ready", Seen::is_ready).await;
    let mut course = Course::from_here(trial, gate, point);
    let stranger = json!({"spec": {"revisionHistoryLimit": 7}});
    course
        .trial
        .patch("apps/v1", "Deployment", PLUGIN, &stranger)
        .await;
    course.survives(put_back).await;
    let settled = async |trial: &Trial| {
        put_back(trial).await;
        trial.well(PLUGIN).await;
    };
    course.settles(settled).await;
    let mut run = course.ended().await;
    // As often as it took: the stranger's change, and ours.
    run.end["objects"]["Deployment"]["metadata"]["generation"] = Value::Null;
    run
}

async fn put_back(trial: &Trial) {
    trial
        .child_until::<Deployment>(PLUGIN, "put back", |seen| {
            seen.0["spec"]["revisionHistoryLimit"] == 3
        })
        .await;
}

//! The status is lost, and the ledger with it.

use super::course::{Course, Run, all_well, standing};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::trial::Trial;

/// Takes the status and the ledger from a plugin and the status from its core, with a blow at every point of the way
/// back. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_after_a_lost_status(blow: Blow) -> usize {
    points::every("status lost", blow, lose_the_status)
}

async fn lose_the_status(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    let mut course = Course::from_here(trial, gate, point);
    course.trial.lose_the_status(PLUGIN).await;
    course.survives(all_well).await;
    course.settles(all_well).await;
    course.ended().await
}

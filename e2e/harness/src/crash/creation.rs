//! A plugin is made.

use super::course::{Course, Run, well};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::objects;
use crate::trial::Trial;

/// Creates a plugin, with a blow at every point of the way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_creation(blow: Blow) -> usize {
    points::every("create", blow, create)
}

async fn create(trial: &mut Trial, point: Option<Point>) -> Run {
    trial.wiring().calm();
    trial.connect().await;
    trial.panel(PLUGIN).await;
    let mut course = Course::from_the_start(trial, point);
    course.trial.apply(&objects::plugin(PLUGIN)).await;
    let ready = async |trial: &Trial| {
        trial.ready(PLUGIN).await;
    };
    course.survives(ready).await;
    course.settles(well).await;
    course.ended().await
}

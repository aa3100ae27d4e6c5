//! Another stack answers behind the URL of the core, and then the known one again.

use super::course::{Course, Run, all_well, standing};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::trial::Trial;

const OTHER: &str = "0b7c2f7e-52a5-4c0e-9f5b-1d3a7e60ffff";

/// Another stack answers while a plugin stands, then the known one again, with a blow at every point of the way. The
/// answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run, or anything was written to the other stack.
pub fn every_point_of_another_stack(blow: Blow) -> usize {
    points::every("another stack", blow, change_stack)
}

async fn change_stack(trial: &mut Trial, point: Option<Point>) -> Run {
    let known = trial.core().stack_uuid();
    let gate = standing(trial).await;
    all_well(trial).await;
    let mut course = Course::from_here(trial, gate, point);
    answers(course.trial, OTHER);
    let before = changes(course.trial);
    course.survives(is_told).await;
    assert_eq!(changes(course.trial), before, "the other stack is written to");
    answers(course.trial, &known);
    course.survives(all_well).await;
    course.settles(all_well).await;
    course.ended().await
}

/// The stack behind the URL is another one: it has never seen our tokens.
fn answers(trial: &Trial, uuid: &str) {
    trial.core().faults().change_stack_uuid(uuid);
    trial.core().faults().expire_tokens();
}

async fn is_told(trial: &Trial) {
    trial.core_fault("Config", "StackChanged").await;
    trial.fault(PLUGIN, "Config", "StackChanged").await;
}

/// How often an application was changed.
fn changes(trial: &Trial) -> usize {
    let effects = trial.core().journal().effects();
    let keys = effects.iter().filter_map(|entry| entry.effect.key.as_ref());
    keys.filter(|key| key.starts_with("external_apps/")).count()
}

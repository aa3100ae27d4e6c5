//! Crash points over a change of the host, while users come to the plugin.

use serde_json::json;
use wazo_plugin_operator::observe::gateway_api::HttpRoute;

use super::course::{Course, Run, standing_with};
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::trial::Trial;
use crate::users::Users;

/// Where it moves to.
const NEW_HOST: &str = "new.plugins.test";

/// Changes the host of a plugin while users come to it, with a blow at every point of the way. The answer is the number
/// of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run, or a user was without the plugin.
pub fn every_point_of_a_host_change(blow: Blow) -> usize {
    points::every("change the host", blow, change_host)
}

async fn change_host(trial: &mut Trial, point: Option<Point>) -> Run {
    let (gate, panel) = standing_with(trial).await;
    let address = trial.plane().nodes().address(trial.namespace(), PLUGIN);
    trial.wiring().network.lead(NEW_HOST, address, panel.addr());
    let users = Users::begin(trial, PLUGIN);
    let mut course = Course::from_here(trial, gate, point);
    let edit = json!({"spec": {"expose": {"host": NEW_HOST}}});
    course.trial.edit_plugin(PLUGIN, &edit).await;
    course.survives(moved).await;
    let settled = async |trial: &Trial| {
        moved(trial).await;
        trial.well(PLUGIN).await;
    };
    course.settles(settled).await;
    users.end().await;
    course.ended().await
}

/// Waits until the plugin is registered and routed at its new host alone.
async fn moved(trial: &Trial) {
    trial
        .plugin_until(PLUGIN, "Ready at its new host", |seen| {
            let url = seen.0["status"]["url"].as_str().unwrap_or_default();
            seen.is_ready() && url.contains(NEW_HOST)
        })
        .await;
    trial
        .holds("the old URL is gone", || !trial.is_known(PLUGIN))
        .await;
    trial
        .until(trial.of::<HttpRoute>(), PLUGIN, "at its new host alone", |seen| {
            seen.is_some_and(|seen| seen.0["spec"]["hostnames"] == json!([NEW_HOST]))
        })
        .await;
}

//! A plugin moves from tenant to tenant.

use serde_json::{Value, json};
use wazo_plugin_operator::api::names::LEDGER_ANNOTATION;

use super::course::{Course, Run};
use super::end::named_in;
use super::{PLUGIN, points};
use crate::gate::{Blow, Point};
use crate::objects;
use crate::trial::{APPS, Trial};

/// Takes a plugin out of one tenant and puts it into another, while it stays in a third, with a blow at every point of the
/// way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_other_tenants(blow: Blow) -> usize {
    points::every("tenants changed", blow, change_tenants)
}

async fn change_tenants(trial: &mut Trial, point: Option<Point>) -> Run {
    trial.wiring().calm();
    trial.connect().await;
    let grants = json!([{"tenants": {"from": "Descendants"}, "registrations": ["UiApplication"]}]);
    trial.edit_core(&json!({"spec": {"grants": grants}})).await;
    let tenants = trial.core().tenants().create_many(trial.core().tenant(), "t", 3);
    let gate = trial.start();
    trial.panel(PLUGIN).await;
    trial.apply(&in_tenants(&tenants[..2])).await;
    trial.ready(PLUGIN).await;
    let mut course = Course::from_here(trial, gate, point);
    course.trial.apply(&in_tenants(&tenants[1..])).await;
    course
        .survives(async |trial: &Trial| moved(trial, &tenants).await)
        .await;
    let settled = async |trial: &Trial| {
        moved(trial, &tenants).await;
        trial.well(PLUGIN).await;
    };
    course.settles(settled).await;
    course.ended().await
}

fn in_tenants(tenants: &[String]) -> Value {
    let mut plugin = objects::plugin(PLUGIN);
    let list: Vec<Value> = tenants.iter().map(|uuid| json!({"uuid": uuid})).collect();
    plugin["spec"]["tenants"] = json!({"from": "List", "list": list});
    plugin
}

/// Waits until the plugin stands in the second and third tenant, and nothing of it is kept in mind of the first.
async fn moved(trial: &Trial, tenants: &[String]) {
    let stands = |tenant: &String, app: &str| {
        let app = trial.core().apps().get(tenant, app);
        app.is_some_and(|app| {
            app.configuration
                .to_string()
                .contains(&objects::manifest_url(PLUGIN))
        })
    };
    trial
        .plugin_until(PLUGIN, "moved", |seen| {
            let everywhere =
                |tenants: &[String]| tenants.iter().all(|it| APPS.iter().all(|app| stands(it, app)));
            let nowhere = APPS.iter().all(|app| !stands(&tenants[0], app));
            let ledger = &seen.0["metadata"]["annotations"][LEDGER_ANNOTATION];
            seen.is_ready() && everywhere(&tenants[1..]) && nowhere && named_in(ledger) == 2
        })
        .await;
}

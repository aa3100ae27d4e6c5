//! The same for a plugin with an account: its creation, the replacement of its credentials, its end.

use std::sync::Arc;

use serde_json::{Value, json};
use wazo_simulated_core::{ACCOUNT_ACL, Seed};

use super::course::{Course, Run};
use super::deletion::gone;
use super::{PLUGIN, points};
use crate::gate::{Blow, Gate, Point};
use crate::objects;
use crate::trial::{Trial, seed};

const RIGHTS: &str = "confd.users.read";

/// Creates a plugin with an account, with a blow at every point of the way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_an_accounts_creation(blow: Blow) -> usize {
    points::every("create an account", blow, create)
}

/// Replaces the credentials of an account, with a blow at every point of the way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_a_rotation(blow: Blow) -> usize {
    points::every("rotate", blow, rotate)
}

/// Deletes a plugin with an account and then its core, with a blow at every point of the way. The answer is the number
/// of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_an_accounts_deletion(blow: Blow) -> usize {
    points::every("delete an account", blow, delete)
}

/// A core whose operator may keep accounts.
#[must_use]
pub fn core() -> Seed {
    let mut seed = seed();
    for account in &mut seed.accounts {
        let held = ACCOUNT_ACL.into_iter().chain([RIGHTS]);
        account.acl.extend(held.map(ToOwned::to_owned));
    }
    seed
}

async fn connect(trial: &mut Trial) {
    // A way of some thirty requests, walked several times at once.
    trial.wait_at_most(std::time::Duration::from_secs(60));
    trial.wiring().calm();
    trial.connect().await;
    grant(trial).await;
    trial.panel(PLUGIN).await;
}

/// A plugin with an entry for `App` and an account.
#[must_use]
pub fn plugin() -> Value {
    let mut object = objects::plugin(PLUGIN);
    object["spec"]["registrations"]["account"] = json!({"acl": [RIGHTS]});
    object
}

/// Lets plugins have what [`plugin`] asks for.
pub async fn grant(trial: &Trial) {
    let grants = json!([{"registrations": ["UiApplication", "Account"], "acl": [RIGHTS]}]);
    trial.edit_core(&json!({"spec": {"grants": grants}})).await;
}

async fn create(trial: &mut Trial, point: Option<Point>) -> Run {
    connect(trial).await;
    let mut course = Course::from_the_start(trial, point);
    course.trial.apply(&plugin()).await;
    course.survives(made).await;
    course.settles(made).await;
    course.ended().await
}

async fn rotate(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    let mut course = Course::from_here(trial, gate, point);
    let demand = json!({"metadata": {"annotations": {"plugins.wazo.io/rotate": "1"}}});
    course.trial.edit_plugin(PLUGIN, &demand).await;
    let rotated = async |trial: &Trial| settled(trial, Some("1")).await;
    course.survives(rotated).await;
    course.settles(rotated).await;
    course.ended().await
}

async fn delete(trial: &mut Trial, point: Option<Point>) -> Run {
    let gate = standing(trial).await;
    let mut course = Course::from_here(trial, gate, point);
    course.survives(gone).await;
    course.settles(gone).await;
    course.ended().await
}

/// A plugin that has its account, under an operator behind a gate.
async fn standing(trial: &mut Trial) -> Arc<Gate> {
    connect(trial).await;
    let gate = trial.start();
    trial.apply(&plugin()).await;
    made(trial).await;
    gate
}

async fn made(trial: &Trial) {
    settled(trial, None).await;
}

/// Waits until the credentials of the pods are those of the only user, no password is stored, and all is well.
///
/// # Panics
/// Where that does not come in time.
pub async fn settled(trial: &Trial, rotated: Option<&str>) {
    let deadline = tokio::time::Instant::now() + trial.patience;
    loop {
        trial.well(PLUGIN).await;
        let users = trial.core().accounts().list();
        let ours = users.iter().filter(|user| {
            user.username
                .as_deref()
                .is_some_and(|name| name.starts_with("wazo-plugin-"))
        });
        let current = trial.get("v1", "Secret", &format!("{PLUGIN}-core")).await;
        let answered = current.as_ref().is_some_and(|secret| {
            secret["metadata"]["annotations"]["plugins.wazo.io/rotate"].as_str() == rotated
        });
        let stored = trial.get("v1", "Secret", &format!("{PLUGIN}-core-next")).await;
        if ours.count() == 1 && answered && stored.is_none() {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the account does not settle"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// What is left of accounts, without what differs from run to run by nature.
pub(super) async fn state(trial: &Trial) -> Value {
    let accounts = trial.core().accounts();
    let ours = |name: Option<&str>| name.is_some_and(|name| name.starts_with("wazo-plugin-"));
    let users: Vec<Value> = accounts
        .list()
        .into_iter()
        .filter(|user| ours(user.username.as_deref()))
        .map(|user| json!({"enabled": user.enabled, "policies": user.policies.len(), "tenant": user.tenant}))
        .collect();
    let policies: Vec<Value> = accounts
        .policies()
        .into_iter()
        .filter(|policy| ours(Some(&policy.slug)))
        .map(|policy| json!({"acl": policy.acl, "tenant": policy.tenant}))
        .collect();
    let secrets: Vec<Value> = trial
        .list("v1", "Secret")
        .await
        .into_iter()
        .filter(|secret| !secret["metadata"]["labels"]["plugins.wazo.io/account"].is_null())
        // When the plugin is gone its children go soon after, by the garbage collector.
        .filter(|_| !users.is_empty())
        .map(|secret| {
            let annotations = &secret["metadata"]["annotations"];
            json!({
                "name": secret["metadata"]["name"], "slot": annotations["plugins.wazo.io/slot"],
                "rotate": annotations["plugins.wazo.io/rotate"],
                "keys": secret["data"].as_object().map(|data| data.keys().cloned().collect::<Vec<_>>()),
            })
        })
        .collect();
    json!({"users": users, "policies": policies, "secrets": secrets})
}

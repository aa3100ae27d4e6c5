//! The Deployment is tried on the API server before anything is written: what schema, policies and webhooks refuse is
//! known before the core, or a pod that works, is touched. Pod Security and quotas are asked for pods, and show later.

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::children::{api, note};
use super::refusal::{self, ApplyError};
use super::{Applied, Applier};
use crate::api::names::CHILDREN_MANAGER;
use crate::api_error;
use crate::observe::memory::Refusal;
use crate::observe::world::World;
use crate::plan::Plan;
use crate::plan::children::{How, Want, blame};

/// Whether the API server would take the Deployment; true where nothing of it changes.
///
/// # Errors
/// When the API server cannot be asked.
pub(super) async fn is_passed(
    applier: &Applier,
    world: &World,
    plan: &Plan,
    applied: &mut Applied,
) -> Result<bool, ApplyError> {
    let Some(want) = plan.rehearsal.as_ref().filter(|want| is_new(want, world)) else {
        return Ok(true);
    };
    let key = &world.itself.key;
    let mut object = want.object.clone();
    match &want.how {
        How::Change { uid, .. } => object["metadata"]["uid"] = json!(uid),
        // What stands there under its name is somebody else's, which the apply itself tells.
        _ if api(applier, key, want.kind).get_opt(&key.name).await?.is_some() => return Ok(true),
        _ => {}
    }
    let mut params = PatchParams::apply(CHILDREN_MANAGER).force();
    params.dry_run = true;
    let answer = api(applier, key, want.kind)
        .patch(&key.name, &params, &Patch::Apply(&object))
        .await;
    let error = match answer {
        Ok(_) => {
            applier.memory.edit(key, want.kind, |memory| {
                memory.rehearsed = Some(want.hash.clone());
            });
            return Ok(true);
        }
        // Somebody was quicker, or a webhook takes no part in rehearsals: the apply itself shows.
        Err(kube::Error::Api(status)) if status.code == 409 || refuses_rehearsals(&status.message) => {
            return Ok(true);
        }
        Err(error) => error,
    };
    let Some((reason, message)) = refusal::of(&error, &want.object) else {
        return Err(ApplyError::from(error));
    };
    let refusal = Refusal {
        reason,
        message,
        field: blame::first(&want.object, world, &api_error::fields(&error)),
        since: Timestamp::now(),
    };
    note(applier, key, want.kind, refusal);
    applied.refused = true;
    Ok(false)
}

/// A Deployment with a configuration that was not tried yet.
fn is_new(want: &Want, world: &World) -> bool {
    let changes = matches!(want.how, How::Create | How::Change { .. });
    let memory = world.memory.get(&want.kind);
    let rehearsed = memory.and_then(|memory| memory.rehearsed.as_ref());
    changes && rehearsed != Some(&want.hash)
}

fn refuses_rehearsals(message: &str) -> bool {
    message.contains("does not support dry run")
}

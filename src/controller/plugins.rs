//! The loop of WazoPlugins: observe → judge → plan → apply → report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::Api;
use kube::runtime::controller::Action;

use super::context::Context;
use super::pass::{self, Outcome, PassError, Passed};
use crate::api::object::Raw;
use crate::api::plugin::{DeletionPolicy, WazoPlugin, WazoPluginStatus};
use crate::apply::{Applied, ApplyError};
use crate::judge::{self, Assessment};
use crate::keys::{CoreKey, Wake};
use crate::observe::ledger_mark::Standing;
use crate::observe::world::World;
use crate::plan;
use crate::report::{events, impairment, status};

const CONTROLLER: &str = "wazoplugin";

/// One pass over a plugin.
pub(super) async fn reconcile(
    object: Arc<Raw<WazoPlugin>>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    pass::make(CONTROLLER, object, context, pass).await
}

async fn pass(object: &Raw<WazoPlugin>, context: &Context) -> Result<Passed, PassError> {
    let Some(world) = context.observe(object) else {
        // The loop of WazoCores wakes us when it has looked at the core.
        return Ok(Passed {
            action: Action::requeue(Duration::from_secs(5)),
            outcome: Outcome::Waiting,
        });
    };
    if world.itself.deleting && world.itself.finalizers.is_empty() {
        return Ok(Passed {
            action: Action::await_change(),
            outcome: Outcome::Released,
        });
    }
    let plan = plan::plan(&world, &judge::assess(&world));
    let applied = context.applier.carry_out(&world, &plan).await?;
    for drift in &applied.corrected {
        context.metrics.corrected(&drift.kind);
    }
    context.tell(object, events::applied(&applied)).await;
    if applied.released {
        return Ok(released(object, &world, context).await);
    }
    if applied.metadata {
        if let Standing::Unmarked {
            dropped: dropped @ 1..,
        } = world.itself.ledger_standing
        {
            tracing::warn!(plugin = %world.itself.key, dropped, "a ledger without a valid mark is not counted in whole");
            context
                .tell(object, vec![events::ledger_not_trusted(dropped)])
                .await;
        }
        return Ok(Passed {
            action: Action::await_change(),
            outcome: Outcome::Changed,
        });
    }
    // Facts may have changed by what was applied; judged again, the status tells of now.
    let world = context.observe(object).unwrap_or(world);
    let assessment = judge::assess(&world);
    if let Some(recorder) = &context.recordings {
        recorder.note(&world);
    }
    let verdicts = assessment.verdicts.clone();
    context.applier.memory.judged(&world.itself.key, verdicts);
    let status = status::of(&world, &assessment, &plan);
    let pause = next(context, &world, &assessment, &applied);
    let end = assessment.expiry.not_after;
    let told = report(object, context, &world, (status, end)).await?;
    Ok(Passed {
        action: Action::requeue(told.map_or(pause, |wait| pause.min(wait))),
        outcome: outcome(&applied),
    })
}

/// Writes the status where it differs, and tells what changed hands. The answer: after how long what is only a number has
/// to be told.
async fn report(
    object: &Raw<WazoPlugin>,
    context: &Context,
    world: &World,
    (status, certificate): (WazoPluginStatus, Option<Timestamp>),
) -> Result<Option<Duration>, PassError> {
    let key = &world.itself.key;
    let core = world
        .itself
        .core
        .clone()
        .unwrap_or_else(|| CoreKey::new(&key.namespace, ""));
    let moment = context.metrics.moment_of(key, &core, &world.itself.before);
    let status = &impairment::settled(&world.itself.before, status, moment);
    let (before, after) = (object.status_value(), serde_json::to_value(status)?);
    if after != before {
        let of = format!("WazoPlugin {key}");
        let wait = context.paces.wait(&of, &before, &after, Instant::now());
        if wait.is_some() {
            context.metrics.not_written(key);
            return Ok(wait);
        }
        let api: Api<Raw<WazoPlugin>> = Api::namespaced(context.applier.client.clone(), &key.namespace);
        let replaced = api
            .replace_status(&key.name, &Default::default(), &object.with_status(status)?)
            .await;
        match replaced {
            Ok(_) => {
                context.metrics.status_written(CONTROLLER);
                let (old, new) = (world.itself.before.fault.as_ref(), status.fault.as_ref());
                context.metrics.verdict(old, new, Timestamp::now());
                context.wake(Wake::Core(core.clone()));
            }
            // It was let go in between.
            Err(kube::Error::Api(answer)) if answer.code == 404 => return Ok(None),
            Err(error) => {
                if is_refused(&error) {
                    context.metrics.not_written(key);
                }
                return Err(ApplyError::from(error).into());
            }
        }
    }
    if world.itself.deleting {
        let note = events::children_first(&world.itself.before, &world.itself.finalizers);
        context.tell(object, note.into_iter().collect()).await;
    }
    context
        .tell(object, events::transitions(&world.itself.before, status))
        .await;
    context.metrics.plugin(key, &core, status);
    context.note_health(world, status);
    context.doubt_account(world, status);
    context.metrics.certificate(key, &core, certificate);
    Ok(None)
}

/// Whether a write was certainly not made; of an answer that is lost that is not known.
fn is_refused(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(answer) if answer.code < 500)
}

async fn released(object: &Raw<WazoPlugin>, world: &World, context: &Context) -> Passed {
    context.metrics.forget(&world.itself.key);
    context.let_go(&world.itself.key);
    let retain = world
        .itself
        .plugin
        .as_ref()
        .is_ok_and(|plugin| plugin.spec.deletion_policy() == DeletionPolicy::Retain);
    let note = if retain {
        events::retained(&world.itself.before)
    } else {
        events::deregistered(&world.itself.before, world.itself.abandon)
    };
    context.tell(object, vec![note]).await;
    if let Some(core) = &world.itself.core {
        context.wake(Wake::Core(core.clone()));
    }
    Passed {
        action: Action::await_change(),
        outcome: Outcome::Released,
    }
}

fn next(context: &Context, world: &World, assessment: &Assessment, applied: &Applied) -> Duration {
    let uid = world.itself.uid.as_str();
    let mut pause = context.resync(uid);
    if world.shared.waits() {
        // What another plugin has in the core is known within moments.
        pause = pause.min(Duration::from_secs(2));
    }
    if applied.refused {
        pause = pause.min(context.backoff.failed(uid, &context.settings));
    }
    if let Some(again) = assessment.again.and_then(|seconds| u64::try_from(seconds).ok()) {
        pause = pause.min(Duration::from_secs(again));
    }
    pause
}

const fn outcome(applied: &Applied) -> Outcome {
    if applied.refused {
        Outcome::Refused
    } else if applied.created.is_empty() && applied.changed.is_empty() && applied.corrected.is_empty() {
        Outcome::Unchanged
    } else {
        Outcome::Changed
    }
}

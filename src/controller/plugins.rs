//! The loop of WazoPlugins: observe → judge → plan → apply → report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::runtime::controller::Action;
use kube::{Api, Resource};

use super::context::Context;
use crate::api::object::Raw;
use crate::api::plugin::{WazoPlugin, WazoPluginStatus};
use crate::apply::{Applied, ApplyError};
use crate::judge::{self, Assessment};
use crate::keys::{CoreKey, Wake};
use crate::observe::world::World;
use crate::plan;
use crate::report::{events, status};

const CONTROLLER: &str = "wazoplugin";

/// A pass that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassError {
    /// The API server did not do what was asked.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The status cannot be written as JSON: a mistake in the operator.
    #[error("failed to write the status as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// One pass over a plugin.
pub(super) async fn reconcile(
    object: Arc<Raw<WazoPlugin>>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    context.listed().await;
    let started = Instant::now();
    let result = pass(&object, &context).await;
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    let outcome = match &result {
        Ok(passed) => {
            context.backoff.succeeded(uid);
            passed.outcome
        }
        Err(PassError::Apply(ApplyError::Conflict)) => "conflict",
        Err(_) => "failed",
    };
    let took = started.elapsed();
    context.metrics.passed(CONTROLLER, outcome, took.as_secs_f64());
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match &result {
        Err(error) if outcome == "failed" => {
            tracing::warn!(plugin = %object.key(), outcome, milliseconds, %error, "pass");
        }
        _ => tracing::info!(plugin = %object.key(), outcome, milliseconds, "pass"),
    }
    result.map(|passed| passed.action)
}

/// What a pass that failed leads to.
pub(super) fn error_policy(object: Arc<Raw<WazoPlugin>>, error: &PassError, context: Arc<Context>) -> Action {
    // After a conflict the newer version is on its way, and brings a pass of its own.
    let pause = match error {
        PassError::Apply(ApplyError::Conflict) => Duration::from_secs(1),
        _ => context.backoff.failed(
            object.meta().uid.as_deref().unwrap_or_default(),
            &context.settings,
        ),
    };
    Action::requeue(pause)
}

struct Passed {
    action: Action,
    outcome: &'static str,
}

async fn pass(object: &Raw<WazoPlugin>, context: &Context) -> Result<Passed, PassError> {
    let Some(world) = context.observe(object) else {
        // The loop of WazoCores wakes us when it has looked at the core.
        return Ok(Passed {
            action: Action::requeue(Duration::from_secs(5)),
            outcome: "waiting",
        });
    };
    if world.itself.deleting && world.itself.finalizers.is_empty() {
        return Ok(Passed {
            action: Action::await_change(),
            outcome: "gone",
        });
    }
    let plan = plan::plan(&world, &judge::assess(&world));
    let applied = context.applier.carry_out(&world, &plan).await?;
    if applied.released {
        return Ok(released(object, &world, context).await);
    }
    if applied.metadata {
        return Ok(Passed {
            action: Action::await_change(),
            outcome: "changed",
        });
    }
    // Facts may have changed by what was applied; judged again, the status tells of now.
    let world = context.observe(object).unwrap_or(world);
    let assessment = judge::assess(&world);
    let status = compose(&world, &assessment, &plan);
    report(object, context, &world, &status, &applied).await?;
    Ok(Passed {
        action: Action::requeue(next(context, &world, &assessment, &applied)),
        outcome: outcome(&applied),
    })
}

fn compose(world: &World, assessment: &Assessment, plan: &plan::Plan) -> WazoPluginStatus {
    if world.itself.deleting {
        status::deleting(world, assessment)
    } else if plan.suspended {
        status::suspended(world, plan.pending)
    } else {
        status::compose(world, assessment)
    }
}

async fn report(
    object: &Raw<WazoPlugin>,
    context: &Context,
    world: &World,
    status: &WazoPluginStatus,
    applied: &Applied,
) -> Result<(), PassError> {
    let key = &world.itself.key;
    let core = world
        .itself
        .core
        .clone()
        .unwrap_or_else(|| CoreKey::new(&key.namespace, ""));
    if serde_json::to_value(status)? != object.status_value() {
        let api: Api<Raw<WazoPlugin>> = Api::namespaced(context.applier.client.clone(), &key.namespace);
        let replaced = api
            .replace_status(&key.name, &Default::default(), &object.with_status(status)?)
            .await;
        match replaced {
            Ok(_) => {
                context.metrics.status_written(CONTROLLER);
                context.wake(Wake::Core(core.clone()));
            }
            // It was let go in between.
            Err(kube::Error::Api(answer)) if answer.code == 404 => return Ok(()),
            Err(error) => return Err(ApplyError::from(error).into()),
        }
        let notes = events::transitions(&world.itself.before, status, applied);
        context.tell(object, notes).await;
    }
    context.metrics.plugin(key, &core, status);
    Ok(())
}

async fn released(object: &Raw<WazoPlugin>, world: &World, context: &Context) -> Passed {
    context.metrics.forget(&world.itself.key);
    context
        .tell(
            object,
            vec![events::deregistered(&world.itself.before, world.itself.abandon)],
        )
        .await;
    if let Some(core) = &world.itself.core {
        context.wake(Wake::Core(core.clone()));
    }
    Passed {
        action: Action::await_change(),
        outcome: "released",
    }
}

fn next(context: &Context, world: &World, assessment: &Assessment, applied: &Applied) -> Duration {
    let uid = world.itself.uid.as_str();
    let mut pause = context.resync(uid);
    if applied.refused {
        pause = pause.min(context.backoff.failed(uid, &context.settings));
    }
    if let Some(again) = assessment.again.and_then(|seconds| u64::try_from(seconds).ok()) {
        pause = pause.min(Duration::from_secs(again));
    }
    pause
}

fn outcome(applied: &Applied) -> &'static str {
    if applied.refused {
        "refused"
    } else if applied.created.is_empty() && applied.changed.is_empty() && applied.corrected.is_empty() {
        "unchanged"
    } else {
        "changed"
    }
}

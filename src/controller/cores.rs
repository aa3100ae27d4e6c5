//! The loop of WazoCores: their references are read, their actor is told, and one verdict per core is kept for all
//! plugins that refer to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, Resource};
use serde_json::json;

use super::context::Context;
use super::plugins::PassError;
use crate::api::core::{PluginCount, WazoCore, WazoCoreSpec, WazoCoreStatus};
use crate::api::fault::Fault;
use crate::api::names::FINALIZER;
use crate::api::object::Raw;
use crate::api::plugin::WazoPluginStatus;
use crate::api::reason::Reason;
use crate::apply::ApplyError;
use crate::judge::candidate::settle;
use crate::judge::core::{Unusable, judge};
use crate::keys::{CoreKey, Wake};
use crate::observe::directory::CoreEntry;
use crate::observe::references::{self, Referred};
use crate::report::core_status::{self, CoreReport};
use crate::report::events;

const CONTROLLER: &str = "wazocore";

/// One pass over a core.
pub(super) async fn reconcile(
    object: Arc<Raw<WazoCore>>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    context.listed().await;
    let started = Instant::now();
    let result = pass(&object, &context).await;
    let outcome = if result.is_ok() { "done" } else { "failed" };
    if result.is_ok() {
        context
            .backoff
            .succeeded(object.meta().uid.as_deref().unwrap_or_default());
    }
    let took = started.elapsed();
    context.metrics.passed(CONTROLLER, outcome, took.as_secs_f64());
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match &result {
        Err(error) => tracing::warn!(core = %object.key(), outcome, milliseconds, %error, "pass"),
        Ok(_) => tracing::info!(core = %object.key(), outcome, milliseconds, "pass"),
    }
    result
}

/// What a pass that failed leads to.
pub(super) fn error_policy(object: Arc<Raw<WazoCore>>, error: &PassError, context: Arc<Context>) -> Action {
    let pause = match error {
        PassError::Apply(ApplyError::Conflict) => Duration::from_secs(1),
        _ => context.backoff.failed(
            object.meta().uid.as_deref().unwrap_or_default(),
            &context.settings,
        ),
    };
    Action::requeue(pause)
}

async fn pass(object: &Raw<WazoCore>, context: &Context) -> Result<Action, PassError> {
    let key = object.key();
    let plugins = context.plugins_of(&key);
    let deleting = object.meta().deletion_timestamp.is_some();
    if deleting && plugins.is_empty() {
        return release(object, context).await;
    }
    let finalizers = object.meta().finalizers.clone().unwrap_or_default();
    if !deleting && !plugins.is_empty() && !finalizers.iter().any(|name| name == FINALIZER) {
        let all = finalizers.into_iter().chain([FINALIZER.to_owned()]).collect();
        set_finalizers(object, context, all).await?;
        return Ok(Action::await_change());
    }
    let unusable = refresh(object, context, &key).await?;
    let facts = context.applier.cores.facts(&key);
    let before: WazoCoreStatus = object.status();
    let now = Timestamp::now();
    // Until this process knows the core, what the status says goes on to hold.
    let known = facts.as_deref().is_some_and(core_status::known);
    let fault = if unusable.is_none() && !known {
        before.fault.clone()
    } else {
        judge(
            &key,
            unusable.as_ref(),
            facts.as_deref(),
            before.stack.is_some(),
            now,
        )
        .map(|candidate| settle(candidate.fault, &before.fault.iter().collect::<Vec<_>>()))
    };
    let spec = object.spec::<WazoCoreSpec>().ok();
    let suspended = spec.as_ref().is_some_and(|spec| spec.suspend == Some(true));
    let fault = fault.filter(|_| !suspended);
    let tenant = facts.as_ref().and_then(|facts| facts.tenant);
    if context.directory.set(
        &key,
        CoreEntry {
            spec,
            fault: fault.clone(),
            tenant,
            deleting,
        },
    ) {
        for plugin in &plugins {
            context.wake(Wake::Plugin(plugin.key()));
        }
    }
    let impaired = plugins
        .iter()
        .filter(|plugin| plugin.status::<WazoPluginStatus>().fault.is_some())
        .count();
    let report_of = CoreReport {
        generation: object.meta().generation.unwrap_or_default(),
        before: &before,
        facts: facts.as_deref(),
        fault: fault.clone(),
        plugins: PluginCount {
            total: count(plugins.len()),
            impaired: count(impaired),
        },
        suspended,
        deleting,
        now,
    };
    let holds = before.observed_generation == report_of.generation && !known;
    let status = if holds && unusable.is_none() && !suspended && !deleting {
        core_status::unchanged(&report_of)
    } else {
        core_status::compose(&report_of)
    };
    report(object, context, &before, &status).await?;
    // The last plugin's end is no event of ours: it is looked for.
    let pause = if deleting {
        Duration::from_secs(1)
    } else {
        next(context, fault.as_ref())
    };
    Ok(Action::requeue(pause))
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn next(context: &Context, fault: Option<&Fault>) -> Duration {
    let ours_to_read = fault.is_some_and(|fault| {
        matches!(
            fault.reason,
            Reason::CredentialsMissing
                | Reason::CaBundleMissing
                | Reason::CaBundleInvalid
                | Reason::CertificateChangedInCore
                | Reason::CoreCredentialsRejected
                | Reason::CredentialsChangedInCore
                | Reason::OperatorForbidden
        )
    });
    if ours_to_read {
        context.settings.repair_interval
    } else {
        context.settings.credentials_interval
    }
}

/// Reads what the core refers to and tells its actor; `Some`: why it cannot be used. Settings that worked before stay
/// in force meanwhile: without them nothing could be deregistered.
async fn refresh(
    object: &Raw<WazoCore>,
    context: &Context,
    key: &CoreKey,
) -> Result<Option<Unusable>, PassError> {
    match references::read(&context.applier.client, object)
        .await
        .map_err(ApplyError::from)?
    {
        Referred::Unusable(unusable) => Ok(Some(unusable)),
        Referred::Settings(settings) => match context.applier.cores.put(*settings) {
            Ok(()) => Ok(None),
            Err(error) => {
                tracing::info!(core = %key, %error, "the CA bundle cannot be used");
                Ok(Some(Unusable {
                    reason: Reason::CaBundleInvalid,
                    message: format!("the CA bundle cannot be used: {error}"),
                    field: "spec.caBundle",
                }))
            }
        },
    }
}

async fn report(
    object: &Raw<WazoCore>,
    context: &Context,
    before: &WazoCoreStatus,
    status: &WazoCoreStatus,
) -> Result<(), PassError> {
    if serde_json::to_value(status)? == object.status_value() {
        return Ok(());
    }
    let key = object.key();
    let api: Api<Raw<WazoCore>> = Api::namespaced(context.applier.client.clone(), &key.namespace);
    match api
        .replace_status(&key.name, &Default::default(), &object.with_status(status)?)
        .await
    {
        Ok(_) => context.metrics.status_written(CONTROLLER),
        Err(kube::Error::Api(answer)) if answer.code == 404 => return Ok(()),
        Err(error) => return Err(ApplyError::from(error).into()),
    }
    context
        .tell(
            object,
            events::faults(before.fault.as_ref(), status.fault.as_ref()),
        )
        .await;
    Ok(())
}

async fn release(object: &Raw<WazoCore>, context: &Context) -> Result<Action, PassError> {
    let finalizers = object.meta().finalizers.clone().unwrap_or_default();
    let others: Vec<String> = finalizers
        .iter()
        .filter(|name| *name != FINALIZER)
        .cloned()
        .collect();
    if others.len() < finalizers.len() {
        set_finalizers(object, context, others).await?;
    }
    context.applier.cores.remove(&object.key());
    context.directory.remove(&object.key());
    Ok(Action::await_change())
}

async fn set_finalizers(
    object: &Raw<WazoCore>,
    context: &Context,
    finalizers: Vec<String>,
) -> Result<(), PassError> {
    let key = object.key();
    let api: Api<Raw<WazoCore>> = Api::namespaced(context.applier.client.clone(), &key.namespace);
    let patch =
        json!({"metadata": {"resourceVersion": object.meta().resource_version, "finalizers": finalizers}});
    match api
        .patch(&key.name, &PatchParams::default(), &Patch::Merge(patch))
        .await
    {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(ApplyError::from(error).into()),
    }
}

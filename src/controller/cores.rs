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
use super::copies;
use super::core_seen::Seen;
use super::ledger_keys;
use super::pass::{self, Outcome, PassError, Passed};
use crate::api::core::{WazoCore, WazoCoreSpec, WazoCoreStatus};
use crate::api::fault::Fault;
use crate::api::names::FINALIZER;
use crate::api::object::Raw;
use crate::api::reason::Reason;
use crate::apply::ApplyError;
use crate::keys::{CoreKey, Wake};
use crate::observe::directory::{CoreEntry, Excused};
use crate::observe::facts::Unusable;
use crate::observe::ledger_mark::LedgerKey;
use crate::observe::references::{self, Referred};
use crate::report::events;

const CONTROLLER: &str = "wazocore";

/// One pass over a core.
pub(super) async fn reconcile(
    object: Arc<Raw<WazoCore>>,
    context: Arc<Context>,
) -> Result<Action, PassError> {
    pass::make(CONTROLLER, object, context, pass).await
}

async fn pass(object: &Raw<WazoCore>, context: &Context) -> Result<Passed, PassError> {
    let plugins = context.plugins_of(&object.key());
    let deleting = object.meta().deletion_timestamp.is_some();
    if deleting && plugins.is_empty() {
        return release(object, context).await;
    }
    if !deleting && !plugins.is_empty() && !is_kept(object) {
        let finalizers = object.meta().finalizers.iter().flatten().cloned();
        set_finalizers(
            object,
            context,
            finalizers.chain([FINALIZER.to_owned()]).collect(),
        )
        .await?;
        return Ok(Passed {
            action: Action::await_change(),
            outcome: Outcome::Changed,
        });
    }
    let owner = owner(object, context).await?;
    let unusable = refresh(object, context, &object.key()).await?;
    let (key, no_key) = match ledger_keys::read(object, context, &plugins).await? {
        Ok(key) => (key, None),
        Err(unusable) => (None, Some(unusable)),
    };
    let seen = Seen::of(object, context, owner, unusable.or(no_key));
    let excused = seen.excused();
    let fault = seen.fault().filter(|_| excused.is_none());
    context
        .metrics
        .maintenance(&seen.key, seen.maintenance().is_some());
    publish(object, context, &seen, key, fault.clone(), excused.clone());
    let status = seen.status(object, fault.clone(), excused, &plugins);
    let told = report(object, context, &seen.before, &status).await?;
    // The last plugin's end is no event of ours: it is looked for.
    let pause = if deleting {
        Duration::from_secs(1)
    } else {
        next(context, fault.as_ref()).min(seen.maintenance_left())
    };
    if !matches!(told, Told::Later(_)) {
        context.metrics.core(&seen.key, &status);
    }
    Ok(match told {
        Told::Written => Passed {
            action: Action::requeue(pause),
            outcome: Outcome::Changed,
        },
        Told::Unchanged => Passed {
            action: Action::requeue(pause),
            outcome: Outcome::Unchanged,
        },
        Told::Later(wait) => Passed {
            action: Action::requeue(pause.min(wait)),
            outcome: Outcome::Unchanged,
        },
    })
}

pub(super) fn is_kept(object: &Raw<WazoCore>) -> bool {
    object
        .meta()
        .finalizers
        .iter()
        .flatten()
        .any(|name| name == FINALIZER)
}

/// Lets the plugins see the core; where that changes anything for them, they are woken.
fn publish(
    object: &Raw<WazoCore>,
    context: &Context,
    seen: &Seen,
    ledger_key: Option<LedgerKey>,
    fault: Option<Fault>,
    excused: Option<Excused>,
) {
    let mark = seen.facts.as_ref().map(|facts| facts.mark);
    let facts = seen.facts.as_ref().filter(|facts| facts.stack_changed.is_none());
    let tenant = facts.and_then(|facts| facts.tenant);
    let entry = CoreEntry {
        spec: seen.spec.clone(),
        fault,
        daemons: seen.daemons(),
        excused,
        tenant,
        owner_id: seen.owner.clone(),
        stack: seen.stack(),
        ledger_key,
        deleting: seen.deleting,
        version_changed: context.changes.version_at(&object.key()),
        settings_changed: context.changes.at(&object.key()),
    };
    if context.directory.set(&object.key(), entry, mark) {
        for plugin in context.referrers(&object.key()) {
            context.wake(Wake::Plugin(plugin.key()));
        }
        context.wake_neighbours(&object.key());
    }
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

/// Who the operator is to the core.
async fn owner(object: &Raw<WazoCore>, context: &Context) -> Result<Result<String, Unusable>, PassError> {
    let spec: Option<WazoCoreSpec> = object.spec().ok();
    let client = &context.applier.client;
    let owner = context.owner.of(client, spec.as_ref(), &object.status()).await;
    Ok(owner.map_err(ApplyError::from)?)
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
        Referred::Unusable(unusable) => {
            remember(object, context, &unusable).await?;
            Ok(Some(unusable))
        }
        Referred::Settings(settings) => match context.applier.cores.put(settings.as_ref().clone()) {
            Ok(()) => {
                context.changes.note(settings.as_ref().clone(), Timestamp::now());
                if is_kept(object) && object.meta().deletion_timestamp.is_none() {
                    copies::keep(object, context, &settings).await;
                }
                Ok(None)
            }
            Err(error) => {
                tracing::info!(core = %key, %error, "the CA bundle cannot be used");
                Ok(Some(Unusable {
                    reason: Reason::CaBundleInvalid,
                    message: format!("the CA bundle cannot be used: {error}"),
                    field: "spec.caBundle".into(),
                }))
            }
        },
    }
}

/// References that are gone and that this process never read: what worked last is in the copy.
async fn remember(object: &Raw<WazoCore>, context: &Context, unusable: &Unusable) -> Result<(), PassError> {
    let gone = matches!(
        unusable.reason,
        Reason::CredentialsMissing | Reason::CaBundleMissing
    );
    let applier = &context.applier;
    if !gone || !is_kept(object) || applier.cores.facts(&object.key()).is_some() {
        return Ok(());
    }
    let copy = references::read_copy(&applier.client, object).await;
    if let Some(settings) = copy.map_err(ApplyError::from)? {
        tracing::info!(core = %object.key(), "the credentials are gone; the copy of what worked last is used");
        if let Err(error) = applier.cores.put(*settings) {
            tracing::warn!(core = %object.key(), %error, "the copy of the CA bundle cannot be used");
        }
    }
    Ok(())
}

/// What became of a status.
enum Told {
    /// It was written.
    Written,
    /// It stands there already.
    Unchanged,
    /// It says the same in other words, too soon after the last write.
    Later(Duration),
}

/// Writes the status where it differs.
async fn report(
    object: &Raw<WazoCore>,
    context: &Context,
    before: &WazoCoreStatus,
    status: &WazoCoreStatus,
) -> Result<Told, PassError> {
    let (stands, wanted) = (object.status_value(), serde_json::to_value(status)?);
    if wanted == stands {
        return Ok(Told::Unchanged);
    }
    let key = object.key();
    let of = format!("WazoCore {key}");
    if let Some(wait) = context.paces.wait(&of, &stands, &wanted, Instant::now()) {
        return Ok(Told::Later(wait));
    }
    let api: Api<Raw<WazoCore>> = Api::namespaced(context.applier.client.clone(), &key.namespace);
    match api
        .replace_status(&key.name, &Default::default(), &object.with_status(status)?)
        .await
    {
        Ok(_) => context.metrics.status_written(CONTROLLER),
        Err(kube::Error::Api(answer)) if answer.code == 404 => return Ok(Told::Unchanged),
        Err(error) => return Err(ApplyError::from(error).into()),
    }
    let known = (before.fault.as_ref(), &before.conditions[..]);
    let notes = events::faults(known, (status.fault.as_ref(), &status.conditions));
    context.tell(object, notes).await;
    Ok(Told::Written)
}

async fn release(object: &Raw<WazoCore>, context: &Context) -> Result<Passed, PassError> {
    let finalizers = object.meta().finalizers.clone().unwrap_or_default();
    let others: Vec<String> = finalizers
        .iter()
        .filter(|name| *name != FINALIZER)
        .cloned()
        .collect();
    if others.len() < finalizers.len() {
        copies::remove(object, context).await.map_err(ApplyError::from)?;
        ledger_keys::remove(object, context)
            .await
            .map_err(ApplyError::from)?;
        set_finalizers(object, context, others).await?;
    }
    context.forget_core(&object.key());
    Ok(Passed {
        action: Action::await_change(),
        outcome: Outcome::Released,
    })
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

//! Errors of our own that last reach the status of the object that they hold up.

use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backoff::Errors;
use super::context::Context;
use crate::api::core::{WazoCore, WazoCoreSpec, WazoCoreStatus};
use crate::api::fault::Fault;
use crate::api::object::Raw;
use crate::api::plugin::{WazoPlugin, WazoPluginSpec, WazoPluginStatus};
use crate::api::reason::Reason;
use crate::api_error::told;
use crate::apply::Failure;
use crate::keys::{CoreKey, Wake};
use crate::report::own_error::{self, Failing, Place};
use crate::report::{events, impairment};

/// So many passes in a row have to fail.
const LASTING: u32 = 3;
/// So many seconds, too, where it is no plain refusal: an API server that starts again answers with errors for some.
const LASTING_SECONDS: i64 = 10;

/// Whether errors in a row are more than what passes by itself.
fn last(errors: &Errors, failure: &Failure, now: Timestamp) -> bool {
    let refused = matches!(failure.reason, Reason::OperatorForbidden | Reason::PolicyDenied);
    let for_long = now.as_second() - errors.since.as_second() >= LASTING_SECONDS;
    errors.in_a_row >= LASTING && (refused || for_long)
}

/// A kind whose status tells of errors of our own.
pub(super) trait Told:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + 'static
{
    /// Its status.
    type Status: Serialize + DeserializeOwned + Default;

    /// Whether nothing is written.
    fn is_suspended(object: &Raw<Self>) -> bool;
    /// The status that tells of it.
    fn compose(place: &Place, before: &Self::Status, failing: &Failing) -> Self::Status;
    /// The first fault, and the conditions.
    fn stands(status: &Self::Status) -> (Option<&Fault>, &[Condition]);
    /// The status with its accounts.
    fn settled(object: &Raw<Self>, status: Self::Status, context: &Context) -> Self::Status;
    /// What follows from a status that was written.
    fn written(object: &Raw<Self>, status: &Self::Status, context: &Context);
    /// What follows from one that was not.
    fn not_written(object: &Raw<Self>, context: &Context);
}

impl Told for WazoPlugin {
    type Status = WazoPluginStatus;

    fn is_suspended(object: &Raw<Self>) -> bool {
        object.spec::<WazoPluginSpec>().is_ok_and(|spec| spec.suspended())
    }

    fn compose(place: &Place, before: &WazoPluginStatus, failing: &Failing) -> WazoPluginStatus {
        own_error::plugin(place, before, failing)
    }

    fn stands(status: &WazoPluginStatus) -> (Option<&Fault>, &[Condition]) {
        (status.fault.as_ref(), &status.conditions)
    }

    fn written(object: &Raw<Self>, status: &WazoPluginStatus, context: &Context) {
        let key = object.key();
        let core = core_of(object);
        let before: WazoPluginStatus = object.status();
        let (old, new) = (before.fault.as_ref(), status.fault.as_ref());
        context.metrics.verdict(old, new, Timestamp::now());
        context.metrics.plugin(&key, &core, status);
        context.wake(Wake::Core(core));
    }

    fn settled(object: &Raw<Self>, status: WazoPluginStatus, context: &Context) -> WazoPluginStatus {
        let before = object.status();
        let moment = context
            .metrics
            .moment_of(&object.key(), &core_of(object), &before);
        impairment::settled(&before, status, moment)
    }

    fn not_written(object: &Raw<Self>, context: &Context) {
        context.metrics.not_written(&object.key());
    }
}

fn core_of(object: &Raw<WazoPlugin>) -> CoreKey {
    Context::core_of(object).unwrap_or_else(|| CoreKey::new(object.key().namespace, ""))
}

impl Told for WazoCore {
    type Status = WazoCoreStatus;

    fn is_suspended(object: &Raw<Self>) -> bool {
        object
            .spec::<WazoCoreSpec>()
            .is_ok_and(|spec| spec.suspend.unwrap_or(false))
    }

    fn compose(place: &Place, before: &WazoCoreStatus, failing: &Failing) -> WazoCoreStatus {
        own_error::core(place, before, failing)
    }

    fn stands(status: &WazoCoreStatus) -> (Option<&Fault>, &[Condition]) {
        (status.fault.as_ref(), &status.conditions)
    }

    fn settled(_: &Raw<Self>, status: WazoCoreStatus, _: &Context) -> WazoCoreStatus {
        status
    }

    fn written(object: &Raw<Self>, status: &WazoCoreStatus, context: &Context) {
        context.metrics.core(&object.key(), status);
    }

    fn not_written(_: &Raw<Self>, _: &Context) {}
}

/// Tells of passes that failed in a row, where that is due. What cannot be told is in the log.
pub(super) async fn tell<K: Told>(
    controller: &'static str,
    object: &Raw<K>,
    (failure, errors): (Failure, Errors),
    context: &Context,
) {
    let now = Timestamp::now();
    if !last(&errors, &failure, now) || K::is_suspended(object) {
        return;
    }
    let place = Place {
        kind: if K::kind(&()) == "WazoCore" {
            "WazoCore"
        } else {
            "WazoPlugin"
        },
        key: object.key(),
        generation: object.meta().generation.unwrap_or_default(),
        deleting: object.meta().deletion_timestamp.is_some(),
    };
    let failing = Failing {
        failure,
        since: errors.since,
        now,
    };
    let before: K::Status = object.status();
    let status = K::compose(&place, &before, &failing);
    // Errors that take turns are not told at every turn: what is written wakes the next pass.
    let known = K::stands(&before).0.zip(K::stands(&status).0);
    if known.is_some_and(|(old, new)| own_error::is_own(old, new)) && !errors.in_a_row.is_power_of_two() {
        return;
    }
    let status = K::settled(object, status, context);
    if let Err(error) = write(controller, object, &status, context).await {
        tracing::warn!(controller, object = %place.key, error, "the status does not tell of the failed passes");
        return;
    }
    let notes = events::faults(K::stands(&before), K::stands(&status));
    context.tell(object, notes).await;
}

async fn write<K: Told>(
    controller: &'static str,
    object: &Raw<K>,
    status: &K::Status,
    context: &Context,
) -> Result<(), String> {
    if serde_json::to_value(status).map_err(|error| error.to_string())? == object.status_value() {
        K::not_written(object, context);
        return Ok(());
    }
    let key = object.key();
    let wanted = object.with_status(status).map_err(|error| error.to_string())?;
    let api: Api<Raw<K>> = Api::namespaced(context.applier.client.clone(), &key.namespace);
    api.replace_status(&key.name, &Default::default(), &wanted)
        .await
        .map_err(|error| told(&error))?;
    context.metrics.status_written(controller);
    K::written(object, status, context);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_after_three_passes_and_what_may_pass_by_itself_after_ten_seconds() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let errors = |in_a_row| Errors {
            in_a_row,
            since: at(100),
        };
        let forbidden = Failure {
            reason: Reason::OperatorForbidden,
            request: None,
        };
        assert!(!last(&errors(2), &forbidden, at(200)));
        assert!(last(&errors(3), &forbidden, at(101)));
        assert!(!last(&errors(5), &Failure::OF_ITSELF, at(109)));
        assert!(last(&errors(5), &Failure::OF_ITSELF, at(110)));
        assert!(!last(&errors(2), &Failure::OF_ITSELF, at(200)));
    }
}

//! The status of an object whose passes fail through no fault of its own: an old `Ready=True` does not stand in silence.
//! What else was told stays. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::condition::{ConditionType, Truth, Wanted, seconds, settle as settle_conditions};
use crate::api::core::WazoCoreStatus;
use crate::api::fault::{Fault, Layer};
use crate::api::plugin::{RolloutClock, WazoPluginStatus};
use crate::api::reason::Reason;
use crate::apply::Failure;
use crate::judge::candidate::{Candidate, settle};
use crate::keys::Key;
use crate::report::status::{is_phase, kept};
use crate::report::told::with_next_step;

/// As many faults as stand beside the first.
const OTHER_FAULTS: usize = 3;

/// The object whose passes fail.
#[derive(Clone, Debug)]
pub struct Place {
    /// `WazoPlugin` or `WazoCore`.
    pub kind: &'static str,
    /// Its namespace and name.
    pub key: Key,
    /// The generation of its spec.
    pub generation: i64,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// Why its passes fail, and since when.
#[derive(Clone, Debug)]
pub struct Failing {
    /// What failed last.
    pub failure: Failure,
    /// When the first pass of the row failed.
    pub since: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// The status of a plugin.
#[must_use]
pub fn plugin(place: &Place, before: &WazoPluginStatus, failing: &Failing) -> WazoPluginStatus {
    let known: Vec<&Fault> = before.fault.iter().chain(&before.other_faults).collect();
    let fault = settle(fault(place, failing), &known);
    let others = known.into_iter().filter(|known| !is_own(known, &fault));
    let others: Vec<Fault> = others.take(OTHER_FAULTS).cloned().collect();
    let mut conditions = conditions(
        place,
        (before.observed_generation, &before.conditions),
        &fault,
        failing,
    );
    if others.iter().all(|fault| fault.blocking) {
        without_degraded(&mut conditions);
    }
    WazoPluginStatus {
        observed_generation: observed(before.observed_generation, place),
        conditions,
        other_faults: others,
        rollout: rollout(place, before, failing.now),
        fault: Some(fault),
        ..before.clone()
    }
}

/// The status of a core.
#[must_use]
pub fn core(place: &Place, before: &WazoCoreStatus, failing: &Failing) -> WazoCoreStatus {
    let known: Vec<&Fault> = before.fault.iter().collect();
    let fault = settle(fault(place, failing), &known);
    let mut conditions = conditions(
        place,
        (before.observed_generation, &before.conditions),
        &fault,
        failing,
    );
    without_degraded(&mut conditions);
    WazoCoreStatus {
        observed_generation: observed(before.observed_generation, place),
        conditions,
        fault: Some(fault),
        ..before.clone()
    }
}

/// Whether a fault of a status is one that was composed here, of the same object.
#[must_use]
pub fn is_own(known: &Fault, fault: &Fault) -> bool {
    let own = matches!(
        known.reason,
        Reason::OperatorForbidden | Reason::OperatorError | Reason::PolicyDenied
    );
    own && known.object == fault.object
}

/// What a newer spec came to was not looked at: it would pass for one that was in force.
const fn observed(before: i64, place: &Place) -> i64 {
    if before < 0 { place.generation } else { before }
}

fn fault(place: &Place, failing: &Failing) -> Fault {
    let Failure { reason, request } = &failing.failure;
    let observed = request.map_or_else(
        || "a pass failed; the operator's log tells why".to_owned(),
        |request| request.to_string(),
    );
    let told = match reason {
        Reason::OperatorForbidden => format!("the API server refuses a request of the operator: {observed}"),
        Reason::PolicyDenied => format!("an admission policy refuses a request of the operator: {observed}"),
        _ => format!("the operator does not get its work done: {observed}"),
    };
    let vantage = if request.is_some() {
        "API server"
    } else {
        "operator"
    };
    let Place { kind, key, .. } = place;
    let candidate = Candidate::new(*reason, failing.since, told)
        .evidence(vantage, observed, Some(format!("{kind}/{}", key.name)))
        .object("plugins.wazo.io/v1alpha1", kind, &key.namespace, &key.name);
    match (reason, request) {
        (Reason::OperatorError, Some(_)) => candidate.layer(Layer::KubeAPI).fault,
        _ => candidate.fault,
    }
}

fn conditions(
    place: &Place,
    (generation, before): (i64, &[Condition]),
    fault: &Fault,
    failing: &Failing,
) -> Vec<Condition> {
    let told = with_next_step(fault);
    let mut wanted: Vec<Wanted> = before.iter().filter_map(kept).collect();
    wanted.retain(|condition| !is_phase(condition.kind));
    let reason = if place.deleting {
        "DeregistrationBlocked"
    } else {
        let word = "ProgressingWithRetry";
        wanted.push(Wanted::new(
            ConditionType::Reconciling,
            Truth::True,
            word,
            told.clone(),
        ));
        fault.reason.as_str()
    };
    wanted.push(Wanted::new(ConditionType::Ready, Truth::False, reason, told));
    settle_conditions(wanted, before, observed(generation, place), failing.now)
}

/// `Degraded` tells of a fault that does not block, and goes with it.
fn without_degraded(conditions: &mut Vec<Condition>) {
    conditions.retain(|condition| condition.type_ != ConditionType::Degraded.as_str());
}

/// The clock of the rollout stands still. A plugin that was never looked at has its rollout before it.
fn rollout(place: &Place, before: &WazoPluginStatus, now: Timestamp) -> Option<RolloutClock> {
    if before.observed_generation < 0 {
        return Some(RolloutClock {
            revision: place.generation,
            elapsed_seconds: 0,
            since: None,
        });
    }
    let mut clock = before.rollout.clone()?;
    if let Some(since) = clock.since.take() {
        clock.elapsed_seconds += (seconds(now).0.as_second() - since.0.as_second()).max(0);
    }
    Some(clock)
}

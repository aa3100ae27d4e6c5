//! The rules of a status: those of the Kubernetes API conventions, of Flux (FAIL0001 to FAIL0011, with an end state of
//! `Ready=Unknown` while work goes on), and ours.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::condition::{ConditionType, find};
use crate::api::fault::Fault;
use crate::api::plugin::WazoPluginStatus;

/// What breaks a rule; nothing where all are kept.
pub(super) fn broken(status: &WazoPluginStatus, generation: i64) -> Vec<String> {
    let mut found = conditions(&status.conditions, status.observed_generation, generation);
    let mut fails = |ok: bool, rule: &str| {
        if !ok {
            found.push(rule.to_owned());
        }
    };
    let ready = status_of(&status.conditions, ConditionType::Ready);
    let faults: Vec<&Fault> = status.fault.iter().chain(&status.other_faults).collect();
    fails(
        ready != "True" || !faults.iter().any(|fault| fault.blocking),
        "a blocking fault goes in the write that turns Ready true",
    );
    fails(
        ready == "False" || !faults.iter().any(|fault| fault.blocking),
        "a blocking fault means Ready=False",
    );
    fails(
        (status_of(&status.conditions, ConditionType::Degraded) == "True")
            == faults.iter().any(|fault| !fault.blocking),
        "Degraded says that there is a fault that does not block",
    );
    fails(
        status.other_faults.is_empty() || status.fault.is_some(),
        "a first fault first",
    );
    fails(status.other_faults.len() <= 3, "at most three further faults");
    fails(
        ready != "True" || status.rollout.is_none(),
        "a rollout that ended has no clock",
    );
    let rows = &status.registrations;
    let sum = status
        .registered
        .as_ref()
        .map(|registered| (registered.desired, registered.current));
    fails(
        sum == Some((
            rows.iter().map(|row| row.desired).sum(),
            rows.iter().map(|row| row.current).sum(),
        )),
        "registered is the sum of its rows",
    );
    found
}

/// The same for the conditions of either kind.
pub(super) fn conditions(conditions: &[Condition], observed: i64, generation: i64) -> Vec<String> {
    let mut found = Vec::new();
    let mut fails = |ok: bool, rule: &str| {
        if !ok {
            found.push(rule.to_owned());
        }
    };
    let types: BTreeSet<&str> = conditions
        .iter()
        .map(|condition| condition.type_.as_str())
        .collect();
    fails(types.len() == conditions.len(), "a type stands once");
    let (ready, reconciling, stalled) = (
        status_of(conditions, ConditionType::Ready),
        status_of(conditions, ConditionType::Reconciling),
        status_of(conditions, ConditionType::Stalled),
    );
    fails(!ready.is_empty(), "FAIL0002: Ready is always there");
    fails(
        ["", "True"].contains(&reconciling),
        "Reconciling is there only when true",
    );
    fails(["", "True"].contains(&stalled), "Stalled is there only when true");
    fails(
        reconciling != "True" || ready != "True",
        "FAIL0001, FAIL0003: not Ready while Reconciling",
    );
    fails(
        stalled != "True" || ready == "False",
        "FAIL0001, FAIL0004: Ready=False while Stalled",
    );
    fails(
        reconciling.is_empty() || stalled.is_empty(),
        "FAIL0005: Reconciling or Stalled",
    );
    fails(observed <= generation, "FAIL0006: nobody observes the future");
    fails(
        ready != "True" || observed == generation,
        "FAIL0007: Ready is of this generation",
    );
    let all = conditions
        .iter()
        .all(|condition| condition.observed_generation == Some(observed));
    fails(
        all,
        "FAIL0008, FAIL0009: one generation for the status and all its conditions",
    );
    fails(
        ready != "Unknown" || reconciling == "True",
        "FAIL0011: Ready=Unknown only while Reconciling",
    );
    let mut sorted: Vec<&str> = conditions
        .iter()
        .map(|condition| condition.type_.as_str())
        .collect();
    sorted.sort_by_key(|kind| match *kind {
        "Reconciling" => (0, ""),
        "Stalled" => (1, ""),
        "Ready" => (2, ""),
        other => (3, other),
    });
    let order: Vec<&str> = conditions
        .iter()
        .map(|condition| condition.type_.as_str())
        .collect();
    fails(order == sorted, "Reconciling, Stalled, Ready, then by name");
    for condition in conditions {
        let word = &condition.reason;
        let camel = word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_alphanumeric());
        fails(camel && word.len() <= 1024, "a reason is a CamelCase word");
        fails(
            !condition.message.is_empty() && condition.message.len() <= 32768,
            "a message says something",
        );
        fails(
            condition.last_transition_time.0.subsec_nanosecond() == 0,
            "whole seconds",
        );
    }
    found
}

fn status_of(conditions: &[Condition], kind: ConditionType) -> &str {
    find(conditions, kind).map_or("", |condition| condition.status.as_str())
}

/// The time of a condition moves with its status alone.
pub(super) fn times_kept(before: &[Condition], after: &[Condition]) -> bool {
    after.iter().all(|new| {
        before.iter().all(|old| {
            old.type_ != new.type_
                || (old.status == new.status) == (old.last_transition_time == new.last_transition_time)
                || old.status != new.status
        })
    })
}

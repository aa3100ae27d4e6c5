//! The rules that every status must keep, whatever happens: those of the Kubernetes API conventions, of Flux (FAIL0001
//! to FAIL0011), of kstatus (Flux, Helm 4) and our own. Pure.
//!
//! | rule | tried by |
//! |---|---|
//! | the status begins with `observedGeneration: -1`, and survives kubectl and server-side apply | `each_bad_status_is_named_by_its_rule`, `api_server::tools` |
//! | generation, conditions and fault in one write | `of_conditions` (FAIL0008, FAIL0009) on every write of every test |
//! | `Ready` always, `Unknown` only while `Reconciling` | FAIL0002, FAIL0011, on every write |
//! | `Reconciling`, `Stalled` only when True, never both | FAIL0001, FAIL0003 to FAIL0005, on every write |
//! | the phases of the end of a pass | `judge/tests/phases.rs` |
//! | rollout: `RolloutInProgress`, `Ready=Unknown`; old pods serve: `Available=True` | `judge/tests/phases.rs`, `report/tests/status.rs` |
//! | more or fewer pods take nothing from `Ready` | `judge/tests/phases.rs`, `api_server::workload` |
//! | `lastTransitionTime` moves with the status alone; no write that only moves times | `broken`, on every write |
//! | no write that says the same in other words | [`only_messages_differ`], on every write |
//! | suspended: conditions stay; with changes: `SuspendedWithChanges` | `api_server::suspend`, `report/tests/status.rs` |
//! | no write when nothing changed, nor after a restart | `api_server::idle`, `api_server::tools` |
//! | deletion: `Deleting`, `DeregistrationBlocked` | `api_server::deletion` |
//! | errors of our own: `Reconciling`, `Ready=False`, party `Operator` | `report/tests/own_error.rs`, `judge/tests/phases.rs`, `api_server::operator_error` |
//! | a blocking fault goes with `Ready=True` | `of_fault`, on every write |
//! | work that is tried again: `ProgressingWithRetry` and `Ready=False` | `of_conditions`, on every write |
//! | bounded size, lists and texts | `broken`, `of_fault`, on every write |
//! | the seconds of the parties change in a write that changes the fault, and never go back | `of_accounts`, on every write |
//! | drift takes nothing from `Ready` | `plan/tests/drift.rs`, `api_server::drift` |
//! | no Secret in statuses, events, logs | `recorder`, at the end of every test |

use serde_json::Value;

/// The most bytes of a status as JSON: a status is copied into every watcher's memory.
pub const LARGEST_STATUS: usize = 16 * 1024;
const LONGEST_REASON: usize = 1024;
const LONGEST_MESSAGE: usize = 32 * 1024;

/// What kstatus makes of an object of a kind that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kstatus {
    /// Finished and well: what Flux and Helm wait for.
    Current,
    /// Work goes on.
    InProgress,
    /// Given up: Flux and Helm end with an error.
    Failed,
    /// Being deleted.
    Terminating,
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["conditions"].as_array().into_iter().flatten()
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    conditions(object).find(|condition| condition["type"] == kind)
}

fn truth<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    condition(object, kind)?["status"].as_str()
}

/// The algorithm of `cli-utils`, `pkg/kstatus/status/generic.go`.
#[must_use]
pub fn kstatus(object: &Value) -> Kstatus {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Kstatus::Terminating;
    }
    let observed = &object["status"]["observedGeneration"];
    if !observed.is_null() && *observed != object["metadata"]["generation"] {
        return Kstatus::InProgress;
    }
    for condition in conditions(object) {
        if condition["type"] == "Reconciling" && condition["status"] == "True" {
            return Kstatus::InProgress;
        }
        if condition["type"] == "Stalled" && condition["status"] == "True" {
            return Kstatus::Failed;
        }
    }
    match truth(object, "Ready") {
        Some("False" | "Unknown") => Kstatus::InProgress,
        _ => Kstatus::Current,
    }
}

/// Every rule that an object's status breaks, after its predecessor where there is one.
#[must_use]
pub fn broken(object: &Value, before: Option<&Value>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut must = |holds: bool, rule: &str| {
        if !holds {
            broken.push(rule.to_owned());
        }
    };
    let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
    let status = &object["status"];
    let Some(observed) = status["observedGeneration"].as_i64() else {
        must(
            false,
            "the status has no observedGeneration: its default is missing",
        );
        return broken;
    };
    let ready = truth(object, "Ready");
    must(
        (kstatus(object) == Kstatus::Current) == (ready == Some("True") && observed == generation)
            || !object["metadata"]["deletionTimestamp"].is_null(),
        "kstatus says Current if and only if Ready is True for this generation",
    );
    if observed == -1 {
        must(
            conditions(object).next().is_none(),
            "an object that was not looked at has no conditions",
        );
        return broken;
    }
    of_conditions(object, observed, generation, &mut must);
    // A spec that was edited after the status was written is no mistake of the status.
    let written = before.is_none_or(|before| before["status"] != *status);
    must(
        !written || ready != Some("True") || observed == generation,
        "FAIL0007: Ready=True is not written for an older generation",
    );
    of_fault(object, &mut must);
    let size = serde_json::to_string(status).map_or(0, |text| text.len());
    must(
        size <= LARGEST_STATUS,
        &format!("the status takes {size} bytes, more than {LARGEST_STATUS}"),
    );
    if let Some(before) = before {
        for condition in conditions(object) {
            let Some(old) = conditions(before).find(|old| old["type"] == condition["type"]) else {
                continue;
            };
            must(
                (old["status"] == condition["status"])
                    == (old["lastTransitionTime"] == condition["lastTransitionTime"])
                    // Whole seconds: two changes within one leave the same time.
                    || old["status"] != condition["status"],
                &format!(
                    "lastTransitionTime of {} moves with its status alone",
                    condition["type"]
                ),
            );
        }
        must(
            before["status"] == *status || without_times(before) != without_times(object),
            "a write that only moves times",
        );
        // A WazoCore has none.
        if !status["registered"].is_null() {
            of_accounts(&before["status"], status, &mut must);
        }
    }
    broken
}

fn of_conditions(object: &Value, observed: i64, generation: i64, must: &mut impl FnMut(bool, &str)) {
    let ready = truth(object, "Ready");
    let reconciling = condition(object, "Reconciling");
    let stalled = condition(object, "Stalled");
    must(ready.is_some(), "FAIL0002: Ready is always present");
    must(
        ready != Some("True") || (reconciling.is_none() && stalled.is_none()),
        "FAIL0001: neither Reconciling nor Stalled while Ready=True",
    );
    must(
        reconciling.is_none() || matches!(ready, Some("False" | "Unknown")),
        "FAIL0003: Ready is not True while Reconciling",
    );
    must(
        stalled.is_none() || ready == Some("False"),
        "FAIL0004: Ready is False while Stalled",
    );
    must(
        reconciling.is_none() || stalled.is_none(),
        "FAIL0005: Reconciling and Stalled are never both present",
    );
    must(
        observed <= generation,
        "FAIL0006: observedGeneration is not ahead",
    );
    must(
        ready != Some("Unknown") || reconciling.is_some(),
        "FAIL0011: Ready=Unknown only together with Reconciling",
    );
    must(
        ready != Some("False")
            || reconciling.is_none_or(|reconciling| reconciling["reason"] == "ProgressingWithRetry"),
        "Reconciling together with Ready=False has the reason ProgressingWithRetry",
    );
    if let (Some(stalled), Some(ready)) = (stalled, condition(object, "Ready")) {
        must(
            stalled["reason"] == ready["reason"],
            "Ready and Stalled carry the same reason",
        );
    }
    for one in conditions(object) {
        let kind = one["type"].as_str().unwrap_or_default();
        must(
            one["observedGeneration"].as_i64() == Some(observed),
            &format!("FAIL0009: the observedGeneration of {kind} is that of the status"),
        );
        must(
            !matches!(kind, "Reconciling" | "Stalled") || one["status"] == "True",
            &format!("{kind} is present only when True"),
        );
        must(
            matches!(one["status"].as_str(), Some("True" | "False" | "Unknown")),
            &format!("the status of {kind} is True, False or Unknown"),
        );
        let reason = one["reason"].as_str().unwrap_or_default();
        must(
            is_camel_case(reason) && reason.len() <= LONGEST_REASON,
            &format!("the reason of {kind}, {reason:?}, is a CamelCase word"),
        );
        must(
            one["message"]
                .as_str()
                .is_some_and(|message| message.len() <= LONGEST_MESSAGE),
            &format!("the message of {kind} is bounded"),
        );
    }
    let mut kinds: Vec<&str> = conditions(object)
        .filter_map(|one| one["type"].as_str())
        .collect();
    kinds.sort_unstable();
    let all = kinds.len();
    kinds.dedup();
    must(all == kinds.len(), "each type of condition is there once");
}

fn of_fault(object: &Value, must: &mut impl FnMut(bool, &str)) {
    let status = &object["status"];
    let fault = &status["fault"];
    if fault.is_null() {
        return;
    }
    must(
        truth(object, "Ready") != Some("True") || fault["blocking"] == false,
        "a blocking fault is removed in the write that turns Ready True",
    );
    let others = status["otherFaults"].as_array().map_or(&[][..], Vec::as_slice);
    must(
        truth(object, "Ready") != Some("True") || others.iter().all(|other| other["blocking"] == false),
        "no other fault is blocking while Ready is True",
    );
    must(fault["party"] != "None", "there is no party None");
    for (list, most) in [("evidence", 5), ("contradicting", 5), ("missing", 5)] {
        must(
            fault[list].as_array().is_none_or(|list| list.len() <= most),
            &format!("at most {most} of {list}"),
        );
    }
    must(others.len() <= 3, "at most 3 other faults");
    for field in ["message", "action"] {
        must(
            fault[field].as_str().is_some_and(|text| !text.is_empty()),
            &format!("the fault has a text in {field}"),
        );
    }
    must(
        fault["party"] != "Unknown" || !fault["missing"].as_array().is_none_or(Vec::is_empty),
        "a fault of party Unknown says what is missing to know it",
    );
}

/// Whose time is counted, before and after.
fn of_accounts(before: &Value, status: &Value, must: &mut impl FnMut(bool, &str)) {
    must(
        status["fault"].is_null() == status["impairedSince"].is_null(),
        "impairedSince is there as long as a fault is",
    );
    let named = |status: &Value| {
        (
            status["fault"]["party"].clone(),
            status["fault"]["reason"].clone(),
        )
    };
    must(
        named(before) != named(status)
            || (&before["impairedSeconds"], &before["impairedSince"])
                == (&status["impairedSeconds"], &status["impairedSince"]),
        "the seconds of the parties change only together with the fault",
    );
    for (party, seconds) in before["impairedSeconds"].as_object().into_iter().flatten() {
        must(
            status["impairedSeconds"][party].as_i64() >= seconds.as_i64(),
            &format!("the seconds of {party} do not go back"),
        );
    }
}

fn is_camel_case(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|first| first.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The status without what only tells a time.
#[must_use]
pub fn without_times(object: &Value) -> Value {
    let mut status = object["status"].clone();
    strip(&mut status);
    status
}

/// How long the messages of a status stay as they are while nothing else changes.
pub const MESSAGES_STAY_FOR: std::time::Duration = std::time::Duration::from_secs(10);

/// Whether two statuses say the same in other words: a write for nobody.
#[must_use]
pub fn only_messages_differ(before: &Value, after: &Value) -> bool {
    let without = |object: &Value| {
        let mut status = without_times(object);
        strip_messages(&mut status);
        status
    };
    before["status"] != after["status"] && without(before) == without(after)
}

fn strip_messages(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("message");
            fields.remove("observed");
            fields.values_mut().for_each(strip_messages);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_messages),
        _ => {}
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for time in ["lastTransitionTime", "since", "lastGood", "at"] {
                fields.remove(time);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[cfg(test)]
mod tests;

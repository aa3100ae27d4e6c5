//! Passes that fail through no fault of their object: what its status says of it.

use super::rules::{broken, conditions};
use super::told;
use crate::api::condition::{ConditionType, find};
use crate::api::core::WazoCoreStatus;
use crate::api::fault::{Layer, Party, Resolution};
use crate::api::plugin::WazoPluginStatus;
use crate::api::reason::Reason;
use crate::apply::{FailedRequest, Failure};
use crate::keys::Key;
use crate::observe::fixture::{NOW, at};
use crate::observe::world::World;
use crate::report::own_error::{Failing, Place, core, plugin};
use ConditionType::{Degraded, Ready, Reconciling, Stalled};

const FORBIDDEN: Failure = Failure {
    reason: Reason::OperatorForbidden,
    request: Some(FailedRequest {
        verb: Some("get"),
        resource: Some("secrets"),
        code: Some(403),
    }),
};

fn place(generation: i64) -> Place {
    Place {
        kind: "WazoPlugin",
        key: Key::new("acme", "crm-panel"),
        generation,
        deleting: false,
    }
}

fn failing(failure: Failure, now: i64) -> Failing {
    Failing {
        failure,
        since: at(now - 2),
        now: at(now),
    }
}

fn condition(status: &WazoPluginStatus, kind: ConditionType) -> Option<(&str, &str)> {
    find(&status.conditions, kind).map(|found| (found.status.as_str(), found.reason.as_str()))
}

#[test]
fn an_old_ready_does_not_stand_and_what_else_was_told_does() {
    let before = told(&World::healthy());
    let after = plugin(&place(1), &before, &failing(FORBIDDEN, NOW + 100));
    assert_eq!(condition(&after, Ready), Some(("False", "OperatorForbidden")));
    assert_eq!(
        condition(&after, Reconciling),
        Some(("True", "ProgressingWithRetry"))
    );
    assert_eq!(condition(&after, Stalled), None);
    let fault = after.fault.as_ref().unwrap();
    assert_eq!((fault.party, fault.layer), (Party::Operator, Layer::KubeAPI));
    assert_eq!((fault.resolution, fault.blocking), (Resolution::External, true));
    assert_eq!(fault.since.0, at(NOW + 98), "the first pass that failed");
    assert_eq!(fault.evidence[0].observed, "get secrets: 403");
    assert_eq!(broken(&after, 1), Vec::<String>::new());
    let phases = |kind: &str| kind == "Ready" || kind == "Reconciling";
    let rest = |status: &WazoPluginStatus| {
        let mut status = status.clone();
        status.conditions.retain(|condition| !phases(&condition.type_));
        status.fault = None;
        status
    };
    assert_eq!(rest(&after), rest(&before));
}

#[test]
fn the_same_failure_again_writes_nothing_and_another_one_takes_its_place() {
    let before = told(&World::healthy());
    let first = plugin(&place(1), &before, &failing(FORBIDDEN, NOW + 100));
    // After a restart the row of failures begins anew.
    let again = plugin(&place(1), &first, &failing(FORBIDDEN, NOW + 900));
    assert_eq!(again, first);
    let outage = Failure {
        reason: Reason::OperatorError,
        request: Some(FailedRequest {
            verb: None,
            resource: None,
            code: Some(500),
        }),
    };
    let other = plugin(&place(1), &again, &failing(outage, NOW + 1000));
    let fault = other.fault.as_ref().unwrap();
    assert_eq!(
        (fault.reason, fault.layer),
        (Reason::OperatorError, Layer::KubeAPI)
    );
    assert_eq!(fault.resolution, Resolution::Retry);
    assert!(other.other_faults.is_empty(), "{:?}", other.other_faults);
    let of_itself = plugin(&place(1), &other, &failing(Failure::OF_ITSELF, NOW + 1100));
    assert_eq!(of_itself.fault.unwrap().layer, Layer::Operator);
}

#[test]
fn faults_of_others_stand_beside_it_and_degraded_with_those_that_do_not_block() {
    let ill = told(&World::healthy().crashing(3));
    let after = plugin(&place(1), &ill, &failing(FORBIDDEN, NOW + 100));
    assert_eq!(after.other_faults, Vec::from_iter(ill.fault));
    assert_eq!(broken(&after, 1), Vec::<String>::new());
    let mut degraded = after.fault.clone().unwrap();
    degraded.reason = Reason::CoreUnreachable;
    degraded.blocking = false;
    let mut before = WazoCoreStatus {
        observed_generation: 1,
        fault: Some(degraded),
        ..WazoCoreStatus::default()
    };
    before.conditions = after.conditions.clone();
    before.conditions[0].type_ = Degraded.as_str().to_owned();
    let after = core(&place(1), &before, &failing(FORBIDDEN, NOW + 200));
    assert_eq!(find(&after.conditions, Degraded), None);
    assert_eq!(conditions(&after.conditions, 1, 1), Vec::<String>::new());
}

#[test]
fn a_spec_that_was_not_looked_at_does_not_pass_for_one_that_was_in_force() {
    let before = told(&World::healthy());
    let edited = plugin(&place(2), &before, &failing(FORBIDDEN, NOW + 100));
    assert_eq!(edited.observed_generation, 1);
    let new = WazoPluginStatus {
        observed_generation: -1,
        ..WazoPluginStatus::default()
    };
    let new = plugin(&place(1), &new, &failing(FORBIDDEN, NOW + 100));
    assert_eq!(new.observed_generation, 1);
    assert_eq!(new.rollout.unwrap().since, None, "the clock stands still");
}

#[test]
fn the_clock_of_a_rollout_stops_and_the_next_good_pass_heals() {
    let rolling = told(&World::just_applied());
    let after = plugin(&place(1), &rolling, &failing(FORBIDDEN, NOW + 100));
    let clock = after.rollout.clone().unwrap();
    assert_eq!((clock.elapsed_seconds, clock.since), (100, None));
    let again = plugin(&place(1), &after, &failing(FORBIDDEN, NOW + 200));
    assert_eq!(again, after);
    let mut healed = World::healthy();
    healed.itself.before = plugin(
        &place(1),
        &told(&World::healthy()),
        &failing(FORBIDDEN, NOW + 100),
    );
    let healed = told(&healed);
    assert_eq!(condition(&healed, Ready), Some(("True", "Ready")));
    assert_eq!((healed.fault, healed.other_faults.len()), (None, 0));
}

#[test]
fn a_deletion_that_does_not_get_on_says_that_it_is_blocked() {
    let mut place = place(1);
    place.deleting = true;
    let status = plugin(&place, &told(&World::healthy()), &failing(FORBIDDEN, NOW));
    assert_eq!(
        condition(&status, Ready),
        Some(("False", "DeregistrationBlocked"))
    );
    assert_eq!(condition(&status, Reconciling), None);
}

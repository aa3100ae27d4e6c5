//! Conditions: what is true of an object, with the generation that it is true of.
//!
//! Source of the rules: the Kubernetes API conventions; `lastTransitionTime` moves with `status` alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// The types of condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "each is documented where users read it: docs/status.md"
)]
pub enum ConditionType {
    Reconciling,
    Stalled,
    Ready,
    Authenticated,
    Authorized,
    Available,
    CertificateExpiring,
    Degraded,
    Drifted,
    Exposed,
    Reachable,
    Registered,
    Suspended,
    WorkloadReady,
}

impl ConditionType {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Reconciling,
        Self::Stalled,
        Self::Ready,
        Self::Authenticated,
        Self::Authorized,
        Self::Available,
        Self::CertificateExpiring,
        Self::Degraded,
        Self::Drifted,
        Self::Exposed,
        Self::Reachable,
        Self::Registered,
        Self::Suspended,
        Self::WorkloadReady,
    ];

    /// The word in the status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Ready => "Ready",
            Self::Authenticated => "Authenticated",
            Self::Authorized => "Authorized",
            Self::Available => "Available",
            Self::CertificateExpiring => "CertificateExpiring",
            Self::Degraded => "Degraded",
            Self::Drifted => "Drifted",
            Self::Exposed => "Exposed",
            Self::Reachable => "Reachable",
            Self::Registered => "Registered",
            Self::Suspended => "Suspended",
            Self::WorkloadReady => "WorkloadReady",
        }
    }
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// Work goes on, or it was not looked at yet.
    Unknown,
}

impl Truth {
    const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Self::True } else { Self::False }
    }
}

/// A condition without its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The type.
    pub kind: ConditionType,
    /// The status.
    pub truth: Truth,
    /// A stable CamelCase word.
    pub reason: String,
    /// For a person; without counters, times and names that change from pass to pass.
    pub message: String,
}

impl Wanted {
    /// A condition.
    #[must_use]
    pub fn new(
        kind: ConditionType,
        truth: Truth,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            truth,
            reason: reason.into(),
            message: message.into(),
        }
    }
}

/// The conditions for a status: `wanted` in the order of their types, each with the time of its last change of status.
#[must_use]
pub fn settle(
    mut wanted: Vec<Wanted>,
    before: &[Condition],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    wanted.sort_by_key(|condition| condition.kind);
    wanted
        .into_iter()
        .map(|condition| {
            let kind = condition.kind.as_str();
            let kept = before
                .iter()
                .find(|old| old.type_ == kind && old.status == condition.truth.as_str());
            Condition {
                type_: kind.to_owned(),
                status: condition.truth.as_str().to_owned(),
                observed_generation: Some(generation),
                last_transition_time: kept
                    .map_or_else(|| seconds(now), |old| old.last_transition_time.clone()),
                reason: condition.reason,
                message: condition.message,
            }
        })
        .collect()
}

/// A time as Kubernetes writes it: whole seconds.
#[must_use]
pub fn seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// The condition of a type.
#[must_use]
pub fn find(conditions: &[Condition], kind: ConditionType) -> Option<&Condition> {
    conditions
        .iter()
        .find(|condition| condition.type_ == kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_time_of_a_condition_moves_with_its_status_alone() {
        let first = settle(
            vec![Wanted::new(ConditionType::Ready, Truth::False, "A", "a")],
            &[],
            1,
            at(10),
        );
        let same = settle(
            vec![Wanted::new(ConditionType::Ready, Truth::False, "B", "b")],
            &first,
            2,
            at(20),
        );
        assert_eq!(same[0].last_transition_time.0, at(10));
        assert_eq!(
            (same[0].reason.as_str(), same[0].observed_generation),
            ("B", Some(2))
        );
        let other = settle(
            vec![Wanted::new(ConditionType::Ready, Truth::True, "C", "c")],
            &same,
            2,
            at(30),
        );
        assert_eq!(other[0].last_transition_time.0, at(30));
    }

    #[test]
    fn reconciling_and_stalled_stand_first() {
        let settled = settle(
            vec![
                Wanted::new(ConditionType::WorkloadReady, Truth::True, "A", "a"),
                Wanted::new(ConditionType::Ready, Truth::False, "A", "a"),
                Wanted::new(ConditionType::Stalled, Truth::True, "A", "a"),
            ],
            &[],
            1,
            at(1),
        );
        let order: Vec<&str> = settled.iter().map(|condition| condition.type_.as_str()).collect();
        assert_eq!(order, ["Stalled", "Ready", "WorkloadReady"]);
    }
}

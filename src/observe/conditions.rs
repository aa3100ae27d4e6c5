//! Conditions of foreign objects as facts.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::facts::ConditionFact;

/// The condition of a type in a list of the usual form.
#[must_use]
pub fn find(conditions: &[Condition], kind: &str) -> Option<ConditionFact> {
    conditions
        .iter()
        .find(|condition| condition.type_ == kind)
        .map(|condition| ConditionFact {
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            since: Some(condition.last_transition_time.0),
        })
}

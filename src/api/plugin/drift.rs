//! What is remembered of objects that somebody else changes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An object that somebody else changes, and that was put back lately or is left so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// The kind of the object; `application` for one of the core.
    pub kind: String,
    /// The name of an application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The tenant of an application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When it was put back: at most the last three times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub corrected_at: Vec<MicroTime>,
    /// Since when it is left alone, after it was put back three times within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<MicroTime>,
    /// Whether an application is left as somebody else changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<bool>,
}

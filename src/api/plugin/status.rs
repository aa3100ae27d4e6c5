//! What the operator says of a plugin.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::fault::Fault;

/// What the operator says of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WazoPluginStatus {
    /// The generation of the spec that this status speaks of; -1: not looked at yet.
    pub observed_generation: i64,
    /// The public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The plugin's version: from its manifest, else the image's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The image that runs, by digest where the node tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Pods of the Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Those that are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// The label selector of the pods, for the scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// How many registrations are in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<Registered>,
    /// One row per declared entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<RegistrationStatus>,
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Whose fault it is; absent when nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Further faults that do not follow from the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub other_faults: Vec<Fault>,
    /// For how many seconds a fault of each party was the first one, without what counts since `impairedSince`. It changes
    /// only together with the fault.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub impaired_seconds: BTreeMap<String, i64>,
    /// Since when the seconds of the party of `fault` count that are not in `impairedSeconds` yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impaired_since: Option<Time>,
    /// The clock of the rollout's deadline, kept over restarts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutClock>,
    /// Objects that somebody else changes: how often they were put back, kept over restarts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub drift: Vec<DriftStatus>,
    /// The last value of the annotation `reconcile.plugins.wazo.io/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// How many registrations are in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Registered {
    /// How many the spec asks for.
    pub desired: i32,
    /// How many the core holds.
    pub current: i32,
    /// `current/desired`.
    pub summary: String,
}

/// One declared registration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationStatus {
    /// The kind of registration.
    pub kind: RegistrationKind,
    /// The name of the entry.
    pub name: String,
    /// How many objects of the core it needs.
    pub desired: i32,
    /// How many of them hold it.
    pub current: i32,
    /// How far it is.
    pub state: RegistrationState,
    /// Why it is not further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The URL that is registered, or will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Some of the tenants or users where it is not registered, and why: at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub not_registered: Vec<NotRegistered>,
}

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

/// A tenant, or a user in it, where an entry is not registered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct NotRegistered {
    /// The tenant.
    pub tenant: String,
    /// The user, for an audience of users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Why not.
    pub reason: String,
}

/// The kinds of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum RegistrationKind {
    /// A UI manifest in an external application of a tenant.
    UiApplication,
    /// A service account.
    Account,
}

/// How far a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum RegistrationState {
    /// Not begun.
    Pending,
    /// Waits for something else to be true first.
    Held,
    /// Being written.
    Registering,
    /// Read back from the core.
    Registered,
    /// Being taken out.
    Deregistering,
    /// The core, or the form of its object, refuses it.
    Refused,
}

/// The clock of the rollout's deadline: it stands still while the fault is the core's, the path's, a dependency's or
/// the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutClock {
    /// The generation that is being rolled out.
    pub revision: i64,
    /// Seconds that counted up to `since`.
    pub elapsed_seconds: i64,
    /// Since when the clock runs; absent while it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

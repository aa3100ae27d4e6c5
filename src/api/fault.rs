//! The shape of a fault: what `status.fault` says about who is to act, and on what evidence.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::reason::Reason;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Party {
    /// The plugin's author: the image and what runs in it.
    Partner,
    /// The cluster in which the plugin runs: nodes, network, registry access, gateway, policies.
    Cluster,
    /// The manifests: this object and what it refers to.
    Config,
    /// Wazo's core: its daemons, its front, its broker.
    Core,
    /// A third party that neither the partner, the cluster nor Wazo runs.
    Dependency,
    /// This operator: a bug, missing rights, too many requests.
    Operator,
    /// The network between the cluster and the core.
    Path,
    /// Not known: what would tell is in `missing`.
    Unknown,
}

/// Where in the chain of causes the fault lies, upstream first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[allow(
    missing_docs,
    reason = "each layer is named as Kubernetes or Wazo name the thing"
)]
pub enum Layer {
    Operator,
    KubeAPI,
    Spec,
    References,
    Admission,
    Quota,
    Image,
    Scheduling,
    Node,
    Volume,
    Sandbox,
    Container,
    Probe,
    Service,
    NetworkPolicy,
    DNS,
    Certificate,
    Route,
    Manifest,
    CoreTransport,
    CoreAuth,
    CoreAPI,
    CoreEvents,
    Registration,
    Webhook,
}

/// How sure the verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Confidence {
    /// Evidence contradicts, or is only temporal.
    Low,
    /// One indirect vantage, nothing contradicts.
    Medium,
    /// A decisive signal, or two independent vantages that agree.
    High,
}

/// What makes the fault go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Resolution {
    /// The object's `spec` must change: nothing is retried until then.
    SpecChange,
    /// Something outside of the object must change; the operator notices by itself.
    External,
    /// It may go away by itself; the operator retries.
    Retry,
}

/// An object, and the field of it, to which a fault points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Its API version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The path of the field, as in `kubectl explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_path: Option<String>,
}

/// One observation that speaks for the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// From where it was seen: `kubelet`, `scheduler`, `gateway`, `operator→pod`, `operator→public`, `operator→core`.
    pub vantage: String,
    /// What was seen, redacted and without what changes from pass to pass.
    pub observed: String,
    /// About which object; the owner, not the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// When it was first seen.
    pub at: Time,
    /// The trace id (W3C trace context) under which the core logged the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// The best guess behind an `Unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suspicion {
    /// The suspected party.
    pub party: Party,
    /// The suspected reason.
    pub reason: Reason,
}

/// Whose fault it is that a plugin or a core does not work, with the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Whose fault it is.
    pub party: Party,
    /// Where in the chain of causes.
    pub layer: Layer,
    /// The stable reason; also the reason of the conditions and the label of the metrics.
    pub reason: Reason,
    /// How sure the verdict is.
    pub confidence: Confidence,
    /// What makes it go away.
    pub resolution: Resolution,
    /// False: degraded only, or not this plugin's own (the core is away while the plugin is otherwise done).
    pub blocking: bool,
    /// The first bad observation.
    pub since: Time,
    /// The last good observation; absent: it never worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Time>,
    /// The object to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectReference>,
    /// What is wrong, for a person.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// The next step, for a person.
    #[schemars(length(max = 1024))]
    pub action: String,
    /// The object whose fault this one follows from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<ObjectReference>,
    /// Only with party `Unknown`: the best guess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspected: Option<Suspicion>,
    /// What speaks for the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub evidence: Vec<Evidence>,
    /// What speaks against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub contradicting: Vec<String>,
    /// What would raise the confidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub missing: Vec<String>,
}

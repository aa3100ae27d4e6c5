//! Small facts about watched objects: what the judge and the plan need of them, and no more.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;

use super::fields::Ownership;
use crate::api::reason::Reason;

/// Why a WazoCore cannot be used, before anything is sent to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusable {
    /// The reason.
    pub reason: Reason,
    /// What is wrong.
    pub message: String,
    /// The path of the field that leads to it.
    pub field: Cow<'static, str>,
}

/// Who an object is, which version of it was seen, and whether we made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.generation`; 0 where the kind has none.
    pub generation: i64,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// The hash of the configuration that we applied last (our annotation).
    pub applied: Option<String>,
    /// Its label `plugins.wazo.io/plugin`; by it the watch finds the object.
    pub label: Option<String>,
    /// The uid of the controlling owner.
    pub owner: Option<String>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whose its fields are.
    pub fields: Ownership,
}

/// A condition of a foreign object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionFact {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// When its status last changed, where told.
    pub since: Option<Timestamp>,
}

impl ConditionFact {
    /// Whether its status is `True`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// The Deployment of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentFact {
    /// Who it is.
    pub id: Identity,
    /// The hash of its pod template (our annotation); empty where it has none.
    pub template: String,
    /// The generation that its controller has seen.
    pub observed_generation: i64,
    /// Pods asked for.
    pub desired: i32,
    /// Pods there are.
    pub replicas: i32,
    /// Pods of the newest revision.
    pub updated: i32,
    /// Ready pods.
    pub ready: i32,
    /// Available pods.
    pub available: i32,
    /// `ReplicaFailure`, where it is true: pods cannot be created.
    pub replica_failure: Option<ConditionFact>,
}

impl DeploymentFact {
    /// Whether the newest revision runs in full, and nothing else does.
    #[must_use]
    pub const fn rolled_out(&self) -> bool {
        self.observed_generation >= self.id.generation
            && self.updated >= self.desired
            && self.available >= self.desired
            && self.replicas == self.updated
    }
}

/// An HTTPRoute of a plugin, as its Gateway's controller sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteFact {
    /// Who it is.
    pub id: Identity,
    /// What each controller says of it.
    pub parents: Vec<RouteParentFact>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// What one controller says of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteParentFact {
    /// The controller.
    pub controller: String,
    /// The generation that it speaks of.
    pub observed_generation: i64,
    /// `Accepted`.
    pub accepted: Option<ConditionFact>,
    /// `ResolvedRefs`.
    pub resolved: Option<ConditionFact>,
}

/// An Ingress of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngressFact {
    /// Who it is.
    pub id: Identity,
    /// `spec.ingressClassName`: the one that the cluster chose, where the plugin names none.
    pub class: Option<String>,
    /// Its addresses that are IP addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether its controller has published where it is reached, by address or by name.
    pub published: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// The Service of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnServiceFact {
    /// Who it is.
    pub id: Identity,
    /// Its address in the cluster.
    pub cluster_ip: Option<IpAddr>,
}

/// A NetworkPolicy of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkPolicyFact {
    /// Who it is.
    pub id: Identity,
    /// The private addresses of the core that it lets the pods reach.
    pub core: Vec<IpAddr>,
}

/// A Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayFact {
    /// Its addresses that are IP addresses.
    pub addresses: Vec<IpAddr>,
    /// `Programmed`.
    pub programmed: Option<ConditionFact>,
    /// The listeners whose references, those to certificates, are not resolved (`ResolvedRefs`), by name; at most five.
    pub unresolved: Vec<(String, ConditionFact)>,
}

/// A pod of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodFact {
    /// Its name; never put into a status.
    pub name: String,
    /// Its revision: the hash of its template (our annotation), else `pod-template-hash`.
    pub revision: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// The node that it is bound to.
    #[serde(default)]
    pub node: Option<String>,
    /// Its address, once it has one.
    pub ip: Option<IpAddr>,
    /// Whether it is ready.
    pub ready: bool,
    /// Since when it is, or is not, ready.
    pub ready_since: Option<Timestamp>,
    /// `PodScheduled=False`: why no node takes it.
    pub unschedulable: Option<ConditionFact>,
    /// A reason of `DisruptionTarget`, or of the pod itself (`Evicted` …).
    pub disruption: Option<String>,
    /// The words with it; empty: none.
    #[serde(default)]
    pub disruption_words: String,
    /// Its container.
    pub container: ContainerFact,
    /// Whether it has containers beside the plugin's own: a mesh's proxy, say.
    #[serde(default)]
    pub sidecars: bool,
    /// What it asks of a node; only where no node takes it.
    #[serde(default)]
    pub requests: Option<Requests>,
    /// The memory limit that is in force for its container, in bytes, whoever set it; only where that was exceeded.
    #[serde(default)]
    pub memory_limit: Option<u64>,
}

/// What a pod asks of a node, all of its containers together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// CPU in thousandths.
    pub cpu_millis: u64,
    /// Memory in bytes.
    pub memory: u64,
}

/// The container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFact {
    /// Its state.
    pub state: ContainerState,
    /// How its previous run ended.
    pub last: Option<Termination>,
    /// How often it was started again.
    pub restarts: i32,
    /// The image by digest, as the node tells it.
    pub image_id: Option<String>,
}

impl ContainerFact {
    /// Whether it was ended because it used more memory than its limit.
    #[must_use]
    pub fn ran_out_of_memory(&self) -> bool {
        let ended = |run: &Termination| run.reason == "OOMKilled";
        let now = matches!(&self.state, ContainerState::Terminated(run) if ended(run));
        now || self.last.as_ref().is_some_and(ended)
    }
}

/// The state of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerState {
    /// The kubelet said nothing yet.
    #[default]
    Unknown,
    /// It waits for something.
    Waiting {
        /// Why, as in `ErrImagePull`.
        reason: String,
        /// The kubelet's words.
        message: String,
    },
    /// It runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It ended.
    Terminated(Termination),
}

/// How a container's run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// The exit code; 128 and above: ended by a signal.
    pub exit_code: i32,
    /// The kubelet's reason: `Error`, `OOMKilled`, `Completed`, `StartError`, `ContainerCannotRun`.
    pub reason: String,
    /// The runtime's words.
    pub message: String,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

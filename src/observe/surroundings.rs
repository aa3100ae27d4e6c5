//! What is read of a plugin's surroundings in the cluster because something is wrong with it: events, nodes, quotas,
//! claims, endpoints, policies. Nothing is read, and nothing is kept, while all is well.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A part of the surroundings: what is read by one kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Events about the plugin's pods, what makes them, and their claims.
    Events,
    /// Events about the nodes of its pods.
    NodeEvents,
    /// The nodes of its pods.
    Nodes,
    /// All nodes: how much the largest one offers, and for which architectures they are.
    Capacity,
    /// The namespace's quotas.
    Quotas,
    /// What the namespace's LimitRanges give containers that ask for nothing.
    Limits,
    /// The claims of volumes that the pods use.
    Claims,
    /// The operator's own Service, and what stands behind it.
    Endpoints,
    /// The namespace's NetworkPolicies.
    Policies,
}

impl Part {
    /// How it is called in `missing`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Events => "the events about the plugin's pods",
            Self::NodeEvents => "the events about the nodes of the pods",
            Self::Nodes => "the nodes of the pods",
            Self::Capacity => "the cluster's nodes",
            Self::Quotas => "the namespace's ResourceQuotas",
            Self::Limits => "the namespace's LimitRanges",
            Self::Claims => "the PersistentVolumeClaims of the pods",
            Self::Endpoints => "the endpoints of the plugin's Service",
            Self::Policies => "the namespace's NetworkPolicies",
        }
    }
}

/// What was read. A part counts only where [`Surroundings::read`] names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Surroundings {
    /// When these facts were first seen in an unbroken row; `None`: nothing was looked at yet.
    pub at: Option<Timestamp>,
    /// The last look. Moves with every look: not for a status.
    pub checked_at: Option<Timestamp>,
    /// The parts that were read.
    pub read: BTreeSet<Part>,
    /// The parts that could not be read: the operator may not, or the API server did not answer.
    pub unreadable: BTreeSet<Part>,
    /// The nodes that the plugin's pods are bound to.
    pub nodes: Vec<NodeFact>,
    /// What events tell, the newest of each kind of object and reason.
    pub events: Vec<EventFact>,
    /// What the cluster's nodes offer.
    pub capacity: Option<CapacityFact>,
    /// The quotas of which nothing is left.
    pub quotas: Vec<QuotaFact>,
    /// What LimitRanges give containers.
    pub limits: Vec<LimitFact>,
    /// The claims of volumes that the pods name.
    pub claims: Vec<ClaimFact>,
    /// The operator's own Service, and what stands behind it.
    pub endpoints: Option<EndpointsFact>,
    /// The NetworkPolicies, not the operator's, that select the pods for what comes in; by name.
    pub policies: Vec<String>,
}

impl Surroundings {
    /// Whether it shows the same as another: times apart, which move on while the same thing lasts.
    #[must_use]
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let timeless = |all: &Self| {
            let mut all = all.clone();
            (all.at, all.checked_at) = (None, None);
            for event in &mut all.events {
                (event.at, event.since) = (None, None);
                event.name.clear();
            }
            all
        };
        timeless(self) == timeless(other)
    }

    /// Whether a part was read.
    #[must_use]
    pub fn knows(&self, part: Part) -> bool {
        self.read.contains(&part)
    }

    /// The newest event of a reason about a kind of object.
    #[must_use]
    pub fn event(&self, kind: &str, reason: &str) -> Option<&EventFact> {
        let mut found = self
            .events
            .iter()
            .filter(|event| event.kind == kind && event.reason == reason);
        found.next()
    }

    /// A node that was read.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodeFact> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeFact {
    /// Its name.
    pub name: String,
    /// It is bound to by a pod, and there is none of that name.
    pub gone: bool,
    /// `Ready`: `True`, `False` or `Unknown`.
    pub ready: String,
    /// Since when `Ready` is as it is.
    pub since: Option<Timestamp>,
    /// Conditions that tell of trouble and are `True`: `MemoryPressure`, `DiskPressure`, `PIDPressure`,
    /// `NetworkUnavailable`.
    pub pressures: Vec<String>,
    /// `spec.unschedulable`: it takes no new pods (cordoned).
    pub unschedulable: bool,
    /// The keys of its taints that Kubernetes itself sets: `node.kubernetes.io/…`.
    pub taints: Vec<String>,
    /// Its architecture, as in `amd64`.
    pub architecture: String,
}

impl NodeFact {
    /// Whether pods cannot be expected to run well on it.
    #[must_use]
    pub fn is_ill(&self) -> bool {
        self.is_down() || !self.pressures.is_empty()
    }

    /// Whether nobody runs pods on it.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.gone || self.ready != "True" || self.pressures.iter().any(|kind| kind == "NetworkUnavailable")
    }
}

/// What all nodes offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CapacityFact {
    /// How many nodes there are.
    pub nodes: usize,
    /// How many of them are ready and take pods.
    pub open: usize,
    /// The largest allocatable CPU of any node, in thousandths.
    pub largest_cpu_millis: u64,
    /// The largest allocatable memory of any node, in bytes.
    pub largest_memory: u64,
    /// The architectures.
    pub architectures: BTreeSet<String>,
}

/// An event of the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFact {
    /// The kind of the object that it is about.
    pub kind: String,
    /// The name of that object; never put into a status.
    pub name: String,
    /// Its reason, as in `FailedMount`.
    pub reason: String,
    /// Its words, without names of pods and uids, at most 512 characters.
    pub message: String,
    /// Who reports it, as in `kubelet`.
    pub reporter: String,
    /// When it was first seen.
    pub since: Option<Timestamp>,
    /// When it was last seen. Moves while the same goes on: not for a status.
    pub at: Option<Timestamp>,
}

/// A ResourceQuota of which nothing is left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotaFact {
    /// Its name.
    pub name: String,
    /// The resources that are used up, as in `pods`.
    pub exhausted: Vec<String>,
}

/// What a LimitRange gives a container that sets no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitFact {
    /// The LimitRange's name.
    pub name: String,
    /// The memory limit, in bytes.
    pub memory: Option<u64>,
}

/// A claim of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimFact {
    /// Its name.
    pub name: String,
    /// Whether there is one.
    pub found: bool,
    /// `Pending`, `Bound` or `Lost`.
    pub phase: String,
    /// The StorageClass that it names.
    pub class: Option<String>,
    /// Whether that class exists; `None`: it names none, or that could not be read.
    pub class_found: Option<bool>,
    /// Whether the class waits for a pod before it makes a volume.
    pub waits_for_pod: bool,
    /// Since when it is there.
    pub since: Option<Timestamp>,
}

/// The operator's own Service, and what stands behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointsFact {
    /// Whether the Service exists.
    pub found: bool,
    /// Whether its selector selects the plugin's pods.
    pub selects: bool,
    /// Whether it leads to the port that the pods listen on.
    pub port_fits: bool,
    /// Whether somebody else than the operator has set its selector or its ports.
    pub changed: bool,
    /// Endpoints that are ready.
    pub ready: usize,
    /// Endpoints that serve, though they may be on their way out.
    pub serving: usize,
    /// Endpoints.
    pub all: usize,
}

//! How other plugins do that share something with one: a registry, a node, a gateway, a core. Counts only: whose they
//! are is nobody's business.

use serde::{Deserialize, Serialize};

/// How those do that share something with a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Neighbours {
    /// Those that pull from the same registry.
    pub registry: Standing,
    /// Those with a pod on one of the same nodes.
    pub nodes: Standing,
    /// Those behind the same Gateway or IngressClass.
    pub gateway: Standing,
    /// Those of the same core.
    pub core: Standing,
}

/// How many of them do well, and how many fail at the same layer; the plugin itself is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Those that do well.
    pub well: usize,
    /// The namespaces that those are of.
    pub well_namespaces: usize,
    /// Those that fail at the layer in question.
    pub ill: usize,
    /// The namespaces that those are of.
    pub ill_namespaces: usize,
}

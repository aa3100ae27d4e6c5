//! The PodDisruptionBudget: from two pods on, one at a time is evicted when nodes are drained.

use serde_json::{Value, json};

use super::Owner;
use crate::api::names::PLUGIN_LABEL;
use crate::api::parse::Plugin;

/// The PodDisruptionBudget, where there are at least two pods.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin) -> Option<Value> {
    if plugin.workload()?.replicas < 2 {
        return None;
    }
    Some(json!({
        "metadata": owner.metadata(plugin),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": {PLUGIN_LABEL: owner.name()}},
            // Pods that are broken anyway hold up no node.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }))
}

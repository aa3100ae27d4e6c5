//! The Service in front of the pods.

use serde_json::{Value, json};

use super::Owner;
use crate::api::names::PLUGIN_LABEL;
use crate::api::parse::Plugin;

/// The port of the Service; the pods listen on `spec.workload.port`.
pub const PORT: i32 = 80;

/// The Service, where the operator makes the pods.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin) -> Option<Value> {
    plugin.workload()?;
    Some(json!({
        "metadata": owner.metadata(plugin),
        "spec": {
            "selector": {PLUGIN_LABEL: owner.name()},
            "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}],
        },
    }))
}

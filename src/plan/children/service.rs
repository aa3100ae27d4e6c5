//! The Service in front of the pods.

use serde_json::{Value, json};

use super::Owner;
use crate::api::names::{PLUGIN_LABEL, SERVICE_PORT};
use crate::api::parse::Plugin;

/// The Service, where the operator makes the pods.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin) -> Option<Value> {
    plugin.workload()?;
    Some(json!({
        "metadata": owner.metadata(plugin),
        "spec": {
            "selector": {PLUGIN_LABEL: owner.name()},
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}],
        },
    }))
}

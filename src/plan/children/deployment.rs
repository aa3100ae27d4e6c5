//! The Deployment: the plugin's pods.

use serde_json::{Value, json};

use super::{Owner, hash, pod};
use crate::api::names::{APPLIED_ANNOTATION, PLUGIN_LABEL};
use crate::api::parse::Plugin;

/// The Deployment, where the operator makes the pods.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin) -> Option<Value> {
    let workload = plugin.workload()?;
    let mut template = pod::template(owner, plugin, workload);
    // Tells the pods of one template from those of another: the Deployment's own counters lag behind its spec.
    template["metadata"]["annotations"][APPLIED_ANNOTATION] = json!(hash(&template));
    Some(json!({
        "metadata": owner.metadata(plugin),
        "spec": {
            "replicas": workload.replicas,
            "revisionHistoryLimit": 3,
            // The selector is fixed for ever: a Deployment's cannot be changed.
            "selector": {"matchLabels": {PLUGIN_LABEL: owner.name()}},
            "template": template,
        },
    }))
}

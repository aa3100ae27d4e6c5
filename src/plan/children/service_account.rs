//! The ServiceAccount: an identity of the plugin's own, without any right, and without a token in its pods.

use serde_json::{Value, json};

use super::Owner;
use crate::api::parse::Plugin;

/// The ServiceAccount, where the operator makes the pods and the spec names no other one.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin) -> Option<Value> {
    if plugin.workload()?.service_account_name.is_some() {
        return None;
    }
    Some(json!({
        "metadata": owner.metadata(plugin),
        "automountServiceAccountToken": false,
    }))
}

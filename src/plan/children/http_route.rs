//! The HTTPRoute (Gateway API) from the public host to the Service.

use serde_json::{Value, json};

use super::{Owner, backend};
use crate::api::parse::Plugin;

/// The HTTPRoute, where the plugin is exposed.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin) -> Option<Value> {
    let expose = plugin.spec.expose.as_ref()?;
    let gateway = expose.gateway.as_ref()?;
    let mut parent = json!({
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": gateway.name,
    });
    if let Some(namespace) = &gateway.namespace {
        parent["namespace"] = json!(namespace);
    }
    if let Some(section) = &gateway.section_name {
        parent["sectionName"] = json!(section);
    }
    let (service, port) = backend(owner, plugin);
    let path = expose.path.as_deref().unwrap_or("/");
    let path = if path == "/" {
        path
    } else {
        path.trim_end_matches('/')
    };
    Some(json!({
        "metadata": owner.metadata(plugin),
        "spec": {
            "parentRefs": [parent],
            "hostnames": [expose.host],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": [{"group": "", "kind": "Service", "name": service, "port": port, "weight": 1}],
            }],
        },
    }))
}

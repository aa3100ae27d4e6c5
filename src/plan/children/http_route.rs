//! The HTTPRoute (Gateway API) from the public host to the Service.

use serde_json::{Value, json};

use super::{Owner, backend};
use crate::api::parse::Plugin;
use crate::api::plugin::GatewayReference;
use crate::observe::routed::Routed;

/// The HTTPRoute, where a Gateway leads to the plugin. A route has one list of Gateways, hosts and prefixes: while two
/// places are routed, each host is at each Gateway and has each prefix.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin, routed: &[Routed]) -> Option<Value> {
    let (mut parents, mut hosts, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for place in routed {
        let Some(gateway) = &place.gateway else {
            continue;
        };
        once(&mut parents, parent(gateway));
        once(&mut hosts, json!(place.host));
        once(&mut rules, rule(backend(owner, plugin), &place.path));
    }
    if hosts.is_empty() {
        return None;
    }
    Some(json!({
        "metadata": owner.exposed_metadata(plugin),
        "spec": {"parentRefs": parents, "hostnames": hosts, "rules": rules},
    }))
}

fn once(list: &mut Vec<Value>, item: Value) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn parent(gateway: &GatewayReference) -> Value {
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
    parent
}

fn rule((service, port): (&str, i32), path: &str) -> Value {
    json!({
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "backendRefs": [{"group": "", "kind": "Service", "name": service, "port": port, "weight": 1}],
    })
}

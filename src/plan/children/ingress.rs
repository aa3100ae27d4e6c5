//! The Ingress from the public host to the Service, where the cluster has no Gateway API.

use serde_json::{Value, json};

use super::{Owner, backend};
use crate::api::parse::Plugin;
use crate::observe::routed::Routed;

/// The Ingress, where one leads to the plugin. It has one class: a place at another class is not carried along.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin, routed: &[Routed]) -> Option<Value> {
    let class = routed
        .iter()
        .find_map(|place| place.ingress.as_ref())?
        .class_name
        .as_ref();
    let (mut rules, mut tls) = (Vec::<Value>::new(), Vec::new());
    for place in routed {
        let Some(ingress) = place
            .ingress
            .as_ref()
            .filter(|ingress| ingress.class_name.as_ref() == class)
        else {
            continue;
        };
        let path = path(backend(owner, plugin), &place.path);
        match rules.iter_mut().find(|rule| rule["host"] == place.host) {
            Some(rule) => {
                if let Some(paths) = rule["http"]["paths"].as_array_mut() {
                    paths.push(path);
                }
            }
            None => rules.push(json!({"host": place.host, "http": {"paths": [path]}})),
        }
        // Without a Secret the controller presents its own certificate; the host is named so that it serves it at all.
        let mut certificate = json!({"hosts": [place.host]});
        if let Some(tls) = &ingress.tls {
            certificate["secretName"] = json!(tls.secret_name);
        }
        if tls
            .iter()
            .all(|known: &Value| known["hosts"] != certificate["hosts"])
        {
            tls.push(certificate);
        }
    }
    let mut spec = json!({"rules": rules, "tls": tls});
    if let Some(class) = class {
        spec["ingressClassName"] = json!(class);
    }
    Some(json!({"metadata": owner.exposed_metadata(plugin), "spec": spec}))
}

fn path((service, port): (&str, i32), prefix: &str) -> Value {
    json!({
        "path": prefix,
        "pathType": "Prefix",
        "backend": {"service": {"name": service, "port": {"number": port}}},
    })
}

//! What the pods of a plugin with an account get: its Secret, read-only, and where to find what in the environment.

use serde_json::{Value, json};

use super::hash;
use crate::api::names::{APPLIED_ANNOTATION, CREDENTIALS_ANNOTATION};
use crate::api::parse::Plugin;
use crate::observe::account_secret;
use crate::observe::map::CONTAINER;
use crate::observe::memory::ChildKind;
use crate::observe::world::World;

/// Where the Secret is mounted.
pub const PATH: &str = "/var/run/wazo";
/// The name of the volume.
const VOLUME: &str = "wazo-account";

/// A child with what the account adds to it; `None`: it has to wait for the Secret.
#[must_use]
pub fn with(kind: ChildKind, mut object: Value, world: &World, plugin: &Plugin) -> Option<Value> {
    if kind == ChildKind::Deployment && plugin.account.is_some() {
        let (name, secret) = account_secret::mounted(world, plugin)?;
        add(&mut object, &name, Some(&secret.mounted));
    }
    Some(object)
}

/// Adds the mount of the Secret `name` to a Deployment. With other `credentials` the pods are other pods.
pub fn add(deployment: &mut Value, name: &str, credentials: Option<&str>) {
    let template = &mut deployment["spec"]["template"];
    let pod = &mut template["spec"];
    push(
        pod,
        "volumes",
        json!({"name": VOLUME, "secret": {"secretName": name}}),
    );
    let containers = pod["containers"].as_array_mut().into_iter().flatten();
    for container in containers.filter(|container| container["name"] == CONTAINER) {
        push(
            container,
            "volumeMounts",
            json!({"name": VOLUME, "mountPath": PATH, "readOnly": true}),
        );
        for (variable, key) in [("WAZO_URL", "url"), ("WAZO_TENANT", "tenant")] {
            let source = json!({"secretKeyRef": {"name": name, "key": key}});
            push(container, "env", json!({"name": variable, "valueFrom": source}));
        }
        push(
            container,
            "env",
            json!({"name": "WAZO_CREDENTIALS_DIR", "value": PATH}),
        );
    }
    if let Some(annotations) = template["metadata"]["annotations"].as_object_mut() {
        annotations.remove(APPLIED_ANNOTATION);
    }
    if let Some(credentials) = credentials {
        template["metadata"]["annotations"][CREDENTIALS_ANNOTATION] = json!(credentials);
    }
    template["metadata"]["annotations"][APPLIED_ANNOTATION] = json!(hash(template));
}

/// An entry of ours stands for one of the same name.
fn push(object: &mut Value, list: &str, entry: Value) {
    if !object[list].is_array() {
        object[list] = json!([]);
    }
    let entries = object[list].as_array_mut().into_iter().next();
    if let Some(entries) = entries {
        let key = if list == "volumeMounts" {
            "mountPath"
        } else {
            "name"
        };
        entries.retain(|known| known[key] != entry[key]);
        entries.push(entry);
    }
}

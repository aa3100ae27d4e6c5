//! Every Secret that a workload mentions.

use serde_json::{Value, json};

use super::PATH;
use super::node::Node;
use crate::api::plugin::Workload;

/// A Secret that a workload mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretMention {
    /// The path of the field.
    pub path: String,
    /// The name of the Secret.
    pub name: String,
}

/// Every Secret that the fields of a workload and its checked template mention.
#[must_use]
pub fn mentions(workload: &Workload, template: Option<&Value>) -> Vec<SecretMention> {
    let fields = json!({
        "env": workload.env, "envFrom": workload.env_from, "imagePullSecrets": workload.image_pull_secrets,
    });
    let own = Node::new(&fields, "spec.workload");
    let mut found = of_container(&own);
    found.extend(of_list(&own, "imagePullSecrets", &["name"]));
    if let Some(pod) = template.and_then(|template| Node::new(template, PATH).get("spec")) {
        for list in ["containers", "initContainers"] {
            found.extend(pod.list(list).iter().flat_map(of_container));
        }
        found.extend(of_list(&pod, "imagePullSecrets", &["name"]));
        for volume in pod.list("volumes") {
            found.extend(named(volume.at(&["secret", "secretName"])));
            found.extend(named(volume.at(&["csi", "nodePublishSecretRef", "name"])));
            if let Some(projected) = volume.get("projected") {
                found.extend(of_list(&projected, "sources", &["secret", "name"]));
            }
        }
    }
    found
}

fn of_container(container: &Node<'_>) -> Vec<SecretMention> {
    let mut found = of_list(container, "env", &["valueFrom", "secretKeyRef", "name"]);
    found.extend(of_list(container, "envFrom", &["secretRef", "name"]));
    found
}

fn of_list(node: &Node<'_>, list: &str, path: &[&str]) -> Vec<SecretMention> {
    let items = node.list(list);
    items.iter().filter_map(|item| named(item.at(path))).collect()
}

fn named(node: Option<Node<'_>>) -> Option<SecretMention> {
    let node = node?;
    Some(SecretMention {
        path: node.path().to_owned(),
        name: node.text().to_owned(),
    })
}

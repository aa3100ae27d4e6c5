//! `spec.workload.podTemplate`: free-form in the schema, so everything is checked here. What is not known is refused;
//! so is every privilege, whatever the cluster's own admission would allow.
//!
//! Source of the rules: the Pod Security Standard `restricted` (`k8s.io/pod-security-admission/policy`), and what only
//! the operator may decide: identity, node, and the container `plugin` where `spec.workload` has a field of its own.

mod container;
mod node;
mod pod;
mod secrets;
#[cfg(test)]
mod tests;
mod volume;

use std::collections::HashSet;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::Value;

use super::parse::Invalid;
use super::plugin::{PodTemplate, Workload};
use node::Node;
pub use secrets::{SecretMention, mentions};

/// The path of the field.
pub const PATH: &str = "spec.workload.podTemplate";
/// The most bytes: it is copied into the Deployment, its revisions and every pod.
const LARGEST: usize = 64 * 1024;
/// The fields by which items of a list are told apart, by the name of the list; other lists are replaced as a whole.
const LIST_KEYS: [(&str, &[&str]); 11] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("resourceClaims", &["name"]),
    ("env", &["name"]),
    ("ports", &["containerPort", "protocol"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
];

/// The fields that tell the items of a list apart.
#[must_use]
pub fn list_keys(list: &str) -> Option<&'static [&'static str]> {
    LIST_KEYS
        .into_iter()
        .find(|(name, _)| *name == list)
        .map(|(_, keys)| keys)
}

/// What tells an item of a list from the others.
#[must_use]
pub fn item_key(item: &Value, keys: &[&str]) -> Vec<String> {
    let of = |key: &&str| match &item[*key] {
        Value::Null if *key == "protocol" => "TCP".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    keys.iter().map(of).collect()
}

/// Decodes and checks the template of a workload: what is left is known to Kubernetes and asks for no privilege.
///
/// # Errors
/// The first field that is unknown, of the wrong type, or refused.
pub fn check(workload: &Workload) -> Result<Option<Value>, Invalid> {
    let Some(template) = &workload.pod_template else {
        return Ok(None);
    };
    let decoded = decode(template)?;
    let root = Node::new(&decoded, PATH);
    distinct(&root)?;
    pod::check(&root, workload)?;
    Ok(Some(decoded))
}

/// The template as Kubernetes reads it, without what means nothing.
fn decode(template: &PodTemplate) -> Result<Value, Invalid> {
    let given = Value::Object(template.0.clone());
    if given.to_string().len() > LARGEST {
        let problem = format!("is larger than {LARGEST} bytes: move data into a ConfigMap");
        return Err(Invalid::new(PATH, problem));
    }
    let typed: PodTemplateSpec = serde_path_to_error::deserialize(&given).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => PATH.to_owned(),
            path => format!("{PATH}.{path}"),
        };
        Invalid::new(path, error.into_inner().to_string())
    })?;
    let known = serde_json::to_value(typed).map_err(|error| Invalid::new(PATH, error.to_string()))?;
    match unknown(&given, &known, PATH) {
        Some(path) => Err(Invalid::new(
            path,
            "is no field of a pod template that this version of the operator knows: correct its name, or leave it out",
        )),
        None => Ok(known),
    }
}

/// The path of the first field that was lost in decoding: nobody knows it.
fn unknown(given: &Value, known: &Value, path: &str) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(field, value)| {
            let path = format!("{path}.{field}");
            match known.get(field) {
                Some(known) => unknown(value, known, &path),
                None if value.is_null() => None,
                None => Some(path),
            }
        }),
        (Value::Array(given), Value::Array(known)) => {
            let mut items = given.iter().zip(known).enumerate();
            items.find_map(|(index, (given, known))| unknown(given, known, &format!("{path}[{index}]")))
        }
        _ => None,
    }
}

/// Two items with the same key would be merged into one that nobody wrote.
fn distinct(node: &Node<'_>) -> Result<(), Invalid> {
    for (field, child) in node.fields() {
        let items = child.items();
        if let Some(keys) = list_keys(field) {
            let mut seen = HashSet::new();
            for item in &items {
                let key = item_key(item.value, keys);
                if key.iter().any(|part| part.is_empty() || part == "null") {
                    return Err(item.bad(format!("needs {}", keys.join(" and "))));
                }
                if !seen.insert(key.clone()) {
                    return Err(item.bad(format!("is there twice: {}", key.join(" "))));
                }
            }
        }
        for item in &items {
            distinct(item)?;
        }
        distinct(&child)?;
    }
    Ok(())
}

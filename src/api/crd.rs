//! The CustomResourceDefinitions, made from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use super::core::WazoCore;
use super::plugin::WazoPlugin;

/// Bound on texts whose type gives none; the API server's cost model for CEL needs one everywhere.
const MAX_LENGTH: u64 = 4096;
/// Bound on lists and maps whose type gives none.
const MAX_ITEMS: u64 = 100;

/// Both CustomResourceDefinitions, in the order in which they are to be applied.
///
/// # Errors
/// Never for the types as compiled; kept so that a mistake in them is an error and not a panic.
pub fn definitions() -> Result<Vec<CustomResourceDefinition>, serde_json::Error> {
    [WazoCore::crd(), WazoPlugin::crd()]
        .into_iter()
        .map(finish)
        .collect()
}

/// What the derive macro cannot say: the status' default (so that tools do not take a new object for a finished one),
/// list-map keys in the status, and bounds everywhere.
fn finish(crd: CustomResourceDefinition) -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut value = serde_json::to_value(crd)?;
    for version in value["spec"]["versions"].as_array_mut().into_iter().flatten() {
        let properties = &mut version["schema"]["openAPIV3Schema"]["properties"];
        bound(&mut properties["spec"]);
        let status = &mut properties["status"];
        strip_defaults(status);
        status["default"] = json!({"observedGeneration": -1});
        for (list, keys) in [
            ("conditions", json!(["type"])),
            ("services", json!(["name"])),
            ("registrations", json!(["kind", "name"])),
        ] {
            let list = &mut status["properties"][list];
            if list.is_object() {
                list["x-kubernetes-list-type"] = json!("map");
                list["x-kubernetes-list-map-keys"] = keys;
            }
        }
        if let Some(fields) = status["properties"].as_object_mut() {
            fields.retain(|_, schema| !schema.is_null());
        }
        bound(&mut properties["status"]);
    }
    serde_json::from_value(value)
}

fn strip_defaults(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("default");
            fields.values_mut().for_each(strip_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_defaults),
        _ => {}
    }
}

/// Gives a bound to everything below `schema` that has none.
fn bound(schema: &mut Value) {
    let Value::Object(fields) = schema else { return };
    match fields.get("type").and_then(Value::as_str) {
        Some("string") if !fields.contains_key("enum") && !fields.contains_key("format") => {
            set_missing(fields, "maxLength", MAX_LENGTH);
        }
        Some("array") => set_missing(fields, "maxItems", MAX_ITEMS),
        Some("object") if fields.contains_key("additionalProperties") => {
            set_missing(fields, "maxProperties", MAX_ITEMS);
        }
        _ => {}
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(bound);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(inner) {
            bound(inner);
        }
    }
}

fn set_missing(fields: &mut Map<String, Value>, key: &str, value: u64) {
    fields.entry(key).or_insert_with(|| json!(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Map<String, Value>)) {
        let Value::Object(fields) = schema else { return };
        visit(path, fields);
        if let Some(Value::Object(properties)) = fields.get("properties") {
            for (name, inner) in properties {
                walk(&format!("{path}.{name}"), inner, visit);
            }
        }
        for inner in ["items", "additionalProperties"] {
            if let Some(inner) = fields.get(inner) {
                walk(&format!("{path}[]"), inner, visit);
            }
        }
    }

    fn schemas() -> Vec<(String, Value)> {
        definitions()
            .unwrap()
            .into_iter()
            .map(|crd| {
                let kind = crd.spec.names.kind.clone();
                let value = serde_json::to_value(&crd).unwrap();
                (
                    kind,
                    value["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone(),
                )
            })
            .collect()
    }

    #[test]
    fn every_field_of_ours_is_documented_and_bounded() {
        for (kind, schema) in schemas() {
            for part in ["spec", "status"] {
                walk(
                    &format!("{kind}.{part}"),
                    &schema["properties"][part],
                    &mut |path, fields| {
                        let kind = fields.get("type").and_then(Value::as_str);
                        let bounded = match kind {
                            Some("string") => ["maxLength", "enum", "format"]
                                .iter()
                                .any(|key| fields.contains_key(*key)),
                            Some("array") => fields.contains_key("maxItems"),
                            Some("object") => {
                                !fields.contains_key("additionalProperties")
                                    || fields.contains_key("maxProperties")
                            }
                            _ => true,
                        };
                        assert!(bounded, "{path} has no bound");
                        assert!(
                            path.ends_with("[]") || fields.contains_key("description"),
                            "{path} has no description"
                        );
                    },
                );
            }
        }
    }

    #[test]
    fn the_only_default_in_a_spec_is_the_number_of_replicas() {
        for (kind, schema) in schemas() {
            let mut defaults = Vec::new();
            walk(&kind, &schema["properties"]["spec"], &mut |path, fields| {
                if fields.contains_key("default") {
                    defaults.push(path.to_owned());
                }
            });
            let ours = defaults
                .iter()
                .all(|path| path.contains("replicas") || path.contains(".env"));
            assert!(ours, "{defaults:?}");
            assert_eq!(
                schema["properties"]["status"]["default"],
                json!({"observedGeneration": -1})
            );
        }
    }
}

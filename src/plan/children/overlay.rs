//! `spec.workload.podTemplate` laid over the operator's template: maps are merged, lists whose items have keys are
//! merged item by item, everything else of the user's replaces ours. No container is left with more rights than ours.

use serde_json::{Value, json};

use crate::api::pod_template::{item_key, list_keys};

/// Lays a checked template over ours.
pub(super) fn lay(ours: Value, asked: &Value) -> Value {
    let mut template = merged(ours, asked);
    for list in ["containers", "initContainers"] {
        for container in template["spec"][list].as_array_mut().into_iter().flatten() {
            container["securityContext"]["allowPrivilegeEscalation"] = json!(false);
            container["securityContext"]["capabilities"] = json!({"drop": ["ALL"]});
        }
    }
    // Indexing makes fields of what is not there.
    if let Some(pod) = template["spec"].as_object_mut() {
        pod.retain(|_, value| !value.is_null());
    }
    template
}

fn merged(ours: Value, theirs: &Value) -> Value {
    match (ours, theirs) {
        (Value::Object(mut fields), Value::Object(theirs)) => {
            for (name, value) in theirs {
                let ours = fields.shift_remove(name);
                let value = match (ours, list_keys(name)) {
                    (None, _) => value.clone(),
                    (Some(Value::Array(ours)), Some(keys)) => list(name, ours, value, keys),
                    (Some(ours), _) => merged(ours, value),
                };
                fields.insert(name.clone(), value);
            }
            Value::Object(fields)
        }
        (_, theirs) => theirs.clone(),
    }
}

fn list(name: &str, mut ours: Vec<Value>, theirs: &Value, keys: &[&str]) -> Value {
    for item in theirs.as_array().into_iter().flatten() {
        let key = item_key(item, keys);
        match ours.iter_mut().find(|ours| item_key(ours, keys) == key) {
            // A volume has one source: two that are merged would be none.
            Some(ours) if name == "volumes" => *ours = item.clone(),
            Some(ours) => *ours = merged(ours.take(), item),
            None => ours.push(item.clone()),
        }
    }
    Value::Array(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Value {
        json!({
            "metadata": {"labels": {"a": "ours", "b": "ours"}},
            "spec": {
                "enableServiceLinks": false,
                "securityContext": {"runAsNonRoot": true},
                "containers": [{"name": "plugin", "image": "i", "securityContext": {"runAsUser": 1},
                    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        })
    }

    #[test]
    fn items_are_merged_by_their_names_and_maps_by_their_keys() {
        let asked = json!({
            "metadata": {"labels": {"b": "theirs", "c": "theirs"}, "annotations": {"d": "theirs"}},
            "spec": {
                "enableServiceLinks": true,
                "securityContext": {"fsGroup": 5},
                "containers": [
                    {"name": "side", "image": "s"},
                    {"name": "plugin", "livenessProbe": {"tcpSocket": {"port": "http"}},
                     "volumeMounts": [{"name": "cache", "mountPath": "/cache"}]},
                ],
                "volumes": [{"name": "cache", "emptyDir": {}}, {"name": "tmp", "persistentVolumeClaim": {"claimName": "t"}}],
                "tolerations": [{"operator": "Exists"}],
            },
        });
        let laid = lay(ours(), &asked);
        assert_eq!(
            laid["metadata"],
            json!({"labels": {"a": "ours", "b": "theirs", "c": "theirs"}, "annotations": {"d": "theirs"}})
        );
        let pod = &laid["spec"];
        assert_eq!(pod["enableServiceLinks"], true);
        assert_eq!(
            pod["securityContext"],
            json!({"runAsNonRoot": true, "fsGroup": 5})
        );
        let plugin = &pod["containers"][0];
        assert_eq!(
            (&plugin["name"], &plugin["image"]),
            (&json!("plugin"), &json!("i"))
        );
        assert_eq!(plugin["volumeMounts"].as_array().unwrap().len(), 2);
        assert_eq!(plugin["livenessProbe"]["tcpSocket"]["port"], "http");
        assert_eq!(pod["containers"][1]["name"], "side");
        let tmp = json!({"name": "tmp", "persistentVolumeClaim": {"claimName": "t"}});
        assert_eq!(pod["volumes"], json!([tmp, {"name": "cache", "emptyDir": {}}]));
        assert_eq!(pod["tolerations"], json!([{"operator": "Exists"}]));
    }

    #[test]
    fn no_container_has_more_rights_than_ours() {
        let asked = json!({"spec": {
            "containers": [{"name": "side", "image": "s", "securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}],
            "initContainers": [{"name": "init", "image": "s"}],
        }});
        let laid = lay(ours(), &asked);
        let all = [
            &laid["spec"]["containers"][0],
            &laid["spec"]["containers"][1],
            &laid["spec"]["initContainers"][0],
        ];
        for container in all {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{container}");
            assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{container}");
        }
        assert_eq!(laid["spec"]["containers"][0]["securityContext"]["runAsUser"], 1);
    }

    #[test]
    fn an_empty_template_changes_nothing_but_what_is_ours_anyway() {
        let first = lay(ours(), &json!({}));
        assert_eq!(first, lay(first.clone(), &json!({"metadata": {}, "spec": {}})));
        assert_eq!(first["spec"].get("initContainers"), None);
    }
}

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::{Value, json};

use super::*;

impl Ownership {
    /// As the API server would write it after an apply of ours, with somebody else's fields taken out.
    pub(crate) fn after_apply(applied: &Value, taken: &[&str], by: &str) -> Self {
        let mut theirs = json!({});
        let mut ours = fields(applied);
        for path in taken {
            let (mut from, mut to) = (&mut ours, &mut theirs);
            let steps: Vec<&str> = path.split('/').collect();
            for (index, step) in steps.iter().enumerate() {
                let key = from
                    .as_object()
                    .unwrap()
                    .keys()
                    .find(|key| key.contains(step))
                    .unwrap()
                    .clone();
                if index + 1 == steps.len() {
                    let field = from.as_object_mut().unwrap().remove(&key).unwrap();
                    to[&key] = field;
                    break;
                }
                from = &mut from[&key];
                to = &mut to[&key];
            }
        }
        let mut entries = vec![entry(CHILDREN_MANAGER, "Apply", ours)];
        if !by.is_empty() {
            entries.push(entry(by, "Update", theirs));
        }
        Self::of(Some(&entries))
    }
}

fn entry(manager: &str, operation: &str, fields: Value) -> ManagedFieldsEntry {
    ManagedFieldsEntry {
        manager: Some(manager.to_owned()),
        operation: Some(operation.to_owned()),
        fields_v1: Some(FieldsV1(fields)),
        ..ManagedFieldsEntry::default()
    }
}

/// The fields of a configuration, lists keyed by `name` where items have one, and atomic otherwise.
fn fields(value: &Value) -> Value {
    match value {
        Value::Object(all) => all
            .iter()
            .map(|(name, value)| (format!("f:{name}"), fields(value)))
            .collect(),
        Value::Array(items) if items.iter().all(|item| item["name"].is_string()) => items
            .iter()
            .map(|item| {
                let mut below = fields(item);
                below["."] = json!({});
                (format!("k:{}", json!({"name": item["name"]})), below)
            })
            .collect(),
        _ => json!({}),
    }
}

fn paths(lost: &[LostField]) -> Vec<&str> {
    lost.iter().map(|field| field.path.as_str()).collect()
}

fn applied() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "crm", "namespace": "acme", "labels": {"app.kubernetes.io/name": "crm"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"spec": {
                "containers": [{
                    "name": "plugin", "image": "r/p:1", "ports": [{"name": "http", "containerPort": 8080}],
                    "env": [{"name": "A", "value": "secret"}], "args": ["x", "y"],
                }],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }},
        },
    })
}

/// What the API server of Kubernetes 1.35 writes after such an apply: defaults are in keys, atomic lists are leaves.
fn recorded() -> Value {
    json!({
        "f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}},
        "f:spec": {
            "f:replicas": {}, "f:selector": {},
            "f:template": {"f:spec": {
                "f:containers": {"k:{\"name\":\"plugin\"}": {
                    ".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                    "f:ports": {"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}": {
                        ".": {}, "f:containerPort": {}, "f:name": {},
                    }},
                    "f:env": {"k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}},
                }},
                "f:volumes": {"k:{\"name\":\"tmp\"}": {".": {}, "f:name": {}, "f:emptyDir": {}}},
            }},
        },
    })
}

#[test]
fn what_was_applied_and_is_owned_is_not_lost() {
    let ours = Ownership::of(Some(&vec![entry(CHILDREN_MANAGER, "Apply", recorded())]));
    assert_eq!(paths(&ours.lost(&applied())), [""; 0]);
}

#[test]
fn what_somebody_took_over_is_named_by_its_path_with_who_has_it_now() {
    let image = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"plugin\"}";
    let mut fields = recorded();
    fields
        .pointer_mut(image)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("f:image");
    let env = fields.pointer_mut(image).unwrap().get_mut("f:env").unwrap();
    *env = json!({"k:{\"name\":\"A\"}": {".": {}, "f:name": {}}});
    fields["f:metadata"] = json!({});
    let theirs = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"plugin\"}": {"f:image": {}}}}}}});
    let status = ManagedFieldsEntry {
        subresource: Some("status".to_owned()),
        ..entry("kube-controller-manager", "Update", json!({"f:status": {}}))
    };
    let entries = vec![
        entry(CHILDREN_MANAGER, "Apply", fields),
        status,
        entry("bystander", "Update", json!({"f:spec": {"f:paused": {}}})),
        entry("kubectl-edit", "Update", theirs),
    ];
    let ownership = Ownership::of(Some(&entries));
    let lost = ownership.lost(&applied());
    assert_eq!(
        paths(&lost),
        [
            "metadata.labels[app.kubernetes.io/name]",
            "spec.template.spec.containers[name=plugin].image",
            "spec.template.spec.containers[name=plugin].env[name=A].value",
        ]
    );
    assert!(!format!("{lost:?}").contains("secret"), "a value is never told");
    assert_eq!(ownership.taken_by(&lost), Some("kubectl-edit"));
}

#[test]
fn an_item_that_was_removed_is_lost_as_a_whole() {
    let mut fields = recorded();
    fields["f:spec"]["f:template"]["f:spec"]["f:volumes"] = json!({});
    fields["f:spec"]["f:template"]["f:spec"]
        .as_object_mut()
        .unwrap()
        .remove("f:volumes");
    let ownership = Ownership::of(Some(&vec![entry(CHILDREN_MANAGER, "Apply", fields)]));
    let lost = ownership.lost(&applied());
    assert_eq!(paths(&lost), ["spec.template.spec.volumes[name=tmp]"]);
    assert_eq!(ownership.taken_by(&lost), None);
}

#[test]
fn what_others_add_is_theirs_and_no_loss() {
    let more = entry(
        "hpa",
        "Update",
        json!({"f:metadata": {"f:annotations": {"f:x": {}}}}),
    );
    let ownership = Ownership::of(Some(&vec![entry(CHILDREN_MANAGER, "Apply", recorded()), more]));
    assert_eq!(ownership.lost(&applied()), []);
}

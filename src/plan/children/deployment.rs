//! The Deployment: the plugin's pods, restricted (Pod Security Standards) and with a writable `/tmp`.

use serde_json::{Value, json};

use super::{Owner, hash, readiness_path};
use crate::api::names::{APPLIED_ANNOTATION, PLUGIN_LABEL};
use crate::api::parse::Plugin;
use crate::api::plugin::Workload;
use crate::observe::map::CONTAINER;

/// The Deployment, where the operator makes the pods.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin) -> Option<Value> {
    let workload = plugin.workload()?;
    let mut pod = json!({
        "serviceAccountName": owner.name(),
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container(plugin, workload)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    });
    if let Some(secrets) = workload
        .image_pull_secrets
        .as_ref()
        .filter(|secrets| !secrets.is_empty())
    {
        pod["imagePullSecrets"] = json!(secrets);
    }
    let mut template = json!({"metadata": {"labels": owner.labels(plugin)}, "spec": pod});
    // Tells the pods of one template from those of another: the Deployment's own counters lag behind its spec.
    template["metadata"]["annotations"] = json!({APPLIED_ANNOTATION: hash(&template)});
    Some(json!({
        "metadata": owner.metadata(plugin),
        "spec": {
            "replicas": workload.replicas,
            "revisionHistoryLimit": 3,
            // The selector is fixed for ever: a Deployment's cannot be changed.
            "selector": {"matchLabels": {PLUGIN_LABEL: owner.name()}},
            "template": template,
        },
    }))
}

fn container(plugin: &Plugin, workload: &Workload) -> Value {
    let probe = match readiness_path(plugin) {
        Some(path) => json!({"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}}),
        None => json!({"tcpSocket": {"port": "http"}}),
    };
    let mut container = json!({
        "name": CONTAINER,
        "image": workload.image,
        "ports": [{"name": "http", "containerPort": workload.port, "protocol": "TCP"}],
        "readinessProbe": probe,
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    });
    let fields = [
        ("periodSeconds", 2),
        ("timeoutSeconds", 2),
        ("failureThreshold", 3),
        ("successThreshold", 1),
    ];
    for (field, value) in fields {
        container["readinessProbe"][field] = json!(value);
    }
    if let Some(env) = workload.env.as_ref().filter(|env| !env.is_empty()) {
        container["env"] = json!(env);
    }
    if let Some(resources) = &workload.resources {
        container["resources"] = resources_of(resources);
    }
    container
}

fn resources_of(resources: &crate::api::plugin::Resources) -> Value {
    let mut value = json!({});
    if let Some(requests) = &resources.requests {
        value["requests"] = json!(requests);
    }
    if let Some(limits) = &resources.limits {
        value["limits"] = json!(limits);
    }
    value
}

//! The pods: restricted (Pod Security Standards), with a writable `/tmp`, spread over the nodes where that is possible.

use serde_json::{Value, json};

use super::{Owner, overlay, readiness_path};
use crate::api::duration;
use crate::api::names::PLUGIN_LABEL;
use crate::api::parse::Plugin;
use crate::api::plugin::{Resources, Workload, WorkloadSecurityContext};
use crate::observe::map::CONTAINER;

/// Seconds between two probes of the kubelet.
const PERIOD: u64 = 2;

/// The pod template.
#[must_use]
pub fn template(owner: &Owner, plugin: &Plugin, workload: &Workload) -> Value {
    let ours = json!({"metadata": {"labels": owner.labels(plugin)}, "spec": pod(owner, plugin, workload)});
    match &plugin.pod_template {
        Some(asked) => overlay::lay(ours, asked),
        None => ours,
    }
}

fn pod(owner: &Owner, plugin: &Plugin, workload: &Workload) -> Value {
    let account = workload.service_account_name.as_deref().unwrap_or(owner.name());
    let mut pod = json!({
        "serviceAccountName": account,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container(plugin, workload)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "topologySpreadConstraints": [{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {PLUGIN_LABEL: owner.name()}},
        }],
    });
    let context = workload.security_context.as_ref();
    if let Some(group) = context.and_then(|context| context.fs_group) {
        pod["securityContext"]["fsGroup"] = json!(group);
    }
    if let Some(secrets) = filled(workload.image_pull_secrets.as_ref()) {
        pod["imagePullSecrets"] = json!(secrets);
    }
    pod
}

fn container(plugin: &Plugin, workload: &Workload) -> Value {
    let mut container = json!({
        "name": CONTAINER,
        "image": workload.image,
        "ports": [{"name": "http", "containerPort": workload.port, "protocol": "TCP"}],
        "readinessProbe": probe(plugin, 3),
        "securityContext": security(workload.security_context.as_ref()),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    });
    if let Some(failures) = startup_failures(workload) {
        container["startupProbe"] = probe(plugin, failures);
    }
    if let Some(command) = filled(workload.command.as_ref()) {
        container["command"] = json!(command);
    }
    if let Some(args) = filled(workload.args.as_ref()) {
        container["args"] = json!(args);
    }
    if let Some(env) = filled(workload.env.as_ref()) {
        container["env"] = json!(env);
    }
    if let Some(sources) = filled(workload.env_from.as_ref()) {
        container["envFrom"] = json!(sources);
    }
    if let Some(resources) = &workload.resources {
        container["resources"] = resources_of(resources);
    }
    container
}

/// How the kubelet asks whether the process serves, and after how many answers it believes that it does not.
fn probe(plugin: &Plugin, failures: u64) -> Value {
    let mut probe = match readiness_path(plugin) {
        Some(path) => json!({"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}}),
        None => json!({"tcpSocket": {"port": "http"}}),
    };
    let fields = [
        ("periodSeconds", PERIOD),
        ("timeoutSeconds", 2),
        ("failureThreshold", failures),
        ("successThreshold", 1),
    ];
    for (field, value) in fields {
        probe[field] = json!(value);
    }
    probe
}

/// As many failed probes as fit into the time for starting.
fn startup_failures(workload: &Workload) -> Option<u64> {
    let timeout = duration::parse(&workload.startup.as_ref()?.timeout)?;
    Some(timeout.as_secs().div_ceil(PERIOD))
}

fn security(asked: Option<&WorkloadSecurityContext>) -> Value {
    let mut context = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
    });
    let Some(asked) = asked else {
        return context;
    };
    if let Some(user) = asked.run_as_user {
        context["runAsUser"] = json!(user);
    }
    if let Some(group) = asked.run_as_group {
        context["runAsGroup"] = json!(group);
    }
    if let Some(read_only) = asked.read_only_root_filesystem {
        context["readOnlyRootFilesystem"] = json!(read_only);
    }
    context
}

fn resources_of(resources: &Resources) -> Value {
    let mut value = json!({});
    if let Some(requests) = &resources.requests {
        value["requests"] = json!(requests);
    }
    if let Some(limits) = &resources.limits {
        value["limits"] = json!(limits);
    }
    value
}

/// A list with something in it: an empty one is not written, so that it changes no hash.
fn filled<T>(list: Option<&Vec<T>>) -> Option<&Vec<T>> {
    list.filter(|list| !list.is_empty())
}

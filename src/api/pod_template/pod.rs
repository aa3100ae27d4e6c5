//! What is refused of a pod.

use serde_json::json;

use super::container;
use super::node::Node;
use super::volume;
use crate::api::names::GROUP;
use crate::api::parse::Invalid;
use crate::api::plugin::Workload;

/// Annotations by which older versions of Kubernetes take security profiles off.
const PROFILES: [&str; 3] = [
    "container.apparmor.security.beta.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/",
];

/// Checks metadata and spec of a template.
pub(super) fn check(root: &Node<'_>, workload: &Workload) -> Result<(), Invalid> {
    if let Some(metadata) = root.get("metadata") {
        check_metadata(&metadata)?;
    }
    let Some(pod) = root.get("spec") else {
        return Ok(());
    };
    identity(&pod)?;
    place(&pod)?;
    if let Some(context) = pod.get("securityContext") {
        security(&context)?;
        context.refuse("sysctls", "kernel settings are the node's: leave it out")?;
    }
    for volume in pod.list("volumes") {
        volume::check(&volume)?;
    }
    for container in pod.list("initContainers") {
        container::check_init(&container)?;
    }
    for container in pod.list("containers") {
        container::check(&container, workload)?;
    }
    Ok(())
}

fn check_metadata(metadata: &Node<'_>) -> Result<(), Invalid> {
    for (field, node) in metadata.fields() {
        if !matches!(field, "labels" | "annotations") {
            return Err(node.bad("only labels and annotations may be given"));
        }
        for (name, entry) in node.fields() {
            if name.split('/').next() == Some(GROUP) {
                return Err(entry.bad("is the operator's: leave it out"));
            }
            if PROFILES.iter().any(|prefix| name.starts_with(prefix)) {
                return Err(entry.bad("use the securityContext of the container instead"));
            }
        }
    }
    Ok(())
}

/// As whom the pod acts is said in `spec.workload`, and it holds no token of the cluster.
fn identity(pod: &Node<'_>) -> Result<(), Invalid> {
    for field in ["serviceAccountName", "serviceAccount"] {
        pod.refuse(field, "use spec.workload.serviceAccountName instead")?;
    }
    let token = "a plugin gets no token of the cluster: leave it out";
    pod.refuse_value("automountServiceAccountToken", &json!(true), token)?;
    pod.refuse(
        "ephemeralContainers",
        "are made with kubectl debug, not in a template",
    )
}

/// Where the pod runs, and what it shares with the node.
fn place(pod: &Node<'_>) -> Result<(), Invalid> {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        pod.refuse_value(field, &json!(true), "a plugin shares no namespace with its node")?;
    }
    pod.refuse(
        "nodeName",
        "goes around the scheduler: use nodeSelector or affinity",
    )?;
    pod.refuse("priority", "is made from priorityClassName by the cluster")?;
    if let Some(class) = pod.get("priorityClassName")
        && class.text().starts_with("system-")
    {
        return Err(class.bad("system classes are for the cluster's own pods"));
    }
    match pod.at(&["os", "name"]) {
        Some(os) if os.text() != "linux" => Err(os.bad("plugins run on Linux")),
        _ => Ok(()),
    }
}

/// What a pod and a container have in common.
pub(super) fn security(context: &Node<'_>) -> Result<(), Invalid> {
    context.refuse_value("runAsNonRoot", &json!(false), "a plugin does not run as root")?;
    context.refuse_value(
        "runAsUser",
        &json!(0),
        "0 is root: name another user, and build the image for it",
    )?;
    let unconfined = |field: &str| {
        let kind = context.at(&[field, "type"]);
        kind.filter(|kind| kind.text() == "Unconfined")
    };
    for field in ["seccompProfile", "appArmorProfile"] {
        if let Some(kind) = unconfined(field) {
            return Err(kind.bad("use RuntimeDefault or Localhost"));
        }
    }
    if let Some(options) = context.get("seLinuxOptions") {
        for field in ["user", "role"] {
            options.refuse(field, "the node decides: leave it out")?;
        }
        let types = [
            "",
            "container_t",
            "container_init_t",
            "container_kvm_t",
            "container_engine_t",
        ];
        if let Some(kind) = options.get("type")
            && !types.contains(&kind.text())
        {
            return Err(kind.bad(format!("must be one of {}", types[1..].join(", "))));
        }
    }
    context.refuse("windowsOptions", "plugins run on Linux")
}

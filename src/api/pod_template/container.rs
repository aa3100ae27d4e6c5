//! What is refused of a container.

use serde_json::json;

use super::node::Node;
use super::pod::security;
use crate::api::parse::Invalid;
use crate::api::plugin::Workload;
use crate::observe::map::CONTAINER;

/// Where the account's Secret is mounted.
const CREDENTIALS: &str = "/var/run/wazo";

/// Checks an init container.
pub(super) fn check_init(container: &Node<'_>) -> Result<(), Invalid> {
    if name(container) == CONTAINER {
        return Err(container.bad("the name is that of the plugin's own container: take another one"));
    }
    privileges(container)
}

/// Checks a container; that of the plugin is the operator's to complete.
pub(super) fn check(container: &Node<'_>, workload: &Workload) -> Result<(), Invalid> {
    if name(container) == CONTAINER {
        own(container, workload)?;
    } else if container.get("image").is_none() {
        return Err(container.bad("needs an image"));
    }
    privileges(container)
}

fn name<'a>(container: &Node<'a>) -> &'a str {
    container.get("name").map(|name| name.text()).unwrap_or_default()
}

/// What `spec.workload` says has one place.
fn own(container: &Node<'_>, workload: &Workload) -> Result<(), Invalid> {
    for (field, instead) in [
        ("image", "image"),
        ("command", "command"),
        ("args", "args"),
        ("env", "env"),
        ("envFrom", "envFrom"),
        ("resources", "resources"),
        ("readinessProbe", "readiness"),
        ("startupProbe", "startup"),
    ] {
        container.refuse(field, &format!("use spec.workload.{instead} instead"))?;
    }
    for port in container.list("ports") {
        let number = port.get("containerPort").and_then(|port| port.value.as_i64());
        let is_tcp = port
            .get("protocol")
            .is_none_or(|protocol| protocol.text() == "TCP");
        let is_named = port.get("name").is_some_and(|name| name.text() == "http");
        if is_named || (is_tcp && number == Some(i64::from(workload.port))) {
            return Err(port.bad("the port `http` is the operator's: use spec.workload.port instead"));
        }
    }
    for mount in container.list("volumeMounts") {
        let path = mount.get("mountPath");
        let path = path.filter(|path| is_below(path.text(), CREDENTIALS));
        if let Some(path) = path {
            return Err(path.bad("is where the account's credentials are mounted: take another path"));
        }
    }
    Ok(())
}

fn is_below(path: &str, above: &str) -> bool {
    let parts = |path: &str| {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .map(ToOwned::to_owned)
            .collect();
        parts
    };
    parts(path).starts_with(&parts(above))
}

fn privileges(container: &Node<'_>) -> Result<(), Invalid> {
    if let Some(context) = container.get("securityContext") {
        for field in ["privileged", "allowPrivilegeEscalation"] {
            context.refuse_value(field, &json!(true), "a plugin has no privileges on its node")?;
        }
        if let Some(added) = context.at(&["capabilities", "add"])
            && !added.items().is_empty()
        {
            return Err(added.bad("a plugin has no capabilities: listen on a port above 1023"));
        }
        if let Some(mount) = context.get("procMount")
            && mount.text() != "Default"
        {
            return Err(mount.bad("must be Default, or left out"));
        }
        security(&context)?;
    }
    for port in container.list("ports") {
        if let Some(host) = port.get("hostPort")
            && host.value != &json!(0)
        {
            return Err(host.bad("takes a port of the node: use spec.expose"));
        }
        port.refuse("hostIP", "binds to the node: use spec.expose")?;
    }
    for mount in container.list("volumeMounts") {
        if let Some(propagation) = mount.get("mountPropagation")
            && propagation.text() == "Bidirectional"
        {
            return Err(propagation.bad("changes the mounts of the node"));
        }
    }
    probes(container)
}

/// The kubelet asks for a plugin from the node's own network: only at the pod itself.
fn probes(container: &Node<'_>) -> Result<(), Invalid> {
    let handlers = [
        &["livenessProbe"][..],
        &["readinessProbe"],
        &["startupProbe"],
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
    ];
    for handler in handlers.iter().filter_map(|path| container.at(path)) {
        for kind in ["httpGet", "tcpSocket"] {
            if let Some(asked) = handler.get(kind) {
                asked.refuse("host", "the kubelet asks the pod itself: leave it out")?;
            }
        }
    }
    Ok(())
}

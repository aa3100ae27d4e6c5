//! Nodes: those of a plugin's pods, and what all of them offer.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{GetParams, ListParams};
use kube::{Api, Client};

use crate::api::quantity;
use crate::observe::surroundings::{CapacityFact, NodeFact};

/// Nodes of one page, and the most pages.
const PAGE: u32 = 100;
const MOST_PAGES: usize = 50;
/// Conditions that tell of trouble where they are true.
const PRESSURES: [&str; 4] = [
    "MemoryPressure",
    "DiskPressure",
    "PIDPressure",
    "NetworkUnavailable",
];
/// Taints under this are set by Kubernetes itself.
const KUBERNETES_TAINTS: &str = "node.kubernetes.io/";

/// One node.
pub(super) async fn one(client: &Client, name: &str) -> Result<NodeFact, kube::Error> {
    let api: Api<Node> = Api::all(client.clone());
    match api.get_with(name, &GetParams::any()).await {
        Ok(node) => Ok(fact(&node)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(NodeFact {
            name: name.to_owned(),
            gone: true,
            ..NodeFact::default()
        }),
        Err(error) => Err(error),
    }
}

/// What all nodes offer.
pub(super) async fn capacity(client: &Client) -> Result<CapacityFact, kube::Error> {
    let api: Api<Node> = Api::all(client.clone());
    let mut params = ListParams::default().limit(PAGE);
    let mut capacity = CapacityFact::default();
    for _ in 0..MOST_PAGES {
        let page = api.list(&params).await?;
        page.items.iter().for_each(|node| add(&mut capacity, node));
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params.continue_token = Some(token),
            _ => break,
        }
    }
    Ok(capacity)
}

fn add(capacity: &mut CapacityFact, node: &Node) {
    let known = fact(node);
    capacity.nodes += 1;
    capacity.open += usize::from(!known.is_down() && !known.unschedulable);
    let offered = node
        .status
        .as_ref()
        .and_then(|status| status.allocatable.as_ref());
    let amount = |name: &str, per_unit| {
        let quantity = offered.and_then(|all: &BTreeMap<String, Quantity>| all.get(name));
        quantity
            .and_then(|quantity| quantity::whole(&quantity.0, per_unit))
            .unwrap_or_default()
    };
    capacity.largest_cpu_millis = capacity.largest_cpu_millis.max(amount("cpu", 1000));
    capacity.largest_memory = capacity.largest_memory.max(amount("memory", 1));
    if !known.architecture.is_empty() {
        capacity.architectures.insert(known.architecture);
    }
}

fn fact(node: &Node) -> NodeFact {
    let status = node.status.as_ref();
    let conditions = status
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready");
    let spec = node.spec.as_ref();
    let taints = spec.and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let told = |kind: &&str| {
        let is = |condition: &&_| condition_is_true(condition, kind);
        conditions.iter().any(|condition| is(&condition))
    };
    NodeFact {
        name: node.metadata.name.clone().unwrap_or_default(),
        gone: false,
        // A node whose kubelet never said anything.
        ready: ready.map_or_else(|| "Unknown".to_owned(), |ready| ready.status.clone()),
        since: ready
            .and_then(|ready| ready.last_transition_time.as_ref())
            .map(|time| time.0),
        pressures: PRESSURES
            .into_iter()
            .filter(told)
            .map(ToOwned::to_owned)
            .collect(),
        unschedulable: spec.and_then(|spec| spec.unschedulable).unwrap_or_default(),
        taints: taints
            .iter()
            .filter(|taint| taint.key.starts_with(KUBERNETES_TAINTS))
            .map(|taint| taint.key.clone())
            .collect(),
        architecture: status
            .and_then(|status| status.node_info.as_ref())
            .map(|info| info.architecture.clone())
            .unwrap_or_default(),
    }
}

fn condition_is_true(condition: &k8s_openapi::api::core::v1::NodeCondition, kind: &str) -> bool {
    condition.type_ == kind && condition.status == "True"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(ready: &str, cpu: &str, more: &serde_json::Value) -> Node {
        let mut conditions = vec![json!({"type": "Ready", "status": ready})];
        conditions.extend(more.as_array().cloned().unwrap_or_default());
        serde_json::from_value(json!({
            "metadata": {"name": "a"},
            "spec": {"taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"},
                {"key": "team", "effect": "NoSchedule"}]},
            "status": {"conditions": conditions, "allocatable": {"cpu": cpu, "memory": "4Gi"},
                "nodeInfo": {"architecture": "arm64", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "",
                    "kubeProxyVersion": "", "kubeletVersion": "", "machineID": "", "operatingSystem": "linux",
                    "osImage": "", "systemUUID": ""}},
        }))
        .unwrap()
    }

    #[test]
    fn a_node_is_told_by_what_is_wrong_with_it() {
        let well = fact(&node(
            "True",
            "2",
            &json!([{"type": "MemoryPressure", "status": "False"}]),
        ));
        assert!(!well.is_ill(), "{well:?}");
        assert_eq!(well.taints, ["node.kubernetes.io/unreachable"]);
        let pressed = fact(&node(
            "True",
            "2",
            &json!([{"type": "DiskPressure", "status": "True"}]),
        ));
        assert!(pressed.is_ill() && !pressed.is_down());
        assert!(fact(&node("Unknown", "2", &json!([]))).is_down());
    }

    #[test]
    fn the_largest_node_is_the_measure_of_what_can_be_asked_for() {
        let mut capacity = CapacityFact::default();
        for (ready, cpu) in [("True", "1930m"), ("False", "4"), ("True", "2")] {
            add(&mut capacity, &node(ready, cpu, &json!([])));
        }
        assert_eq!((capacity.nodes, capacity.open), (3, 2));
        assert_eq!(capacity.largest_cpu_millis, 4000);
        assert_eq!(capacity.largest_memory, 4 << 30);
        assert_eq!(capacity.architectures, ["arm64".to_owned()].into());
    }
}

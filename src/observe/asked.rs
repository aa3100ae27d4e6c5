//! What a pod asks of a node, and what it may use.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::facts::Requests;
use super::map::CONTAINER;
use crate::api::quantity;

/// What a pod asks of a node: the kubelet reserves for all containers together, or for the largest initial one.
pub(super) fn requests(spec: &PodSpec) -> Requests {
    let of = |container: &Container| {
        let asked = container.resources.as_ref().and_then(|all| all.requests.as_ref());
        let amount = |name: &str, per_unit| {
            let quantity = asked.and_then(|all| all.get(name));
            quantity
                .and_then(|quantity| quantity::whole(&quantity.0, per_unit))
                .unwrap_or_default()
        };
        (amount("cpu", 1000), amount("memory", 1))
    };
    let sum = |all: &[Container]| {
        all.iter()
            .map(of)
            .fold((0, 0), |(cpu, memory): (u64, u64), (more_cpu, more_memory)| {
                (cpu.saturating_add(more_cpu), memory.saturating_add(more_memory))
            })
    };
    let (cpu, memory) = sum(&spec.containers);
    let initial = spec.init_containers.iter().flatten().map(of);
    initial.fold(
        Requests {
            cpu_millis: cpu,
            memory,
        },
        |most, (cpu, memory)| Requests {
            cpu_millis: most.cpu_millis.max(cpu),
            memory: most.memory.max(memory),
        },
    )
}

/// The memory limit that is in force for the plugin's container, in bytes.
pub(super) fn memory_limit(spec: &PodSpec) -> Option<u64> {
    let container = spec
        .containers
        .iter()
        .find(|container| container.name == CONTAINER)?;
    let limit = container.resources.as_ref()?.limits.as_ref()?.get("memory")?;
    quantity::whole(&limit.0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_asks_for_all_its_containers_together_or_for_its_largest_initial_one() {
        let container = |name: &str, cpu: &str, memory: &str| {
            serde_json::json!({"name": name, "resources": {
                "requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}})
        };
        let spec: PodSpec = serde_json::from_value(serde_json::json!({
            "containers": [container(CONTAINER, "250m", "64Mi"), container("proxy", "1", "64Mi")],
            "initContainers": [container("first", "100m", "1Gi")],
        }))
        .unwrap();
        let asked = Requests {
            cpu_millis: 1250,
            memory: 1 << 30,
        };
        assert_eq!(requests(&spec), asked);
        assert_eq!(memory_limit(&spec), Some(64 << 20));
    }
}

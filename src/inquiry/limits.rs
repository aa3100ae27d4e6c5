//! What the LimitRanges of a namespace give containers that set no limit of their own.

use k8s_openapi::api::core::v1::LimitRange;
use kube::api::ListParams;
use kube::{Api, Client};

use crate::api::quantity;
use crate::observe::surroundings::LimitFact;

/// The LimitRanges of a namespace that give containers a limit, by name.
pub(super) async fn of_namespace(client: &Client, namespace: &str) -> Result<Vec<LimitFact>, kube::Error> {
    let api: Api<LimitRange> = Api::namespaced(client.clone(), namespace);
    let all = api.list(&ListParams::default().match_any()).await?;
    let mut found: Vec<LimitFact> = all.items.iter().filter_map(fact).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn fact(range: &LimitRange) -> Option<LimitFact> {
    let items = range.spec.as_ref()?.limits.iter();
    // Where only a maximum is given, it is what a container without a limit gets.
    let memory = items.filter(|item| item.type_ == "Container").find_map(|item| {
        let given = item.default.as_ref().and_then(|all| all.get("memory"));
        given.or_else(|| item.max.as_ref()?.get("memory"))
    })?;
    Some(LimitFact {
        name: range.metadata.name.clone().unwrap_or_default(),
        memory: quantity::whole(&memory.0, 1),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_range_is_told_by_the_memory_limit_that_it_gives() {
        let of = |item: serde_json::Value| {
            let range = json!({"metadata": {"name": "small"}, "spec": {"limits": [item]}});
            fact(&serde_json::from_value(range).unwrap()).and_then(|fact| fact.memory)
        };
        assert_eq!(
            of(json!({"type": "Container", "default": {"memory": "64Mi"}})),
            Some(64 << 20)
        );
        assert_eq!(
            of(json!({"type": "Container", "max": {"memory": "1Gi"}})),
            Some(1 << 30)
        );
        assert_eq!(of(json!({"type": "Pod", "max": {"memory": "1Gi"}})), None);
        assert_eq!(of(json!({"type": "Container", "default": {"cpu": "1"}})), None);
    }
}

//! NetworkPolicies of others that select a plugin's pods.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::ListParams;
use kube::core::{Selector, SelectorExt};
use kube::{Api, Client, ResourceExt};

use crate::api::names::PLUGIN_LABEL;

/// Their names, where they say what may come in.
pub(super) async fn selecting(
    client: &Client,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<String>, kube::Error> {
    let api: Api<NetworkPolicy> = Api::namespaced(client.clone(), namespace);
    let all = api.list(&ListParams::default().match_any()).await?;
    let mut found: Vec<String> = all
        .items
        .iter()
        .filter(|policy| !policy.labels().contains_key(PLUGIN_LABEL) && selects(policy, labels))
        .map(ResourceExt::name_any)
        .collect();
    found.sort_unstable();
    Ok(found)
}

fn selects(policy: &NetworkPolicy, labels: &BTreeMap<String, String>) -> bool {
    let Some(spec) = &policy.spec else {
        return false;
    };
    // Without a word a policy says what may come in.
    let of_what_comes_in = spec
        .policy_types
        .as_ref()
        .is_none_or(|types| types.iter().any(|kind| kind == "Ingress"));
    let selector = spec.pod_selector.clone().unwrap_or_default();
    of_what_comes_in && Selector::try_from(selector).is_ok_and(|selector| selector.matches(labels))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_counts_where_it_selects_the_pods_for_what_comes_in() {
        let labels = [("app".to_owned(), "crm".to_owned())].into();
        let of = |spec: serde_json::Value| {
            let policy = json!({"metadata": {"name": "deny"}, "spec": spec});
            selects(&serde_json::from_value(policy).unwrap(), &labels)
        };
        assert!(of(json!({"podSelector": {}})));
        assert!(of(
            json!({"podSelector": {"matchLabels": {"app": "crm"}}, "policyTypes": ["Ingress"]})
        ));
        assert!(!of(json!({"podSelector": {}, "policyTypes": ["Egress"]})));
        assert!(!of(json!({"podSelector": {"matchLabels": {"app": "other"}}})));
        assert!(!of(json!({"podSelector": {"matchExpressions": [
            {"key": "app", "operator": "NotIn", "values": ["crm"]}]}})));
    }
}

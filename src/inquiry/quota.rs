//! The quotas of a namespace of which nothing is left.

use k8s_openapi::api::core::v1::ResourceQuota;
use kube::api::ListParams;
use kube::{Api, Client};

use crate::api::quantity;
use crate::observe::surroundings::QuotaFact;

/// The exhausted quotas of a namespace, by name.
pub(super) async fn exhausted(client: &Client, namespace: &str) -> Result<Vec<QuotaFact>, kube::Error> {
    let api: Api<ResourceQuota> = Api::namespaced(client.clone(), namespace);
    let all = api.list(&ListParams::default().match_any()).await?;
    let mut found: Vec<QuotaFact> = all.items.iter().filter_map(fact).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn fact(quota: &ResourceQuota) -> Option<QuotaFact> {
    let status = quota.status.as_ref()?;
    let (hard, used) = (status.hard.as_ref()?, status.used.as_ref()?);
    let is_used_up = |name: &String| {
        let amount = |of: Option<&_>| {
            of.and_then(
                |quantity: &k8s_openapi::apimachinery::pkg::api::resource::Quantity| {
                    quantity::value(&quantity.0)
                },
            )
        };
        match (amount(hard.get(name)), amount(used.get(name))) {
            (Some(hard), Some(used)) => used >= hard,
            _ => false,
        }
    };
    let exhausted: Vec<String> = hard.keys().filter(|name| is_used_up(name)).cloned().collect();
    (!exhausted.is_empty()).then(|| QuotaFact {
        name: quota.metadata.name.clone().unwrap_or_default(),
        exhausted,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_quota_is_told_by_what_is_used_up() {
        let quota: ResourceQuota = serde_json::from_value(json!({
            "metadata": {"name": "team"},
            "status": {"hard": {"pods": "2", "limits.memory": "1Gi", "services": "5"},
                "used": {"pods": "2", "limits.memory": "1024Mi", "services": "1"}},
        }))
        .unwrap();
        let told = fact(&quota).unwrap();
        assert_eq!(
            (told.name.as_str(), told.exhausted),
            ("team", vec!["limits.memory".to_owned(), "pods".to_owned()])
        );
    }
}

//! The operator's own Service as it stands, and what stands behind it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::{GetParams, ListParams};
use kube::{Api, Client};

use crate::api::names::{CHILDREN_MANAGER, SERVICE_PORT};
use crate::keys::PluginKey;
use crate::observe::surroundings::EndpointsFact;

/// The name of the port in the pods.
const TARGET: &str = "http";
/// The label by which slices name their Service.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// The Service of a plugin whose pods bear these labels.
pub(super) async fn of(
    client: &Client,
    key: &PluginKey,
    labels: &BTreeMap<String, String>,
) -> Result<EndpointsFact, kube::Error> {
    let services: Api<Service> = Api::namespaced(client.clone(), &key.namespace);
    let service = match services.get_with(&key.name, &GetParams::any()).await {
        Ok(service) => service,
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(EndpointsFact::default()),
        Err(error) => return Err(error),
    };
    let api: Api<EndpointSlice> = Api::namespaced(client.clone(), &key.namespace);
    let params = ListParams::default()
        .labels(&format!("{SERVICE_LABEL}={}", key.name))
        .match_any();
    let slices = api.list(&params).await?;
    let endpoints = || slices.items.iter().flat_map(|slice| &slice.endpoints);
    let count = |is: fn(&Endpoint) -> bool| endpoints().filter(|endpoint| is(endpoint)).count();
    Ok(EndpointsFact {
        found: true,
        selects: selects(&service, labels),
        port_fits: port_fits(&service),
        changed: is_changed(&service),
        ready: count(|endpoint| condition(endpoint, |all| all.ready)),
        serving: count(|endpoint| condition(endpoint, |all| all.serving)),
        all: endpoints().count(),
    })
}

/// What is not told is true.
fn condition(
    endpoint: &Endpoint,
    of: impl Fn(&k8s_openapi::api::discovery::v1::EndpointConditions) -> Option<bool>,
) -> bool {
    endpoint.conditions.as_ref().and_then(of).unwrap_or(true)
}

/// A Service without a selector selects nothing.
fn selects(service: &Service, labels: &BTreeMap<String, String>) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| {
        !selector.is_empty()
            && selector
                .iter()
                .all(|(name, value)| labels.get(name) == Some(value))
    })
}

fn port_fits(service: &Service) -> bool {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref());
    let mut ports = ports.unwrap_or_default().iter();
    ports.any(|port| {
        port.port == SERVICE_PORT && port.target_port == Some(IntOrString::String(TARGET.to_owned()))
    })
}

/// Whether another field manager than the operator's own set what leads to the pods.
fn is_changed(service: &Service) -> bool {
    let managed = service.metadata.managed_fields.iter().flatten();
    let mut others = managed.filter(|entry| entry.manager.as_deref() != Some(CHILDREN_MANAGER));
    others.any(|entry| {
        let spec = entry.fields_v1.as_ref().map(|fields| &fields.0["f:spec"]);
        spec.is_some_and(|spec| !spec["f:selector"].is_null() || !spec["f:ports"].is_null())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(selector: &serde_json::Value, target: &serde_json::Value) -> Service {
        serde_json::from_value(json!({"spec": {"selector": selector,
            "ports": [{"port": SERVICE_PORT, "targetPort": target}]}}))
        .unwrap()
    }

    #[test]
    fn a_service_fits_where_it_selects_the_pods_and_leads_to_their_port() {
        let labels = [("plugins.wazo.io/plugin".to_owned(), "crm".to_owned())].into();
        let ours = service(&json!({"plugins.wazo.io/plugin": "crm"}), &json!("http"));
        assert!(selects(&ours, &labels) && port_fits(&ours));
        for selector in [
            json!({"plugins.wazo.io/plugin": "crm", "app": "x"}),
            json!({}),
            json!(null),
        ] {
            assert!(
                !selects(&service(&selector, &json!("http")), &labels),
                "{selector}"
            );
        }
        assert!(!port_fits(&service(&json!({}), &json!(9999))));
    }

    #[test]
    fn who_set_the_selector_is_told_by_the_managed_fields() {
        let managed = |manager: &str, field: &str| -> Service {
            serde_json::from_value(json!({"metadata": {"managedFields": [
                {"manager": CHILDREN_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:ports": {}}}},
                {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {field: {}}}},
            ]}}))
            .unwrap()
        };
        assert!(is_changed(&managed("kubectl-edit", "f:selector")));
        assert!(!is_changed(&managed("kubectl-edit", "f:sessionAffinity")));
        assert!(!is_changed(&managed(CHILDREN_MANAGER, "f:selector")));
    }
}

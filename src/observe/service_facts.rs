//! Small facts about a Service that a plugin names in `spec.serviceRef`, and what stands behind it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::map;
use crate::api::plugin::ServiceReference;

/// As many addresses of a slice as are kept: the prober asks few of them.
const MOST_ADDRESSES: usize = 5;

/// What is known of a Service that a plugin names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendFact {
    /// What the plugin names.
    pub reference: ServiceReference,
    /// The Service; the outer `None`: it was not looked at yet.
    pub service: Option<Option<ServiceFact>>,
    /// Its EndpointSlices by name; `None`: they were not listed yet.
    pub slices: Option<BTreeMap<String, SliceFact>>,
    /// Since when something, or nothing, is ready behind it, as far as this process saw.
    pub since: Timestamp,
}

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFact {
    /// The uid of its controlling owner.
    pub owner: Option<String>,
    /// Whether it leads out of the cluster: `type: ExternalName`.
    pub external: bool,
    /// Its address in the cluster; a headless one has none.
    pub cluster_ip: Option<IpAddr>,
    /// The numbers and names of its ports.
    pub ports: Vec<(i32, String)>,
}

/// An EndpointSlice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceFact {
    /// The names of the ports, and the numbers on which the pods listen.
    pub ports: Vec<(String, u16)>,
    /// Some of the addresses that are ready.
    pub ready: Vec<IpAddr>,
}

impl BackendFact {
    /// What is known before anything was looked at.
    #[must_use]
    pub const fn new(reference: ServiceReference, now: Timestamp) -> Self {
        Self {
            reference,
            service: None,
            slices: None,
            since: now,
        }
    }

    /// Whether Service and EndpointSlices were looked at.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.service.is_some() && self.slices.is_some()
    }

    /// Some of the addresses that are ready behind the port that the plugin names.
    #[must_use]
    pub fn ready(&self) -> Vec<SocketAddr> {
        let Some(Some(service)) = &self.service else {
            return Vec::new();
        };
        let named = service
            .ports
            .iter()
            .find(|(number, _)| *number == self.reference.port);
        let Some((_, name)) = named else {
            return Vec::new();
        };
        let slices = self.slices.iter().flat_map(BTreeMap::values);
        slices
            .flat_map(|slice| {
                let port = slice.ports.iter().find(|(port, _)| port == name);
                let number = port.map(|(_, number)| *number);
                let of = move |ip: &IpAddr| number.map(|number| SocketAddr::new(*ip, number));
                slice.ready.iter().filter_map(of)
            })
            .collect()
    }
}

/// A Service as a fact.
#[must_use]
pub fn service(object: &Service) -> ServiceFact {
    let cluster_ip = map::cluster_ip(object);
    let spec = object.spec.clone().unwrap_or_default();
    ServiceFact {
        owner: map::identity(&object.metadata).owner,
        external: spec.type_.as_deref() == Some("ExternalName"),
        cluster_ip,
        ports: spec
            .ports
            .into_iter()
            .flatten()
            .map(|port| (port.port, port.name.unwrap_or_default()))
            .collect(),
    }
}

/// An EndpointSlice as a fact.
#[must_use]
pub fn slice(object: &EndpointSlice) -> SliceFact {
    let port = |number: i32| u16::try_from(number).ok();
    let ports = object.ports.iter().flatten();
    // A condition that is not told counts as ready (discovery.k8s.io/v1).
    let ready = object.endpoints.iter().filter(|endpoint| {
        endpoint
            .conditions
            .as_ref()
            .and_then(|conditions| conditions.ready)
            != Some(false)
    });
    SliceFact {
        ports: ports
            .filter_map(|given| Some((given.name.clone().unwrap_or_default(), port(given.port?)?)))
            .collect(),
        ready: ready
            .filter_map(|endpoint| endpoint.addresses.first()?.parse().ok())
            .take(MOST_ADDRESSES)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(port: i32) -> BackendFact {
        let object: Service = serde_json::from_value(serde_json::json!({
            "spec": {"ports": [{"name": "web", "port": 80}, {"name": "admin", "port": 81}]},
        }))
        .unwrap();
        let behind: EndpointSlice = serde_json::from_value(serde_json::json!({
            "addressType": "IPv4", "metadata": {"name": "crm-1"},
            "ports": [{"name": "web", "port": 8080}],
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": true}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
                {"addresses": ["10.0.0.3"]},
            ],
        }))
        .unwrap();
        let name = "crm".to_owned();
        let mut fact = BackendFact::new(ServiceReference { name, port }, Timestamp::UNIX_EPOCH);
        assert!(!fact.is_known());
        fact.service = Some(Some(service(&object)));
        fact.slices = Some([("crm-1".to_owned(), slice(&behind))].into());
        fact
    }

    #[test]
    fn ready_are_the_endpoints_of_the_named_port() {
        let ready = ["10.0.0.1:8080".parse().unwrap(), "10.0.0.3:8080".parse().unwrap()];
        assert_eq!(backend(80).ready(), ready);
        assert!(backend(80).is_known());
        assert!(backend(81).ready().is_empty(), "no slice has the port");
        assert!(backend(82).ready().is_empty(), "the Service has no such port");
    }
}

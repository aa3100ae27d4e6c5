//! The NetworkPolicy: with whom the pods may speak. The cluster's network plugin enforces it, or does not.

use std::net::IpAddr;

use serde_json::{Value, json};
use url::{Host, Url};

use super::Owner;
use crate::api::names::{CORE_ADDRESSES_ANNOTATION, PLUGIN_LABEL};
use crate::api::parse::Plugin;
use crate::api::plugin::NetworkMode;
use crate::observe::world::World;
use crate::probe::is_private;

/// A private address of the core, and the port of its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoreAddress {
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
}

/// All IPv4 addresses but those that are private (RFC 1918, RFC 6598), of this machine or link (metadata services of
/// clouds among them), of many machines, or reserved.
const PUBLIC_V4: (&str, &[&str]) = (
    "0.0.0.0/0",
    &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",
    ],
);

/// Global unicast: unique local (RFC 4193), link-local and multicast addresses are outside of it. Teredo and 6to4 hide
/// IPv4 addresses.
const PUBLIC_V6: (&str, &[&str]) = ("2000::/3", &["2001::/23", "2002::/16"]);

/// NAT64 (RFC 6052): the IPv4 Internet as clusters of IPv6 alone see it, with the same exceptions.
const PUBLIC_NAT64: (&str, &[&str]) = (
    "64:ff9b::/96",
    &[
        "64:ff9b::/104",
        "64:ff9b::a00:0/104",
        "64:ff9b::6440:0/106",
        "64:ff9b::7f00:0/104",
        "64:ff9b::a83f:8110/128",
        "64:ff9b::a9fe:0/112",
        "64:ff9b::ac10:0/108",
        "64:ff9b::c000:0/120",
        "64:ff9b::c0a8:0/112",
        "64:ff9b::c612:0/111",
        "64:ff9b::e000:0/99",
    ],
);

/// The DNS cache that many clusters run on each node, at an address of its own.
const NODE_LOCAL_DNS: &str = "169.254.20.10/32";

/// The NetworkPolicy, where the operator makes the pods and the network is not open.
#[must_use]
pub fn object(owner: &Owner, plugin: &Plugin, core: &[CoreAddress]) -> Option<Value> {
    let workload = plugin.workload()?;
    let network = plugin.spec.network.as_ref();
    let mode = network
        .and_then(|network| network.mode)
        .unwrap_or(NetworkMode::Default);
    let mut egress = dns();
    let mut metadata = owner.metadata(plugin);
    match mode {
        NetworkMode::Open => return None,
        NetworkMode::Isolated => {}
        NetworkMode::Default => {
            egress.push(public());
            egress.extend(core.iter().map(to_core));
            if !core.is_empty() {
                let text: Vec<String> = core.iter().map(|core| core.ip.to_string()).collect();
                metadata["annotations"][CORE_ADDRESSES_ANNOTATION] = json!(text.join(","));
            }
        }
    }
    let added = network.and_then(|network| network.egress.as_ref());
    egress.extend(added.into_iter().flatten().map(|rule| json!(rule)));
    Some(json!({
        "metadata": metadata,
        "spec": {
            "podSelector": {"matchLabels": {PLUGIN_LABEL: owner.name()}},
            "policyTypes": ["Ingress", "Egress"],
            // From everywhere: where gateways and kubelets come from differs from cluster to cluster.
            "ingress": [{"ports": [{"protocol": "TCP", "port": workload.port}]}],
            "egress": egress,
        },
    }))
}

/// The private addresses of the core. Public ones are open to all; addresses of machines, links and metadata services
/// are never opened because a name points there.
#[must_use]
pub fn core(world: &World) -> Vec<CoreAddress> {
    let Some(core) = &world.core else {
        return Vec::new();
    };
    let Some(url) = core
        .entry
        .spec
        .as_ref()
        .and_then(|spec| Url::parse(&spec.url).ok())
    else {
        return Vec::new();
    };
    let known = core.facts.as_ref().map(|facts| facts.addresses.as_slice());
    let addresses: Vec<IpAddr> = match url.host() {
        Some(Host::Ipv4(ip)) => vec![ip.into()],
        Some(Host::Ipv6(ip)) => vec![ip.into()],
        // Until this process has logged in, what stands in the policy goes on to hold: a restart changes nothing.
        _ => match known {
            Some(known) if !known.is_empty() => known.to_vec(),
            _ => world
                .children
                .network_policy
                .as_ref()
                .map(|policy| policy.core.clone())
                .unwrap_or_default(),
        },
    };
    let port = url.port_or_known_default().unwrap_or(443);
    let mut core: Vec<CoreAddress> = addresses
        .into_iter()
        .map(|ip| ip.to_canonical())
        .filter(|ip| is_private(*ip))
        .map(|ip| CoreAddress { ip, port })
        .collect();
    core.sort_unstable();
    core.dedup();
    core
}

/// Pods of DNS servers bear other labels in each distribution, and OpenShift's listen on 5353: these ports are open to
/// all pods of the cluster.
fn dns() -> Vec<Value> {
    let ports = |ports: &[u16]| -> Vec<Value> {
        let both = |port: &u16| ["UDP", "TCP"].map(|protocol| json!({"protocol": protocol, "port": port}));
        ports.iter().flat_map(both).collect()
    };
    vec![
        json!({"to": [{"namespaceSelector": {}}], "ports": ports(&[53, 5353])}),
        json!({"to": [{"ipBlock": {"cidr": NODE_LOCAL_DNS}}], "ports": ports(&[53])}),
    ]
}

fn public() -> Value {
    let blocks = [PUBLIC_V4, PUBLIC_V6, PUBLIC_NAT64]
        .map(|(cidr, except)| json!({"ipBlock": {"cidr": cidr, "except": except}}));
    json!({"to": blocks})
}

fn to_core(core: &CoreAddress) -> Value {
    let length = if core.ip.is_ipv4() { 32 } else { 128 };
    json!({
        "to": [{"ipBlock": {"cidr": format!("{}/{length}", core.ip)}}],
        "ports": [{"protocol": "TCP", "port": core.port}],
    })
}

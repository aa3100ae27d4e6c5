//! What a NetworkPolicy lets through, by the rules of `networking.k8s.io/v1`: a direction that it names is closed but
//! for what any of its rules allows. Where the specification leaves it to the network plugin whether an `ipBlock`
//! meets a pod, it does: what is refused here is refused everywhere.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use crate::probe::Cidr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    In,
    Out,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    ip: IpAddr,
    /// Namespace and labels, where it is a pod.
    pod: Option<(String, BTreeMap<String, String>)>,
}

impl Peer {
    pub(super) const fn address(ip: IpAddr) -> Self {
        Self { ip, pod: None }
    }

    pub(super) fn pod(ip: IpAddr, namespace: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        Self {
            ip,
            pod: Some((namespace.to_owned(), labels.collect())),
        }
    }
}

/// The first packet of a connection.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) direction: Direction,
    pub(super) peer: Peer,
    pub(super) protocol: Protocol,
    pub(super) port: u16,
}

pub(super) struct Policy(NetworkPolicy);

type Rule<'a> = (
    Option<&'a Vec<NetworkPolicyPeer>>,
    Option<&'a Vec<NetworkPolicyPort>>,
);

impl Policy {
    pub(super) fn of(object: &Value) -> Self {
        Self(serde_json::from_value(object.clone()).unwrap())
    }

    /// Whether a flow from, or to, a pod that the policy selects is let through.
    pub(super) fn allows(&self, flow: &Flow) -> bool {
        let spec = self.0.spec.as_ref().unwrap();
        let word = match flow.direction {
            Direction::In => "Ingress",
            Direction::Out => "Egress",
        };
        if !spec.policy_types.iter().flatten().any(|kind| kind == word) {
            return true;
        }
        let rules: Vec<Rule<'_>> = match flow.direction {
            Direction::In => spec
                .ingress
                .iter()
                .flatten()
                .map(|rule| (rule.from.as_ref(), rule.ports.as_ref()))
                .collect(),
            Direction::Out => spec
                .egress
                .iter()
                .flatten()
                .map(|rule| (rule.to.as_ref(), rule.ports.as_ref()))
                .collect(),
        };
        rules.iter().any(|(peers, ports)| {
            let peer = peers.is_none_or(|peers| {
                peers.is_empty() || peers.iter().any(|peer| self.meets(peer, &flow.peer))
            });
            let port =
                ports.is_none_or(|ports| ports.is_empty() || ports.iter().any(|port| is_port(port, flow)));
            peer && port
        })
    }

    fn meets(&self, rule: &NetworkPolicyPeer, peer: &Peer) -> bool {
        if let Some(block) = &rule.ip_block {
            let within = |cidr: &String| cidr.parse::<Cidr>().unwrap().contains(peer.ip);
            return within(&block.cidr) && !block.except.iter().flatten().any(within);
        }
        let Some((namespace, labels)) = &peer.pod else {
            return false;
        };
        let namespace_meets = match &rule.namespace_selector {
            Some(selector) => {
                let labels = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), namespace.clone())]);
                selects(selector, &labels)
            }
            None => self.0.metadata.namespace.as_ref() == Some(namespace),
        };
        namespace_meets
            && rule
                .pod_selector
                .as_ref()
                .is_none_or(|selector| selects(selector, labels))
    }
}

fn is_port(rule: &NetworkPolicyPort, flow: &Flow) -> bool {
    let protocol = match rule.protocol.as_deref() {
        None | Some("TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        Some(other) => panic!("the evaluator does not know {other}"),
    };
    let port = i32::from(flow.port);
    let is = match (&rule.port, rule.end_port) {
        (None, _) => true,
        (Some(IntOrString::Int(first)), Some(last)) => (*first..=last).contains(&port),
        (Some(IntOrString::Int(only)), None) => *only == port,
        (Some(IntOrString::String(name)), _) => panic!("the evaluator does not know the port {name}"),
    };
    protocol == flow.protocol && is
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let expressions = selector.match_expressions.iter().flatten().count();
    assert_eq!(expressions, 0, "the evaluator knows no expressions");
    selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value))
}

//! What the NetworkPolicies of the three modes let through, by an evaluation of their own rules: the test cluster's
//! network does not enforce them.

mod evaluator;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::observe::facts::NetworkPolicyFact;
use crate::observe::fixture::core_facts;
use crate::observe::memory::ChildKind;
use crate::observe::world::World;
use crate::plan::children::{How, all};
use crate::probe::{is_private, is_public};
use evaluator::{Direction, Flow, Peer, Policy, Protocol};

/// A world with a `spec.network` and the address of the core.
fn world(network: Option<Value>, core: &str) -> World {
    let mut world = World::just_applied().spec(|spec| {
        spec.network = network.map(|network| serde_json::from_value(network).unwrap());
    });
    let mut view = world.core.take().unwrap();
    let mut entry = (*view.entry).clone();
    entry.spec.as_mut().unwrap().url = core.to_owned();
    view.entry = entry.into();
    world.core = Some(view);
    world
}

/// The core's name had these addresses at the last login.
fn resolved(mut world: World, addresses: &[&str]) -> World {
    let mut facts = core_facts();
    facts.addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    world.core.as_mut().unwrap().facts = Some(facts.into());
    world
}

fn policy_of(world: &World) -> Option<Value> {
    let plugin = world.itself.plugin.as_ref().unwrap();
    all(world, plugin)
        .into_iter()
        .find(|want| want.kind == ChildKind::NetworkPolicy)
        .filter(|want| !matches!(want.how, How::Remove { .. }))
        .map(|want| want.object)
}

fn policy(mode: &str) -> Policy {
    let world = world(Some(json!({"mode": mode})), "https://10.7.0.9:8443");
    Policy::of(&policy_of(&world).unwrap())
}

fn out(peer: Peer, protocol: Protocol, port: u16) -> Flow {
    Flow {
        direction: Direction::Out,
        peer,
        protocol,
        port,
    }
}

fn ip(text: &str) -> Peer {
    Peer::address(text.parse().unwrap())
}

fn pod(address: &str, namespace: &str) -> Peer {
    Peer::pod(address.parse().unwrap(), namespace, &[("k8s-app", "kube-dns")])
}

/// Flows with whether each mode lets them through: `Default`, `Isolated`.
fn flows() -> Vec<(&'static str, Flow, bool, bool)> {
    use Protocol::{Tcp, Udp};
    let to = out;
    let incoming = |peer, port| Flow {
        direction: Direction::In,
        peer,
        protocol: Tcp,
        port,
    };
    vec![
        (
            "a gateway's pod",
            incoming(pod("10.244.1.9", "gateways"), 8080),
            true,
            true,
        ),
        ("the kubelet", incoming(ip("10.0.0.4"), 8080), true, true),
        (
            "a client of the Internet",
            incoming(ip("203.0.113.9"), 8080),
            true,
            true,
        ),
        (
            "a gateway's pod, IPv6",
            incoming(pod("fd00:10:244::9", "gateways"), 8080),
            true,
            true,
        ),
        (
            "another port",
            incoming(pod("10.244.1.9", "gateways"), 9090),
            false,
            false,
        ),
        ("DNS", to(pod("10.244.0.2", "kube-system"), Udp, 53), true, true),
        (
            "DNS over TCP",
            to(pod("10.244.0.2", "kube-system"), Tcp, 53),
            true,
            true,
        ),
        (
            "DNS, IPv6",
            to(pod("fd00:10:244::2", "kube-system"), Udp, 53),
            true,
            true,
        ),
        (
            "DNS of OpenShift",
            to(pod("10.244.0.2", "openshift-dns"), Udp, 5353),
            true,
            true,
        ),
        ("a node's DNS cache", to(ip("169.254.20.10"), Udp, 53), true, true),
        (
            "a node's DNS cache, other port",
            to(ip("169.254.20.10"), Tcp, 80),
            false,
            false,
        ),
        (
            "DNS outside of the cluster",
            to(ip("10.9.9.9"), Udp, 53),
            false,
            false,
        ),
        (
            "a pod of another namespace",
            to(pod("10.244.0.3", "acme-2"), Tcp, 80),
            false,
            false,
        ),
        (
            "a pod of its namespace",
            to(pod("10.244.0.4", "acme"), Tcp, 5432),
            false,
            false,
        ),
        ("the core", to(ip("10.7.0.9"), Tcp, 8443), true, false),
        (
            "another port of the core",
            to(ip("10.7.0.9"), Tcp, 22),
            false,
            false,
        ),
        (
            "the core's neighbour",
            to(ip("10.7.0.10"), Tcp, 8443),
            false,
            false,
        ),
        ("the Internet", to(ip("1.1.1.1"), Tcp, 443), true, false),
        (
            "the Internet, any port",
            to(ip("198.51.100.7"), Tcp, 5061),
            true,
            false,
        ),
        ("the Internet, UDP", to(ip("198.51.100.7"), Udp, 443), true, false),
        (
            "the Internet, IPv6",
            to(ip("2606:4700::1111"), Tcp, 443),
            true,
            false,
        ),
        (
            "the Internet by NAT64",
            to(ip("64:ff9b::101:101"), Tcp, 443),
            true,
            false,
        ),
        (
            "a private network by NAT64",
            to(ip("64:ff9b::a01:101"), Tcp, 443),
            false,
            false,
        ),
        ("10/8", to(ip("10.1.2.3"), Tcp, 443), false, false),
        ("172.16/12", to(ip("172.31.255.1"), Tcp, 443), false, false),
        ("192.168/16", to(ip("192.168.1.1"), Tcp, 443), false, false),
        ("carrier-grade NAT", to(ip("100.64.0.1"), Tcp, 443), false, false),
        ("metadata", to(ip("169.254.169.254"), Tcp, 80), false, false),
        (
            "metadata of Azure",
            to(ip("168.63.129.16"), Tcp, 80),
            false,
            false,
        ),
        (
            "metadata of AWS, IPv6",
            to(ip("fd00:ec2::254"), Tcp, 80),
            false,
            false,
        ),
        ("unique local", to(ip("fd12::1"), Tcp, 443), false, false),
        ("link-local, IPv6", to(ip("fe80::1"), Tcp, 443), false, false),
        ("loopback", to(ip("127.0.0.1"), Tcp, 80), false, false),
        ("multicast", to(ip("239.1.1.1"), Udp, 5000), false, false),
        ("multicast, IPv6", to(ip("ff02::1"), Udp, 5000), false, false),
    ]
}

#[test]
fn each_mode_lets_through_what_it_says_and_nothing_else() {
    let (default, isolated) = (policy("Default"), policy("Isolated"));
    for (what, flow, by_default, when_isolated) in flows() {
        assert_eq!(default.allows(&flow), by_default, "Default: {what}");
        assert_eq!(isolated.allows(&flow), when_isolated, "Isolated: {what}");
    }
}

#[test]
fn an_open_network_has_no_policy_and_no_mode_is_the_mode_default() {
    let core = "https://stack.example";
    assert_eq!(policy_of(&world(Some(json!({"mode": "Open"})), core)), None);
    let spec = |network| policy_of(&world(network, core)).unwrap()["spec"].clone();
    assert_eq!(spec(None), spec(Some(json!({"mode": "Default"}))));
}

#[test]
fn egress_rules_are_added_to_those_of_the_mode_as_they_are_written() {
    let egress = json!([
        {"to": [{"ipBlock": {"cidr": "10.20.0.0/16", "except": ["10.20.9.0/24"]}}], "ports": [{"protocol": "TCP", "port": 5432}]},
        {"to": [{"podSelector": {"matchLabels": {"app": "redis"}}}], "ports": [{"port": 6379, "endPort": 6380}]},
    ]);
    for mode in ["Default", "Isolated"] {
        let world = world(
            Some(json!({"mode": mode, "egress": egress.clone()})),
            "https://stack.example",
        );
        let policy = Policy::of(&policy_of(&world).unwrap());
        let redis = |namespace| Peer::pod("10.244.0.8".parse().unwrap(), namespace, &[("app", "redis")]);
        for (flow, allowed) in [
            (out(ip("10.20.1.1"), Protocol::Tcp, 5432), true),
            (out(ip("10.20.9.1"), Protocol::Tcp, 5432), false),
            (out(ip("10.20.1.1"), Protocol::Tcp, 80), false),
            (out(redis("acme"), Protocol::Tcp, 6380), true),
            (out(redis("acme"), Protocol::Tcp, 6381), false),
            (out(redis("other"), Protocol::Tcp, 6379), false),
        ] {
            assert_eq!(policy.allows(&flow), allowed, "{mode}: {flow:?}");
        }
    }
}

#[test]
fn the_policy_speaks_of_the_plugins_own_pods() {
    let object = policy_of(&world(None, "https://stack.example")).unwrap();
    assert_eq!(
        object["spec"]["podSelector"],
        json!({"matchLabels": {"plugins.wazo.io/plugin": "crm-panel"}})
    );
}

#[test]
fn a_private_address_of_the_cores_name_is_opened_and_stays_open_over_a_restart() {
    let named = || world(None, "https://stack.example");
    let flow = out(ip("10.7.0.9"), Protocol::Tcp, 443);
    let allows = |world: &World| Policy::of(&policy_of(world).unwrap()).allows(&flow);
    assert!(!allows(&named()));
    let known = resolved(named(), &["10.7.0.9", "1.2.3.4"]);
    assert!(allows(&known));
    let object = policy_of(&known).unwrap();
    assert_eq!(
        object["metadata"]["annotations"]["plugins.wazo.io/core-addresses"],
        "10.7.0.9"
    );
    let mut restarted = named().restarted();
    restarted.children.network_policy = Some(NetworkPolicyFact {
        core: vec!["10.7.0.9".parse().unwrap()],
        ..NetworkPolicyFact::default()
    });
    assert!(
        allows(&restarted),
        "nothing was resolved yet, and nothing is closed"
    );
    assert!(
        !allows(&resolved(restarted, &["10.7.0.10"])),
        "the core has another address now"
    );
}

#[test]
fn the_name_of_a_core_opens_no_address_of_a_machine_a_link_or_a_metadata_service() {
    let bad = [
        "169.254.169.254",
        "127.0.0.1",
        "fe80::1",
        "168.63.129.16",
        "fd00:ec2::254",
    ];
    let policy = Policy::of(&policy_of(&resolved(world(None, "https://stack.example"), &bad)).unwrap());
    for address in bad {
        assert!(!policy.allows(&out(ip(address), Protocol::Tcp, 443)), "{address}");
    }
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).into()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits).into()),
        // Global unicast, unique local, and what some gateway would translate.
        any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 3 | 1 << 125).into()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 8 | 0xfd << 120).into()),
        any::<u32>().prop_map(|bits| Ipv6Addr::from_bits(0x64_ff9b << 96 | u128::from(bits)).into()),
        any::<u32>().prop_map(|bits| Ipv6Addr::from_bits(0xffff << 32 | u128::from(bits)).into()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 16 | 0x2002 << 112).into()),
    ]
}

proptest! {
    #[test]
    fn by_default_no_address_is_reached_that_is_not_public_but_the_cores(address in addresses(), port in any::<u16>()) {
        let core: IpAddr = "10.7.0.9".parse().unwrap();
        let policy = policy("Default");
        if policy.allows(&out(Peer::address(address), Protocol::Tcp, port)) {
            let dns = address == "169.254.20.10".parse::<IpAddr>().unwrap() && port == 53;
            prop_assert!(is_public(address) || (address == core && port == 8443) || dns, "{address}");
        }
    }

    #[test]
    fn by_default_every_public_address_is_reached(address in addresses(), port in any::<u16>()) {
        // 6to4 is no longer routed (RFC 7526), and the mapped form is no address on a wire.
        let odd = matches!(address, IpAddr::V6(v6) if v6.segments()[0] == 0x2002 || v6.to_ipv4().is_some());
        prop_assume!(is_public(address) && !odd);
        prop_assert!(policy("Default").allows(&out(Peer::address(address), Protocol::Tcp, port)), "{address}");
    }

    #[test]
    fn isolated_pods_reach_no_address_but_a_nodes_dns_cache(address in addresses(), port in any::<u16>()) {
        let dns = address == "169.254.20.10".parse::<IpAddr>().unwrap() && port == 53;
        prop_assert_eq!(policy("Isolated").allows(&out(Peer::address(address), Protocol::Tcp, port)), dns);
    }

    #[test]
    fn only_private_addresses_of_a_core_are_opened(address in addresses()) {
        let text = address.to_string();
        let opened = policy_of(&resolved(world(None, "https://stack.example"), &[&text])).unwrap();
        let annotated = !opened["metadata"]["annotations"]["plugins.wazo.io/core-addresses"].is_null();
        prop_assert_eq!(annotated, is_private(address.to_canonical()));
    }
}

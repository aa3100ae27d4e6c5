//! Which addresses the operator connects to on somebody's behalf.
//!
//! Whoever may write a plugin, or a DNS record, would otherwise make the operator ask services that only the
//! operator reaches: the API server, the cloud's metadata, the neighbours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cidr::Cidr;

/// What an address is, as seen from the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Reached from everywhere.
    Public,
    /// Of somebody's own network: RFC 1918, carrier-grade NAT (RFC 6598), unique local (RFC 4193).
    Private,
    /// Of this machine, this link, many machines, or none: never the public address of anything.
    Special,
}

/// Decides on addresses.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allowed: Vec<Cidr>,
    api_server: Vec<IpAddr>,
}

impl Guard {
    /// `allowed` lifts every refusal but that of the API server's addresses.
    pub(super) const fn new(allowed: Vec<Cidr>, api_server: Vec<IpAddr>) -> Self {
        Self { allowed, api_server }
    }

    /// Whether all addresses of a name may be connected to; else the first that may not. One bad address among good
    /// ones is enough: else a name with two answers would be let in by the good one.
    ///
    /// A gateway's addresses may be private. They may not be special: some controllers copy them from the Gateway's
    /// `spec`, which is written by whoever owns the Gateway.
    pub(super) fn check(&self, addresses: &[IpAddr], gateway: &[IpAddr]) -> Result<(), IpAddr> {
        match addresses.iter().find(|address| !self.admits(**address, gateway)) {
            None => Ok(()),
            Some(refused) => Err(*refused),
        }
    }

    fn admits(&self, address: IpAddr, gateway: &[IpAddr]) -> bool {
        let address = address.to_canonical();
        let is = |other: &IpAddr| other.to_canonical() == address;
        let target = embedded(address).map_or(address, IpAddr::V4);
        if self
            .api_server
            .iter()
            .any(|server| is(server) || server.to_canonical() == target)
        {
            return false;
        }
        if self.allowed.iter().any(|range| range.contains(address)) {
            return true;
        }
        match scope(target) {
            Scope::Public => true,
            Scope::Private => gateway.iter().any(is),
            Scope::Special => false,
        }
    }
}

/// Whether an address is of somebody's own network: RFC 1918, RFC 6598, RFC 4193. Those of this machine, this link and
/// metadata services are not.
pub(crate) fn is_private(address: IpAddr) -> bool {
    scope_of(address) == Scope::Private
}

/// Whether an address is reached from everywhere, whatever it is translated to on the way.
#[cfg(test)]
pub(crate) fn is_public(address: IpAddr) -> bool {
    scope_of(address) == Scope::Public
}

fn scope_of(address: IpAddr) -> Scope {
    let address = address.to_canonical();
    scope(embedded(address).map_or(address, IpAddr::V4))
}

fn scope(address: IpAddr) -> Scope {
    match address {
        IpAddr::V4(address) => scope_v4(address),
        IpAddr::V6(address) => scope_v6(address),
    }
}

fn scope_v4(address: Ipv4Addr) -> Scope {
    /// Azure's metadata and DHCP answer at an address that is otherwise public.
    const WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    match address.octets() {
        // "This" network, loopback, link-local (the clouds' metadata among them).
        [0 | 127, ..] | [169, 254, ..] => Scope::Special,
        // IETF assignments (Oracle's metadata among them), benchmarks.
        [192, 0, 0, _] | [198, 18 | 19, ..] => Scope::Special,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => Scope::Special,
        // Alibaba's metadata, within the range for carrier-grade NAT.
        [100, 100, 100, 200] => Scope::Special,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Scope::Private,
        _ if address == WIRE_SERVER => Scope::Special,
        _ => Scope::Public,
    }
}

fn scope_v6(address: Ipv6Addr) -> Scope {
    /// The metadata of AWS on IPv6, within the unique local range.
    const AWS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address.segments() {
        _ if address == AWS => Scope::Special,
        [0xfc00..=0xfdff, ..] => Scope::Private,
        // Global unicast, apart from Teredo, whose addresses hide an IPv4 address, and IETF assignments.
        [0x2001, 0..=0x01ff, ..] => Scope::Special,
        [0x2000..=0x3fff, ..] => Scope::Public,
        // Everything else: unspecified, loopback, local NAT64, discard, link-local, site-local, multicast.
        _ => Scope::Special,
    }
}

/// The IPv4 address behind an IPv6 address that some gateway would translate: NAT64 (RFC 6052), 6to4 (RFC 3056),
/// and the IPv4-compatible form (RFC 4291, obsolete). The IPv4-mapped form is canonicalised before.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(v4(high, low)),
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) > (0, 1) => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Guard, Scope, embedded, scope};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn guard(allowed: &[&str]) -> Guard {
        let allowed = allowed.iter().map(|range| range.parse().unwrap()).collect();
        Guard::new(allowed, vec![ip("198.51.100.1"), ip("10.96.0.1")])
    }

    fn seen(text: &str) -> Scope {
        let address = ip(text).to_canonical();
        scope(embedded(address).map_or(address, IpAddr::V4))
    }

    #[test]
    fn addresses_are_public_private_or_special() {
        for public in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "169.253.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::8a",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(seen(public), Scope::Public, "{public}");
        }
        for private in [
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "fc00::1",
            "fdff::1",
            "::ffff:10.0.0.1",
            "::ffff:192.168.1.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
            "::10.0.0.1",
        ] {
            assert_eq!(seen(private), Scope::Private, "{private}");
        }
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::1",
            "2001::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "100::1",
            "4000::1",
        ] {
            assert_eq!(seen(special), Scope::Special, "{special}");
        }
    }

    #[test]
    fn one_bad_address_among_good_ones_is_enough() {
        let guard = guard(&[]);
        assert_eq!(guard.check(&[ip("8.8.8.8"), ip("2606:4700::1111")], &[]), Ok(()));
        let refused = guard.check(&[ip("8.8.8.8"), ip("10.0.0.7")], &[]);
        assert_eq!(refused, Err(ip("10.0.0.7")));
    }

    #[test]
    fn a_gateways_own_address_may_be_private_but_not_special() {
        let guard = guard(&[]);
        let gateway = [ip("10.244.0.1"), ip("127.0.0.1"), ip("169.254.169.254")];
        assert_eq!(guard.check(&[ip("10.244.0.1")], &gateway), Ok(()));
        assert_eq!(guard.check(&[ip("::ffff:10.244.0.1")], &gateway), Ok(()));
        for refused in [
            "10.244.0.2",
            "127.0.0.1",
            "169.254.169.254",
            "64:ff9b::10.244.0.1",
        ] {
            assert_eq!(
                guard.check(&[ip(refused)], &gateway),
                Err(ip(refused)),
                "{refused}"
            );
        }
    }

    #[test]
    fn the_charts_ranges_lift_every_refusal_but_that_of_the_api_server() {
        let guard = guard(&["10.0.0.0/8", "127.0.0.0/8", "fe80::/10", "64:ff9b::/96"]);
        for admitted in ["10.3.4.5", "127.0.0.1", "fe80::1", "::ffff:10.3.4.5"] {
            assert_eq!(guard.check(&[ip(admitted)], &[]), Ok(()), "{admitted}");
        }
        let gateway = [ip("10.96.0.1"), ip("198.51.100.1")];
        for refused in [
            "10.96.0.1",
            "::ffff:10.96.0.1",
            "64:ff9b::10.96.0.1",
            "198.51.100.1",
            "192.168.0.1",
        ] {
            assert_eq!(
                guard.check(&[ip(refused)], &gateway),
                Err(ip(refused)),
                "{refused}"
            );
        }
    }
}

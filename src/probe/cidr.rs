//! A range of addresses.

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses in CIDR notation, such as `10.244.0.0/16` or `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no range of addresses such as 10.0.0.0/8: {why}")]
pub struct CidrError {
    text: String,
    why: &'static str,
}

impl Cidr {
    /// Whether the address is in the range. An IPv4 address is in no IPv6 range, and the other way round.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                same(range.to_bits().into(), address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                same(range.to_bits(), address.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }
}

/// Whether the first `prefix` of `width` bits are the same.
fn same(left: u128, right: u128, width: u8, prefix: u8) -> bool {
    // A shift by all 128 bits would overflow: with prefix 0 every address is in.
    prefix == 0 || (left ^ right) >> (width - prefix) == 0
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why| CidrError {
            text: text.to_owned(),
            why,
        };
        let (address, prefix) = text
            .trim()
            .split_once('/')
            .ok_or_else(|| error("there is no /"))?;
        let address: IpAddr = address.parse().map_err(|_| error("no IP address before the /"))?;
        let prefix: u8 = prefix.parse().map_err(|_| error("no number after the /"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        if prefix > width {
            return Err(error("the number after the / is too large"));
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Cidr;

    fn contains(range: &str, address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        range.parse::<Cidr>().unwrap().contains(address)
    }

    #[test]
    fn a_range_holds_the_addresses_with_its_prefix() {
        assert!(contains("10.244.0.0/16", "10.244.255.1"));
        assert!(!contains("10.244.0.0/16", "10.245.0.1"));
        assert!(contains("10.244.3.7/32", "10.244.3.7"));
        assert!(!contains("10.244.3.7/32", "10.244.3.6"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(contains("fd00::/8", "fdff::1"));
        assert!(!contains("fd00::/8", "fc00::1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(!contains("::/0", "10.0.0.1"));
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_reason() {
        for (text, why) in [
            ("10.0.0.0", "there is no /"),
            ("ten/8", "no IP address before the /"),
            ("10.0.0.0/x", "no number after the /"),
            ("10.0.0.0/33", "the number after the / is too large"),
            ("::/129", "the number after the / is too large"),
        ] {
            let error = text.parse::<Cidr>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(text), "{error}");
        }
    }
}

//! What is told of an X.509 certificate: for whom, by whom and until when; never a key.
//!
//! What stands in a certificate was written by whoever serves it: texts are bounded and hold no control characters.

use serde::{Deserialize, Serialize};
use std::fmt;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// As many names are told.
const MOST_NAMES: usize = 5;
/// As much of a name, or of the issuer, is told.
const LONGEST: usize = 128;
/// A warning is due so long before the end.
const WARN_SECONDS: i64 = 14 * 24 * 3600;

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// `notBefore`.
    pub not_before: Timestamp,
    /// `notAfter`.
    pub not_after: Timestamp,
}

impl Validity {
    /// From when on it is told that the end is near: 14 days before it. Certificates that live for a few days are
    /// renewed when a third of their life is left, so for those it is a quarter of it.
    #[must_use]
    pub fn warn_from(&self) -> Timestamp {
        let (begin, end) = (self.not_before.as_second(), self.not_after.as_second());
        let quarter = end.saturating_sub(begin).max(0) / 4;
        second(end.saturating_sub(WARN_SECONDS.min(quarter)))
    }
}

/// What is told of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// When it is valid.
    pub validity: Validity,
    /// Its issuer's distinguished name.
    pub issuer: String,
    /// The subject alternative names, DNS names and addresses, at most five.
    pub names: Vec<String>,
    /// So many names besides.
    pub more: usize,
}

impl Certificate {
    /// What a certificate (DER) tells; `None`: it is none.
    #[must_use]
    pub fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let times = certificate.validity();
        let extension = certificate.subject_alternative_name().ok().flatten();
        let all = extension.map(|extension| extension.value.general_names.as_slice());
        let all: Vec<String> = all.into_iter().flatten().filter_map(name).collect();
        Some(Self {
            validity: Validity {
                not_before: second(times.not_before.timestamp()),
                not_after: second(times.not_after.timestamp()),
            },
            issuer: clean(&certificate.issuer().to_string()),
            more: all.len().saturating_sub(MOST_NAMES),
            names: all.into_iter().take(MOST_NAMES).collect(),
        })
    }

    /// The first certificate of a PEM text, as `tls.crt` of a Secret holds it: the server's own.
    #[must_use]
    pub fn first_of_pem(pem: &[u8]) -> Option<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem).next()?.ok()
    }
}

/// The times first: what is shortened loses its end.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Validity {
            not_before,
            not_after,
        } = self.validity;
        write!(
            f,
            "notBefore {not_before}, notAfter {not_after}, issuer \"{}\"",
            self.issuer
        )?;
        match (self.names.is_empty(), self.more) {
            (true, _) => write!(f, ", for no name"),
            (false, 0) => write!(f, ", for {}", self.names.join(", ")),
            (false, more) => write!(f, ", for {} and {more} more", self.names.join(", ")),
        }
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(clean(name)),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn clean(text: &str) -> String {
    let printable = |c: char| if c.is_control() { '?' } else { c };
    let mut kept: String = text.chars().take(LONGEST).map(printable).collect();
    if kept.len() < text.len() && text.chars().nth(LONGEST).is_some() {
        kept.push('…');
    }
    kept
}

/// "No end" is written as the last second of the year 9999 (RFC 5280), which is later than what can be counted here.
fn second(seconds: i64) -> Timestamp {
    let furthest = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(seconds).unwrap_or(furthest)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn made(names: &[String], change: impl FnOnce(&mut CertificateParams)) -> rcgen::Certificate {
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 4, 1);
        params
            .distinguished_name
            .push(DnType::CommonName, "the issuer\n is itself");
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("n{index}.example")).collect()
    }

    #[test]
    fn times_issuer_and_names_are_told_within_bounds() {
        let certificate = Certificate::of(made(&names(2), |_| {}).der()).unwrap();
        assert_eq!(
            certificate.to_string(),
            "notBefore 2026-01-01T00:00:00Z, notAfter 2026-04-01T00:00:00Z, \
             issuer \"CN=the issuer? is itself\", for n0.example, n1.example"
        );
        let many = Certificate::of(made(&names(100), |_| {}).der()).unwrap();
        assert_eq!((many.names.len(), many.more), (5, 95));
        assert!(many.to_string().ends_with("n4.example and 95 more"), "{many}");
        let address = made(&["203.0.113.7".to_owned()], |_| {});
        assert_eq!(Certificate::of(address.der()).unwrap().names, ["203.0.113.7"]);
        assert_eq!(Certificate::of(b"no certificate"), None);
    }

    #[test]
    fn a_certificate_without_an_end_has_a_far_one() {
        let endless = made(&names(1), |params| params.not_after = date_time_ymd(9999, 12, 31));
        let validity = Certificate::of(endless.der()).unwrap().validity;
        assert_eq!(validity.not_after, Timestamp::MAX);
        assert!(validity.warn_from() < validity.not_after);
    }

    #[test]
    fn the_end_is_near_in_its_last_fourteen_days_or_the_last_quarter_of_a_short_life() {
        let days = |days: i64| second(days * 24 * 3600);
        let lives = |end: i64| Validity {
            not_before: days(0),
            not_after: days(end),
        };
        assert_eq!(lives(365).warn_from(), days(351));
        assert_eq!(lives(90).warn_from(), days(76));
        assert_eq!(lives(8).warn_from(), days(6));
        let turned = Validity {
            not_before: days(8),
            not_after: days(1),
        };
        assert_eq!(turned.warn_from(), days(1));
    }

    #[test]
    fn the_first_certificate_of_a_chain_is_the_servers() {
        let (own, above) = (made(&names(1), |_| {}), made(&names(2), |_| {}));
        let chain = format!("{}{}", own.pem(), above.pem());
        assert_eq!(Certificate::first_of_pem(chain.as_bytes()).unwrap(), *own.der());
        assert_eq!(Certificate::first_of_pem(b"no PEM"), None);
    }
}

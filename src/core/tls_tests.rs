//! Whom the CA bundle makes us trust.

use std::time::Duration;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::client::danger::ServerCertVerifier;
use rustls::{CertificateError, Error};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{BundleVerifier, client_config};
use crate::core::CaError;

/// 2026-06-01.
const NOW: u64 = 1_780_272_000;

/// As OpenSSL makes them: self-signed and marked as an authority.
fn self_signed(name: &str) -> Certificate {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

fn verified(bundle: &Certificate, shown: &CertificateDer<'_>, name: &str, now: u64) -> Result<(), Error> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let verifier = BundleVerifier::new(bundle.pem().as_bytes(), provider).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    verifier.verify_server_cert(shown, &[], &name, &[], now).map(drop)
}

#[test]
fn a_self_signed_certificate_in_the_bundle_is_taken_for_its_name_and_time() {
    let stack = self_signed("stack.example");
    assert_eq!(verified(&stack, stack.der(), "stack.example", NOW), Ok(()));
    assert!(matches!(
        verified(&stack, stack.der(), "other.example", NOW),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForNameContext { .. }
        ))
    ));
    for outside in [NOW - 365 * 86_400, NOW + 365 * 86_400] {
        assert!(matches!(
            verified(&stack, stack.der(), "stack.example", outside),
            Err(Error::InvalidCertificate(
                CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. }
            ))
        ));
    }
}

#[test]
fn another_self_signed_certificate_of_the_same_name_is_not_trusted() {
    let (stack, imposter) = (self_signed("stack.example"), self_signed("stack.example"));
    assert_eq!(
        verified(&stack, imposter.der(), "stack.example", NOW),
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    );
}

#[test]
fn a_bundle_that_is_none_says_why() {
    let error = |pem: &str| client_config(Some(pem.as_bytes())).unwrap_err();
    assert_eq!(error(""), CaError::NoCertificate);
    assert_eq!(error("not a certificate"), CaError::NoCertificate);
    let key = KeyPair::generate().unwrap().serialize_pem();
    assert_eq!(error(&key), CaError::NoCertificate);
    let good = self_signed("stack.example").pem();
    let broken = format!("{good}-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    assert!(
        matches!(error(&broken), CaError::BrokenPem { number: 2, .. }),
        "{:?}",
        error(&broken)
    );
    let nonsense = format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(
        matches!(error(&nonsense), CaError::BrokenCertificate { number: 2, .. }),
        "{:?}",
        error(&nonsense)
    );
    assert!(client_config(Some(good.as_bytes())).is_ok() && client_config(None).is_ok());
}

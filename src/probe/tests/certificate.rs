//! Certificates.

use rcgen::date_time_ymd;

use super::net::Certificate;
use super::*;
use crate::probe::CertificateFlaw;

async fn with_certificate(certificate: &Certificate) -> Look {
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.tls(&format!("{GATEWAY}:443"), certificate, &good_site());
    Bench::with(net, settings()).first(job()).await.0
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let authority = Authority::get();
    let flaw = |why| Look::Bad(LookError::Certificate { why });
    let past = authority.certificate_with(&[HOST], |params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(with_certificate(&past).await, flaw(CertificateFlaw::Expired));
    let future = authority.certificate_with(&[HOST], |params| params.not_before = date_time_ymd(2500, 1, 1));
    assert_eq!(with_certificate(&future).await, flaw(CertificateFlaw::Expired));
    let other_name = authority.certificate(&["other.example"]);
    assert_eq!(
        with_certificate(&other_name).await,
        flaw(CertificateFlaw::WrongName)
    );
    for name in ["a stranger", "authority of the tests"] {
        let stranger = Authority::new(name).certificate(&[HOST]);
        let look = with_certificate(&stranger).await;
        assert_eq!(look, flaw(CertificateFlaw::UnknownIssuer), "{name}");
    }
    let wildcard = authority.certificate(&["*.acme.example"]);
    assert_eq!(with_certificate(&wildcard).await, good());
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_a_bad_certificate() {
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.plain(&format!("{GATEWAY}:443"), &good_site());
    let look = Bench::with(net, settings()).first(job()).await.0;
    assert_eq!(look, Look::Bad(LookError::TlsFailed));
}

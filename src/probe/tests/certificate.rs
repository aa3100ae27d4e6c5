//! Certificates.

use rcgen::date_time_ymd;

use super::net::Certificate;
use super::*;
use crate::probe::{CertificateFlaw, Presented};

async fn fact_with(certificate: &Certificate) -> ManifestFact {
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.tls(&format!("{GATEWAY}:443"), certificate, &good_site());
    let mut bench = Bench::with(net, settings());
    bench.want(job());
    bench.manifest().await
}

async fn with_certificate(certificate: &Certificate) -> Look {
    fact_with(certificate).await.public.unwrap()
}

/// What was refused, and what was presented.
async fn refused(certificate: &Certificate) -> (CertificateFlaw, Presented) {
    match with_certificate(certificate).await {
        Look::Bad(LookError::Certificate {
            why,
            seen: Some(seen),
        }) => (why, *seen),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_with_its_names_times_and_issuer() {
    let authority = Authority::get();
    let past = authority.certificate_with(&[HOST], |params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let (why, seen) = refused(&past).await;
    assert_eq!((why, seen.host.as_str()), (CertificateFlaw::Expired, HOST));
    let told = seen.certificate.to_string();
    assert!(told.starts_with("notBefore 2019-01-01T00:00:00Z, notAfter 2020-01-01T00:00:00Z"));
    assert!(
        told.contains("authority of the tests") && told.ends_with(&format!("for {HOST}")),
        "{told}"
    );
    let future = authority.certificate_with(&[HOST], |params| params.not_before = date_time_ymd(2500, 1, 1));
    let (why, seen) = refused(&future).await;
    assert_eq!(why, CertificateFlaw::NotYetValid);
    assert!(seen.certificate.to_string().starts_with("notBefore 2500-01-01"));
    let other_name = authority.certificate(&["other.example", "*.other.example"]);
    let (why, seen) = refused(&other_name).await;
    assert_eq!((why, seen.host.as_str()), (CertificateFlaw::WrongName, HOST));
    assert_eq!(seen.certificate.names, ["other.example", "*.other.example"]);
    for name in ["a stranger", "authority of the tests"] {
        let stranger = Authority::new(name).certificate(&[HOST]);
        let (why, seen) = refused(&stranger).await;
        assert_eq!(why, CertificateFlaw::UnknownIssuer, "{name}");
        assert!(seen.certificate.issuer.contains(name), "{}", seen.certificate);
    }
    let wildcard = authority.certificate(&["*.acme.example"]);
    assert_eq!(with_certificate(&wildcard).await, good());
}

#[tokio::test]
async fn when_a_good_certificate_ends_is_known_and_stays_known_while_nothing_is_presented() {
    let authority = Authority::get();
    let ends = authority.certificate_with(&[HOST], |params| {
        params.not_after = date_time_ymd(2100, 1, 1);
    });
    let not_after = |fact: &ManifestFact| fact.validity.unwrap().not_after.to_string();
    let fact = fact_with(&ends).await;
    assert_eq!(fact.public, Some(good()));
    assert_eq!(not_after(&fact), "2100-01-01T00:00:00Z");

    let site = good_site();
    site.set(MANIFEST, Page::text("no").status(500));
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.tls(&format!("{GATEWAY}:443"), &ends, &site);
    let mut bench = Bench::with(net, settings());
    bench.want(job());
    assert_eq!(
        not_after(&bench.manifest().await),
        "2100-01-01T00:00:00Z",
        "whatever it answers"
    );

    let past = authority.certificate_with(&[HOST], |params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(not_after(&fact_with(&past).await), "2020-01-01T00:00:00Z");
}

#[tokio::test]
async fn the_certificate_of_a_host_to_which_one_is_redirected_is_not_the_plugins() {
    let site = good_site();
    site.set(MANIFEST, Page::redirect("https://other.example/m.json"));
    let authority = Authority::get();
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.name("other.example", &[&["203.0.113.20"]]);
    let own = authority.certificate_with(&[HOST], |params| params.not_after = date_time_ymd(2100, 1, 1));
    net.tls(&format!("{GATEWAY}:443"), &own, &site);
    let past = authority.certificate_with(&["other.example"], |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    net.tls("203.0.113.20:443", &past, &good_site());
    let mut bench = Bench::with(net, settings());
    bench.want(job());
    let fact = bench.manifest().await;
    assert!(
        matches!(&fact.public, Some(Look::Bad(LookError::Certificate { seen: Some(seen), .. })) if seen.host == "other.example"),
        "{fact:?}"
    );
    assert_eq!(
        fact.validity, None,
        "the plugin's own is good, and was not looked at to the end"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_a_bad_certificate() {
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.plain(&format!("{GATEWAY}:443"), &good_site());
    let look = Bench::with(net, settings()).first(job()).await.0;
    assert_eq!(look, Look::Bad(LookError::TlsFailed));
}

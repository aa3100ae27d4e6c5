//! The plugin's Service as the place where the manifest is verified.

use super::*;

const SERVICE: &str = "10.96.0.7:80";

fn at_service() -> ProbeJob {
    ProbeJob {
        front: Front::Service(socket(SERVICE)),
        ..job()
    }
}

fn net(service: &Arc<Site>) -> Net {
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.tls(
        &format!("{GATEWAY}:443"),
        &Authority::get().certificate(&[HOST]),
        &good_site(),
    );
    net.plain(SERVICE, service);
    net.plain(POD, &good_site());
    net
}

#[tokio::test]
async fn the_service_is_asked_as_the_gateway_would_and_the_public_address_not_at_all() {
    let site = good_site();
    let mut bench = Bench::with(net(&site), settings());
    bench.want(at_service());
    let fact = bench.manifest().await;
    assert_eq!((fact.public, fact.service, fact.pod), (None, Some(good()), None));
    assert_eq!(fact.validity, None);
    let asked = site.asked(MANIFEST).remove(0);
    let headers = ["host", "origin", "x-forwarded-proto"].map(|name| asked.header(name));
    assert_eq!(headers, [HOST, "https://app.wazo.io", "https"]);
    assert_eq!(bench.net.lookups(HOST), 0);
    assert!(
        bench
            .net
            .connected()
            .iter()
            .all(|address| *address == socket(SERVICE))
    );
}

#[tokio::test]
async fn pods_tell_whether_it_is_the_service_that_fails() {
    let mut net = net(&good_site());
    net.closes(SERVICE);
    let mut bench = Bench::with(net, settings());
    bench.want(at_service());
    let fact = bench.manifest().await;
    assert_eq!(fact.service, Some(Look::Bad(LookError::Broken)));
    assert_eq!(fact.pod, Some(good()));
}

#[tokio::test]
async fn a_service_that_leads_where_no_pod_is_is_not_asked() {
    let site = good_site();
    let mut bench = Bench::with(net(&site), settings());
    let pods = vec![socket(POD), socket("169.254.169.254:80")];
    bench.want(ProbeJob { pods, ..at_service() });
    let fact = bench.manifest().await;
    let addr = ip("169.254.169.254");
    assert_eq!(fact.service, Some(Look::Bad(LookError::AddressRefused { addr })));
    assert!(site.asked(MANIFEST).is_empty());
}

#[tokio::test]
async fn what_was_seen_at_the_service_says_nothing_of_the_public_address() {
    let mut bench = Bench::with(net(&good_site()), settings());
    bench.want(at_service());
    bench.change().await;
    bench.want(job());
    assert!(bench.prober.facts(&bench.key).manifests.is_empty());
    let fact = bench.manifest().await;
    assert_eq!((fact.public, fact.service), (Some(good()), None));
}

//! Names, addresses, and what must not be connected to.

use super::*;

/// What the first look sees when the name resolves so.
async fn with_answers(
    answers: &[&[&str]],
    change: impl FnOnce(&mut ProbeJob, &mut ProbeSettings),
) -> (Bench, Look) {
    let mut net = Net::default();
    let certificate = Authority::get().certificate(&[HOST]);
    net.name(HOST, answers);
    for address in answers.iter().flat_map(|answer| answer.iter()) {
        net.tls(
            &SocketAddr::new(ip(address), 443).to_string(),
            &certificate,
            &good_site(),
        );
    }
    let (mut job, mut settings) = (job(), settings());
    job.pods.clear();
    change(&mut job, &mut settings);
    let mut bench = Bench::with(net, settings);
    let (look, _) = bench.first(job).await;
    (bench, look)
}

#[tokio::test]
async fn an_address_that_is_not_public_is_never_connected_to() {
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "10.96.0.1",
    ] {
        let (bench, look) = with_answers(&[&[address]], |_, _| {}).await;
        assert_eq!(look, Look::Bad(LookError::AddressRefused { addr: ip(address) }));
        assert_eq!(bench.net.connected(), [], "{address}");
    }
}

#[tokio::test]
async fn of_two_addresses_a_private_one_is_enough_to_refuse() {
    for answer in [&[GATEWAY, "10.0.0.1"], &["10.0.0.1", GATEWAY]] {
        let (bench, look) = with_answers(&[answer], |_, _| {}).await;
        assert_eq!(
            look,
            Look::Bad(LookError::AddressRefused { addr: ip("10.0.0.1") })
        );
        assert_eq!(bench.net.connected(), []);
    }
}

#[tokio::test]
async fn a_name_that_resolves_otherwise_the_second_time_gains_nothing() {
    let (bench, look) = with_answers(&[&[GATEWAY], &["10.0.0.1"]], |_, _| {}).await;
    assert_eq!(
        look,
        good(),
        "the page could not be seen, which is not the manifest's fault"
    );
    let gateway = SocketAddr::new(ip(GATEWAY), 443);
    assert_eq!(
        bench.net.connected(),
        [gateway],
        "pinned to the address that was checked"
    );
    assert_eq!(
        bench.net.lookups(HOST),
        2,
        "one for the manifest, one for the page"
    );
}

#[tokio::test]
async fn the_own_gateways_private_address_and_the_charts_ranges_are_allowed() {
    let (_, look) = with_answers(&[&["10.244.0.1"]], |job, _| {
        job.gateway_addresses = vec![ip("10.244.0.1")]
    })
    .await;
    assert_eq!(look, good());
    let (_, look) = with_answers(&[&["127.0.0.1"]], |_, settings| {
        settings.allowed_cidrs = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    assert_eq!(look, good());
}

#[tokio::test]
async fn the_api_server_is_refused_whatever_is_allowed() {
    let (bench, look) = with_answers(&[&["10.96.0.1"]], |job, settings| {
        job.gateway_addresses = vec![ip("10.96.0.1")];
        settings.allowed_cidrs = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    assert_eq!(
        look,
        Look::Bad(LookError::AddressRefused {
            addr: ip("10.96.0.1")
        })
    );
    assert_eq!(bench.net.connected(), []);
}

#[tokio::test]
async fn an_address_in_the_url_is_checked_like_a_resolved_one() {
    for (host, address) in [
        ("127.0.0.1", "127.0.0.1"),
        ("[::ffff:169.254.169.254]", "::ffff:169.254.169.254"),
        ("0x7f000001", "127.0.0.1"),
    ] {
        let mut bench = Bench::with(Net::default(), settings());
        let mut job = job();
        job.pods.clear();
        job.url = Url::parse(&format!("https://{host}{MANIFEST}")).unwrap();
        let expected = LookError::AddressRefused { addr: ip(address) };
        assert_eq!(bench.first(job).await.0, Look::Bad(expected));
        assert_eq!(bench.net.connected(), []);
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_told_from_a_resolver_that_fails() {
    let mut bench = Bench::with(Net::default(), settings());
    assert_eq!(bench.first(job()).await.0, Look::Bad(LookError::NotResolving));
    let mut net = Net::default();
    net.failing_name(HOST);
    let mut bench = Bench::with(net, settings());
    assert_eq!(bench.first(job()).await.0, Look::Bad(LookError::ResolverFailed));
}

#[tokio::test]
async fn an_address_that_refuses_hangs_or_closes_is_told_apart() {
    let address = format!("{GATEWAY}:443");
    let look = async |prepare: fn(&mut Net, &str)| {
        let mut net = Net::default();
        net.name(HOST, &[&[GATEWAY]]);
        prepare(&mut net, &address);
        let settings = ProbeSettings {
            timeout: Duration::from_millis(500),
            ..settings()
        };
        Bench::with(net, settings).first(job()).await.0
    };
    assert_eq!(look(|_, _| {}).await, Look::Bad(LookError::Refused));
    assert_eq!(look(Net::hangs).await, Look::Bad(LookError::TimedOut));
    assert_eq!(look(Net::silent).await, Look::Bad(LookError::TimedOut));
    assert_eq!(look(Net::closes).await, Look::Bad(LookError::TlsFailed));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let mut net = Net::default();
    net.name(HOST, &[&["203.0.113.99", GATEWAY]]);
    net.tls(
        &format!("{GATEWAY}:443"),
        &Authority::get().certificate(&[HOST]),
        &good_site(),
    );
    let mut bench = Bench::with(net, settings());
    assert_eq!(bench.first(job()).await.0, good());
}

#[tokio::test]
async fn of_what_a_manifest_refers_to_only_a_first_page_of_its_own_host_is_looked_at() {
    const ICON: &str = "169.254.169.254:80";
    const INNER: &str = "10.0.0.1:443";
    let gateway = socket(&format!("{GATEWAY}:443"));
    let asks = async |url: &str, page: &str| {
        let mut manifest = manifest_json();
        manifest["icons"] =
            json!({"color": "http://169.254.169.254/x.png", "outline": "https://10.0.0.1/o.png"});
        manifest["backgroundScript"] = json!("https://10.0.0.1/background.js");
        manifest["localizationInfo"] = json!({
            "defaultLanguageTag": "en",
            "additionalLanguages": [{"languageTag": "fr", "file": "https://10.0.0.1/"}],
        });
        manifest["staticTabs"][0]["icon"] = json!("https://10.0.0.1/tab.png");
        manifest["staticTabs"][0]["contentUrl"] = json!(page);
        let site = good_site();
        let shown = Page::json(&manifest).header("access-control-allow-origin", "*");
        site.set(MANIFEST, shown);
        let mut net = Net::default();
        net.name(HOST, &[&[GATEWAY]]);
        let certificate = Authority::get().certificate(&[HOST]);
        net.tls(&gateway.to_string(), &certificate, &site);
        net.tls(INNER, &certificate, &site);
        net.plain(ICON, &site);
        let mut settings = settings();
        // Not the guard keeps from them.
        let ranges = ["10.0.0.0/8", "169.254.0.0/16"];
        settings.allowed_cidrs = ranges.map(|range| range.parse().unwrap()).to_vec();
        let mut bench = Bench::with(net, settings);
        let mut job = job();
        job.pods.clear();
        job.url = Url::parse(&format!("https://{url}{MANIFEST}")).unwrap();
        let (look, _) = bench.first(job).await;
        (look, bench.net.connected())
    };
    assert_eq!(asks(HOST, "./index.html").await, (good(), vec![gateway, gateway]));
    assert_eq!(asks(HOST, "https://10.0.0.1/").await, (good(), vec![gateway]));
    let (_, connected) = asks("10.0.0.1", "./index.html").await;
    assert_eq!(connected, [socket(INNER)], "what is connected to is seen");
}

//! The second vantage: the plugin's pods.

use super::*;
use crate::probe::RedirectFlaw;

fn broken_site() -> Arc<Site> {
    let site = good_site();
    site.set(MANIFEST, Page::text("bad gateway").status(502));
    site
}

#[tokio::test]
async fn a_pod_is_asked_as_the_gateway_would() {
    let pod = good_site();
    let mut bench = Bench::new(&broken_site(), &pod, settings());
    let (_, look) = bench.first(job()).await;
    assert_eq!(look, Some(good()));
    let asked = pod.asked(MANIFEST).remove(0);
    let headers = ["host", "origin", "x-forwarded-proto"].map(|name| asked.header(name));
    assert_eq!(headers, [HOST, "https://app.wazo.io", "https"]);
}

#[tokio::test]
async fn a_pod_shows_what_the_plugin_itself_does_wrong() {
    let pod = good_site();
    pod.set(MANIFEST, Page::json(&manifest_json()));
    let mut bench = Bench::new(&broken_site(), &pod, settings());
    assert_eq!(
        bench.first(job()).await.1,
        Some(Look::Bad(LookError::CorsMissing))
    );

    pod.set(MANIFEST, Page::text("no").status(404));
    let mut bench = Bench::new(&broken_site(), &pod, settings());
    assert_eq!(bench.first(job()).await.1, Some(Look::Bad(LookError::NotFound)));
}

#[tokio::test]
async fn a_pods_redirect_is_followed_at_the_pod_and_nowhere_else() {
    let pod = good_site();
    pod.set("/start", Page::redirect(&format!("http://{HOST}:8080{MANIFEST}")));
    let at_start = || ProbeJob {
        url: Url::parse(&format!("https://{HOST}/start")).unwrap(),
        ..job()
    };
    let mut bench = Bench::new(&broken_site(), &pod, settings());
    assert_eq!(bench.first(at_start()).await.1, Some(good()));
    for elsewhere in [
        "http://169.254.169.254/",
        "https://other.example/",
        "ftp://crm.acme.example/",
    ] {
        pod.set("/start", Page::redirect(elsewhere));
        let mut bench = Bench::new(&broken_site(), &pod, settings());
        let expected = LookError::RedirectRefused {
            why: RedirectFlaw::Elsewhere,
        };
        assert_eq!(
            bench.first(at_start()).await.1,
            Some(Look::Bad(expected)),
            "{elsewhere}"
        );
        let others = bench
            .net
            .connected()
            .into_iter()
            .filter(|to| *to != socket(POD) && to.port() != 443);
        assert_eq!(others.count(), 0);
    }
}

#[tokio::test]
async fn no_pods_no_look() {
    let mut bench = Bench::new(&broken_site(), &good_site(), settings());
    let job = ProbeJob {
        pods: Vec::new(),
        ..job()
    };
    assert_eq!(bench.first(job).await.1, None);
}

#[tokio::test]
async fn a_pod_that_is_gone_does_not_hide_a_good_one_and_at_most_three_are_asked() {
    let mut bench = Bench::new(&broken_site(), &good_site(), settings());
    let gone = |last: u8| SocketAddr::from(([10, 244, 1, last], 8080));
    let job = ProbeJob {
        pods: vec![gone(1), socket(POD), gone(2), gone(3), gone(4)],
        ..job()
    };
    assert_eq!(bench.first(job).await.1, Some(good()));
    let asked = bench.net.connected();
    assert!(asked.contains(&gone(2)) && !asked.contains(&gone(3)), "{asked:?}");
}

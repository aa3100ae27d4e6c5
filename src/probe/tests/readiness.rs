//! Pods that run and are not ready.

use super::*;
use crate::probe::ReadinessLook;

async fn look(prepare: impl FnOnce(&mut Net, &str), path: Option<&str>) -> ReadinessLook {
    let mut net = Net::default();
    prepare(&mut net, POD);
    let settings = ProbeSettings {
        readiness_timeout: Duration::from_millis(500),
        ..settings()
    };
    let mut bench = Bench::with(net, settings);
    bench.want_readiness(ReadinessJob {
        pods: vec![socket(POD)],
        path: path.map(str::to_owned),
    });
    bench.change().await.readiness.expect("it was looked at").look
}

fn answering(page: Page) -> impl FnOnce(&mut Net, &str) {
    let site = Site::default();
    site.set("/healthz", page);
    let site = Arc::new(site);
    move |net, address| net.plain(address, &site)
}

#[tokio::test]
async fn a_path_is_judged_as_the_kubelet_does() {
    let path = Some("/healthz");
    assert_eq!(look(answering(Page::text("ok")), path).await, ReadinessLook::Good);
    assert_eq!(
        look(answering(Page::text("").status(302)), path).await,
        ReadinessLook::Good
    );
    assert_eq!(
        look(answering(Page::text("").status(503)), path).await,
        ReadinessLook::Status(503)
    );
    assert_eq!(
        look(answering(Page::text("").status(404)), path).await,
        ReadinessLook::Status(404)
    );
    assert_eq!(
        look(answering(Page::nothing()), path).await,
        ReadinessLook::TimedOut
    );
    assert_eq!(look(|_, _| {}, path).await, ReadinessLook::NotListening);
    assert_eq!(look(Net::closes, path).await, ReadinessLook::Broken);
    assert_eq!(look(Net::hangs, path).await, ReadinessLook::TimedOut);
}

#[tokio::test]
async fn without_a_path_a_connection_is_enough() {
    assert_eq!(look(Net::silent, None).await, ReadinessLook::Good);
    assert_eq!(look(|_, _| {}, None).await, ReadinessLook::NotListening);
    assert_eq!(look(Net::hangs, None).await, ReadinessLook::TimedOut);
}

#[tokio::test]
async fn of_several_pods_the_first_that_is_not_good_counts() {
    let mut net = Net::default();
    net.silent(POD);
    let mut bench = Bench::with(net, settings());
    bench.want_readiness(ReadinessJob {
        pods: vec![socket(POD), socket("10.244.0.8:8080")],
        path: None,
    });
    let fact = bench.change().await.readiness.unwrap();
    assert_eq!(fact.look, ReadinessLook::NotListening);
}

#[tokio::test]
async fn where_nothing_listens_the_usual_ports_are_tried() {
    let beside = |port: &'static str| move |net: &mut Net, _: &str| net.silent(port);
    for path in [None, Some("/healthz")] {
        assert_eq!(
            look(beside("10.244.0.7:8000"), path).await,
            ReadinessLook::ListensElsewhere(8000)
        );
        assert_eq!(
            look(beside("10.244.0.7:9090"), path).await,
            ReadinessLook::NotListening,
            "metrics are not the plugin"
        );
    }
}

//! Again and again: what wakes, what is counted, what ends.

use futures::FutureExt;
use prometheus::TextEncoder;

use super::*;

fn quick() -> ProbeSettings {
    ProbeSettings {
        min_interval: Duration::from_millis(5),
        max_interval: Duration::from_millis(5),
        min_retry: Duration::from_millis(5),
        max_retry: Duration::from_millis(5),
        ..settings()
    }
}

#[tokio::test]
async fn only_a_change_wakes() {
    let site = good_site();
    let mut bench = Bench::new(&site, &good_site(), quick());
    bench.want(job());
    let first = bench.manifest().await;
    site.until_asked(MANIFEST, 5).await;
    bench.want(job());
    assert!(bench.wakes.try_recv().is_err(), "the same again and again");
    let later = bench.prober.facts(&bench.key).manifests.remove(0);
    assert_eq!(later.at, first.at);
    assert!(later.checked_at > first.checked_at && later.last_good == Some(later.checked_at));
    assert!(
        site.asked("/panel/index.html").len() >= 4,
        "the page may change while the manifest does not"
    );

    site.set(MANIFEST, Page::text("no").status(500));
    let bad = bench.manifest().await;
    assert!(!bad.public.unwrap().is_good());
    assert!(bad.at > first.at && bad.last_good.is_some_and(|good| good >= later.checked_at));
    site.set(MANIFEST, manifest_page());
    assert_eq!(
        bench.manifest().await.public,
        Some(good()),
        "noticed without being told"
    );
}

#[tokio::test]
async fn a_new_revision_is_looked_at_at_once() {
    let mut bench = Bench::new(&good_site(), &good_site(), settings());
    bench.want(job());
    assert_eq!(bench.manifest().await.revision, "1");
    let next = ProbeJob {
        revision: "2".to_owned(),
        ..job()
    };
    bench.want(next);
    assert_eq!(bench.manifest().await.revision, "2");
}

#[tokio::test]
async fn a_forgotten_plugin_is_not_looked_at_again() {
    let site = good_site();
    let mut bench = Bench::new(&site, &good_site(), quick());
    bench.want(job());
    bench.change().await;
    bench.prober.forget(&bench.key);
    assert_eq!(bench.prober.facts(&bench.key), ProbeFacts::default());
    // What was on its way is void; a plugin that is wished for later is looked at, the forgotten one is not.
    let before = site.asked(MANIFEST).len();
    let other = good_site();
    let mut net = Net::default();
    net.name(HOST, &[&[GATEWAY]]);
    net.tls(
        &format!("{GATEWAY}:443"),
        &Authority::get().certificate(&[HOST]),
        &other,
    );
    let second = Bench::with(net, quick());
    second.want(job());
    other.until_asked(MANIFEST, 3).await;
    assert!(site.asked(MANIFEST).len() <= before + 1);
    assert!(bench.wakes.try_recv().is_err());
}

#[tokio::test]
async fn looks_are_counted_by_vantage_and_result_and_what_good_pods_do_not_explain_is_looked_at_twice() {
    let site = good_site();
    site.set(MANIFEST, Page::text("no").status(404));
    let mut bench = Bench::new(&site, &good_site(), settings());
    bench.first(job()).await;
    let text = TextEncoder::new()
        .encode_to_string(&bench.registry.gather())
        .unwrap();
    for line in [
        r#"wazo_plugin_probe_total{result="NotFound",vantage="public"} 2"#,
        r#"wazo_plugin_probe_total{result="Good",vantage="pod"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
}

#[tokio::test]
async fn looks_run_side_by_side_up_to_the_limit() {
    let site = good_site();
    site.set(MANIFEST, Page::nothing());
    let settings = ProbeSettings {
        concurrency: 3,
        ..settings()
    };
    let bench = Bench::new(&site, &good_site(), settings);
    let jobs = (0..10).map(|index| ProbeJob {
        name: format!("panel-{index}"),
        ..job()
    });
    bench.prober.want(&bench.key, jobs.collect(), None);
    site.until_asked(MANIFEST, 3).await;
    tokio::task::yield_now().await;
    assert_eq!(site.most_open(), 3);
}

#[tokio::test]
async fn a_run_that_is_dropped_ends_its_looks_and_may_be_taken_up_again() {
    let site = good_site();
    site.set(MANIFEST, Page::nothing());
    let mut bench = Bench::new(&site, &good_site(), settings());
    bench.want(job());
    site.until_asked(MANIFEST, 1).await;
    bench.run.abort();
    assert!((&mut bench.run).await.unwrap_err().is_cancelled());
    site.set(MANIFEST, manifest_page());
    assert!(bench.wakes.recv().now_or_never().is_none());
    let prober = bench.prober.clone();
    bench.run = tokio::spawn(async move { prober.run().await });
    assert_eq!(bench.manifest().await.public, Some(good()));
}

#[test]
fn two_probers_cannot_count_into_one_registry() {
    let registry = Registry::new();
    let prober = || {
        let (waker, _) = unbounded_channel();
        Prober::new(
            Arc::new(super::super::SystemNetwork),
            settings(),
            waker,
            &registry,
        )
        .map(drop)
    };
    assert!(prober().is_ok());
    let message = prober().unwrap_err().to_string();
    assert!(
        message.starts_with("failed to register the prober's metrics"),
        "{message}"
    );
}

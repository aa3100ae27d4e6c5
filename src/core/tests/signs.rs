//! What is a sign of trouble and what is none: a daemon that starts again, one that is slow, one that only plugins use.

use std::time::Duration;

use super::fake::Fault;
use super::{Bench, URL, core, plugin, present};
use crate::core::facts::{Daemon, Interest, ServiceState};

fn state(bench: &Bench, daemon: Daemon) -> ServiceState {
    bench.facts().services[&daemon].state
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_is_started_again_raises_no_alarm_and_one_that_stays_away_does_within_five_seconds() {
    let bench = Bench::settled().await;
    let begun = tokio::time::Instant::now();
    let short = move |name: &str, _: &mut super::fake::Core| {
        let away = begun.elapsed() < Duration::from_millis(1500) && name.contains("/confd/");
        away.then_some(Fault::Answer(502, "text/html", "<html>Bad Gateway</html>"))
    };
    bench.fake.on(short);
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert_eq!(state(&bench, Daemon::Confd), ServiceState::Up);
    let since = bench.facts().services[&Daemon::Confd].since;
    bench.fake.on(|name, _| {
        name.contains("/confd/")
            .then_some(Fault::Answer(502, "text/html", "<html>Bad Gateway</html>"))
    });
    bench.wish("other", &[present("https://other.example/m.json")]);
    let met = |bench: &Bench| bench.facts().services[&Daemon::Confd].error.is_some();
    bench.until("the first failure", met).await;
    let failed = tokio::time::Instant::now();
    bench
        .until("down", |bench| state(bench, Daemon::Confd) == ServiceState::Down)
        .await;
    assert!(
        failed.elapsed() <= Duration::from_secs(5),
        "{:?}",
        failed.elapsed()
    );
    assert!(bench.facts().services[&Daemon::Confd].since >= since);
}

#[tokio::test(start_paused = true)]
async fn another_daemon_is_looked_at_as_long_as_somebody_uses_it() {
    let bench = Bench::settled().await;
    let interest = |daemons: &[Daemon]| Interest {
        daemons: daemons.iter().copied().collect(),
        ..Default::default()
    };
    bench.fake.on(|name, _| match name {
        "GET /calld/status" => Some(Fault::Answer(
            200,
            "application/json",
            r#"{"ari": {"status": "fail"}, "bus_consumer": {"status": "ok"}}"#,
        )),
        "GET /dird/status" => Some(Fault::Answer(
            401,
            "application/json",
            r#"{"message": "Unauthorized", "error_id": "unauthorized",
                "details": {"reason": "missing_permission_or_invalid_tenant"}}"#,
        )),
        "GET /chatd/status" => Some(Fault::Answer(502, "text/html", "<html>")),
        "GET /provd/status" => Some(Fault::Answer(401, "text/html", "Unauthorized")),
        _ => None,
    });
    let used = [Daemon::Calld, Daemon::Dird, Daemon::Chatd, Daemon::Provd];
    bench.cores.attend(&core(), &plugin("crm"), interest(&used));
    for (daemon, expected) in [
        (Daemon::Calld, ServiceState::Degraded),
        (Daemon::Dird, ServiceState::Up),
        (Daemon::Chatd, ServiceState::Down),
        (Daemon::Provd, ServiceState::Up),
    ] {
        let there = |bench: &Bench| {
            let facts = bench.facts();
            facts
                .services
                .get(&daemon)
                .is_some_and(|service| service.state == expected)
        };
        bench.until(daemon.name(), there).await;
    }
    assert_eq!(bench.facts().services[&Daemon::Calld].failing, ["ari"]);
    let before = bench.fake.count("GET /calld/status");
    bench.pass(300).await;
    let looks = bench.fake.count("GET /calld/status") - before;
    assert!((8..=12).contains(&looks), "{looks} looks in five minutes");
    bench.cores.attend(&core(), &plugin("crm"), interest(&[]));
    let gone = |bench: &Bench| bench.facts().services.len() == 2;
    bench.until("forgotten", gone).await;
    let before = bench.fake.count("GET /calld/status");
    bench.pass(300).await;
    assert_eq!(bench.fake.count("GET /calld/status"), before);
}

#[tokio::test(start_paused = true)]
async fn reads_that_take_far_longer_than_they_did_are_a_fact_and_nothing_stops() {
    let bench = Bench::settled().await;
    bench.pass(600).await;
    assert!(bench.facts().services[&Daemon::Confd].slow.is_none());
    bench.fake.delay(Duration::from_secs(4));
    let started = tokio::time::Instant::now();
    let slow = |bench: &Bench| bench.facts().services[&Daemon::Confd].slow.is_some();
    bench.until("slow", slow).await;
    assert!(
        started.elapsed() <= Duration::from_secs(75),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(state(&bench, Daemon::Confd), ServiceState::Up);
    bench.fake.delay(Duration::ZERO);
    bench.until("quick", |bench| !slow(bench)).await;
}

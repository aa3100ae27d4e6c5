//! A core that goes away, in part or in whole, and comes back.

use serde_json::json;

use super::fake::Fault;
use super::{APP, Bench, URL, core, present, settings};
use crate::core::error::CoreErrorKind as Kind;
use crate::core::facts::{Daemon, ServiceState, SessionFact, StepState};
use crate::core::{CoreSettings, WireError};
use crate::keys::CoreKey;

fn kind(bench: &Bench, daemon: Daemon) -> Option<Kind> {
    bench.facts().services[&daemon]
        .error
        .as_ref()
        .map(|error| error.kind.clone())
}

fn state(bench: &Bench, daemon: Daemon) -> ServiceState {
    bench.facts().services[&daemon].state
}

#[tokio::test(start_paused = true)]
async fn while_the_core_is_away_only_probes_are_sent_and_then_all_is_made_up_for() {
    let mut bench = Bench::settled().await;
    bench.fake.on(|_, _| Some(Fault::Before(WireError::Refused)));
    bench.wish("crm", &[present(URL)]);
    bench
        .until("down", |bench| {
            [Daemon::Confd, Daemon::Auth].iter().all(|daemon| {
                kind(bench, *daemon) == Some(Kind::Refused) && state(bench, *daemon) == ServiceState::Down
            })
        })
        .await;
    let since = bench.facts().services[&Daemon::Confd].since;
    let at = bench.facts().services[&Daemon::Confd].error.as_ref().unwrap().at;
    bench.pass(5).await;
    bench.wakes();
    for n in 0..100 {
        bench.wish(
            &format!("p{n}"),
            &[present(&format!("https://p{n}.example/m.json"))],
        );
    }
    let before = bench.fake.requests();
    bench.pass(300).await;
    let probes = bench.fake.requests() - before;
    assert!(
        (10..=32).contains(&probes),
        "{probes} requests to a core that is away for five minutes"
    );
    assert_eq!(bench.wakes().len(), 0, "nothing new is to be told");
    assert!(matches!(bench.state("crm"), StepState::Pending));
    let facts = bench.facts();
    assert_eq!(facts.services[&Daemon::Confd].since, since);
    assert_eq!(facts.services[&Daemon::Confd].error.as_ref().unwrap().at, at);
    assert!(facts.services[&Daemon::Confd].last_good.is_some());
    bench.fake.heal();
    let back = tokio::time::Instant::now();
    bench.done("crm").await;
    for n in 0..100 {
        bench.done(&format!("p{n}")).await;
    }
    assert!(back.elapsed().as_secs() <= 35, "{:?}", back.elapsed());
    assert_eq!(bench.fake.writes().len(), 1);
    bench
        .until("up", |bench| state(bench, Daemon::Auth) == ServiceState::Up)
        .await;
    assert!(matches!(bench.facts().session, SessionFact::LoggedIn(_)));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_behind_the_front_that_is_down_does_not_take_the_other_along() {
    let bench = Bench::settled().await;
    bench.fake.on(|name, _| {
        name.contains("/confd/")
            .then_some(Fault::Answer(502, "text/html", "<html>Bad Gateway</html>"))
    });
    bench
        .until("down", |bench| {
            kind(bench, Daemon::Confd) == Some(Kind::DaemonDown(502))
        })
        .await;
    bench.pass(120).await;
    assert_eq!(state(&bench, Daemon::Auth), ServiceState::Up);
    bench.fake.heal();
    bench
        .until("up", |bench| state(bench, Daemon::Confd) == ServiceState::Up)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_login_into_a_core_that_never_answered_says_why() {
    for (fault, expected) in [
        (WireError::Dns, Kind::NameNotResolved),
        (WireError::TimedOut(15), Kind::TimedOut { seconds: 15 }),
        (WireError::Silent(15), Kind::Silent { seconds: 15 }),
        (
            WireError::Certificate(crate::core::CertificateFault::UnknownIssuer),
            Kind::CertificateUnknownIssuer,
        ),
    ] {
        let bench = Bench::idle();
        bench.fake.on(move |_, _| Some(Fault::Before(fault.clone())));
        bench.cores.put(settings()).unwrap();
        bench
            .until("failed", |bench| {
                matches!(bench.facts().session, SessionFact::Failed(_))
            })
            .await;
        let SessionFact::Failed(error) = bench.facts().session.clone() else {
            unreachable!()
        };
        assert_eq!(error.kind, expected);
        assert_eq!(kind(&bench, Daemon::Auth), Some(expected));
        assert_eq!(error.trace_id.len(), 32);
        bench.fake.heal();
        bench
            .until("whole", |bench| bench.facts().last_good.is_some())
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_wazo_core_is_said_to_be_none() {
    let bench = Bench::idle();
    bench.fake.on(|_, _| {
        Some(Fault::Answer(
            200,
            "text/html; charset=utf-8",
            "<html>Welcome</html>",
        ))
    });
    bench.cores.put(settings()).unwrap();
    let expected = Kind::NotWazo {
        status: 200,
        content_type: "text/html".into(),
    };
    bench
        .until("found", |bench| {
            kind(bench, Daemon::Auth).as_ref() == Some(&expected)
        })
        .await;
    bench.pass(300).await;
    assert!(bench.fake.requests() < 60, "{}", bench.fake.requests());
    bench.fake.heal();
    bench
        .until("whole", |bench| bench.facts().last_good.is_some())
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_is_seen_by_a_real_read() {
    let bench = Bench::settled().await;
    bench.fake.on(|name, _| {
        let hit = name.starts_with("GET /auth/") || name == "GET /confd/infos";
        hit.then_some(Fault::Answer(
            500,
            "application/json",
            r#"{"message": "Internal Server Error"}"#,
        ))
    });
    for daemon in [Daemon::Auth, Daemon::Confd] {
        bench
            .until("down", |bench| state(bench, daemon) == ServiceState::Down)
            .await;
        assert_eq!(kind(&bench, daemon), Some(Kind::ServerError(500)));
        let gray = |bench: &Bench| bench.facts().services[&daemon].gray;
        bench.until("gray: it says that it is up", gray).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_fails_behind_a_status_of_200_is_named_and_does_not_stop_the_work() {
    let bench = Bench::settled().await;
    bench.fake.core().status =
        Some(json!({"bus_consumer": {"status": "fail"}, "rest_api": {"status": "ok"}}));
    bench
        .until("degraded", |bench| {
            state(bench, Daemon::Confd) == ServiceState::Degraded
        })
        .await;
    assert_eq!(bench.facts().services[&Daemon::Confd].failing, ["bus_consumer"]);
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
}

#[tokio::test(start_paused = true)]
async fn logins_that_are_answered_with_500_leave_few_tokens_behind() {
    let bench = Bench::idle();
    bench
        .fake
        .on(|name, _| (name == "POST /auth/token").then_some(Fault::ErrorAfter));
    bench.cores.put(settings()).unwrap();
    bench.pass(600).await;
    let logins = bench.fake.count("POST /auth/token");
    assert!(
        logins <= 26,
        "{logins} logins in ten minutes, of a life of ten minutes each but the first"
    );
    assert_eq!(state(&bench, Daemon::Auth), ServiceState::Up, "a real read works");
    bench.fake.heal();
    bench
        .until("whole", |bench| bench.facts().last_good.is_some())
        .await;
}

#[tokio::test(start_paused = true)]
async fn too_many_sessions_are_waited_for() {
    let bench = Bench::idle();
    bench.fake.on(|name, _| {
        (name == "POST /auth/token").then_some(Fault::Answer(
            429,
            "application/json",
            r#"{"reason": ["User u"]}"#,
        ))
    });
    bench.cores.put(settings()).unwrap();
    bench.pass(300).await;
    assert!(
        matches!(&bench.facts().session, SessionFact::Failed(error) if error.kind == Kind::TooManySessions)
    );
    assert!(bench.fake.count("POST /auth/token") <= 6);
}

#[tokio::test(start_paused = true)]
async fn an_auth_that_confd_cannot_reach_is_looked_at_at_once() {
    let bench = Bench::settled().await;
    bench.fake.on(|name, _| {
        Some(if name.contains("/auth/") {
            Fault::Answer(502, "text/html", "<html>")
        } else {
            Fault::Answer(
                503,
                "application/json",
                r#"["Authentication server on 127.0.0.1:9497 unreachable"]"#,
            )
        })
    });
    bench.wish("crm", &[present(URL)]);
    bench
        .until("seen", |bench| {
            kind(bench, Daemon::Confd) == Some(Kind::AuthUnreachable)
        })
        .await;
    let start = tokio::time::Instant::now();
    bench
        .until("seen", |bench| {
            kind(bench, Daemon::Auth) == Some(Kind::DaemonDown(502))
        })
        .await;
    assert!(start.elapsed().as_secs() <= 3, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn two_cores_of_one_stack_share_breaker_and_lane() {
    let bench = Bench::settled().await;
    let other = CoreKey::new("wazo-cores", "second");
    bench
        .cores
        .put(CoreSettings {
            key: other.clone(),
            ..settings()
        })
        .unwrap();
    bench
        .until("both", |bench| {
            bench
                .cores
                .facts(&other)
                .is_some_and(|facts| facts.last_good.is_some())
        })
        .await;
    let one = present("https://one.example/m.json");
    let two = present("https://two.example/m.json");
    let plugin = super::plugin("crm");
    bench.cores.wish(&core(), &plugin, vec![one], &Default::default());
    bench.cores.wish(&other, &plugin, vec![two], &Default::default());
    bench.done("crm").await;
    bench
        .until("both", |bench| {
            matches!(
                bench.cores.outcomes(&other, &plugin)[0].state,
                StepState::Done { .. }
            )
        })
        .await;
    assert_eq!(
        bench.fake.urls(APP).as_array().unwrap().len(),
        2,
        "no write was lost"
    );
    bench.fake.on(|_, _| Some(Fault::Before(WireError::Refused)));
    bench
        .until("down", |bench| state(bench, Daemon::Confd) == ServiceState::Down)
        .await;
    bench
        .until("down", |bench| {
            bench.cores.facts(&other).unwrap().services[&Daemon::Confd].state == ServiceState::Down
        })
        .await;
    let third = CoreKey::new("wazo-cores", "third");
    bench
        .cores
        .put(CoreSettings {
            key: third.clone(),
            ..settings()
        })
        .unwrap();
    bench
        .until("told", |bench| {
            matches!(&bench.cores.facts(&third).unwrap().session, SessionFact::Failed(error) if error.kind == Kind::Refused)
        })
        .await;
    let before = bench.fake.requests();
    bench.pass(300).await;
    let probes = bench.fake.requests() - before;
    assert!(probes <= 34, "{probes}");
}

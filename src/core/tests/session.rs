//! The session: login, rights, renewal, end.

use std::sync::Arc;

use jiff::Timestamp;

use super::fake::{ACCOUNT, Fault, STACK, TENANT};
use super::{APP, Bench, URL, absent, core, plugin, present, settings};
use crate::core::error::CoreErrorKind as Kind;
use crate::core::facts::{Account, Daemon, ServiceState, SessionFact, StepState};
use crate::core::{CaError, CoreSettings};
use crate::secret::Secret;

fn failure(bench: &Bench) -> Option<Kind> {
    match &bench.facts().session {
        SessionFact::Failed(error) => Some(error.kind.clone()),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_login_it_is_known_who_we_are_what_we_may_and_how_the_daemons_are() {
    let mut bench = Bench::settled().await;
    let facts = bench.facts();
    let account = Account {
        uuid: ACCOUNT,
        tenant: TENANT,
        stack: STACK,
    };
    assert!(
        matches!(&facts.session, SessionFact::LoggedIn(it) if *it == account),
        "{facts:?}"
    );
    assert_eq!(facts.version.as_deref(), Some("26.08"));
    assert_eq!(facts.tenant, Some(TENANT));
    assert_eq!(facts.missing_permissions.as_deref(), Some(&[][..]));
    for daemon in [Daemon::Auth, Daemon::Confd] {
        assert_eq!(facts.services[&daemon].state, ServiceState::Up);
    }
    assert!(bench.wakes().contains("core wazo-cores/production"));
    assert_eq!(
        bench.fake.count("POST /auth/token"),
        2,
        "one login, one check of the rights"
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_core_wakes_nobody_and_sends_a_handful_of_requests_a_minute() {
    let mut bench = Bench::settled().await;
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    bench.pass(60).await;
    bench.wakes();
    let before = bench.fake.requests();
    bench.cores.put(settings()).unwrap();
    bench.wish("crm", &[present(URL)]);
    bench.pass(3600).await;
    let sent = bench.fake.requests() - before;
    assert!(sent <= 60 * 8, "{sent} requests in an hour");
    assert_eq!(bench.wakes().len(), 0);
    assert_eq!(bench.fake.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_tried_once_in_five_minutes_and_new_ones_at_once() {
    let bench = Bench::idle();
    bench
        .cores
        .put(CoreSettings {
            password: Secret::new("wrong"),
            ..settings()
        })
        .unwrap();
    bench
        .until("refused", |bench| {
            failure(bench) == Some(Kind::CredentialsRejected)
        })
        .await;
    bench.pass(290).await;
    assert_eq!(bench.fake.count("POST /auth/token"), 1);
    assert_eq!(bench.facts().services[&Daemon::Auth].state, ServiceState::Up);
    assert_eq!(
        bench.facts().services[&Daemon::Confd].state,
        ServiceState::Unknown
    );
    bench.pass(20).await;
    assert_eq!(bench.fake.count("POST /auth/token"), 2);
    let since = match &bench.facts().session {
        SessionFact::Failed(error) => error.at,
        other => panic!("{other:?}"),
    };
    assert!(Timestamp::now() >= since);
    bench.cores.put(settings()).unwrap();
    bench.pass(1).await;
    assert!(matches!(bench.facts().session, SessionFact::LoggedIn(_)));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_gone_is_replaced_by_one_login() {
    let bench = Bench::settled().await;
    bench.fake.core().tokens.clear();
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert_eq!(
        bench.fake.count("POST /auth/token/t"),
        2,
        "the rights are asked once more"
    );
    assert_eq!(bench.fake.core().tokens.len(), 1);
    assert!(matches!(bench.facts().session, SessionFact::LoggedIn(_)));
}

#[tokio::test(start_paused = true)]
async fn fresh_tokens_that_are_refused_are_not_made_again_and_again() {
    let bench = Bench::settled().await;
    bench.fake.on(|name, _| {
        name.contains("/confd/")
            .then_some(Fault::Answer(401, "application/json", r#"["('x', 'y')"]"#))
    });
    bench
        .until("refused", |bench| failure(bench) == Some(Kind::TokenRefused))
        .await;
    let logins = bench.fake.count("POST /auth/token") - bench.fake.count("POST /auth/token/t");
    assert_eq!(logins, 2);
    bench.pass(55).await;
    let logins = bench.fake.count("POST /auth/token") - bench.fake.count("POST /auth/token/t");
    assert_eq!(logins, 2);
    bench.fake.heal();
    bench
        .until("back", |bench| {
            matches!(bench.facts().session, SessionFact::LoggedIn(_))
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_its_end_and_the_old_one_deleted() {
    let bench = Bench::settled().await;
    bench.pass(7200).await;
    let logins = bench.fake.count("POST /auth/token") - bench.fake.count("POST /auth/token/t");
    assert_eq!(logins, 2);
    assert_eq!(bench.fake.count("DELETE /auth/token/t"), 1);
    assert_eq!(bench.fake.core().tokens.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_credentials_mean_a_new_login_and_the_end_of_the_old_token() {
    let bench = Bench::settled().await;
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    bench.fake.core().password = Some("n3w".into());
    bench
        .cores
        .put(CoreSettings {
            password: Secret::new("n3w"),
            ..settings()
        })
        .unwrap();
    bench
        .until("renewed", |bench| bench.fake.core().tokens.iter().eq(["token-2"]))
        .await;
    assert!(bench.is_done("crm"));
    assert_eq!(bench.fake.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_token_is_deleted_at_shutdown_and_nothing_is_sent_afterwards() {
    let bench = Bench::settled().await;
    bench.cores.shutdown().await;
    assert!(bench.fake.core().tokens.is_empty());
    let before = bench.fake.requests();
    bench.wish("crm", &[present(URL)]);
    bench
        .cores
        .put(CoreSettings {
            requests_per_second: 5,
            ..settings()
        })
        .unwrap();
    bench.pass(600).await;
    assert_eq!(bench.fake.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_of_a_core_that_hangs_is_over_in_time() {
    let bench = Bench::settled().await;
    bench
        .fake
        .on(|_, _| Some(Fault::Before(crate::core::WireError::TimedOut(15))));
    let start = tokio::time::Instant::now();
    bench.cores.shutdown().await;
    assert!(start.elapsed().as_secs() <= 5);
}

#[tokio::test(start_paused = true)]
async fn a_core_that_is_removed_leaves_no_token_no_facts_and_no_series() {
    let bench = Bench::settled().await;
    assert!(!bench.registry.gather().is_empty());
    bench.cores.remove(&core());
    bench
        .until("deleted", |bench| bench.fake.core().tokens.is_empty())
        .await;
    assert!(bench.cores.facts(&core()).is_none());
    assert!(
        bench
            .registry
            .gather()
            .iter()
            .all(|family| family.get_metric().is_empty())
    );
    let before = bench.fake.requests();
    bench.pass(600).await;
    assert_eq!(bench.fake.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_core_sends_nothing_and_keeps_its_facts() {
    let bench = Bench::settled().await;
    bench
        .cores
        .put(CoreSettings {
            suspended: true,
            ..settings()
        })
        .unwrap();
    bench.pass(1).await;
    let before = bench.fake.requests();
    bench.wish("crm", &[present(URL)]);
    bench.pass(600).await;
    assert_eq!(bench.fake.requests(), before);
    assert!(matches!(bench.facts().session, SessionFact::LoggedIn(_)));
    assert!(matches!(bench.state("crm"), StepState::Pending));
    bench.cores.put(settings()).unwrap();
    bench.done("crm").await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_keeps_the_write_back_and_is_seen_when_it_comes() {
    let bench = Bench::idle();
    let right = format!("confd.external.apps.{APP}.create");
    bench.fake.core().missing.insert(right.clone());
    bench.cores.put(settings()).unwrap();
    bench.wish("crm", &[present(URL)]);
    bench.wish("old", &[absent("https://old.example")]);
    bench
        .until("failed", |bench| {
            matches!(bench.state("crm"), StepState::Failed(_))
        })
        .await;
    let StepState::Failed(error) = bench.state("crm") else {
        unreachable!()
    };
    assert_eq!(
        error.kind,
        Kind::MissingPermission("confd.external.apps.*.create".into())
    );
    assert_eq!(bench.facts().missing_permissions, Some(vec![right]));
    bench.pass(300).await;
    assert_eq!(bench.fake.writes().len(), 0);
    bench.fake.core().missing.clear();
    bench.done("crm").await;
    bench.done("old").await;
    assert_eq!(bench.fake.core().tokens.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_taken_away_is_found_by_the_first_refusal() {
    let bench = Bench::settled().await;
    let right = format!("confd.external.apps.{APP}.read");
    bench.fake.core().missing.insert(right.clone());
    bench.wish("crm", &[present(URL)]);
    bench
        .until("failed", |bench| {
            matches!(bench.state("crm"), StepState::Failed(_))
        })
        .await;
    bench
        .until("listed", |bench| {
            bench.facts().missing_permissions == Some(vec![right.clone()])
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_refused_is_told_from_a_missing_right() {
    let bench = Bench::idle();
    bench.fake.core().tenant_refused = true;
    bench
        .cores
        .put(CoreSettings {
            tenant: Some(TENANT),
            ..settings()
        })
        .unwrap();
    bench.wish("crm", &[present(URL)]);
    bench.until("refused", |bench| bench.facts().tenant_refused).await;
    bench
        .until("failed", |bench| {
            matches!(bench.state("crm"), StepState::Failed(_))
        })
        .await;
    let StepState::Failed(error) = bench.state("crm") else {
        unreachable!()
    };
    assert_eq!(error.kind, Kind::TenantRefused);
    bench.fake.core().tenant_refused = false;
    bench.done("crm").await;
    assert!(!bench.facts().tenant_refused);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_without_a_certificate_changes_nothing() {
    let bench = Bench::settled().await;
    let broken = CoreSettings {
        ca_pem: Some(Arc::from(&b""[..])),
        ..settings()
    };
    assert_eq!(bench.cores.put(broken), Err(CaError::NoCertificate));
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
}

#[tokio::test(start_paused = true)]
async fn a_wish_may_come_before_its_core_and_a_forgotten_plugin_leaves_nothing() {
    let bench = Bench::idle();
    bench.wish("crm", &[present(URL)]);
    assert!(bench.cores.facts(&core()).is_none());
    bench.cores.put(settings()).unwrap();
    bench.done("crm").await;
    bench.cores.forget(&plugin("crm"));
    assert!(bench.states("crm").is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_the_run_is_dropped_nothing_more_is_sent() {
    let bench = Bench::settled().await;
    bench.wish("crm", &[present(URL)]);
    bench.run.abort();
    bench.pass(1).await;
    let before = bench.fake.requests();
    bench.pass(600).await;
    assert_eq!(bench.fake.requests(), before);
}

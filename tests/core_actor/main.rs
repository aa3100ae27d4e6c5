//! The actor of a core against the simulated core, over real TLS.

mod accounts;
mod bench;
mod rights;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use wazo_plugin_operator::core::error::CoreErrorKind;
use wazo_plugin_operator::core::facts::{AppEdit, Daemon as Part, ServiceState, SessionFact, StepState};
use wazo_plugin_operator::core::{CoreSettings, StackUrl};
use wazo_plugin_operator::secret::Secret;
use wazo_simulated_core::{
    Application, Daemon, EffectKind, Fault, OPERATOR_ACL, Options, SimulatedCore, Stranger, Tokens,
};

use crate::bench::{APP, Bench, PATH, settings};

const URL: &str = "https://crm.example/manifest.json";

#[tokio::test]
async fn the_first_registration_of_all_leaves_one_object_and_no_token() {
    let bench = Bench::settled().await;
    assert_eq!(bench.facts().version.as_deref(), Some("26.08"));
    assert_eq!(bench.facts().missing_permissions.as_deref(), Some(&[][..]));
    bench.wish("crm", vec![bench.step(URL, AppEdit::Present)]);
    bench.done("crm").await;
    assert_eq!(bench.urls(), json!([URL]));
    let writes = bench.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(
        (writes[0].method.as_str(), writes[0].effect.kind),
        ("POST", EffectKind::Created)
    );
    for entry in bench.sim.journal().entries() {
        let login = entry.path == "/api/auth/0.1/token";
        assert!(
            entry.trace_id.is_some() && entry.user_agent.is_some(),
            "{entry:?}"
        );
        assert!(
            login || entry.daemon == Some(Daemon::Auth) || entry.tenant.is_some(),
            "{entry:?}"
        );
    }
    bench.cores.shutdown().await;
    assert_eq!(bench.sim.live_tokens(), 0);
}

#[tokio::test]
async fn two_plugins_at_once_and_a_stranger_lose_nothing() {
    let bench = Bench::settled().await;
    bench.stranger_puts(json!({"stun": "s", "manifest_urls": ["https://s.example/m.json"], "n": 1.50}));
    bench.wish(
        "a",
        vec![bench.step("https://a.example/m.json", AppEdit::Present)],
    );
    bench.wish(
        "b",
        vec![bench.step("https://b.example/m.json", AppEdit::Present)],
    );
    bench.done("a").await;
    bench.done("b").await;
    let app = bench.sim.apps().get(bench.sim.tenant(), APP).unwrap();
    assert_eq!(
        app.configuration.to_string(),
        r#"{"stun":"s","manifest_urls":["https://s.example/m.json","https://a.example/m.json","https://b.example/m.json"],"n":1.5}"#
    );
    bench.wish("a", vec![bench.step("https://a.example/m.json", AppEdit::Absent)]);
    bench.done("a").await;
    assert_eq!(
        bench.urls(),
        json!(["https://s.example/m.json", "https://b.example/m.json"])
    );
}

#[tokio::test]
async fn a_strangers_write_between_our_look_and_our_write_does_not_take_ours_away() {
    let bench = Bench::settled().await;
    bench.stranger_puts(json!({"manifest_urls": []}));
    // What the stranger writes right after ours was made from what he read before it.
    let tenant = bench.sim.tenant().to_owned();
    let configuration = json!({"manifest_urls": ["https://s.example/m.json"]});
    let app = Application {
        tenant,
        name: APP.into(),
        label: None,
        configuration,
    };
    let fault = Fault::stranger_after(Stranger::Put(app)).on("PUT", PATH).times(1);
    bench.sim.faults().inject(fault).await;
    bench.wish("crm", vec![bench.step(URL, AppEdit::Present)]);
    bench.done("crm").await;
    assert_eq!(bench.urls(), json!(["https://s.example/m.json", URL]));
    assert_eq!(bench.writes().len(), 2);
}

#[tokio::test]
async fn what_a_stranger_drops_is_told_and_put_back_when_asked() {
    let bench = Bench::settled().await;
    let step = bench.step(URL, AppEdit::Present);
    bench.wish("crm", vec![step.clone()]);
    bench.done("crm").await;
    let writes = bench.writes().len();
    bench.sim.apps().delete(bench.sim.tenant(), APP);
    bench
        .until("told", |bench| {
            matches!(bench.states("crm").as_slice(), [StepState::Drifted])
        })
        .await;
    assert_eq!(
        bench.writes().len(),
        writes,
        "nothing is written before it is asked for"
    );
    bench.put_back("crm", &[step]);
    bench
        .until("put back", |bench| {
            bench.urls() == json!([URL]) && bench.is_done("crm")
        })
        .await;
}

#[tokio::test]
async fn without_rabbitmq_the_object_is_made_once_and_the_daemon_is_degraded() {
    let bench = Bench::settled().await;
    bench
        .sim
        .faults()
        .inject(Fault::rabbitmq_down(Duration::from_millis(50)))
        .await;
    bench.wish("crm", vec![bench.step(URL, AppEdit::Present)]);
    bench.done("crm").await;
    let writes = bench.writes();
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!(
        (writes[0].status, writes[0].effect.kind),
        (Some(500), EffectKind::Created)
    );
    bench
        .until("degraded", |bench| {
            bench.service(Part::Confd).0 == ServiceState::Degraded
        })
        .await;
    assert_eq!(bench.facts().services[&Part::Confd].failing, ["bus_consumer"]);
    bench.sim.faults().clear_all().await;
    bench
        .until("up", |bench| bench.service(Part::Confd).0 == ServiceState::Up)
        .await;
}

#[tokio::test]
async fn a_write_that_breaks_before_or_after_its_effect_is_made_once() {
    for fault in [Fault::reset_before_effect(), Fault::reset_after_effect()] {
        let bench = Bench::settled().await;
        bench.sim.faults().inject(fault.on("POST", PATH).times(1)).await;
        bench.wish("crm", vec![bench.step(URL, AppEdit::Present)]);
        bench.done("crm").await;
        let made = bench
            .writes()
            .iter()
            .filter(|entry| entry.effect.kind == EffectKind::Created)
            .count();
        assert_eq!(made, 1);
        assert_eq!(bench.urls(), json!([URL]));
    }
}

#[tokio::test]
async fn a_daemon_that_is_down_and_back_is_said_so_and_what_waited_is_done() {
    let bench = Bench::settled().await;
    let down = (ServiceState::Down, Some(CoreErrorKind::DaemonDown(502)));
    bench.sim.faults().inject(Fault::daemon_down(Daemon::Confd)).await;
    bench.wish("crm", vec![bench.step(URL, AppEdit::Present)]);
    bench
        .until("down", |bench| bench.service(Part::Confd) == down)
        .await;
    assert_eq!(bench.service(Part::Auth).0, ServiceState::Up);
    assert!(matches!(bench.states("crm")[..], [StepState::Pending]));
    bench.sim.faults().clear_all().await;
    bench.done("crm").await;
    bench.sim.faults().inject(Fault::daemon_down(Daemon::Auth)).await;
    bench
        .until("down", |bench| bench.service(Part::Auth) == down)
        .await;
    let unreachable = (ServiceState::Down, Some(CoreErrorKind::AuthUnreachable));
    bench
        .until("without auth", |bench| bench.service(Part::Confd) == unreachable)
        .await;
    bench.sim.faults().clear_all().await;
    bench
        .until("up", |bench| bench.service(Part::Confd).0 == ServiceState::Up)
        .await;
    bench
        .until("up", |bench| bench.service(Part::Auth).0 == ServiceState::Up)
        .await;
    assert_eq!(bench.logins(), 1, "the token survived");
}

#[tokio::test]
async fn a_stack_that_refuses_connections_is_told_and_comes_back() {
    let bench = Bench::settled().await;
    bench.sim.faults().inject(Fault::refuse_connections()).await;
    let refused = Some(CoreErrorKind::Refused);
    bench
        .until("refused", |bench| bench.service(Part::Auth).1 == refused)
        .await;
    bench
        .until("refused", |bench| bench.service(Part::Confd).1 == refused)
        .await;
    bench.sim.faults().clear_all().await;
    bench
        .until("up", |bench| bench.service(Part::Auth).0 == ServiceState::Up)
        .await;
    bench
        .until("up", |bench| bench.service(Part::Confd).0 == ServiceState::Up)
        .await;
}

#[tokio::test]
async fn a_wrong_password_is_not_hammered_and_the_right_one_is_tried_at_once() {
    let bench = Bench::start(|settings| CoreSettings {
        password: Secret::new("wrong"),
        ..settings
    })
    .await;
    bench
        .until("rejected", |bench| {
            bench.failure() == Some(CoreErrorKind::CredentialsRejected)
        })
        .await;
    // Many times the other intervals.
    let health = |bench: &Bench| bench.sim.journal().entries().len() > 12;
    bench.until("looked at", health).await;
    assert_eq!(bench.logins(), 1);
    assert_eq!(bench.service(Part::Auth).0, ServiceState::Up);
    bench.cores.put(settings(&bench.sim)).unwrap();
    bench
        .until("in", |bench| {
            matches!(bench.facts().session, SessionFact::LoggedIn(_))
        })
        .await;
    assert_eq!(bench.logins(), 2);
}

#[tokio::test]
async fn an_expired_token_means_one_new_login() {
    let bench = Bench::settled().await;
    bench.sim.faults().expire_tokens();
    bench.wish("crm", vec![bench.step(URL, AppEdit::Present)]);
    bench.done("crm").await;
    assert_eq!(bench.logins(), 2);
}

#[tokio::test]
async fn rights_that_are_revoked_are_listed_and_their_return_is_noticed() {
    let bench = Bench::settled().await;
    bench
        .sim
        .faults()
        .set_rights(&["confd.external.apps.read"], Tokens::Drop);
    let missing = |bench: &Bench| bench.facts().missing_permissions.clone().unwrap_or_default();
    bench
        .until("listed", |bench| {
            missing(bench).contains(&format!("confd.external.apps.{APP}.update"))
        })
        .await;
    assert!(!missing(&bench).contains(&"confd.external.apps.read".to_owned()));
    bench.wish("crm", vec![bench.step(URL, AppEdit::Present)]);
    let refused = |state: &StepState| matches!(state, StepState::Failed(error) if matches!(error.kind, CoreErrorKind::MissingPermission(_)));
    bench
        .until("refused", |bench| bench.states("crm").iter().all(refused))
        .await;
    assert!(bench.writes().is_empty());
    bench.sim.faults().set_rights(&OPERATOR_ACL, Tokens::Keep);
    bench.done("crm").await;
    assert!(missing(&bench).is_empty());
}

#[tokio::test]
async fn a_tenant_that_is_not_ours_is_refused_as_such() {
    let nobodys: Uuid = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    let bench = Bench::start(|settings| CoreSettings {
        tenant: Some(nobodys),
        ..settings
    })
    .await;
    bench.until("refused", |bench| bench.facts().tenant_refused).await;
}

#[tokio::test]
async fn what_is_wrong_on_the_way_is_told_apart() {
    let other = SimulatedCore::start(Options::default()).await.unwrap();
    let bench = Bench::start(|it| CoreSettings {
        ca_pem: Some(Arc::from(other.ca_pem().as_bytes())),
        ..it
    })
    .await;
    bench
        .until("untrusted", |bench| {
            bench.failure() == Some(CoreErrorKind::CertificateUnknownIssuer)
        })
        .await;
    bench
        .cores
        .put(CoreSettings {
            ca_pem: None,
            ..settings(&bench.sim)
        })
        .unwrap();
    bench
        .until("untrusted", |bench| {
            bench.failure() == Some(CoreErrorKind::CertificateUnknownIssuer)
        })
        .await;
    let at = |url: &str| CoreSettings {
        url: StackUrl::try_from(url).unwrap(),
        ..settings(&bench.sim)
    };
    bench.cores.put(at("https://no-such-stack.invalid")).unwrap();
    bench
        .until("unresolved", |bench| {
            bench.failure() == Some(CoreErrorKind::NameNotResolved)
        })
        .await;
    bench.cores.put(settings(&bench.sim)).unwrap();
    bench
        .until("whole", |bench| bench.facts().last_good.is_some())
        .await;
    bench.cores.put(at("https://127.0.0.1:1")).unwrap();
    bench
        .until("refused", |bench| bench.failure() == Some(CoreErrorKind::Refused))
        .await;
}

#[tokio::test]
async fn a_stack_that_takes_connections_and_does_not_answer_is_told_from_a_way_that_is_closed() {
    let bench = Bench::start(|settings| settings).await;
    bench.sim.faults().inject(Fault::hang()).await;
    bench
        .until("silent", |bench| {
            matches!(bench.failure(), Some(CoreErrorKind::Silent { seconds: 15 }))
        })
        .await;
}

#[tokio::test]
async fn a_certificate_for_other_names_is_told() {
    let options = Options {
        bind: ([0, 0, 0, 0], 0).into(),
        ..Options::default()
    };
    let sim = SimulatedCore::start(options).await.unwrap();
    let bench = Bench::settled().await;
    let url = format!("https://127.0.0.2:{}", sim.address().port());
    let url = StackUrl::try_from(url.as_str()).unwrap();
    bench
        .cores
        .put(CoreSettings {
            url,
            ..settings(&sim)
        })
        .unwrap();
    bench
        .until("told", |bench| {
            bench.failure() == Some(CoreErrorKind::CertificateWrongName)
        })
        .await;
}

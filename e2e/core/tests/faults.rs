//! Each fault of the network and of the daemons once, through the front.

mod common;

use std::time::{Duration, Instant};

use common::{APPS, Client};
use serde_json::json;
use wazo_simulated_core::{Daemon, EffectKind, Fault, Options, SimulatedCore};

fn app(path: &str) -> String {
    format!("{APPS}/{path}")
}

/// Asks, and goes away as soon as a condition holds; an answer before that is a mistake.
async fn leave_when(client: &Client, path: &str, what: &str, condition: impl FnMut() -> bool) {
    tokio::select! {
        seen = client.ask("POST", path, Some(json!({}))) => panic!("answered: {seen:?}"),
        () = until(what, condition) => {}
    }
}

/// Waits for a condition that must come true by itself.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_daemon_that_is_down_is_a_502_page_of_the_front() {
    let client = Client::start().await;
    let fault = client
        .core
        .faults()
        .inject(Fault::daemon_down(Daemon::Confd))
        .await;
    let seen = client.ask("GET", APPS, None).await.unwrap();
    assert_eq!(
        (seen.status, seen.headers["server"].as_bytes()),
        (502, b"nginx".as_slice())
    );
    assert_eq!(seen.headers["content-type"], "text/html");
    assert_eq!(client.login().await.map(drop), Ok(()), "wazo-auth is still there");
    client.core.faults().clear(fault).await;
    assert_eq!(client.status("GET", APPS, None).await, 200);
}

#[tokio::test]
async fn without_wazo_auth_confd_answers_503() {
    let client = Client::start().await;
    client
        .core
        .faults()
        .inject(Fault::daemon_down(Daemon::Auth))
        .await;
    assert_eq!(client.login().await, Err(502));
    let seen = client.ask("GET", APPS, None).await.unwrap();
    assert_eq!(seen.status, 503);
    assert!(seen.json()[0].is_string());
}

#[tokio::test]
async fn without_postgresql_auth_fails_but_its_status_does_not() {
    let client = Client::start().await;
    client.core.faults().inject(Fault::postgresql_down()).await;
    assert_eq!(client.login().await, Err(500));
    assert_eq!(client.status("HEAD", "/api/auth/0.1/status", None).await, 200);
    assert_eq!(client.status("GET", APPS, None).await, 503);
    client.core.faults().clear_all().await;
    assert_eq!(client.status("GET", APPS, None).await, 200, "the token survived");
    client
        .core
        .faults()
        .inject(Fault::postgresql_down().of_daemon(Daemon::Confd))
        .await;
    assert_eq!(
        client.status("GET", APPS, None).await,
        500,
        "confd's own database"
    );
}

#[tokio::test]
async fn without_rabbitmq_a_create_is_a_500_with_the_object_made() {
    let client = Client::start().await;
    client
        .core
        .faults()
        .inject(Fault::rabbitmq_down(Duration::from_millis(30)))
        .await;
    let began = Instant::now();
    assert_eq!(client.status("POST", &app("desktop"), Some(json!({}))).await, 500);
    assert!(began.elapsed() >= Duration::from_millis(30));
    assert_eq!(client.status("GET", &app("desktop"), None).await, 200);
    let tokens = client.core.live_tokens();
    assert_eq!(client.login().await, Err(500));
    assert_eq!(
        client.core.live_tokens(),
        tokens + 1,
        "the token is there all the same"
    );
    let status = client.ask("GET", "/api/confd/1.1/status", None).await.unwrap();
    assert_eq!(
        (status.status, &status.json()["bus_consumer"]["status"]),
        (200, &json!("fail"))
    );
}

#[tokio::test]
async fn a_tenant_made_without_rabbitmq_is_half_made() {
    let mut client = Client::start().await;
    client.token = client.login_with("root", "root-password").await.unwrap();
    client
        .core
        .faults()
        .inject(Fault::rabbitmq_down(Duration::ZERO).times(1))
        .await;
    assert_eq!(
        client
            .status("POST", "/api/auth/0.1/tenants", Some(json!({"name": "half"})))
            .await,
        500
    );
    let list = client
        .ask("GET", "/api/auth/0.1/tenants?name=half", None)
        .await
        .unwrap()
        .json();
    let tenant = list["items"][0]["uuid"].as_str().unwrap().to_owned();
    let request = http::Request::post("/api/auth/0.1/users").header("x-auth-token", &client.token);
    let request = request
        .header("wazo-tenant", &tenant)
        .body(json!({"username": "u"}).to_string())
        .unwrap();
    assert_eq!(client.send(request).await.unwrap().status, 500);
    let users = client
        .ask("GET", "/api/auth/0.1/users?username=u&recurse=true", None)
        .await
        .unwrap()
        .json();
    assert_eq!(users["filtered"], 1, "the user is made too");
}

#[tokio::test]
async fn latency_delays_the_effect_and_a_late_answer_only_the_answer() {
    let client = Client::start().await;
    let faults = client.core.faults();
    let slow = faults
        .inject(Fault::latency(Duration::from_millis(40)).on("GET", APPS))
        .await;
    let began = Instant::now();
    assert_eq!(client.status("GET", APPS, None).await, 200);
    assert!(began.elapsed() >= Duration::from_millis(40));
    faults.clear(slow).await;
    faults
        .inject(Fault::late_answer(Duration::from_secs(60)).on("POST", APPS))
        .await;
    let made = || client.core.apps().list().len() == 1;
    leave_when(
        &client,
        &app("desktop"),
        "the app is made before the answer",
        made,
    )
    .await;
}

#[tokio::test]
async fn a_request_that_hangs_completes_when_the_fault_is_cleared_though_its_client_left() {
    let client = Client::start().await;
    let faults = client.core.faults();
    let fault = faults.inject(Fault::hang().on("POST", APPS).times(1)).await;
    let met = || faults.list().iter().any(|standing| standing.times == Some(0));
    leave_when(&client, &app("desktop"), "the request hangs", met).await;
    assert_eq!(
        client.status("GET", &app("desktop"), None).await,
        404,
        "others do not hang"
    );
    faults.clear(fault).await;
    until("the stuck request completes", || {
        client.core.apps().list().len() == 1
    })
    .await;
}

#[tokio::test]
async fn an_answer_can_hang_after_the_effect() {
    let client = Client::start().await;
    client
        .core
        .faults()
        .inject(Fault::hang_after_effect().on("POST", APPS))
        .await;
    let made = || client.core.apps().list().len() == 1;
    leave_when(&client, &app("desktop"), "the app is made", made).await;
    let last = client.core.journal().effects().pop().unwrap();
    assert_eq!((last.status, last.effect.kind), (None, EffectKind::Created));
}

#[tokio::test]
async fn a_reset_before_the_effect_changes_nothing_and_one_after_it_has_happened() {
    let client = Client::start().await;
    let faults = client.core.faults();
    faults
        .inject(Fault::reset_before_effect().on("POST", APPS).times(1))
        .await;
    let error = client
        .ask("POST", &app("desktop"), Some(json!({})))
        .await
        .unwrap_err();
    assert!(error.contains("reset by peer"), "{error}");
    assert_eq!(client.core.apps().list(), []);
    faults
        .inject(Fault::reset_after_effect().on("POST", APPS).times(1))
        .await;
    client
        .ask("POST", &app("desktop"), Some(json!({})))
        .await
        .unwrap_err();
    assert_eq!(client.core.apps().list().len(), 1);
    assert_eq!(
        client.status("POST", &app("other"), Some(json!({}))).await,
        201,
        "only the next one was met"
    );
}

#[tokio::test]
async fn the_whole_stack_can_refuse_connections_and_come_back_on_its_port() {
    let client = Client::start().await;
    let fault = client.core.faults().inject(Fault::refuse_connections()).await;
    assert_eq!(
        client.ask("GET", APPS, None).await.unwrap_err(),
        "ConnectionRefused"
    );
    client.core.faults().clear(fault).await;
    assert_eq!(client.status("GET", APPS, None).await, 200);
}

#[tokio::test]
async fn something_else_can_answer_in_the_place_of_a_core() {
    let client = Client::start().await;
    client
        .core
        .faults()
        .inject(Fault::answer(200, "text/html; charset=utf-8", "<p>Welcome</p>"))
        .await;
    let seen = client.ask("GET", APPS, None).await.unwrap();
    assert_eq!((seen.status, seen.text.as_str()), (200, "<p>Welcome</p>"));
    assert_eq!(seen.headers["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn the_front_answers_what_no_daemon_serves_with_its_own_404() {
    let client = Client::start().await;
    for path in ["/", "/api/nothing/1.0/x", "/api/phoned/0.1/status"] {
        let seen = client.ask("GET", path, None).await.unwrap();
        assert_eq!(
            (seen.status, seen.headers["server"].as_bytes()),
            (404, b"nginx".as_slice()),
            "{path}"
        );
        assert!(
            seen.text.starts_with("<html>\r\n<head><title>404 Not Found"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn through_the_front_a_location_is_the_public_one() {
    let client = Client::start().await;
    let seen = client
        .ask("POST", &app("desktop"), Some(json!({})))
        .await
        .unwrap();
    assert_eq!(
        seen.headers["location"],
        "https://core.example.org/api/confd/1.1/external/apps/desktop"
    );
}

#[tokio::test]
async fn a_stack_starts_fast_enough_for_a_test_of_its_own() {
    let mut best = Duration::MAX;
    for _ in 0..10 {
        let began = Instant::now();
        let core = SimulatedCore::start(Options::default()).await.unwrap();
        best = best.min(began.elapsed());
        core.stop().await;
    }
    assert!(
        best < Duration::from_millis(50),
        "the fastest of ten starts took {best:?}"
    );
}

#[tokio::test]
async fn a_stopped_stack_leaves_its_port_free() {
    let first = SimulatedCore::start(Options::default()).await.unwrap();
    let bind = first.address();
    first.stop().await;
    let again = SimulatedCore::start(Options {
        bind,
        ..Options::default()
    })
    .await
    .unwrap();
    assert_eq!(again.address(), bind);
}

//! The admin interface, as another process uses it.

mod common;

use std::net::SocketAddr;

use common::{APPS, Client};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client as Plain;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use wazo_simulated_core::{Options, SimulatedCore};

async fn start() -> (Client, SocketAddr) {
    let admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let core = SimulatedCore::start(Options {
        admin,
        ..Options::default()
    })
    .await
    .expect("a free port");
    let address = core.admin_address().expect("the admin interface was asked for");
    let mut client = Client {
        core,
        token: String::new(),
    };
    client.token = client.login().await.expect("the account of the seed can log in");
    (client, address)
}

async fn order(admin: SocketAddr, method: &str, path: &str, body: Value) -> (u16, Value) {
    let client = Plain::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://{admin}{path}"));
    let request = request.body(Full::new(Bytes::from(body))).expect("a request");
    let (head, body) = client.request(request).await.expect("an answer").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (
        head.status.as_u16(),
        serde_json::from_slice(&bytes).unwrap_or(Value::String(text)),
    )
}

#[tokio::test]
async fn faults_are_injected_listed_and_cleared_over_http() {
    let (client, admin) = start().await;
    let fault = json!({"fault": "daemon_down", "daemon": "confd", "path": APPS, "times": 2});
    let (status, made) = order(admin, "POST", "/faults", fault).await;
    assert_eq!(status, 201);
    assert_eq!(client.status("GET", APPS, None).await, 502);
    assert_eq!(client.status("GET", "/api/confd/1.1/infos", None).await, 200);
    let (_, list) = order(admin, "GET", "/faults", Value::Null).await;
    let standing = json!({"id": made["id"], "fault": "daemon_down", "daemon": "confd", "method": null, "path": APPS, "tenant": null, "times": 1});
    assert_eq!(list, json!({"faults": [standing]}));
    let path = format!("/faults/{}", made["id"]);
    assert_eq!(order(admin, "DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(order(admin, "DELETE", &path, Value::Null).await.0, 404);
    assert_eq!(client.status("GET", APPS, None).await, 200);
}

#[tokio::test]
async fn the_listener_is_closed_and_opened_over_http() {
    let (client, admin) = start().await;
    order(admin, "POST", "/faults", json!({"fault": "refuse_connections"})).await;
    assert_eq!(
        client.ask("GET", APPS, None).await.unwrap_err(),
        "ConnectionRefused"
    );
    assert_eq!(order(admin, "DELETE", "/faults", Value::Null).await.0, 204);
    assert_eq!(client.status("GET", APPS, None).await, 200);
}

#[tokio::test]
async fn every_fault_of_the_readme_is_understood() {
    let (_client, admin) = start().await;
    let readme = include_str!("../README.md");
    let orders = readme.lines().filter(|line| line.starts_with(r#"{"fault""#));
    let mut seen = 0;
    for line in orders {
        let fault: Value = serde_json::from_str(line).unwrap();
        let (status, answer) = order(admin, "POST", "/faults", fault).await;
        assert!(status == 200 || status == 201, "{line}: {answer}");
        order(admin, "DELETE", "/faults", Value::Null).await;
        seen += 1;
    }
    assert!(seen >= 17, "only {seen} faults stand in the README");
}

#[tokio::test]
async fn a_bad_order_is_refused_with_its_reason_and_changes_nothing() {
    let (client, admin) = start().await;
    for (path, body, reason) in [
        ("/faults", json!({"fault": "meteor"}), "meteor is not known"),
        (
            "/faults",
            json!({"fault": "daemon_down"}),
            "needs the field daemon",
        ),
        (
            "/faults",
            json!({"fault": "hang", "tmies": 1}),
            "unknown field `tmies`",
        ),
        (
            "/strangers",
            json!({"act": "sing", "name": "x"}),
            "sing is none of",
        ),
        (
            "/strangers",
            json!({"act": "add_url", "name": "x"}),
            "needs the field url",
        ),
    ] {
        let (status, answer) = order(admin, "POST", path, body).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(reason), "{answer}");
    }
    assert_eq!(client.core.faults().list().len(), 0);
}

#[tokio::test]
async fn strangers_state_and_clock_are_set_over_http() {
    let (client, admin) = start().await;
    let act = json!({"act": "put", "name": "desktop", "configuration": {"manifest_urls": []}});
    assert_eq!(order(admin, "POST", "/strangers", act).await.0, 204);
    let act = json!({"act": "add_url", "name": "desktop", "url": "https://theirs/manifest.json"});
    assert_eq!(order(admin, "POST", "/strangers", act).await.0, 204);
    let seen = client
        .ask("GET", &format!("{APPS}/desktop"), None)
        .await
        .unwrap()
        .json();
    assert_eq!(
        seen["configuration"],
        json!({"manifest_urls": ["https://theirs/manifest.json"]})
    );
    let (_, state) = order(admin, "GET", "/state", Value::Null).await;
    assert_eq!(
        (
            &state["live_tokens"],
            state["applications"].as_array().map(Vec::len)
        ),
        (&json!(1), Some(1))
    );
    let set =
        json!({"clock": {"advance_seconds": 4000}, "stack_uuid": "s", "applications": [{"name": "web"}]});
    let (status, state) = order(admin, "PUT", "/state", set).await;
    assert_eq!(
        (status, &state["stack_uuid"], &state["live_tokens"]),
        (200, &json!("s"), &json!(0))
    );
    assert_eq!(state["applications"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        client.status("GET", APPS, None).await,
        401,
        "the token expired by the stack's clock"
    );
}

#[tokio::test]
async fn the_journal_and_the_account_are_read_over_http() {
    let (client, admin) = start().await;
    client.status("GET", APPS, None).await;
    let (_, journal) = order(admin, "GET", "/journal?since=1", Value::Null).await;
    assert_eq!(journal["sequence"], 2);
    assert_eq!(journal["entries"][0]["path"], APPS);
    let (_, counts) = order(admin, "GET", "/journal/counts", Value::Null).await;
    assert_eq!(counts["GET /api/confd/1.1/external/apps"], 1);
    assert_eq!(order(admin, "DELETE", "/journal", Value::Null).await.0, 204);
    assert_eq!(client.core.journal().entries().len(), 0);
    let (_, account) = order(admin, "GET", "/account", Value::Null).await;
    assert_eq!(
        (account["url"].as_str(), account["username"].as_str()),
        (Some(client.core.url()).as_deref(), Some("operator"))
    );
    let (_, ca) = order(admin, "GET", "/ca.pem", Value::Null).await;
    assert_eq!(ca.as_str(), Some(client.core.ca_pem()));
}

//! The daemons of which only the status is simulated, against recorded answers of the real ones
//! (`contract/status.jsonl`), and what they say while something is broken.

mod common;

use common::Client;
use http::{Request, Response};
use hyper::body::Bytes;
use serde_json::Value;
use wazo_simulated_core::{Account, Daemon, Fault, Options, Seed, SimulatedCore};

const PASSWORD: &str = "s3cret";

async fn core() -> SimulatedCore {
    let seed = Seed::default();
    let account = |number: u8, username: &str, acl: &str| Account {
        uuid: format!("7a3e9c54-6c1b-4f0e-9d27-3f40b2c1000{number}"),
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        tenant: seed.master_tenant.clone(),
        purpose: "internal".to_owned(),
        acl: vec![acl.to_owned()],
    };
    let accounts = vec![
        account(1, "allowed", "#"),
        account(2, "lacking", "confd.users.read"),
    ];
    let seed = Seed {
        accounts,
        ..seed.clone()
    };
    let options = Options {
        seed,
        ..Options::default()
    };
    SimulatedCore::start(options)
        .await
        .expect("the recorded case is whole")
}

fn token(core: &SimulatedCore, who: &str) -> Option<String> {
    use base64::Engine as _;
    match who {
        "none" => return None,
        "unknown" => return Some("00000000-0000-4000-8000-000000000000".to_owned()),
        _ => {}
    }
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{who}:{PASSWORD}"));
    let request = Request::post("/0.1/token")
        .header("authorization", format!("Basic {basic}"))
        .body(b"{}".to_vec())
        .expect("the recorded case is whole");
    let answer: Value =
        serde_json::from_slice(core.ask(Daemon::Auth, request).body()).expect("the recorded case is whole");
    Some(
        answer["data"]["token"]
            .as_str()
            .expect("the recorded case is whole")
            .to_owned(),
    )
}

fn ask(core: &SimulatedCore, daemon: Daemon, case: &Value, who: &str) -> Response<Bytes> {
    let text = |name: &str| case[name].as_str().expect("the recorded case is whole");
    let mut request = Request::builder().method(text("method")).uri(text("path"));
    if let Some(token) = token(core, who) {
        request = request.header("x-auth-token", token);
    }
    if let Some(accept) = case["accept"].as_str() {
        request = request.header("accept", accept);
    }
    core.ask(
        daemon,
        request.body(Vec::new()).expect("the recorded case is whole"),
    )
}

/// What the moment or the token decides is left out.
fn comparable(mut body: Value) -> Value {
    if let Some(body) = body.as_object_mut().filter(|body| body.contains_key("timestamp")) {
        body["timestamp"] = Value::Null;
        if body["details"]["invalid_token"] != "" {
            body["details"]["invalid_token"] = Value::Null;
        }
    }
    body
}

#[tokio::test]
async fn the_status_of_each_daemon_is_as_it_was_recorded() {
    let core = core().await;
    let lines = include_str!("../contract/status.jsonl").lines();
    let mut compared = 0;
    for line in lines {
        let case: Value = serde_json::from_str(line).expect("the recorded case is whole");
        let daemon: Daemon =
            serde_json::from_value(case["daemon"].clone()).expect("the recorded case is whole");
        let answer = ask(
            &core,
            daemon,
            &case,
            case["token"].as_str().expect("the recorded case is whole"),
        );
        let number = &case["n"];
        assert_eq!(case["status"], answer.status().as_u16(), "{number}");
        let media = answer.headers()["content-type"]
            .to_str()
            .expect("the recorded case is whole");
        assert_eq!(case["type"], media, "{number}");
        let text = String::from_utf8(answer.body().to_vec()).expect("the recorded case is whole");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        assert_eq!(comparable(case["body"].clone()), comparable(body), "{number}");
        compared += 1;
    }
    assert!(compared >= 16, "{compared} cases");
}

#[tokio::test]
async fn every_daemon_answers_its_status_to_whom_may_read_it_and_refuses_others() {
    let core = core().await;
    for daemon in Daemon::ALL.into_iter().filter(|daemon| *daemon != Daemon::Auth) {
        let version = match daemon {
            Daemon::Confd => "1.1",
            Daemon::Dird => "0.1",
            Daemon::Plugind | Daemon::Provd => "0.2",
            _ => "1.0",
        };
        let case = serde_json::json!({"method": "GET", "path": format!("/{version}/status")});
        let status = |who: &str| ask(&core, daemon, &case, who).status().as_u16();
        assert_eq!(
            (status("allowed"), status("lacking"), status("none")),
            (200, 401, 401),
            "{daemon:?}"
        );
    }
}

#[tokio::test]
async fn each_of_them_breaks_alone_and_says_so_when_wazo_auth_is_away() {
    let client = Client::start().await;
    let status = "/api/calld/1.0/status";
    let faults = client.core.faults();
    let down = faults.inject(Fault::daemon_down(Daemon::Calld)).await;
    assert_eq!(client.status("GET", status, None).await, 502);
    assert_eq!(
        client.status("GET", "/api/dird/0.1/status", None).await,
        401,
        "this one is up"
    );
    faults.clear(down).await;
    let down = faults.inject(Fault::daemon_down(Daemon::Auth)).await;
    let seen = client
        .ask("GET", status, None)
        .await
        .expect("the recorded case is whole");
    assert_eq!(seen.status, 503);
    assert_eq!(seen.json()["error_id"], "authentication-server-unreachable");
    faults.clear(down).await;
    assert_eq!(
        client.status("GET", "/api/calld/1.0/calls", None).await,
        501,
        "it is not simulated"
    );
    assert_eq!(client.status("GET", "/api/nope/1.0/status", None).await, 404);
}

//! Asking a plugin through the gateway, as a browser does.

use std::net::SocketAddr;

use http::Request;
use serde_json::Value;
use wazo_e2e_node::{Answer, fetch};

use crate::ground::Ground;
use crate::waiting::{LOOK, PATIENCE};

/// What the gateway answers while it knows no pod behind a route.
const NO_SERVER: u16 = 503;

/// The web application whose page asks.
pub const ORIGIN: &str = "https://app.wazo.example";

async fn send(request: Request<String>) -> Answer {
    let ground = Ground::shared();
    let address = SocketAddr::new(ground.cluster().gateway(), 443);
    let uri = request.uri().clone();
    match fetch(request, address, ground.gateway_ca()).await {
        Ok(answer) => answer,
        Err(error) => panic!("{uri}: no answer: {error}"),
    }
}

/// Fetches something of a host.
///
/// # Panics
/// Where no answer comes.
pub async fn get(host: &str, path: &str) -> Answer {
    let request = Request::get(format!("https://{host}{path}")).header("origin", ORIGIN);
    send(request.body(String::new()).expect("a valid URL")).await
}

/// Tells the panel at a host how to behave; `{}` is well. Waits until the gateway leads to the panel: what the operator
/// knows of a plugin may come from its pod, before the gateway knows that pod.
///
/// # Panics
/// Where the panel does not take it, or cannot be reached in time.
pub async fn misbehave(host: &str, how: &Value) {
    let taken = tokio::time::timeout(PATIENCE, async {
        loop {
            let request =
                Request::put(format!("https://{host}/misbehave")).header("content-type", "application/json");
            let answer = send(request.body(how.to_string()).expect("a valid URL")).await;
            if answer.status != NO_SERVER {
                return answer;
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .await;
    let Ok(answer) = taken else {
        panic!("the gateway does not lead to {host} within {PATIENCE:?}");
    };
    assert!(answer.status < 300, "the panel does not take {how}: {answer:?}");
}

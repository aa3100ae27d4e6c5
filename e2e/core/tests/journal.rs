//! What the journal keeps, and what it must not.

mod common;

use common::{APPS, Client};
use serde_json::json;
use wazo_simulated_core::{Daemon, EffectKind, Presented};

#[tokio::test]
async fn a_request_stands_in_the_journal_with_its_effect_and_its_values() {
    let client = Client::start().await;
    let before = client.core.journal().sequence();
    let request = http::Request::post(format!("{APPS}/desktop?x=1")).header("x-auth-token", &client.token);
    let request = request
        .header("wazo-tenant", client.core.tenant())
        .header("user-agent", "tester/1");
    let request = request.header(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    );
    client
        .send(request.body(json!({"label": "L"}).to_string()).unwrap())
        .await
        .unwrap();
    let entries = client.core.journal().since(before);
    let [entry] = entries.as_slice() else {
        panic!("one entry")
    };
    assert_eq!(
        (entry.method.as_str(), entry.daemon),
        ("POST", Some(Daemon::Confd))
    );
    assert_eq!(entry.path, format!("{APPS}/desktop?x=1"));
    assert_eq!(entry.tenant.as_deref(), Some(client.core.tenant()));
    assert_eq!(entry.account.as_deref(), Some("operator"));
    assert_eq!(entry.user_agent.as_deref(), Some("tester/1"));
    assert_eq!(
        entry.trace_id.as_deref(),
        Some("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert_eq!(
        (entry.status, entry.effect.kind),
        (Some(201), EffectKind::Created)
    );
    assert_eq!(
        entry.effect.key,
        Some(format!("external_apps/{}/desktop", client.core.tenant()))
    );
    assert_eq!(
        entry.effect.after,
        Some(json!({"label": "L", "configuration": null}))
    );
    let counts = client.core.journal().counts();
    assert_eq!(counts["POST /api/confd/1.1/external/apps/{name}"], 1);
    assert_eq!(counts["POST /api/auth/0.1/token"], 1);
}

#[tokio::test]
async fn neither_tokens_nor_passwords_stand_in_the_journal() {
    let client = Client::start().await;
    let token = client.token.clone();
    client
        .ask("GET", &format!("/api/auth/0.1/token/{token}?token={token}"), None)
        .await
        .unwrap();
    client
        .ask(
            "POST",
            &format!("/api/auth/0.1/token/{token}/scopes/check"),
            Some(json!({"scopes": []})),
        )
        .await
        .unwrap();
    client
        .ask("DELETE", &format!("/api/auth/0.1/token/{token}"), None)
        .await
        .unwrap();
    client.ask("GET", APPS, None).await.unwrap();
    let kept = serde_json::to_string(&client.core.journal().entries()).unwrap();
    assert!(!kept.contains(&token), "{kept}");
    assert!(!kept.contains(client.core.account().1), "{kept}");
    assert_eq!(
        client.core.journal().counts()["DELETE /api/auth/0.1/token/{uuid}"],
        1
    );
}

#[tokio::test]
async fn the_hundred_and_first_live_token_is_refused() {
    let client = Client::start().await;
    for _ in 1..100 {
        client.login().await.unwrap();
    }
    assert_eq!(client.login().await, Err(429));
    client
        .ask("DELETE", &format!("/api/auth/0.1/token/{}", client.token), None)
        .await
        .unwrap();
    assert_eq!(client.login().await.map(drop), Ok(()));
}

#[tokio::test]
async fn a_handshake_that_its_client_breaks_off_is_counted() {
    let client = Client::start().await;
    assert!(client.core.journal().refused_handshakes().is_empty());
    client.core.present(Presented::OfAnotherAuthority).unwrap();
    let request = http::Request::get("/api/auth/0.1/status")
        .body(String::new())
        .unwrap();
    assert!(client.send(request).await.is_err());
    let counted = async {
        while client.core.journal().refused_handshakes().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(10);
    tokio::time::timeout(patience, counted).await.unwrap();
}

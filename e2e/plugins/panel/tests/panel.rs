//! What the panel serves, and how it misbehaves, as a test of the operator or a browser would meet it.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod client;

use std::time::Duration;

use client::{get, misbehaving, request, send, started};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use panel::{ManifestFault, Misbehave, Options, Product, Scope, Slow, StartError, Status};
use serde_json::{Value, json};

#[tokio::test]
async fn everything_that_the_manifest_refers_to_is_served() {
    let panel = started(Options {
        name: "crm-panel".into(),
        version: "2.3.4".into(),
        ..Options::default()
    })
    .await;
    let answer = get(&panel, "/manifest.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let manifest = answer.json();
    assert_eq!(
        (&manifest["id"], &manifest["version"]),
        (&json!("crm-panel"), &json!("2.3.4"))
    );
    assert_eq!(manifest["staticTabs"][0]["context"], json!(["sidebarTab"]));
    let links = [
        "/icons/color",
        "/icons/outline",
        "/staticTabs/0/contentUrl",
        "/staticTabs/0/icon",
        "/backgroundScript",
        "/localizationInfo/additionalLanguages/0/file",
        "/localizationInfo/additionalLanguages/1/file",
    ];
    for link in links {
        let path = manifest
            .pointer(link)
            .unwrap()
            .as_str()
            .unwrap()
            .strip_prefix('.')
            .unwrap();
        let answer = get(&panel, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    assert_eq!(
        get(&panel, "/index.html").await.header("cache-control"),
        Some("no-cache")
    );
    panel.stop().await;
}

#[tokio::test]
async fn each_localised_text_names_a_field_of_the_manifest() {
    let panel = started(Options::default()).await;
    let manifest = get(&panel, "/manifest.json").await.json();
    for file in ["/locales/en.json", "/locales/fr.json"] {
        for path in get(&panel, file).await.json().as_object().unwrap().keys() {
            let pointer = format!("/{}", path.replace('[', ".").replace(']', "").replace('.', "/"));
            assert!(
                manifest.pointer(&pointer).is_some_and(Value::is_string),
                "{file}: {path}"
            );
        }
    }
}

#[tokio::test]
async fn the_mobile_manifest_is_the_own_one_when_asked() {
    let panel = started(Options {
        product: Product::Mobile,
        ..Options::default()
    })
    .await;
    assert_eq!(
        get(&panel, "/manifest.json").await.json()["productType"],
        "mobile"
    );
    assert_eq!(
        get(&panel, "/manifest.app.json").await.json()["productType"],
        "app"
    );
}

#[tokio::test]
async fn below_a_prefix_everything_is_served_too() {
    let panel = started(Options {
        base_path: "/crm/".into(),
        ..Options::default()
    })
    .await;
    assert!(panel.url().ends_with("/crm"));
    for path in [
        "/crm",
        "/crm/",
        "/crm/manifest.json",
        "/crm/index.html",
        "/crm/healthz",
        "/healthz",
    ] {
        assert_eq!(get(&panel, path).await.status, StatusCode::OK, "{path}");
    }
    panel
        .misbehave(Misbehave {
            manifest: Some(ManifestFault::RedirectLoop),
            ..Misbehave::default()
        })
        .unwrap();
    assert_eq!(
        get(&panel, "/crm/manifest.json").await.header("location"),
        Some("manifest.json?hop=1")
    );
    assert_eq!(get(&panel, "/elsewhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn cors_is_allowed_to_those_who_say_where_they_come_from() {
    let panel = started(Options::default()).await;
    let preflight = send(&panel, Method::OPTIONS, "/manifest.json", "").await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert_eq!(preflight.header("access-control-max-age"), Some("3600"));
    let plain = Request::get(format!("{}/manifest.json", panel.url()))
        .body(Full::default())
        .unwrap();
    let plain = request(plain).await.unwrap();
    assert_eq!(
        (plain.status, plain.header("access-control-allow-origin")),
        (StatusCode::OK, None)
    );

    panel
        .misbehave(Misbehave {
            no_cors: true,
            frame_options_deny: true,
            ..Misbehave::default()
        })
        .unwrap();
    let answer = get(&panel, "/manifest.json").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (StatusCode::OK, None)
    );
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    assert_eq!(
        send(&panel, Method::OPTIONS, "/", "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn an_error_status_comes_only_where_it_was_asked_for_and_never_on_the_switches() {
    let expected = [
        (Scope::Everything, [503, 503, 503, 200, 200]),
        (Scope::Manifest, [503, 200, 200, 200, 200]),
        (Scope::Health, [200, 503, 200, 200, 200]),
    ];
    for (on, expected) in expected {
        let status = Some(Status { code: 503, on });
        let panel = misbehaving(Misbehave {
            status,
            ..Misbehave::default()
        })
        .await;
        for (path, code) in [
            "/manifest.json",
            "/healthz",
            "/index.html",
            "/misbehave",
            "/requests",
        ]
        .into_iter()
        .zip(expected)
        {
            assert_eq!(get(&panel, path).await.status.as_u16(), code, "{on:?} {path}");
        }
    }
}

#[tokio::test]
async fn the_manifest_breaks_in_each_way() {
    let panel = started(Options::default()).await;
    let broken = async |fault| {
        panel
            .misbehave(Misbehave {
                manifest: Some(fault),
                ..Misbehave::default()
            })
            .unwrap();
        get(&panel, "/manifest.json").await
    };
    let answer = broken(ManifestFault::NotJson).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
    assert_eq!(
        broken(ManifestFault::NotFound).await.status,
        StatusCode::NOT_FOUND
    );
    let answer = broken(ManifestFault::Huge).await;
    assert!(answer.body.len() > 1 << 20 && answer.json()["id"] == "panel");
    let answer = broken(ManifestFault::Without("name.short".into())).await;
    assert_eq!(answer.json()["name"].get("short"), None);
    let answer = broken(ManifestFault::With {
        path: "version".into(),
        value: json!(1),
    })
    .await;
    assert_eq!(answer.json()["version"], 1);
    let answer = broken(ManifestFault::RedirectLoop).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::FOUND, Some("manifest.json?hop=1"))
    );
    let next = get(&panel, "/manifest.json?hop=41").await;
    assert_eq!(next.header("location"), Some("manifest.json?hop=42"));
    let answer = broken(ManifestFault::RedirectTo("http://169.254.169.254/".into())).await;
    assert_eq!(answer.header("location"), Some("http://169.254.169.254/"));
    assert_eq!(get(&panel, "/index.html").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_slow_answer_takes_at_least_that_long() {
    let panel = misbehaving(Misbehave {
        slow: Some(Slow {
            ms: 300,
            on: Scope::Manifest,
        }),
        ..Misbehave::default()
    })
    .await;
    let begun = std::time::Instant::now();
    assert_eq!(get(&panel, "/manifest.json").await.status, StatusCode::OK);
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn switches_are_set_and_shown_over_http() {
    let panel = started(Options::default()).await;
    let wanted = json!({"status": {"code": 502, "on": "Everything"}, "eatMiB": 2});
    let answer = send(&panel, Method::PUT, "/misbehave", &wanted.to_string()).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, wanted.clone()));
    assert_eq!(get(&panel, "/misbehave").await.json(), wanted);
    assert_eq!(get(&panel, "/").await.status, StatusCode::BAD_GATEWAY);
    send(&panel, Method::PUT, "/misbehave", "{}").await;
    assert_eq!(get(&panel, "/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_switch_is_refused_with_a_reason_and_changes_nothing() {
    let panel = misbehaving(Misbehave {
        no_cors: true,
        ..Misbehave::default()
    })
    .await;
    let cases = [
        ("nonsense", 400, "expected"),
        (r#"{"nocors": true}"#, 400, "unknown field `nocors`"),
        (
            r#"{"status": {"code": 200}}"#,
            422,
            "status.code is 200: give 400 to 599",
        ),
        (
            r#"{"manifest": {"Without": "name.middle"}}"#,
            422,
            "no field \"name.middle\"",
        ),
        (
            r#"{"manifest": {"RedirectTo": "\n"}}"#,
            422,
            "manifest.RedirectTo",
        ),
    ];
    for (body, code, reason) in cases {
        let answer = send(&panel, Method::PUT, "/misbehave", body).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status.as_u16(), code, "{body}: {text}");
        assert!(text.contains(reason), "{body}: {text}");
    }
    assert_eq!(
        send(&panel, Method::PUT, "/misbehave", &"x".repeat(1 << 17))
            .await
            .status
            .as_u16(),
        413
    );
    assert_eq!(get(&panel, "/misbehave").await.json(), json!({"noCors": true}));
}

#[tokio::test]
async fn what_came_is_shown_without_health_checks_and_without_tokens() {
    let panel = started(Options::default()).await;
    get(&panel, "/healthz").await;
    let built =
        Request::get(format!("{}/nothing?token=hidden", panel.url())).header("x-auth-token", "hidden");
    request(built.body(Full::default()).unwrap()).await.unwrap();
    let answer = get(&panel, "/requests").await;
    assert!(!String::from_utf8_lossy(&answer.body).contains("hidden"));
    let report = answer.json();
    assert_eq!(
        (&report["total"], &report["healthChecks"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(report["requests"][0]["path"], "/nothing");
    assert_eq!(report["requests"][0]["status"], 404);
    assert_eq!(panel.requests().len(), 1);
}

#[tokio::test]
async fn a_base_path_that_is_a_pattern_is_refused() {
    for base_path in ["/{x}", "/a//b", "/a b"] {
        let options = Options {
            base_path: base_path.into(),
            ..Options::default()
        };
        let refused = panel::start("127.0.0.1:0".parse().unwrap(), options).await;
        assert!(matches!(refused, Err(StartError::BasePath(_))), "{base_path}");
    }
}

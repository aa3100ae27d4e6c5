//! How a panel ends: crashes and stops.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod client;

use std::time::Duration;

use client::{misbehaving, request, send};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use panel::{Crash, Misbehave, Options, Scope, Slow, StartError};

#[tokio::test]
async fn told_to_crash_at_the_start_it_never_listens() {
    let misbehave = Misbehave {
        crash: Some(Crash {
            exit_code: 3,
            after_seconds: 0,
            ..Crash::default()
        }),
        ..Misbehave::default()
    };
    let refused = panel::start(
        "127.0.0.1:0".parse().unwrap(),
        Options {
            misbehave,
            ..Options::default()
        },
    )
    .await;
    assert!(matches!(refused, Err(StartError::Crash { exit_code: 3 })));
}

#[tokio::test]
async fn a_crash_cuts_open_requests_and_frees_the_port() {
    let panel = misbehaving(Misbehave {
        slow: Some(Slow {
            ms: 60_000,
            on: Scope::Manifest,
        }),
        ..Misbehave::default()
    })
    .await;
    let open = Request::get(format!("{}/manifest.json", panel.url()))
        .body(Full::default())
        .unwrap();
    let open = tokio::spawn(request(open));
    while panel.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let crash = send(&panel, Method::PUT, "/misbehave", r#"{"crash": {"exitCode": 7}}"#).await;
    assert_eq!(crash.status, StatusCode::OK);
    assert_eq!(panel.crashed().await, 7);
    assert!(open.await.unwrap().is_err());
    let addr = panel.addr();
    panel.stop().await;
    panel::start(addr, Options::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crash_that_was_taken_back_does_not_come() {
    let panel = misbehaving(Misbehave {
        crash: Some(Crash {
            exit_code: 7,
            after_seconds: 1,
            ..Crash::default()
        }),
        ..Misbehave::default()
    })
    .await;
    panel.misbehave(Misbehave::default()).unwrap();
    let crashed = tokio::time::timeout(Duration::from_secs(60), panel.crashed()).await;
    assert!(crashed.is_err(), "crashed with {crashed:?}");
}

#[tokio::test]
async fn a_stop_lets_an_open_request_finish() {
    let panel = misbehaving(Misbehave {
        slow: Some(Slow {
            ms: 200,
            on: Scope::Manifest,
        }),
        ..Misbehave::default()
    })
    .await;
    let open = Request::get(format!("{}/manifest.json", panel.url()))
        .body(Full::default())
        .unwrap();
    let open = tokio::spawn(request(open));
    while panel.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    panel.stop().await;
    assert_eq!(open.await.unwrap().unwrap().status, StatusCode::OK);
}

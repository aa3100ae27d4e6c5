//! A browser's part in these tests: requests over plain HTTP to a panel in this process.

// Each test program uses its own part of this.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by test programs"
)]

use http::header::HeaderMap;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use panel::{Misbehave, Options, Panel};
use serde_json::Value;

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub async fn request(request: Request<Full<Bytes>>) -> Result<Answer, Error> {
    // A connection of its own each time, as a prober's: no pool can hide that the server is gone.
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build_http();
    let (parts, body) = client.request(request).await?.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    })
}

pub async fn send(panel: &Panel, method: Method, path: &str, body: &str) -> Answer {
    let url = format!("http://{}{path}", panel.addr());
    let body = Full::from(body.to_owned());
    let built = Request::builder()
        .method(method)
        .uri(url)
        .header("origin", "https://app.wazo.io")
        .body(body);
    request(built.unwrap()).await.unwrap()
}

pub async fn get(panel: &Panel, path: &str) -> Answer {
    send(panel, Method::GET, path, "").await
}

pub async fn started(options: Options) -> Panel {
    panel::start("127.0.0.1:0".parse().unwrap(), options)
        .await
        .unwrap()
}

pub async fn misbehaving(misbehave: Misbehave) -> Panel {
    started(Options {
        misbehave,
        ..Options::default()
    })
    .await
}

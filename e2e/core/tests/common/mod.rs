//! A small client of the front, one connection per request.
#![allow(clippy::unwrap_used, reason = "a test's client may panic")]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wazo_simulated_core::{Options, SimulatedCore};

pub(crate) const APPS: &str = "/api/confd/1.1/external/apps";

/// What came back.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// A stack and somebody logged in to it.
pub(crate) struct Client {
    pub(crate) core: SimulatedCore,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn start() -> Self {
        let core = SimulatedCore::start(Options::default()).await.unwrap();
        let mut client = Self {
            core,
            token: String::new(),
        };
        client.token = client.login().await.expect("the account of the seed can log in");
        client
    }

    pub(crate) async fn login(&self) -> Result<String, u16> {
        let (username, password) = self.core.account();
        self.login_with(username, password).await
    }

    pub(crate) async fn login_with(&self, username: &str, password: &str) -> Result<String, u16> {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
        let request =
            http::Request::post("/api/auth/0.1/token").header("authorization", format!("Basic {basic}"));
        let seen = self
            .send(request.body(json!({"expiration": 3600}).to_string()).unwrap())
            .await
            .unwrap();
        match seen.status {
            200 => Ok(seen.json()["data"]["token"].as_str().unwrap().to_owned()),
            other => Err(other),
        }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Seen, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("x-auth-token", &self.token);
        self.send(
            request
                .body(body.map(|body| body.to_string()).unwrap_or_default())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn status(&self, method: &str, path: &str, body: Option<Value>) -> u16 {
        self.ask(method, path, body).await.unwrap().status
    }

    pub(crate) async fn send(&self, mut request: http::Request<String>) -> Result<Seen, String> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.core.ca_pem().as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider);
        let config = config
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
        let failed = |error: std::io::Error| format!("{:?}", error.kind());
        let stream = TcpStream::connect(self.core.address()).await.map_err(failed)?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = connector.connect(name, stream).await.map_err(failed)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        request
            .headers_mut()
            .insert("host", "core.example.org".parse().unwrap());
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let answer = match sender.send_request(request).await {
            Ok(answer) => answer,
            Err(error) => return Err(cause(&error)),
        };
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.map_err(|error| cause(&error))?.to_bytes();
        connection.abort();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Ok(Seen {
            status: head.status.as_u16(),
            headers: head.headers,
            text,
        })
    }
}

/// An error with all that is behind it.
fn cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

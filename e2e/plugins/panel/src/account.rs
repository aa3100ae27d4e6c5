//! The plugin as a user of the core: with the account that the operator gave it, as any plugin's server would.
//!
//! The operator mounts the credentials as files (`url`, `tenant`, `username`, `password`, `ca.crt`) and says where in
//! `WAZO_CREDENTIALS_DIR`. They are read anew for every login, since they are replaced from time to time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where the credentials are, unless `WAZO_CREDENTIALS_DIR` says otherwise.
const DIRECTORY: &str = "/var/run/wazo";

/// What the core lets us do.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The username that we logged in with.
    username: String,
    /// The tenant that we are in, as the core says.
    tenant: String,
    /// The core's version, read with our token.
    version: String,
}

/// Why the core could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// A file of the credentials cannot be read.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    /// The file `url` names no host by https.
    #[error("url: \"{0}\" is no https URL")]
    Url(String),
    /// The file `ca.crt` is no certificate.
    #[error("ca.crt: {0}")]
    Authority(String),
    /// The core cannot be reached.
    #[error("the core cannot be reached: {0}")]
    Connection(#[from] std::io::Error),
    /// The core does not speak HTTP.
    #[error("the core does not answer: {0}")]
    Http(#[from] hyper::Error),
    /// The core refuses.
    #[error("{request}: the core answers {status}")]
    Refused {
        /// Which request.
        request: &'static str,
        /// The status code.
        status: u16,
    },
    /// The core's answer is not as expected.
    #[error("{request}: the core's answer lacks {field}")]
    Shape {
        /// Which request.
        request: &'static str,
        /// What is missing.
        field: &'static str,
    },
}

/// Logs in, reads the core's version, and logs out.
pub(crate) async fn use_core() -> Result<Report, AccountError> {
    let core = Core::read(&directory())?;
    let basic = BASE64_STANDARD.encode(format!("{}:{}", core.username, core.password));
    let login = core
        .ask(
            Method::POST,
            "/api/auth/0.1/token",
            (header::AUTHORIZATION.as_str(), &format!("Basic {basic}")),
            json!({"expiration": 60}).to_string(),
        )
        .await?;
    let login = good("login", login)?;
    let token = text("login", &login, "token")?;
    let tenant = text("login", &login["metadata"], "tenant_uuid")?;
    let infos = core
        .ask(
            Method::GET,
            "/api/confd/1.1/infos",
            ("x-auth-token", &token),
            String::new(),
        )
        .await;
    // The token goes whatever became of it: an account has only so many.
    let path = format!("/api/auth/0.1/token/{token}");
    core.ask(
        Method::DELETE,
        &path,
        (header::ACCEPT.as_str(), "*/*"),
        String::new(),
    )
    .await?;
    let infos = good("infos", infos?)?;
    Ok(Report {
        username: core.username,
        tenant,
        version: text("infos", &infos, "wazo_version")?,
    })
}

fn directory() -> PathBuf {
    std::env::var_os("WAZO_CREDENTIALS_DIR").map_or_else(|| PathBuf::from(DIRECTORY), PathBuf::from)
}

fn good(request: &'static str, answer: (u16, Value)) -> Result<Value, AccountError> {
    match answer {
        (200, body) => Ok(body.get("data").cloned().unwrap_or(body)),
        (status, _) => Err(AccountError::Refused { request, status }),
    }
}

fn text(request: &'static str, body: &Value, field: &'static str) -> Result<String, AccountError> {
    body[field]
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or(AccountError::Shape { request, field })
}

/// The core, as the credentials say.
struct Core {
    host: String,
    port: u16,
    username: String,
    password: String,
    authority: String,
}

impl Core {
    fn read(directory: &Path) -> Result<Self, AccountError> {
        let file = |name: &str| {
            let path = directory.join(name);
            std::fs::read_to_string(&path).map_err(|source| AccountError::File { path, source })
        };
        let url = file("url")?;
        let uri: Uri = url.trim().parse().map_err(|_| AccountError::Url(url.clone()))?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("https"));
        Ok(Self {
            host: host.ok_or(AccountError::Url(url.clone()))?.to_owned(),
            port: uri.port_u16().unwrap_or(443),
            username: file("username")?,
            password: file("password")?,
            authority: file("ca.crt")?,
        })
    }

    fn trust(&self) -> Result<TlsConnector, AccountError> {
        let wrong = |error: &dyn std::fmt::Display| AccountError::Authority(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.authority.as_bytes()) {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        header: (&str, &str),
        body: String,
    ) -> Result<(u16, Value), AccountError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let name =
            ServerName::try_from(self.host.clone()).map_err(|_| AccountError::Url(self.host.clone()))?;
        let stream = self.trust()?.connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header.0, header.1)
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| AccountError::Url(path.to_owned()))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        connection.abort();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

//! One HTTP request to an address of our choice, whatever the host's name resolves to: this machine's resolver knows
//! nothing of the cluster's names.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header as text; empty where it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL names no host.
    #[error("{0}: no host: give an absolute URL")]
    NoHost(Uri),
    /// The connection or TLS failed.
    #[error("{address}: {source}")]
    Connection {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The authority is no PEM.
    #[error("the certificate authority: {0}")]
    Authority(String),
    /// HTTP failed.
    #[error("HTTP: {0}")]
    Http(#[from] hyper::Error),
}

/// Sends a request with an absolute URL to an address. `authority`: PEM that is trusted for `https`.
///
/// # Errors
/// When no answer comes; a status of any kind is an answer.
pub async fn fetch(
    request: Request<String>,
    address: SocketAddr,
    authority: &str,
) -> Result<Answer, FetchError> {
    let uri = request.uri().clone();
    let host = uri
        .host()
        .ok_or_else(|| FetchError::NoHost(uri.clone()))?
        .to_owned();
    let failed = |source| FetchError::Connection { address, source };
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    if uri.scheme_str() != Some("https") {
        return exchange(stream, request, &host).await;
    }
    let name = ServerName::try_from(host.clone()).map_err(|_| FetchError::NoHost(uri))?;
    let stream = TlsConnector::from(trusting(authority)?)
        .connect(name, stream)
        .await
        .map_err(failed)?;
    exchange(stream, request, &host).await
}

fn trusting(authority: &str) -> Result<Arc<ClientConfig>, FetchError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
        let certificate = certificate.map_err(|error| FetchError::Authority(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| FetchError::Authority(error.to_string()))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Authority(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<String>,
    host: &str,
) -> Result<Answer, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    if let Ok(value) = host.parse() {
        parts.headers.insert(http::header::HOST, value);
    }
    // A server is asked by path; the whole URL is for proxies.
    parts.uri = parts
        .uri
        .path_and_query()
        .map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()));
    let answer = sender
        .send_request(Request::from_parts(parts, Full::new(Bytes::from(body))))
        .await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

//! The wire over the network: HTTP/1.1 over TLS.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::{HeaderValue, USER_AGENT};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::CertificateError;
use tower::Service;

use super::stack_url::StackUrl;
use super::tls::client_config;
use super::wire::{CaError, CertificateFault, LARGEST_BODY, Wire, WireError, WireFactory};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// More than 10 s: with its broker down a daemon takes up to 6 s to answer 500, which must not look like a time-out.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Shorter than the front's, so that a connection is not used in the moment in which the front closes it.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// Makes wires over the network.
#[derive(Clone, Debug, Default)]
pub struct HttpWires(());

impl HttpWires {
    /// Wires with time limits of 5 s for a connection and 15 s for a call.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl WireFactory for HttpWires {
    fn wire(&self, _: &StackUrl, ca_pem: Option<&[u8]>) -> Result<Arc<dyn Wire>, CaError> {
        let resolved = Resolved::default();
        let resolver = TypedResolver {
            system: GaiResolver::new(),
            resolved: Arc::clone(&resolved),
        };
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT_LIMIT));
        http.set_nodelay(true);
        let connector = HttpsConnector::from((http, client_config(ca_pem)?));
        let knocker = connector.clone();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(4)
            .build(connector);
        Ok(Arc::new(HttpWire {
            client,
            knocker,
            resolved,
        }))
    }
}

type Connector = HttpsConnector<HttpConnector<TypedResolver>>;

struct HttpWire {
    client: Client<Connector, Full<Bytes>>,
    /// Makes connections that nothing is asked over.
    knocker: Connector,
    resolved: Resolved,
}

/// What the stack's name was last resolved to, sorted.
type Resolved = Arc<Mutex<Vec<IpAddr>>>;

impl HttpWire {
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, WireError> {
        let mut request = request.map(Full::new);
        request.headers_mut().insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("wazo-plugin-operator/", env!("CARGO_PKG_VERSION"))),
        );
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| typed(&error))?;
        let (head, body) = answer.into_parts();
        let body = match Limited::new(body, LARGEST_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(WireError::TooLarge),
            Err(_) => return Err(WireError::Broken),
        };
        Ok(http::Response::from_parts(head, body))
    }
}

impl Wire for HttpWire {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, WireError>> {
        Box::pin(async move {
            let mut knocker = self.knocker.clone();
            let uri = request.uri().clone();
            // In the last seconds it is seen whether the way is open: the connection that is waited at may be an old one.
            let knock = async move {
                tokio::time::sleep(CALL_LIMIT - CONNECT_LIMIT).await;
                knocker.call(uri).await.is_ok()
            };
            let mut open = false;
            let answered = async {
                tokio::pin!(knock);
                let exchange = self.exchange(request);
                tokio::pin!(exchange);
                let mut knocked = false;
                loop {
                    tokio::select! {
                        biased;
                        outcome = &mut exchange => return outcome,
                        taken = &mut knock, if !knocked => (open, knocked) = (taken, true),
                    }
                }
            };
            match tokio::time::timeout(CALL_LIMIT, answered).await {
                Ok(outcome) => outcome,
                Err(_) if open => Err(WireError::Silent(CALL_LIMIT.as_secs())),
                Err(_) => Err(WireError::TimedOut(CALL_LIMIT.as_secs())),
            }
        })
    }

    fn addresses(&self) -> Vec<IpAddr> {
        self.resolved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What failed, from the chain of causes.
fn typed(error: &(dyn StdError + 'static)) -> WireError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = typed_one(error) {
            return found;
        }
        cause = error.source();
    }
    WireError::Broken
}

fn typed_one(error: &(dyn StdError + 'static)) -> Option<WireError> {
    if error.is::<NameFailure>() {
        return Some(WireError::Dns);
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(typed_tls(error));
    }
    let error = error.downcast_ref::<std::io::Error>()?;
    if let Some(inner) = error.get_ref() {
        // `source` of an io::Error skips the error that it wraps.
        let inner: &(dyn StdError + 'static) = inner;
        let found = typed(inner);
        if found != WireError::Broken {
            return Some(found);
        }
    }
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Some(WireError::Refused)
        }
        ErrorKind::TimedOut => Some(WireError::TimedOut(CONNECT_LIMIT.as_secs())),
        _ => Some(WireError::Broken),
    }
}

fn typed_tls(error: &rustls::Error) -> WireError {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return WireError::Tls(error.to_string());
    };
    WireError::Certificate(match certificate {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => CertificateFault::Expired,
        // An authority of the known name with another key signs badly: a stack that was set up anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => CertificateFault::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongName
        }
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            CertificateFault::UnknownIssuer
        }
        other => return WireError::Tls(other.to_string()),
    })
}

/// The system's resolver, with an error that can be told from others.
#[derive(Clone)]
struct TypedResolver {
    system: GaiResolver,
    resolved: Resolved,
}

#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
struct NameFailure;

impl Service<Name> for TypedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NameFailure;
    type Future = BoxFuture<'static, Result<Self::Response, NameFailure>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NameFailure>> {
        self.system.poll_ready(cx).map_err(|_| NameFailure)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.system.call(name);
        let resolved = Arc::clone(&self.resolved);
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await.map_err(|_| NameFailure)?.collect();
            let mut addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
            addresses.sort_unstable();
            addresses.dedup();
            *resolved.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
            Ok(found.into_iter())
        })
    }
}

//! What stands before the API server and before the core, so that every request passes the gate.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use hyper::body::Bytes;
use kube::client::Body;
use tower::{Layer, Service};
use wazo_plugin_operator::core::{CaError, StackUrl, Wire, WireError, WireFactory};

use crate::gate::{Asked, Gate, Side};
use crate::scope::Scope;

/// Puts a gate before the API server, and narrows what is asked.
#[derive(Clone)]
pub struct GateLayer {
    gate: Arc<Gate>,
    scope: Arc<Scope>,
}

impl GateLayer {
    /// The layer of an operator that is to see so much.
    #[must_use]
    pub fn new(gate: Arc<Gate>, scope: Scope) -> Self {
        Self {
            gate,
            scope: Arc::new(scope),
        }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service behind a gate.
pub struct Gated<S> {
    inner: S,
    layer: GateLayer,
}

impl<S> Service<http::Request<Body>> for Gated<S>
where
    S: Service<http::Request<Body>>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: From<io::Error> + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let asked = request
            .uri()
            .path_and_query()
            .map_or("/", |asked| asked.as_str())
            .to_owned();
        if let Some(narrowed) = self.layer.scope.narrowed(&asked) {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(narrowed.parse().expect("made of a valid path"));
            *request.uri_mut() = http::Uri::from_parts(parts).expect("only the path changed");
        }
        let asked = Asked {
            side: Side::ApiServer,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
        };
        if self.layer.gate.forbids(&asked) {
            // The first of several counts, and those of the configuration come behind it.
            let nobody = http::HeaderValue::from_static("system:serviceaccount:default:without-rights");
            request.headers_mut().insert("impersonate-user", nobody);
        }
        // A request is not sent before its future is polled, so the gate decides first.
        let gate = self.layer.gate.clone();
        let sent = self.inner.call(request);
        let broken = || Err(io::Error::from(io::ErrorKind::ConnectionReset).into());
        async move { gate.pass(asked, sent, broken).await }.boxed()
    }
}

/// Puts a gate before the core.
pub struct GatedWires {
    inner: Arc<dyn WireFactory>,
    gate: Arc<Gate>,
}

impl GatedWires {
    /// Wires behind a gate.
    #[must_use]
    pub fn new(inner: Arc<dyn WireFactory>, gate: Arc<Gate>) -> Self {
        Self { inner, gate }
    }
}

impl WireFactory for GatedWires {
    fn wire(&self, url: &StackUrl, ca_pem: Option<&[u8]>) -> Result<Arc<dyn Wire>, CaError> {
        Ok(Arc::new(GatedWire {
            inner: self.inner.wire(url, ca_pem)?,
            gate: self.gate.clone(),
        }))
    }
}

struct GatedWire {
    inner: Arc<dyn Wire>,
    gate: Arc<Gate>,
}

impl Wire for GatedWire {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, WireError>> {
        let asked = Asked {
            side: Side::Core,
            method: request.method().clone(),
            path: without_token(request.uri().path()),
            query: request.uri().query().unwrap_or_default().to_owned(),
        };
        let broken = || Err(WireError::Broken);
        self.gate.pass(asked, self.inner.call(request), broken).boxed()
    }
}

/// The path without the token that `DELETE /token/{t}` and `POST /token/{t}/scopes/check` hold.
fn without_token(path: &str) -> String {
    match path.split_once("/token/") {
        None => path.to_owned(),
        Some((before, after)) => {
            let rest = after
                .split_once('/')
                .map_or(String::new(), |(_, rest)| format!("/{rest}"));
            format!("{before}/token/{{token}}{rest}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_token;

    #[test]
    fn a_token_in_a_path_is_not_kept() {
        assert_eq!(
            without_token("/api/auth/0.1/token/abc/scopes/check"),
            "/api/auth/0.1/token/{token}/scopes/check"
        );
        assert_eq!(
            without_token("/api/auth/0.1/token/abc"),
            "/api/auth/0.1/token/{token}"
        );
        assert_eq!(without_token("/api/auth/0.1/token"), "/api/auth/0.1/token");
    }
}

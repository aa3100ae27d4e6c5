//! A client for the API server that counts its requests.

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use prometheus::{IntCounterVec, Opts};
use tower::{Layer, Service};

/// Of the process, like its memory: so it stands in the registry of the process.
static REQUESTS: LazyLock<Option<IntCounterVec>> = LazyLock::new(|| {
    let name = "wazo_plugin_operator_kube_requests_total";
    let counter =
        IntCounterVec::new(Opts::new(name, "Requests to the API server"), &["verb", "code"]).ok()?;
    prometheus::default_registry()
        .register(Box::new(counter.clone()))
        .ok()?;
    Some(counter)
});

/// A client for the API server of `config`; `wazo_plugin_operator_kube_requests_total` counts what it sends.
///
/// # Errors
/// When the configuration cannot be used.
pub fn counting_client(config: Config) -> Result<Client, kube::Error> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&Counting).build())
}

#[derive(Clone, Copy)]
struct Counting;

impl<S> Layer<S> for Counting {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Counted { inner }
    }
}

#[derive(Clone)]
struct Counted<S> {
    inner: S,
}

impl<S, B> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let verb = verb(&request);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            if let Some(requests) = &*REQUESTS {
                let code = answer.as_ref().map_or_else(
                    |_| "none".to_owned(),
                    |answer| answer.status().as_u16().to_string(),
                );
                requests.with_label_values(&[verb, &code]).inc();
            }
            answer
        })
    }
}

/// The verb as the API server's own metrics have it, as far as the request tells.
fn verb<B>(request: &Request<B>) -> &'static str {
    let watch = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"));
    match *request.method() {
        Method::GET if watch => "watch",
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::verb;
    use http::Request;

    #[test]
    fn a_watch_is_told_from_a_read() {
        let of =
            |method: &str, uri: &str| verb(&Request::builder().method(method).uri(uri).body(()).unwrap());
        assert_eq!(of("GET", "/api/v1/pods?watch=true&limit=1"), "watch");
        assert_eq!(of("GET", "/api/v1/pods?limit=500"), "get");
        assert_eq!(of("PATCH", "/apis/apps/v1/namespaces/a/deployments/b"), "patch");
    }
}

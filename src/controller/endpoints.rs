//! `/metrics`, `/livez` and `/readyz`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use futures::FutureExt;
use prometheus::{IntGauge, Opts, Registry, TextEncoder};

use super::RunError;
use super::context::Context;
use crate::observe::watch::Synced;

/// What there is to be seen of the operator at the moment. Clones share it.
#[derive(Clone)]
pub(super) struct Shown(Arc<Inner>);

struct Inner {
    now: Mutex<Now>,
    /// Of this operator, not of one term: whether it leads.
    registry: Registry,
    leads: IntGauge,
}

enum Now {
    /// It was not said yet who leads.
    Starting,
    /// Another replica works, if its name is known.
    StandingBy(Option<String>),
    /// This one works.
    Working(Working),
}

#[derive(Clone)]
struct Working {
    context: Arc<Context>,
    synced: Synced,
    registry: Registry,
}

impl Shown {
    /// Of an operator that is about to start.
    pub(super) fn new(elects: bool) -> Result<Self, prometheus::Error> {
        let help = "1 while this replica works, 0 while it stands by";
        let leads = IntGauge::with_opts(Opts::new("wazo_plugin_operator_leader", help))?;
        leads.set(i64::from(!elects));
        let registry = Registry::new();
        registry.register(Box::new(leads.clone()))?;
        Ok(Self(Arc::new(Inner {
            now: Mutex::new(Now::Starting),
            registry,
            leads,
        })))
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing of an object is shown from here on.
    pub(super) fn stand_by(&self) {
        self.0.leads.set(0);
        *self.now() = Now::Starting;
    }

    /// Who holds the lease was seen: a replica that stands by is ready from then on.
    pub(super) fn looked(&self, holder: Option<&str>) {
        *self.now() = Now::StandingBy(holder.map(ToOwned::to_owned));
    }

    /// This replica works.
    pub(super) fn work(&self, context: Arc<Context>, synced: Synced, registry: Registry) {
        self.0.leads.set(1);
        *self.now() = Now::Working(Working {
            context,
            synced,
            registry,
        });
    }

    fn working(&self) -> Option<Working> {
        match &*self.now() {
            Now::Working(working) => Some(working.clone()),
            Now::Starting | Now::StandingBy(_) => None,
        }
    }
}

/// Serves until dropped; returns at once where no address is given.
pub(super) async fn serve(address: Option<SocketAddr>, shown: Shown) -> Result<(), RunError> {
    let Some(address) = address else {
        return Ok(());
    };
    let failed = |source| RunError::Listen { address, source };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shown);
    axum::serve(listener, router).await.map_err(failed)
}

/// Ready when every list has arrived: from then on plugins are judged. Who stands by is ready to take over.
async fn ready(State(shown): State<Shown>) -> impl IntoResponse {
    let working = match &*shown.now() {
        Now::Working(working) => working.clone(),
        Now::StandingBy(holder) => {
            let holder = holder.as_deref().unwrap_or("nobody");
            return (StatusCode::OK, format!("ok: standing by, {holder} leads"));
        }
        Now::Starting => return (StatusCode::SERVICE_UNAVAILABLE, UNSEEN.to_owned()),
    };
    if working.synced.done() && working.context.listed().now_or_never().is_some() {
        (StatusCode::OK, "ok".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, UNLISTED.to_owned())
    }
}

const UNSEEN: &str = "the lease was not seen yet: is the API server reachable, is the RBAC installed?";
const UNLISTED: &str = "the watches have not listed everything yet: is the API server reachable, are the CRDs and the RBAC installed?";

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    // What is of the process stands in its own registry: memory, processor time, requests to the API server.
    let mut families = prometheus::gather();
    families.extend(shown.0.registry.gather());
    if let Some(working) = shown.working() {
        let objects = working.context.plugins.state();
        let bytes = objects.iter().map(|object| object.footprint()).sum();
        working.context.metrics.store(objects.len(), bytes);
        families.extend(working.registry.gather());
    }
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
            text,
        ),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            error.to_string(),
        ),
    }
}

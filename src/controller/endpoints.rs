//! `/metrics`, `/livez` and `/readyz`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use futures::FutureExt;
use prometheus::{Registry, TextEncoder};

use super::RunError;
use super::context::Context;
use crate::observe::watch::Synced;

#[derive(Clone)]
struct Served {
    context: Arc<Context>,
    synced: Synced,
    registry: Registry,
}

/// Serves until dropped; returns at once where no address is given.
pub(super) async fn serve(context: Arc<Context>, synced: Synced, registry: Registry) -> Result<(), RunError> {
    let Some(address) = context.settings.listen else {
        return Ok(());
    };
    let failed = |source| RunError::Listen { address, source };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Served {
            context,
            synced,
            registry,
        });
    axum::serve(listener, router).await.map_err(failed)
}

/// Ready when every list has arrived: from then on plugins are judged.
async fn ready(State(served): State<Served>) -> impl IntoResponse {
    if served.synced.done() && served.context.listed().now_or_never().is_some() {
        (StatusCode::OK, "ok")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the watches have not listed everything yet: is the API server reachable, are the CRDs and the RBAC installed?",
        )
    }
}

async fn metrics(State(served): State<Served>) -> impl IntoResponse {
    let objects = served.context.plugins.state();
    // What is of the process stands in its own registry: memory, processor time, requests to the API server.
    let mut families = prometheus::gather();
    let bytes = objects.iter().map(|object| object.footprint()).sum();
    served.context.metrics.store(objects.len(), bytes);
    families.extend(served.registry.gather());
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

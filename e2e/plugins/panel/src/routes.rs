//! The paths, and the front door in which most misbehaviour happens.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, ORIGIN, VARY};
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};

use crate::account::use_core;
use crate::content::{self, Asset, JSON, NO_CACHE};
use crate::drip::Drip;
use crate::manifest::{self, Product};
use crate::misbehave::{ManifestFault, Misbehave, Scope};
use crate::panel::Shared;

const ALLOW_ORIGIN: HeaderName = HeaderName::from_static("access-control-allow-origin");
const EXPOSE_HEADERS: HeaderName = HeaderName::from_static("access-control-expose-headers");

/// What a path is about, as far as the switches tell paths apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Control,
    Health,
    Manifest,
    Other,
}

impl Place {
    fn of(path: &str) -> Self {
        match path {
            "/misbehave" | "/requests" | "/account" => Self::Control,
            "/healthz" => Self::Health,
            "/manifest.json" | "/manifest.app.json" | "/manifest.mobile.json" => Self::Manifest,
            _ => Self::Other,
        }
    }

    fn is_in(self, scope: Scope) -> bool {
        match scope {
            Scope::Everything => true,
            Scope::Manifest => self == Self::Manifest,
            Scope::Health => self == Self::Health,
        }
    }
}

/// Everything that is served, at the root and below the prefix.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let own = shared.options.product;
    let serve = |product: Product| {
        get(
            move |State(shared): State<Arc<Shared>>, uri: Uri| async move { manifest(&shared, product, &uri) },
        )
    };
    let mut routes = Router::new()
        .route("/misbehave", get(switches).put(switch))
        .route("/requests", get(requests))
        .route("/account", get(account))
        .route("/healthz", get("ok\n"))
        .route("/manifest.json", serve(own))
        .route("/manifest.app.json", serve(Product::App))
        .route("/manifest.mobile.json", serve(Product::Mobile));
    for file in content::assets() {
        routes = routes.route(file.path, get(move || async move { asset(file) }));
    }
    let prefix = shared.prefix.as_str();
    let everywhere = if prefix.is_empty() {
        routes
    } else {
        routes.clone().nest(prefix, routes.clone()).merge(index(prefix))
    };
    everywhere
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(Arc::clone(shared), front))
        .with_state(Arc::clone(shared))
}

/// `/crm/`, which a nested `/` does not stand for.
fn index(prefix: &str) -> Router<Arc<Shared>> {
    let page = content::assets().iter().find(|file| file.path == "/");
    let page = page.expect("the table of files begins with the page at /");
    Router::new().route(&format!("{prefix}/"), get(move || async move { asset(page) }))
}

/// What every request passes: the journal, the switches that are not about content, and CORS.
async fn front(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let place = Place::of(path.strip_prefix(shared.prefix.as_str()).unwrap_or(path));
    if place == Place::Control {
        return next.run(request).await;
    }
    let number = if place == Place::Health {
        shared.journal.health_check();
        None
    } else {
        Some(
            shared
                .journal
                .arrived(request.method(), request.uri(), request.headers()),
        )
    };
    let wrong = shared.current();
    let from_browser = request.headers().contains_key(ORIGIN);
    if let Some(slow) = &wrong.slow
        && place.is_in(slow.on)
    {
        tokio::time::sleep(Duration::from_millis(slow.ms.into())).await;
    }
    let mut response = match wrong.status.as_ref().filter(|status| place.is_in(status.on)) {
        Some(status) => error_page(status.code),
        None if request.method() == Method::OPTIONS && !wrong.no_cors => preflight(),
        None => next.run(request).await,
    };
    decorate(&mut response, &wrong, from_browser);
    if let Some(number) = number {
        shared.journal.answered(number, response.status());
    }
    response
}

/// The headers that Wazo's clients need (or must not see) on whatever a plugin answers.
fn decorate(response: &mut Response, wrong: &Misbehave, from_browser: bool) {
    let headers = response.headers_mut();
    if !wrong.no_cors {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if from_browser {
            let one = wrong
                .cors_origin
                .as_deref()
                .and_then(|origin| HeaderValue::from_str(origin).ok());
            headers.insert(ALLOW_ORIGIN, one.unwrap_or(HeaderValue::from_static("*")));
            headers
                .entry(EXPOSE_HEADERS)
                .or_insert(HeaderValue::from_static("Link"));
        }
    }
    if let Some(ancestors) = &wrong.frame_ancestors
        && let Ok(policy) = HeaderValue::from_str(&format!("frame-ancestors {ancestors}"))
    {
        headers.insert(HeaderName::from_static("content-security-policy"), policy);
    }
    if wrong.frame_options_deny {
        headers.insert(
            HeaderName::from_static("x-frame-options"),
            HeaderValue::from_static("DENY"),
        );
    }
}

fn preflight() -> Response {
    let headers = [
        (ALLOW_ORIGIN, "*"),
        (
            HeaderName::from_static("access-control-allow-methods"),
            "GET, POST, PUT, PATCH, DELETE",
        ),
        (
            HeaderName::from_static("access-control-allow-headers"),
            "Content-Type",
        ),
        (HeaderName::from_static("access-control-max-age"), "3600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn error_page(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = format!("<!doctype html><title>{status}</title><h1>{status}</h1>\n");
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

fn asset(file: &'static Asset) -> Response {
    (
        [
            (CONTENT_TYPE, file.content_type),
            (CACHE_CONTROL, file.cache_control),
        ],
        file.text,
    )
        .into_response()
}

fn manifest(shared: &Shared, product: Product, uri: &Uri) -> Response {
    let mut manifest = manifest::build(&shared.options.name, &shared.options.version, product);
    match shared.current().manifest {
        None => {}
        Some(ManifestFault::NotFound) => return error_page(404),
        Some(ManifestFault::NotJson) => {
            let page = content::assets().iter().find(|file| file.path == "/");
            return page.map_or_else(|| error_page(500), asset);
        }
        Some(ManifestFault::RedirectLoop) => {
            let hop: u64 = uri
                .query()
                .and_then(|q| q.strip_prefix("hop=")?.parse().ok())
                .unwrap_or(0);
            let file = uri.path().rsplit('/').next().unwrap_or_default();
            return redirect(&format!("{file}?hop={}", hop.wrapping_add(1)));
        }
        Some(ManifestFault::RedirectTo(url)) => return redirect(&url),
        Some(fault @ (ManifestFault::CutOff | ManifestFault::Trickle)) => {
            let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, NO_CACHE)];
            let text = manifest.to_string();
            let body = match fault {
                ManifestFault::CutOff => Drip::cut_off(text),
                _ => Drip::slow(text),
            };
            return (headers, Body::new(body)).into_response();
        }
        // A path that only the other product's manifest has: this one stays whole.
        Some(fault) => drop(manifest::bend(&mut manifest, &fault)),
    }
    let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, NO_CACHE)];
    (headers, Body::from(manifest.to_string())).into_response()
}

fn redirect(location: &str) -> Response {
    (
        StatusCode::FOUND,
        [(LOCATION, location), (CACHE_CONTROL, NO_CACHE)],
    )
        .into_response()
}

async fn requests(State(shared): State<Arc<Shared>>) -> Response {
    Json(shared.journal.report()).into_response()
}

/// What the core lets the plugin's own account do; 503 with the cause where it cannot be used.
async fn account() -> Response {
    match use_core().await {
        Ok(report) => Json(report).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("account: {error}\n")).into_response(),
    }
}

async fn switches(State(shared): State<Arc<Shared>>) -> Json<Misbehave> {
    Json(shared.current())
}

/// Answers what is set now. The body is read whatever its media type says, so that a plain `curl -T` will do.
async fn switch(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    const MOST: usize = 64 * 1024;
    let refuse =
        |code, error: &dyn std::fmt::Display| (code, format!("misbehave: {error}\n")).into_response();
    let text = match axum::body::to_bytes(body, MOST).await {
        Ok(text) => text,
        Err(error) => return refuse(StatusCode::PAYLOAD_TOO_LARGE, &error),
    };
    let wanted: Misbehave = match serde_json::from_slice(&text) {
        Ok(wanted) => wanted,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error),
    };
    match Shared::misbehave(&shared, wanted.clone()) {
        Ok(()) => Json(wanted).into_response(),
        Err(error) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &error),
    }
}

//! The admin interface: faults, journal and state over plain HTTP, for tests in other processes.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::apps::Apps;
use crate::core::SimulatedCore;
use crate::error::{Error, Result};
use crate::fault::FaultId;
use crate::faults::Faults;
use crate::order::{FaultOrder, StateOrder, StrangerOrder};
use crate::seed::Application;

#[derive(Clone)]
struct Admin {
    faults: Faults,
    apps: Apps,
    account: Value,
    tenant: String,
    ca_pem: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.to_string()}))).into_response()
    }
}

/// The routes; the crate's README describes them.
pub(crate) fn routes(core: &SimulatedCore) -> Router {
    let (username, password) = core.account();
    let admin = Admin {
        faults: core.faults(),
        apps: core.apps(),
        account: json!({
            "url": core.url(),
            "username": username,
            "password": password,
            "tenant": core.tenant(),
        }),
        tenant: core.tenant().to_owned(),
        ca_pem: core.ca_pem().to_owned(),
    };
    Router::new()
        .route("/faults", get(list).post(inject).delete(clear_all))
        .route("/faults/{id}", delete(clear))
        .route("/strangers", post(act))
        .route("/journal", get(journal).delete(forget))
        .route("/journal/counts", get(counts))
        .route("/state", get(state).put(set_state))
        .route(
            "/account",
            get(|State(admin): State<Admin>| async move { Json(admin.account) }),
        )
        .route(
            "/ca.pem",
            get(|State(admin): State<Admin>| async move { admin.ca_pem }),
        )
        .with_state(admin)
}

/// The body as JSON, whatever its Content-Type: orders are written by hand with curl.
fn order<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| Error::Order(format!("the body is no such order: {error}")))
}

async fn list(State(admin): State<Admin>) -> Json<Value> {
    Json(json!({"faults": admin.faults.list()}))
}

async fn inject(State(admin): State<Admin>, body: axum::body::Bytes) -> Result<(StatusCode, Json<Value>)> {
    match order::<FaultOrder>(&body)?.obey(&admin.faults, &admin.tenant)? {
        Some(fault) => {
            let id = admin.faults.inject(fault).await;
            Ok((StatusCode::CREATED, Json(json!({"id": id}))))
        }
        None => Ok((StatusCode::OK, Json(json!({"id": null})))),
    }
}

async fn clear_all(State(admin): State<Admin>) -> StatusCode {
    admin.faults.clear_all().await;
    StatusCode::NO_CONTENT
}

async fn clear(State(admin): State<Admin>, Path(id): Path<u64>) -> StatusCode {
    match admin.faults.clear(FaultId(id)).await {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

async fn act(State(admin): State<Admin>, body: axum::body::Bytes) -> Result<StatusCode> {
    let stranger = order::<StrangerOrder>(&body)?.stranger(&admin.tenant)?;
    admin.apps.act(&stranger);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Since {
    since: Option<u64>,
}

async fn journal(State(admin): State<Admin>, Query(since): Query<Since>) -> Json<Value> {
    let journal = &admin.faults.stack.journal;
    let entries = journal.since(since.since.unwrap_or(0));
    Json(json!({"sequence": journal.sequence(), "entries": entries}))
}

async fn forget(State(admin): State<Admin>) -> StatusCode {
    admin.faults.stack.journal.clear();
    StatusCode::NO_CONTENT
}

async fn counts(State(admin): State<Admin>) -> Json<Value> {
    Json(json!(admin.faults.stack.journal.counts()))
}

async fn state(State(admin): State<Admin>) -> Json<Value> {
    let world = admin.faults.stack.world();
    let rights = world
        .users
        .get(&admin.faults.account)
        .map(|user| world.acl_of(user));
    Json(json!({
        "stack_uuid": world.stack_uuid,
        "time": admin.faults.stack.clock.now(),
        "tenants": world.tenants.keys().collect::<Vec<_>>(),
        "rights": rights,
        "live_tokens": world.live_tokens_of(&admin.faults.account).len(),
        "applications": world.apps.values().collect::<Vec<_>>(),
    }))
}

async fn set_state(State(admin): State<Admin>, body: axum::body::Bytes) -> Result<Json<Value>> {
    let order: StateOrder = order(&body)?;
    // Read all before anything is set: an order holds whole or not at all.
    let applications = order.applications.unwrap_or_default().into_iter().map(|mut app| {
        app.entry("tenant").or_insert_with(|| json!(admin.tenant));
        serde_json::from_value(Value::Object(app))
            .map_err(|error| Error::Order(format!("applications: {error}")))
    });
    let applications: Vec<Application> = applications.collect::<Result<_>>()?;
    if let Some(uuid) = order.stack_uuid {
        admin.faults.change_stack_uuid(&uuid);
    }
    if let Some(clock) = order.clock {
        if let Some(to) = clock.set {
            admin.faults.stack.clock.set(to);
        }
        if let Some(seconds) = clock.advance_seconds {
            admin.faults.stack.clock.advance(Duration::from_secs(seconds));
        }
    }
    for app in applications {
        admin.apps.put(app);
    }
    Ok(state(State(admin)).await)
}

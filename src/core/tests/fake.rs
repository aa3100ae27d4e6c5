//! A core in memory behind the wire: as much of wazo-auth and wazo-confd as the actor uses, and faults on request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use hyper::body::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::core::{CaError, StackUrl, Wire, WireError, WireFactory};

pub(super) const TENANT: Uuid = Uuid::from_u128(0x54eb_71f8_1f4b_4ae4_8730_6380_62fb_e521);
pub(super) const STACK: Uuid = Uuid::from_u128(0x25a8_940f_b563_4537_81d0_ccd4_0c84_1a2c);
pub(super) const ACCOUNT: Uuid = Uuid::from_u128(0xc0e6_60fe_5225_49b9_b4d0_fc22_8ecc_d286);
pub(super) const PASSWORD: &str = "s3cret";

/// What is to happen to a request.
pub(super) enum Fault {
    /// It fails before it has an effect.
    Before(WireError),
    /// It has its effect, and its answer is lost.
    After(WireError),
    /// It is answered so, without an effect.
    Answer(u16, &'static str, &'static str),
    /// It has its effect, and is answered with 500.
    ErrorAfter,
}

/// Decides about the request, named by method and path with the token left out, while the core can be changed.
pub(super) type Hook = Box<dyn FnMut(&str, &mut Core) -> Option<Fault> + Send>;

/// What the core holds.
#[derive(Default)]
pub(super) struct Core {
    pub(super) apps: BTreeMap<String, Value>,
    pub(super) tokens: BTreeSet<String>,
    pub(super) missing: BTreeSet<String>,
    pub(super) tenant_refused: bool,
    pub(super) status: Option<Value>,
    pub(super) password: Option<String>,
    /// Every request, in order: method and path, the token left out.
    pub(super) journal: Vec<String>,
    logins: u32,
}

pub(super) struct Fake {
    core: Mutex<Core>,
    hook: Mutex<Option<Hook>>,
    delay: Mutex<Duration>,
}

impl Fake {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            core: Mutex::default(),
            hook: Mutex::default(),
            delay: Mutex::default(),
        })
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap()
    }

    pub(super) fn on(&self, hook: impl FnMut(&str, &mut Core) -> Option<Fault> + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// Every answer takes so much longer.
    pub(super) fn delay(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    pub(super) fn heal(&self) {
        *self.hook.lock().unwrap() = None;
    }

    /// How many requests of that kind came.
    pub(super) fn count(&self, what: &str) -> usize {
        self.core()
            .journal
            .iter()
            .filter(|line| line.starts_with(what))
            .count()
    }

    pub(super) fn requests(&self) -> usize {
        self.core().journal.len()
    }

    /// The writes, in order.
    pub(super) fn writes(&self) -> Vec<String> {
        let core = self.core();
        let writes = core
            .journal
            .iter()
            .filter(|line| line.contains("/external/") && !line.starts_with("GET"));
        writes.cloned().collect()
    }

    pub(super) fn urls(&self, app: &str) -> Value {
        self.core()
            .apps
            .get(app)
            .map_or(Value::Null, |app| app["configuration"]["manifest_urls"].clone())
    }
}

impl Core {
    fn serve(&mut self, request: &Request<Bytes>) -> (u16, Value) {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let no_token = || {
            (
                404,
                json!({"reason": ["No such token"], "timestamp": [1.0], "status_code": 404}),
            )
        };
        match (request.method().as_str(), &parts[..]) {
            ("HEAD", ["auth", _, "status"]) => (200, Value::Null),
            ("POST", ["auth", _, "token"]) => self.log_in(request, &body),
            ("GET", ["auth", _, "token", token]) if self.tokens.contains(*token) => {
                (200, json!({"data": {}}))
            }
            ("DELETE", ["auth", _, "token", token]) => {
                self.tokens.remove(*token);
                (200, json!({"data": {"message": "success"}}))
            }
            ("POST", ["auth", _, "token", token, "scopes", "check"]) if self.tokens.contains(*token) => {
                if self.tenant_refused && body.get("tenant_uuid").is_some() {
                    return (
                        403,
                        json!({"reason": ["Unauthorized for tenant"], "status_code": 403}),
                    );
                }
                let asked = body["scopes"].as_array().cloned().unwrap_or_default();
                let scopes: BTreeMap<_, _> = asked
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|right| (right.to_owned(), !self.missing.contains(right)))
                    .collect();
                (200, json!({"scopes": scopes}))
            }
            (_, ["auth", ..]) => no_token(),
            (method, ["confd", _, rest @ ..]) => {
                let token = request
                    .headers()
                    .get("x-auth-token")
                    .and_then(|it| it.to_str().ok())
                    .unwrap_or_default();
                if !self.tokens.contains(token) {
                    return (401, json!([format!("('{token}', 'confd.status.read')")]));
                }
                self.confd(method, rest, &body, token)
            }
            _ => (404, json!({"message": "no such daemon"})),
        }
    }

    fn log_in(&mut self, request: &Request<Bytes>, body: &Value) -> (u16, Value) {
        use base64::Engine;
        let password = self.password.clone().unwrap_or_else(|| PASSWORD.to_owned());
        let good = base64::prelude::BASE64_STANDARD.encode(format!("operator:{password}"));
        let given = request.headers()["authorization"].to_str().unwrap_or_default();
        if given != format!("Basic {good}") {
            return (
                401,
                json!({"reason": ["Authentication Failed"], "timestamp": [1.0], "status_code": 401}),
            );
        }
        self.logins += 1;
        let token = format!("token-{}", self.logins);
        self.tokens.insert(token.clone());
        let seconds = body["expiration"].as_i64().unwrap_or(7200);
        let issued: jiff::civil::DateTime = "2026-11-22T06:08:16.086589".parse().unwrap_or_default();
        (
            200,
            json!({"data": {
                "token": token, "auth_id": ACCOUNT, "xivo_uuid": STACK, "metadata": {"tenant_uuid": TENANT},
                "utc_issued_at": issued.to_string(),
                "utc_expires_at": (issued + jiff::SignedDuration::from_secs(seconds)).to_string(),
            }}),
        )
    }

    fn confd(&mut self, method: &str, path: &[&str], body: &Value, token: &str) -> (u16, Value) {
        let refused = |right: String| (401, json!([format!("('{token}', '{right}', '{TENANT}')")]));
        match (method, path) {
            ("GET", ["status"]) => (
                200,
                self.status
                    .clone()
                    .unwrap_or_else(|| json!({"rest_api": {"status": "ok"}})),
            ),
            ("GET", ["infos"]) => (200, json!({"uuid": STACK, "wazo_version": "26.08"})),
            ("GET", ["external", "apps"]) => {
                let items: Vec<&Value> = self.apps.values().collect();
                (200, json!({"total": items.len(), "items": items}))
            }
            (method, ["external", "apps", name]) => {
                let action = match method {
                    "GET" => "read",
                    "POST" => "create",
                    _ => "update",
                };
                let right = format!("confd.external.apps.{name}.{action}");
                if self.missing.contains(&right) || self.tenant_refused {
                    return refused(right);
                }
                self.app(method, name, body)
            }
            _ => (404, json!(["Resource Not Found"])),
        }
    }

    fn app(&mut self, method: &str, name: &str, body: &Value) -> (u16, Value) {
        match (method, self.apps.get_mut(name)) {
            ("GET", Some(app)) => (200, app.clone()),
            ("GET" | "PUT", None) => (404, json!(["Resource Not Found - ExternalApp was not found"])),
            ("POST", Some(_)) => (
                400,
                json!(["Resource Error - ExternalApp already exists ('name': 'n')"]),
            ),
            ("POST", None) => {
                let app = json!({
                    "tenant_uuid": TENANT, "name": name, "label": body["label"], "configuration": body["configuration"],
                });
                self.apps.insert(name.to_owned(), app.clone());
                (201, app)
            }
            (_, Some(app)) => {
                app["configuration"] = body["configuration"].clone();
                (204, Value::Null)
            }
            _ => (405, json!({"message": "no"})),
        }
    }

    /// A stranger sets the application's configuration.
    pub(super) fn set_app(&mut self, name: &str, configuration: Value) {
        let app = json!({"tenant_uuid": TENANT, "name": name, "label": null, "configuration": configuration});
        self.apps.insert(name.to_owned(), app);
    }
}

/// Method and path below `/api`, without versions and tokens.
fn name(request: &Request<Bytes>) -> String {
    let mut parts: Vec<&str> = request
        .uri()
        .path()
        .trim_start_matches("/api/")
        .split('/')
        .collect();
    parts.remove(1);
    if parts.first() == Some(&"auth") && parts.len() > 2 {
        parts[2] = "t";
    }
    format!("{} /{}", request.method(), parts.join("/"))
}

impl Wire for Fake {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, WireError>> {
        Box::pin(async move {
            // As over a network: others get their turn.
            let delay = *self.delay.lock().unwrap();
            tokio::time::sleep(delay + Duration::from_millis(5)).await;
            let name = name(&request);
            let mut core = self.core();
            core.journal.push(name.clone());
            let fault = self
                .hook
                .lock()
                .unwrap()
                .as_mut()
                .and_then(|hook| hook(&name, &mut core));
            let (status, body) = match fault {
                Some(Fault::Before(error)) => return Err(error),
                Some(Fault::Answer(status, media, body)) => {
                    return Ok(answer(status, media, body.to_owned()));
                }
                Some(Fault::After(error)) => {
                    core.serve(&request);
                    return Err(error);
                }
                Some(Fault::ErrorAfter) => {
                    core.serve(&request);
                    (500, json!(["Unexpected error: ConnectionRefusedError"]))
                }
                None => core.serve(&request),
            };
            let text = if status == 204 {
                String::new()
            } else {
                body.to_string()
            };
            assert!(request.method() != Method::GET || request.body().is_empty());
            Ok(answer(status, "application/json", text))
        })
    }
}

fn answer(status: u16, media: &str, body: String) -> Response<Bytes> {
    let builder = Response::builder().status(status).header("content-type", media);
    builder.body(Bytes::from(body)).unwrap()
}

/// Hands out the one fake for every stack.
pub(super) struct FakeWires(pub(super) Arc<Fake>);

impl WireFactory for FakeWires {
    fn wire(&self, _: &StackUrl, ca_pem: Option<&[u8]>) -> Result<Arc<dyn Wire>, CaError> {
        if ca_pem.is_some_and(<[u8]>::is_empty) {
            return Err(CaError::NoCertificate);
        }
        Ok(self.0.clone())
    }
}

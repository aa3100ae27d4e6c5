//! The table of the requests that are sent to a core: daemon, method, route and the right that each asks for. What is
//! asked of `scopes/check`, and the right that a fault names, come from here and never from an answer.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use hyper::body::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::account::route::AccountRoute;
use super::facts::Daemon;
use super::stack_url::StackUrl;
use crate::secret::Secret;

/// A request that we know how to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Login,
    ReadToken,
    DeleteToken,
    CheckScopes,
    Status,
    Infos,
    /// The status of a daemon that only plugins use; whoever lacks the right is told so, which is an answer, too.
    OwnStatus(Daemon),
    /// What wazo-auth says of itself without looking at its database.
    AuthStatus,
    ListApps,
    ReadApp,
    CreateApp,
    ChangeApp,
    Account(AccountRoute),
    ListTenants,
    ReadUser,
    ReadUserApp,
    CreateUserApp,
    ChangeUserApp,
    DeleteUserApp,
}

const USER_APP: &[&str] = &["users", "{user}", "external", "apps", "{}"];

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) daemon: Daemon,
    pub(super) method: Method,
    /// Method and route with placeholders; what is logged, counted and shown.
    pub(super) operation: &'static str,
    /// The path below the daemon's prefix; `{}` and `{user}` are filled in.
    path: &'static [&'static str],
    /// The right that is asked for, `*` where it holds a name; of two, the first is a user's.
    pub(super) right: Option<&'static str>,
}

impl Route {
    /// Whether it changes anything that is not of the session alone.
    pub(super) fn writes(self) -> bool {
        let own = matches!(self, Self::Login | Self::DeleteToken | Self::CheckScopes);
        !own && !matches!(self.row().method, Method::GET | Method::HEAD)
    }

    pub(super) fn row(self) -> Row {
        use Daemon::{Auth, Confd};
        let (daemon, method, operation, path, right): (_, _, _, &'static [&'static str], _) = match self {
            Self::Login => (Auth, Method::POST, "POST /token", &["token"], None),
            Self::ReadToken => (Auth, Method::GET, "GET /token/{token}", &["token", "{}"], None),
            Self::DeleteToken => (
                Auth,
                Method::DELETE,
                "DELETE /token/{token}",
                &["token", "{}"],
                None,
            ),
            Self::CheckScopes => (
                Auth,
                Method::POST,
                "POST /token/{token}/scopes/check",
                &["token", "{}", "scopes", "check"],
                None,
            ),
            Self::Status => (
                Confd,
                Method::GET,
                "GET /status",
                &["status"],
                Some("confd.status.read"),
            ),
            Self::Infos => (
                Confd,
                Method::GET,
                "GET /infos",
                &["infos"],
                Some("confd.infos.read"),
            ),
            Self::OwnStatus(daemon) => (daemon, Method::GET, "GET /status", &["status"], None),
            Self::AuthStatus => (Auth, Method::HEAD, "HEAD /status", &["status"], None),
            Self::ListApps => (
                Confd,
                Method::GET,
                "GET /external/apps",
                &["external", "apps"],
                Some("confd.external.apps.read"),
            ),
            Self::ReadApp => (
                Confd,
                Method::GET,
                "GET /external/apps/{name}",
                &["external", "apps", "{}"],
                Some("confd.external.apps.*.read"),
            ),
            Self::CreateApp => (
                Confd,
                Method::POST,
                "POST /external/apps/{name}",
                &["external", "apps", "{}"],
                Some("confd.external.apps.*.create"),
            ),
            Self::ChangeApp => (
                Confd,
                Method::PUT,
                "PUT /external/apps/{name}",
                &["external", "apps", "{}"],
                Some("confd.external.apps.*.update"),
            ),
            Self::Account(route) => {
                let (method, operation, path, right) = route.row();
                (Auth, method, operation, path, Some(right))
            }
            Self::ListTenants => (
                Auth,
                Method::GET,
                "GET /tenants",
                &["tenants"],
                Some("auth.tenants.read"),
            ),
            Self::ReadUser => (
                Confd,
                Method::GET,
                "GET /users/{user}",
                &["users", "{user}"],
                Some("confd.users.*.read"),
            ),
            Self::ReadUserApp => (
                Confd,
                Method::GET,
                "GET /users/{user}/external/apps/{name}",
                USER_APP,
                Some("confd.users.*.external.apps.*.read"),
            ),
            Self::CreateUserApp => (
                Confd,
                Method::POST,
                "POST /users/{user}/external/apps/{name}",
                USER_APP,
                Some("confd.users.*.external.apps.*.create"),
            ),
            Self::ChangeUserApp => (
                Confd,
                Method::PUT,
                "PUT /users/{user}/external/apps/{name}",
                USER_APP,
                Some("confd.users.*.external.apps.*.update"),
            ),
            Self::DeleteUserApp => (
                Confd,
                Method::DELETE,
                "DELETE /users/{user}/external/apps/{name}",
                USER_APP,
                Some("confd.users.*.external.apps.*.delete"),
            ),
        };
        Row {
            daemon,
            method,
            operation,
            path,
            right,
        }
    }

    /// Whether the path holds the token itself, and no header.
    pub(super) const fn takes_token_in_path(self) -> bool {
        matches!(self, Self::ReadToken | Self::DeleteToken | Self::CheckScopes)
    }

    /// The right that the route asks for about `name`: dots in a name are asked for as underscores.
    pub(super) fn right(self, name: &str) -> Option<String> {
        Some(self.row().right?.replace('*', &name.replace('.', "_")))
    }

    /// The right that the route asks for about a user, or about an application of his.
    pub(super) fn right_of_user(self, user: Uuid, name: &str) -> Option<String> {
        let right = self.row().right?.replacen('*', &user.to_string(), 1);
        Some(right.replace('*', &name.replace('.', "_")))
    }

    /// The right that the route asks for about an application of any user.
    pub(super) fn right_of_users(self, name: &str) -> Option<String> {
        let (users, verb) = self.row().right?.rsplit_once('*')?;
        Some(format!("{users}{}{verb}", name.replace('.', "_")))
    }

    /// Whether it is about one thing that may not be there.
    pub(super) const fn is_of_something(self) -> bool {
        matches!(
            self,
            Self::ReadApp
                | Self::ChangeApp
                | Self::ReadUser
                | Self::ReadUserApp
                | Self::CreateUserApp
                | Self::ChangeUserApp
                | Self::DeleteUserApp
        )
    }
}

/// A request to make.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) route: Route,
    /// Fills the placeholder of the path: an application's name. A token goes by [`Credential::Path`].
    pub(super) name: String,
    /// Fills the second placeholder: the uuid of a policy.
    pub(super) under: String,
    /// Fills the user's placeholder of the path.
    pub(super) user: Option<Uuid>,
    /// Parameters of the query, in pairs.
    pub(super) query: Vec<(&'static str, String)>,
    /// `Wazo-Tenant`; without it the account's own tenant is meant.
    pub(super) tenant: Option<Uuid>,
    pub(super) body: Option<Value>,
}

impl Ask {
    pub(super) fn of(route: Route) -> Self {
        Self {
            route,
            name: String::new(),
            under: String::new(),
            user: None,
            query: Vec::new(),
            tenant: None,
            body: None,
        }
    }

    pub(super) fn tenant(self, tenant: Option<Uuid>) -> Self {
        Self { tenant, ..self }
    }

    pub(super) fn body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// How a request says who asks.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// It does not.
    None,
    /// By username and password.
    Basic(String, Secret),
    /// By a token in `X-Auth-Token`.
    Token(Secret),
    /// By a token in the path, which must therefore never be logged.
    Path(Secret),
}

/// The trace of one request (W3C trace context): the core logs the trace id.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) id: String,
    parent: u64,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self {
            id: Uuid::new_v4().simple().to_string(),
            // All-zero is not allowed; a version 4 UUID is never zero in its upper half.
            parent: Uuid::new_v4().as_u64_pair().0,
        }
    }
}

const TENANT: HeaderName = HeaderName::from_static("wazo-tenant");
const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The request on the wire.
pub(super) fn build(url: &StackUrl, ask: &Ask, credential: &Credential, trace: &Trace) -> Request<Bytes> {
    let row = ask.route.row();
    let fill = match credential {
        Credential::Path(token) => token.expose(),
        _ => &ask.name,
    };
    let user = ask.user.map(|user| user.to_string()).unwrap_or_default();
    let mut fills = [fill, &ask.under].into_iter();
    let segments: Vec<&str> = row
        .path
        .iter()
        .map(|&segment| match segment {
            "{}" => fills.next().unwrap_or_default(),
            "{user}" => &user,
            _ => segment,
        })
        .collect();
    let mut address = url.below(row.daemon.prefix(), &segments);
    if !ask.query.is_empty() {
        address.query_pairs_mut().extend_pairs(&ask.query);
    }
    let body = ask.body.as_ref().map(|body| Bytes::from(body.to_string()));
    let mut request = Request::new(body.clone().unwrap_or_default());
    *request.method_mut() = row.method;
    *request.uri_mut() = address
        .as_str()
        .parse()
        .expect("a URL of the WHATWG standard with a host and an escaped path is a URI");
    let headers = request.headers_mut();
    // wazo-provd takes its own media type, or any.
    let accept = if row.daemon == Daemon::Provd {
        "*/*"
    } else {
        "application/json"
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let secret = match credential {
        Credential::None | Credential::Path(_) => None,
        Credential::Basic(username, password) => Some((
            AUTHORIZATION,
            format!(
                "Basic {}",
                BASE64_STANDARD.encode(format!("{username}:{}", password.expose()))
            ),
        )),
        Credential::Token(token) => Some((TOKEN, token.expose().to_owned())),
    };
    if let Some((name, value)) = secret
        && let Ok(mut value) = HeaderValue::try_from(value)
    {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    if let Some(tenant) = ask.tenant
        && let Ok(value) = HeaderValue::try_from(tenant.to_string())
    {
        headers.insert(TENANT, value);
    }
    if let Ok(value) = HeaderValue::try_from(format!("00-{}-{:016x}-01", trace.id, trace.parent)) {
        headers.insert(TRACEPARENT, value);
    }
    request
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;

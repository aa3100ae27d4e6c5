//! A request as a daemon sees it, and the routes it is looked up in.

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::journal::Daemon;

/// One request, with its path below the daemon's root (`/0.1/token`).
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) daemon: Daemon,
    pub(crate) method: Method,
    /// Path with the version, still encoded, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Where the daemon says it is: scheme, host and prefix, without the version.
    pub(crate) base: String,
}

impl Call {
    pub(crate) fn new(daemon: Daemon, request: http::Request<Vec<u8>>, base: String) -> Self {
        let (head, body) = request.into_parts();
        let query = head.uri.query().unwrap_or_default();
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                decode(&name.replace('+', " "), true),
                decode(&value.replace('+', " "), true),
            )
        });
        let query = query.collect();
        Self {
            daemon,
            method: head.method,
            path: head.uri.path().to_owned(),
            query,
            headers: head.headers,
            body,
            base,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn token(&self) -> &str {
        self.header("x-auth-token").unwrap_or_default()
    }

    pub(crate) fn tenant(&self) -> Option<&str> {
        self.header("wazo-tenant")
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn recurse(&self) -> bool {
        self.param("recurse")
            .is_some_and(|value| matches!(value, "true" | "True" | "1"))
    }

    /// The body as JSON, whatever its Content-Type; nothing if it is absent or broken.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// User and password of an `Authorization: Basic`.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        use base64::Engine as _;
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(encoded.trim())
            .ok()?;
        let text = String::from_utf8(decoded).ok()?;
        text.split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

/// A path that a daemon knows, with the methods it takes there.
pub(crate) struct Route {
    /// `{uuid}` takes a uuid only, `{name}` any one segment.
    pub(crate) path: &'static str,
    /// The `Allow` header, in the daemon's words.
    pub(crate) allow: &'static str,
}

impl Route {
    pub(crate) fn takes(&self, method: &Method) -> bool {
        self.allow.split(", ").any(|allowed| allowed == method.as_str())
    }
}

/// The route of a path, and what stands in its holes.
pub(crate) fn find<'r>(routes: &'r [Route], path: &str) -> Option<(&'r Route, Vec<String>)> {
    let given: Vec<&str> = path.split('/').collect();
    routes.iter().find_map(|route| {
        let known: Vec<&str> = route.path.split('/').collect();
        if known.len() != given.len() {
            return None;
        }
        let mut holes = Vec::new();
        for (known, given) in known.iter().zip(&given) {
            match *known {
                "{uuid}" if uuid::Uuid::try_parse(given).is_ok() => holes.push((*given).to_owned()),
                "{name}" if !given.is_empty() => holes.push(decode(given, false)),
                _ if known == given => {}
                _ => return None,
            }
        }
        Some((route, holes))
    })
}

/// Decodes percent signs; an encoded slash stays as it is in a path, as the daemons leave it.
pub(crate) fn decode(text: &str, slashes: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) if slashes || byte != b'/' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes one segment of a path the way the framework does in `Location`.
pub(crate) fn encode(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A text as one word of an access string: the daemons turn its dots into underscores.
pub(crate) fn word(text: &str) -> String {
    text.replace('.', "_")
}

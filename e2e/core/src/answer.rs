//! An answer of a daemon, and the five shapes in which the daemons say that something is wrong.

use http::StatusCode;
use serde_json::{Value, json};

use crate::journal::Effect;

/// A finished answer, before it goes on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) effect: Effect,
    /// Whether the daemon tells the bus about it, and so fails when the bus is away.
    pub(crate) notifies: bool,
}

/// What a handler returns: either way an answer; the error side only ends the work early.
pub(crate) type Reply = Result<Answer, Box<Answer>>;

pub(crate) const JSON: &str = "application/json";
pub(crate) const HTML: &str = "text/html; charset=utf-8";

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, JSON, format!("{body}\n"))
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, JSON, String::new())
    }

    pub(crate) fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type,
            headers: Vec::new(),
            body,
            effect: Effect::none(),
            notifies: false,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    pub(crate) fn notifying(mut self) -> Self {
        self.notifies = true;
        self
    }
}

/// Shape 1 (most of wazo-auth): an object with `message`, `error_id`, `details`, `timestamp`.
pub(crate) fn problem(
    now: f64,
    status: u16,
    message: Value,
    error_id: &str,
    details: Value,
    resource: Option<&str>,
) -> Box<Answer> {
    let mut body = json!({"message": message, "error_id": error_id, "details": details, "timestamp": now});
    if let Some(resource) = resource {
        body["resource"] = json!(resource);
    }
    Box::new(Answer::json(status, &body))
}

/// Shape 2 (tokens and policies of wazo-auth): `reason` and `timestamp` are lists of one.
pub(crate) fn reason(now: f64, status: u16, reason: impl Into<String>) -> Box<Answer> {
    Box::new(Answer::json(
        status,
        &json!({"reason": [reason.into()], "timestamp": [now], "status_code": status}),
    ))
}

/// Shape 3 (the web framework): only `message`.
pub(crate) fn framework(status: u16) -> Box<Answer> {
    Box::new(Answer::json(
        status,
        &json!({"message": framework_message(status)}),
    ))
}

/// Shape 4 (wazo-confd): a list of texts.
pub(crate) fn texts(status: u16, texts: &[String]) -> Box<Answer> {
    Box::new(Answer::json(status, &json!(texts)))
}

/// Shape 5: the framework's page for a path that it does not know.
pub(crate) fn no_such_page() -> Box<Answer> {
    let page = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was \
                not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n";
    Box::new(Answer::text(404, HTML, page.to_owned()))
}

/// What the framework says about a status of its own.
pub(crate) fn framework_message(status: u16) -> &'static str {
    match status {
        400 => "The browser (or proxy) sent a request that this server could not understand.",
        405 => "The method is not allowed for the requested URL.",
        _ => "Internal Server Error",
    }
}

/// The framework's refusal of a method, with the methods that it would take.
pub(crate) fn bad_method(allow: &str) -> Box<Answer> {
    Box::new(framework(405).header("Allow", allow))
}

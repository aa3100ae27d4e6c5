//! What an answer means. Five shapes of errors are known (recorded from the daemons): wazo-auth's objects with
//! `error_id`, its objects with `reason`, the framework's `message`, wazo-confd's lists of text, and HTML. Bodies of
//! 401 and 503 may hold the token: nothing of a body leaves this file.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use hyper::body::Bytes;
use serde_json::Value;

use super::error::CoreErrorKind;
use super::facts::Daemon;
use super::request::Route;

/// An answer that the daemon gave on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It did what was asked, and says so with this body.
    Good(Bytes),
    /// There is no such application, or no such user.
    NotFound,
    /// There is an application of that name already.
    AlreadyExists,
    /// The token is not known, or no longer: expired, deleted.
    TokenUnknown,
    /// The account lacks the right, or may not act in the tenant: `scopes/check` tells which.
    Forbidden,
}

/// What an answer means.
pub(super) fn classify(
    route: Route,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Answer, CoreErrorKind> {
    let media_type = media_type(headers);
    let code = status.as_u16();
    let not_wazo = || CoreErrorKind::NotWazo {
        status: code,
        content_type: shortened(&media_type),
    };
    if status.is_success() {
        // No content has no media type to speak of.
        return if body.is_empty() || is_json(&media_type) {
            Ok(Answer::Good(body.clone()))
        } else {
            Err(not_wazo())
        };
    }
    let json = is_json(&media_type)
        .then(|| serde_json::from_slice::<Value>(body).ok())
        .flatten();
    match (code, json) {
        (503, Some(body)) if names_the_authentication_server(&body) => Err(CoreErrorKind::AuthUnreachable),
        (502..=504, None) => Err(CoreErrorKind::DaemonDown(code)),
        (500.., _) => Err(CoreErrorKind::ServerError(code)),
        (429, Some(_)) if route == Route::Login => Err(CoreErrorKind::TooManySessions),
        (429, _) => Err(CoreErrorKind::Throttled),
        // wazo-provd refuses in HTML.
        (401, None) if route == Route::OwnStatus(Daemon::Provd) => Ok(Answer::Forbidden),
        (_, None) => Err(not_wazo()),
        (401, Some(_)) if route == Route::Login => Err(CoreErrorKind::CredentialsRejected),
        (401, Some(body)) => Ok(refusal(route.row().daemon, &body)),
        (403, Some(_)) if route == Route::CheckScopes => Err(CoreErrorKind::TenantRefused),
        (403, Some(_)) => Ok(Answer::Forbidden),
        (404, Some(_)) if matches!(route, Route::ReadToken | Route::CheckScopes) => Ok(Answer::TokenUnknown),
        (404, Some(_)) if matches!(route, Route::Account(_)) => Ok(Answer::NotFound),
        (409, Some(_)) if matches!(route, Route::Account(_)) => Ok(Answer::AlreadyExists),
        (404, Some(_)) if route.is_of_something() => Ok(Answer::NotFound),
        (400, Some(body))
            if matches!(route, Route::CreateApp | Route::CreateUserApp) && says_already_exists(&body) =>
        {
            Ok(Answer::AlreadyExists)
        }
        (300..=399, _) => Err(not_wazo()),
        _ => Err(CoreErrorKind::Rejected(code)),
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type");
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn is_json(media_type: &str) -> bool {
    // wazo-provd names its own: application/vnd.proformatique.provd+json.
    media_type == "application/json" || media_type.ends_with("+json")
}

fn shortened(media_type: &str) -> String {
    media_type.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// wazo-webhookd's family says so by `error_id`; wazo-confd by a list of one text, which names the address.
fn names_the_authentication_server(body: &Value) -> bool {
    match body {
        Value::Object(object) => {
            object.get("error_id").and_then(Value::as_str) == Some("authentication-server-unreachable")
        }
        Value::Array(list) => matches!(list.as_slice(), [Value::String(_)]),
        _ => false,
    }
}

fn says_already_exists(body: &Value) -> bool {
    body.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|text| text.starts_with("Resource Error - ") && text.contains("already exists"))
}

/// Which of the two a 401 says: unknown token, or a right or tenant that the account lacks.
fn refusal(daemon: Daemon, body: &Value) -> Answer {
    match daemon {
        Daemon::Confd => match body.get(0).and_then(Value::as_str).map(tuple_length) {
            Some(3..) => Answer::Forbidden,
            _ => Answer::TokenUnknown,
        },
        _ => {
            let reason = body.pointer("/details/reason").and_then(Value::as_str);
            let error_id = body.get("error_id").and_then(Value::as_str);
            // A right that one would give or take without holding it: named, and no reason.
            let not_ours = reason.is_none() && body.pointer("/details/required_access").is_some();
            if reason == Some("missing_permission_or_invalid_tenant")
                || error_id == Some("unauthorized-tenant")
                || not_ours
            {
                Answer::Forbidden
            } else {
                Answer::TokenUnknown
            }
        }
    }
}

/// The number of items of a Python tuple in text, such as `('token', 'right', None)`.
fn tuple_length(text: &str) -> usize {
    let mut items = 1;
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == ',' => items += 1,
            None => {}
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue, StatusCode};
    use hyper::body::Bytes;

    use super::{Answer, classify, tuple_length};
    use crate::core::error::CoreErrorKind as Kind;
    use crate::core::request::Route;

    const JSON: &str = "application/json";
    const HTML: &str = "text/html; charset=utf-8";

    fn meaning(route: Route, status: u16, media: &'static str, body: &str) -> Result<Answer, Kind> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        classify(
            route,
            StatusCode::from_u16(status).unwrap(),
            &headers,
            &Bytes::from(body.to_owned()),
        )
    }

    #[test]
    fn objects_with_an_error_id_are_told_apart_by_their_reason() {
        let body = |reason: &str| {
            format!(
                r#"{{"message":"Unauthorized","error_id":"unauthorized","details":{{"invalid_token":"s3cret","reason":"{reason}"}},"timestamp":1.0}}"#
            )
        };
        assert_eq!(
            meaning(Route::ReadToken, 401, JSON, &body("not_found_or_expired")),
            Ok(Answer::TokenUnknown)
        );
        assert_eq!(
            meaning(
                Route::ReadToken,
                401,
                JSON,
                &body("missing_permission_or_invalid_tenant")
            ),
            Ok(Answer::Forbidden)
        );
        assert_eq!(
            meaning(
                Route::Status,
                503,
                JSON,
                r#"{"error_id":"authentication-server-unreachable","details":{}}"#
            ),
            Err(Kind::AuthUnreachable)
        );
    }

    #[test]
    fn objects_with_a_reason_are_of_tokens() {
        let body = r#"{"reason":["Authentication Failed"],"timestamp":[1.0],"status_code":401}"#;
        assert_eq!(
            meaning(Route::Login, 401, JSON, body),
            Err(Kind::CredentialsRejected)
        );
        let body = r#"{"reason":["User u has exceeded the maximum number of active sessions"]}"#;
        assert_eq!(meaning(Route::Login, 429, JSON, body), Err(Kind::TooManySessions));
        let body = r#"{"reason":["Unauthorized for tenant t"],"timestamp":[1.0],"status_code":403}"#;
        assert_eq!(
            meaning(Route::CheckScopes, 403, JSON, body),
            Err(Kind::TenantRefused)
        );
        let body = r#"{"reason":["No such token"],"timestamp":[1.0],"status_code":404}"#;
        assert_eq!(
            meaning(Route::CheckScopes, 404, JSON, body),
            Ok(Answer::TokenUnknown)
        );
        assert_eq!(
            meaning(Route::ReadToken, 404, JSON, body),
            Ok(Answer::TokenUnknown)
        );
    }

    #[test]
    fn messages_of_the_framework_are_rejections_and_server_errors() {
        assert_eq!(
            meaning(Route::Login, 400, JSON, r#"{"message":"no"}"#),
            Err(Kind::Rejected(400))
        );
        assert_eq!(
            meaning(
                Route::CheckScopes,
                500,
                JSON,
                r#"{"message":"Internal Server Error"}"#
            ),
            Err(Kind::ServerError(500))
        );
        assert_eq!(
            meaning(Route::CreateApp, 405, JSON, "\"\""),
            Err(Kind::Rejected(405))
        );
    }

    #[test]
    fn lists_of_text_are_of_confd_and_their_tuples_are_counted() {
        let app = Route::ReadApp;
        assert_eq!(
            meaning(
                app,
                404,
                JSON,
                r#"["Resource Not Found - ExternalApp was not found ('name': 'nope')"]"#
            ),
            Ok(Answer::NotFound)
        );
        assert_eq!(
            meaning(app, 401, JSON, r#"["('s3cret', 'confd.status.read')"]"#),
            Ok(Answer::TokenUnknown)
        );
        for tuple in [
            r#"["('s3cret', 'confd.status.read', None)"]"#,
            r#"["('s', 'confd.a,b.read', '0-0')"]"#,
        ] {
            assert_eq!(meaning(app, 401, JSON, tuple), Ok(Answer::Forbidden));
        }
        let exists = r#"["Resource Error - ExternalApp already exists ('tenant_uuid': 't', 'name': 'n')"]"#;
        assert_eq!(
            meaning(Route::CreateApp, 400, JSON, exists),
            Ok(Answer::AlreadyExists)
        );
        assert_eq!(
            meaning(Route::ChangeApp, 400, JSON, r#"["Input Error - label"]"#),
            Err(Kind::Rejected(400))
        );
        assert_eq!(
            meaning(
                app,
                503,
                JSON,
                r#"["Authentication server on 127.0.0.1:9497 unreachable"]"#
            ),
            Err(Kind::AuthUnreachable)
        );
        assert_eq!(
            meaning(app, 500, JSON, r#"["Unexpected error: x"]"#),
            Err(Kind::ServerError(500))
        );
    }

    #[test]
    fn html_is_the_front_or_no_core_at_all() {
        for status in [502, 503, 504] {
            assert_eq!(
                meaning(Route::ReadApp, status, HTML, "<html>"),
                Err(Kind::DaemonDown(status))
            );
        }
        assert_eq!(
            meaning(Route::ReadApp, 500, HTML, "<html>"),
            Err(Kind::ServerError(500))
        );
        assert_eq!(meaning(Route::ReadApp, 429, HTML, "<html>"), Err(Kind::Throttled));
        for status in [200, 302, 403, 404, 407] {
            assert_eq!(
                meaning(Route::Login, status, HTML, "<html>"),
                Err(Kind::NotWazo {
                    status,
                    content_type: "text/html".into()
                })
            );
        }
    }

    #[test]
    fn success_needs_json_or_no_body() {
        assert_eq!(
            meaning(Route::ChangeApp, 204, JSON, ""),
            Ok(Answer::Good(Bytes::new()))
        );
        assert_eq!(
            meaning(Route::Infos, 200, JSON, "{}"),
            Ok(Answer::Good(Bytes::from_static(b"{}")))
        );
    }

    #[test]
    fn no_error_shows_anything_of_a_body() {
        for status in [400, 401, 403, 404, 405, 429, 500, 503] {
            for route in [
                Route::Login,
                Route::ReadToken,
                Route::ReadApp,
                Route::CreateApp,
                Route::Status,
            ] {
                for body in [
                    r#"["('s3cret', 'a')"]"#,
                    r#"{"details":{"invalid_token":"s3cret"}}"#,
                    "s3cret",
                ] {
                    for media in [JSON, HTML] {
                        let shown = format!("{:?}", meaning(route, status, media, body));
                        assert!(!shown.contains("s3cret"), "{shown}");
                    }
                }
            }
        }
    }

    #[test]
    fn commas_in_quotes_do_not_count() {
        assert_eq!(tuple_length(r"('a, b', 'c')"), 2);
        assert_eq!(tuple_length(r#"('a', "it's, so", None)"#), 3);
        assert_eq!(tuple_length(r"('a\', b', 'c', None)"), 3);
    }
}

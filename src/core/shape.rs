//! Reading an answer by path. What is wrong is said as path and expected type, never as the value: it may be a secret.

use jiff::civil::DateTime;
use serde_json::Value;
use uuid::Uuid;

use super::error::CoreErrorKind;

/// The body as JSON, numbers and the order of keys kept.
pub(super) fn json(body: &[u8]) -> Result<Value, CoreErrorKind> {
    serde_json::from_slice(body).map_err(|_| CoreErrorKind::UnexpectedShape("the body: expected JSON".into()))
}

/// What stands at `path` (keys joined by dots), turned by `read` into what is `expected`.
pub(super) fn at<'a, T>(
    value: &'a Value,
    path: &str,
    expected: &str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Result<T, CoreErrorKind> {
    path.split('.')
        .try_fold(value, |value, key| value.get(key))
        .and_then(read)
        .ok_or_else(|| CoreErrorKind::UnexpectedShape(format!("{path}: expected {expected}")))
}

/// The text at `path`.
pub(super) fn text<'a>(value: &'a Value, path: &str) -> Result<&'a str, CoreErrorKind> {
    at(value, path, "text", Value::as_str)
}

/// The UUID at `path`.
pub(super) fn uuid(value: &Value, path: &str) -> Result<Uuid, CoreErrorKind> {
    at(value, path, "a UUID", |value| value.as_str()?.parse().ok())
}

/// The moment at `path`: ISO 8601 without a zone, as the `utc_*` fields of wazo-auth are written.
pub(super) fn moment(value: &Value, path: &str) -> Result<DateTime, CoreErrorKind> {
    at(value, path, "a moment without a zone", |value| {
        value.as_str()?.parse().ok()
    })
}

/// What kind of JSON value it is, for a person.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{moment, text, uuid};

    #[test]
    fn an_error_names_the_path_and_never_the_value() {
        let value =
            json!({"data": {"token": 5, "auth_id": "s3cret", "utc_issued_at": "2026-11-22T06:08:16.086589"}});
        assert_eq!(
            text(&value, "data.token").unwrap_err().to_string(),
            "the answer is not as expected at data.token: expected text"
        );
        assert_eq!(
            uuid(&value, "data.auth_id").unwrap_err().to_string(),
            "the answer is not as expected at data.auth_id: expected a UUID"
        );
        assert_eq!(moment(&value, "data.utc_issued_at").unwrap().second(), 16);
        assert!(moment(&value, "data.metadata.nothing").is_err());
    }

    #[test]
    fn numbers_are_kept_digit_by_digit() {
        let text = r#"{"b":1.10,"a":12345678901234567890123,"c":1e+2}"#;
        assert_eq!(super::json(text.as_bytes()).unwrap().to_string(), text);
    }
}

//! Whether a browser lets the application read an answer from another origin (Fetch standard, "CORS check", for a
//! request without credentials).

use http::HeaderMap;
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;

/// Whether the answer's `Access-Control-Allow-Origin` is `*` or exactly the origin. Several such headers make one
/// value with a comma, which is neither; nor is `https://*.wazo.io`, which no browser understands.
pub(super) fn allows(headers: &HeaderMap, origin: &str) -> bool {
    let mut values = headers.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value == "*" || value == origin,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, HeaderValue};

    use super::allows;

    fn allowed(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static(value));
        }
        allows(&headers, "https://app.wazo.io")
    }

    #[test]
    fn a_star_or_the_origin_itself_is_needed() {
        assert!(allowed(&["*"]));
        assert!(allowed(&["https://app.wazo.io"]));
        for refused in [
            &[][..],
            &[""],
            &["null"],
            &["https://*.wazo.io"],
            &["*.wazo.io"],
            &["https://app.wazo.io/"],
            &["http://app.wazo.io"],
            &["https://other.example"],
            &["*", "*"],
            &["https://app.wazo.io, https://portal.wazo.io"],
        ] {
            assert!(!allowed(refused), "{refused:?}");
        }
    }
}

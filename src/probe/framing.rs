//! Whether a page may be shown in a frame of the application (HTML standard, "X-Frame-Options"; Content Security
//! Policy Level 3, "frame-ancestors").

use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use url::Url;

use super::look::FramingHeader;

/// The header that forbids `application` to frame the page, if any. A policy with `frame-ancestors` makes browsers
/// ignore `X-Frame-Options`.
pub(super) fn forbidden(headers: &HeaderMap, application: &Url) -> Option<FramingHeader> {
    let mut has_ancestors = false;
    for policy in list(headers, &CONTENT_SECURITY_POLICY) {
        if let Some(sources) = ancestors(policy) {
            has_ancestors = true;
            if !sources
                .split_ascii_whitespace()
                .any(|source| matches(source, application))
            {
                return Some(FramingHeader::FrameAncestors);
            }
        }
    }
    (!has_ancestors && frame_options_forbid(headers)).then_some(FramingHeader::XFrameOptions)
}

/// All elements of a header that is a list; what is not text says nothing.
fn list<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The sources of a policy's first `frame-ancestors`; later ones are ignored by browsers.
fn ancestors(policy: &str) -> Option<&str> {
    policy.split(';').find_map(|directive| {
        let directive = directive.trim();
        let (name, sources) = directive
            .split_once(|c: char| c.is_ascii_whitespace())
            .unwrap_or((directive, ""));
        name.eq_ignore_ascii_case("frame-ancestors").then_some(sources)
    })
}

/// Whether a source matches the application. `'self'` does not: the page is of another origin.
fn matches(source: &str, application: &Url) -> bool {
    if source == "*" {
        return matches!(application.scheme(), "http" | "https");
    }
    let (scheme, rest) = match source.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => match source.strip_suffix(':') {
            Some(scheme) => return scheme_matches(scheme, application),
            None => (None, source),
        },
    };
    if scheme.is_some_and(|scheme| !scheme_matches(scheme, application)) {
        return false;
    }
    // A path is not part of an ancestor's origin; browsers leave it out of account.
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    host_matches(host, application.host_str().unwrap_or_default()) && port_matches(port, application)
}

/// A policy for `http` lets `https` in, too.
fn scheme_matches(scheme: &str, application: &Url) -> bool {
    scheme.eq_ignore_ascii_case(application.scheme())
        || (scheme.eq_ignore_ascii_case("http") && application.scheme() == "https")
}

fn host_matches(pattern: &str, host: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    match pattern.strip_prefix('*') {
        // `*.wazo.io` matches what is below `wazo.io`, not `wazo.io` itself.
        Some(suffix) => suffix.is_empty() || (suffix.starts_with('.') && host.ends_with(suffix)),
        None => pattern == host,
    }
}

fn port_matches(port: Option<&str>, application: &Url) -> bool {
    match port {
        None => application.port().is_none(),
        Some("*") => true,
        // A policy for port 80 lets 443 in, as with the schemes.
        Some(port) => application
            .port_or_known_default()
            .is_some_and(|own| port.parse() == Ok(own) || (port == "80" && own == 443)),
    }
}

/// `SAMEORIGIN` forbids as `DENY` does, since the application is another origin. A value that browsers do not know
/// (`ALLOW-FROM` among them) is ignored, unless it contradicts another one.
fn frame_options_forbid(headers: &HeaderMap) -> bool {
    let values: Vec<_> = list(headers, &X_FRAME_OPTIONS)
        .map(str::to_ascii_lowercase)
        .collect();
    let known = |value: &String| matches!(value.as_str(), "deny" | "sameorigin" | "allowall");
    match values.as_slice() {
        [first, others @ ..] if others.iter().any(|other| other != first) => values.iter().any(known),
        [first, ..] => matches!(first.as_str(), "deny" | "sameorigin"),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use url::Url;

    use super::{FramingHeader, forbidden};

    fn look(headers: &[(&'static str, &str)]) -> Option<FramingHeader> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        forbidden(&map, &Url::parse("https://app.wazo.io").unwrap())
    }

    #[test]
    fn frame_options_forbid_unless_browsers_do_not_know_them() {
        for value in ["DENY", "sameorigin", "SAMEORIGIN, SAMEORIGIN", "ALLOWALL, DENY"] {
            assert_eq!(
                look(&[("x-frame-options", value)]),
                Some(FramingHeader::XFrameOptions),
                "{value}"
            );
        }
        for value in ["ALLOWALL", "ALLOW-FROM https://app.wazo.io", ""] {
            assert_eq!(look(&[("x-frame-options", value)]), None, "{value}");
        }
        assert_eq!(look(&[]), None);
    }

    #[test]
    fn ancestors_must_include_the_application() {
        for sources in [
            "*",
            "https:",
            "http:",
            "https://app.wazo.io",
            "HTTPS://APP.WAZO.IO",
            "https://*.wazo.io",
            "*.wazo.io",
            "app.wazo.io",
            "http://app.wazo.io",
            "https://app.wazo.io:443",
            "https://app.wazo.io:*",
            "'self' https://portal.wazo.io https://app.wazo.io",
        ] {
            let policy = format!("default-src 'self'; Frame-Ancestors {sources}");
            assert_eq!(look(&[("content-security-policy", &policy)]), None, "{sources}");
        }
        for sources in [
            "'none'",
            "'self'",
            "",
            "https://portal.wazo.io",
            "https://wazo.io",
            "https://app.wazo.io.evil.example",
            "https://app.wazo.io:8443",
            "file:",
        ] {
            let policy = format!("frame-ancestors {sources}; frame-ancestors *");
            let found = look(&[("content-security-policy", &policy)]);
            assert_eq!(found, Some(FramingHeader::FrameAncestors), "{sources}");
        }
    }

    #[test]
    fn every_policy_must_allow_it_and_one_makes_frame_options_void() {
        let allow = ("content-security-policy", "frame-ancestors *");
        let deny = ("content-security-policy", "frame-ancestors 'self'");
        assert_eq!(look(&[allow, deny]), Some(FramingHeader::FrameAncestors));
        let both = (
            "content-security-policy",
            "frame-ancestors *, frame-ancestors 'none'",
        );
        assert_eq!(look(&[both]), Some(FramingHeader::FrameAncestors));
        assert_eq!(look(&[allow, ("x-frame-options", "DENY")]), None);
        let other = ("content-security-policy", "script-src 'self'");
        assert_eq!(look(&[other]), None);
        assert_eq!(
            look(&[other, ("x-frame-options", "DENY")]),
            Some(FramingHeader::XFrameOptions)
        );
        assert_eq!(
            look(&[("content-security-policy-report-only", "frame-ancestors 'none'")]),
            None
        );
    }
}

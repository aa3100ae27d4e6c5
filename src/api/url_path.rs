//! Paths as users type them, before they become part of a URL.

/// Checks that a path means what it says: parsers of URLs take `..`, its escapes and backslashes for a way up, and
/// others on the way (gateways, servers) may not.
///
/// # Errors
/// What it must not hold.
pub fn check(path: &str) -> Result<(), &'static str> {
    if path.contains('\\') {
        return Err("must not hold a backslash, which browsers take for a slash");
    }
    if path.chars().any(char::is_control) {
        return Err("must not hold control characters");
    }
    if path.contains("//") {
        return Err("must not hold '//': write one slash");
    }
    let decoded = path.to_ascii_lowercase().replace("%2e", ".");
    if decoded.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("must not hold '..' or '.' as a part, escaped or not");
    }
    Ok(())
}

/// The path of a URL as it is typed: what is behind the host.
#[must_use]
pub fn of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '\\']).map_or("", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::{check, of};

    #[test]
    fn a_way_up_is_refused_in_every_disguise() {
        for path in [
            "/..",
            "/../a",
            "/a/..",
            "/%2e%2E/a",
            "/.%2e/a",
            "/./a",
            "/a\\..\\b",
            "//a",
            "/a//b",
            "/a\u{7}",
        ] {
            assert!(check(path).is_err(), "{path:?}");
        }
        for path in ["", "/", "/a/b.json", "/a..b/...", "/.well-known/x", "/a%20b"] {
            assert_eq!(check(path), Ok(()), "{path:?}");
        }
        assert_eq!(of("https://a.example/b/../c"), "/b/../c");
        assert_eq!(of("https://a.example"), "");
    }
}

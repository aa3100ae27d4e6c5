//! The address of a stack.

use std::fmt;

use url::Url;

/// The address of a stack: `https`, a host, optionally a port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StackUrl(Url);

/// Why a text is not the address of a stack; each says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackUrlError {
    /// It is no absolute URL.
    #[error("not a URL ({0}): write it as in https://stack.example")]
    NotAUrl(String),
    /// The scheme is not `https`.
    #[error("the scheme is {0}: only https is supported")]
    Scheme(String),
    /// It has no host.
    #[error("the host is missing: write it as in https://stack.example")]
    NoHost,
    /// It holds a username or password.
    #[error("remove the username and password: they belong into the credentials Secret")]
    Userinfo,
    /// It has a path.
    #[error("remove the path {0}: the daemons' paths are added by the operator")]
    Path(String),
    /// It has a query.
    #[error("remove the query, from the question mark on")]
    Query,
    /// It has a fragment.
    #[error("remove the fragment, from the number sign on")]
    Fragment,
}

impl StackUrl {
    /// The URL of `segments` below `prefix`, each segment escaped.
    #[must_use]
    pub(super) fn below(&self, prefix: &str, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.set_path(prefix);
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        url
    }

    /// The host, an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl TryFrom<&str> for StackUrl {
    type Error = StackUrlError;

    fn try_from(text: &str) -> Result<Self, StackUrlError> {
        let url = Url::parse(text.trim()).map_err(|error| StackUrlError::NotAUrl(error.to_string()))?;
        if url.scheme() != "https" {
            return Err(StackUrlError::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(StackUrlError::NoHost);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(StackUrlError::Userinfo);
        }
        if url.path() != "/" {
            return Err(StackUrlError::Path(url.path().to_owned()));
        }
        if url.query().is_some() {
            return Err(StackUrlError::Query);
        }
        if url.fragment().is_some() {
            return Err(StackUrlError::Fragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for StackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::{StackUrl, StackUrlError};

    fn error(text: &str) -> StackUrlError {
        StackUrl::try_from(text).unwrap_err()
    }

    #[test]
    fn a_host_with_or_without_a_port_and_slash_is_a_stack() {
        for (text, shown) in [
            ("https://stack.example", "https://stack.example"),
            ("https://Stack.Example/", "https://stack.example"),
            (" https://stack.example:8443 ", "https://stack.example:8443"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(StackUrl::try_from(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_must_be_removed_is_said() {
        assert!(matches!(error("stack.example"), StackUrlError::NotAUrl(_)));
        assert_eq!(
            error("http://stack.example"),
            StackUrlError::Scheme("http".into())
        );
        assert_eq!(error("https://u:p@stack.example"), StackUrlError::Userinfo);
        assert_eq!(
            error("https://stack.example/api/auth"),
            StackUrlError::Path("/api/auth".into())
        );
        assert_eq!(error("https://stack.example/?a=b"), StackUrlError::Query);
        assert_eq!(error("https://stack.example/#a"), StackUrlError::Fragment);
        assert!(matches!(error("https://"), StackUrlError::NotAUrl(_)));
        let userinfo = error("https://u:p4ss@stack.example").to_string();
        assert!(!userinfo.contains("p4ss"), "{userinfo}");
    }

    #[test]
    fn segments_are_escaped() {
        let url = StackUrl::try_from("https://stack.example").unwrap();
        assert_eq!(
            url.below("/api/confd/1.1", &["external", "apps", "a/b é"])
                .as_str(),
            "https://stack.example/api/confd/1.1/external/apps/a%2Fb%20%C3%A9"
        );
    }
}

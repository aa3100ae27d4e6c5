//! A value that must never be printed.

use std::fmt;

/// A secret text: a password or a token. It has no `Display`, its `Debug` is a fixed word, and it is not
/// `Serialize`, so that it cannot reach a log, a status, an event or a metric by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes the text out of sight.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("s3cret");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "<redacted> Some(\n    <redacted>,\n)"
        );
        assert_eq!(secret.expose(), "s3cret");
    }
}

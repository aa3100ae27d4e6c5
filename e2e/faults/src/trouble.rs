//! Why a case could not be played: a fault of this program or of its ground, never a verdict of the operator.

use std::fmt;

/// What went wrong, for a person.
#[derive(Debug)]
pub(crate) struct Trouble(String);

/// The outcome of a step.
pub(crate) type Result<T = ()> = std::result::Result<T, Trouble>;

impl Trouble {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// The same, told with what was being done.
    pub(crate) fn during(self, what: &str) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

// It is no `Error` itself, so that every error becomes one by `?`.
impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(text)
    }
}

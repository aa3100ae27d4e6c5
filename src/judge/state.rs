//! What a layer of rules says.

use super::candidate::Candidate;

/// The state of one layer.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// As it should be.
    Good,
    /// On its way: not good yet, and nobody's fault.
    Waiting {
        /// A stable CamelCase word.
        reason: &'static str,
        /// For a person.
        message: String,
        /// Seconds after which time alone may change the state.
        again: Option<i64>,
    },
    /// Something is wrong.
    Bad(Box<Candidate>),
}

impl State {
    /// A fault.
    #[must_use]
    pub fn bad(candidate: Candidate) -> Self {
        Self::Bad(Box::new(candidate))
    }

    /// On its way, woken by facts alone.
    #[must_use]
    pub fn waiting(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Waiting {
            reason,
            message: message.into(),
            again: None,
        }
    }

    /// On its way; looked at again after some seconds.
    #[must_use]
    pub fn for_now(reason: &'static str, message: impl Into<String>, again: i64) -> Self {
        Self::Waiting {
            reason,
            message: message.into(),
            again: Some(again.max(1)),
        }
    }

    /// Seconds after which time alone may change it.
    #[must_use]
    pub const fn again(&self) -> Option<i64> {
        match self {
            Self::Good => None,
            Self::Waiting { again, .. } => *again,
            Self::Bad(candidate) => candidate.again,
        }
    }

    /// Whether what lies behind the layer may go on: it is as it should be, or what is wrong does not block.
    #[must_use]
    pub const fn holds_up_nothing(&self) -> bool {
        match self {
            Self::Good => true,
            Self::Waiting { .. } => false,
            Self::Bad(candidate) => !candidate.fault.blocking,
        }
    }

    /// Whether it is as it should be.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Good)
    }
}

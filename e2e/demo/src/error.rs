//! Why the demo ends early.

use wazo_e2e_node::{FetchError, NodeError};

/// Why the demo ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The node, or a command.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A request of ours got no answer.
    #[error("no answer: {0}")]
    Fetch(#[from] FetchError),
    /// A request of ours got another answer than it should.
    #[error("{what}: {status} {body}")]
    Answer {
        /// What was asked.
        what: String,
        /// The status code.
        status: u16,
        /// The body.
        body: String,
    },
    /// What was waited for did not come.
    #[error("waited until {what}, not within {seconds} s; it was last: {last}")]
    Late {
        /// What.
        what: String,
        /// How long was waited.
        seconds: u64,
        /// The last that was seen.
        last: String,
    },
    /// Something of the machine is missing.
    #[error("{what}: {source}")]
    Machine {
        /// What.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text is not what it should be.
    #[error("{what} is not understood: {reason}")]
    Text {
        /// Which.
        what: String,
        /// Why not.
        reason: String,
    },
}

//! What can go wrong with a call to the core, as data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use super::facts::Daemon;

/// A call to the core that did not do what it should.
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
#[error("{daemon} {operation}: {kind}", daemon = daemon.name())]
pub struct CoreError {
    /// Which daemon was asked.
    pub daemon: Daemon,
    /// Method and route with placeholders, such as `PUT /external/apps/{name}`; never a token.
    pub operation: Cow<'static, str>,
    /// What happened.
    pub kind: CoreErrorKind,
    /// The trace id that was sent; the core logs it.
    pub trace_id: String,
    /// When it was first seen in this row of failures.
    pub at: Timestamp,
}

/// What happened to a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum CoreErrorKind {
    /// The stack's name does not resolve.
    #[error("the name does not resolve")]
    NameNotResolved,
    /// The connection was refused.
    #[error("connection refused")]
    Refused,
    /// The connection broke before a whole answer came.
    #[error("the connection broke before an answer came")]
    Broken,
    /// No connection, or no answer, within the time limit.
    #[error("no answer within {seconds} s")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// A new connection, TLS among it, is made, and no answer comes within the time limit: the way there is open.
    #[error("connected, and no answer within {seconds} s")]
    Silent {
        /// The limit.
        seconds: u64,
    },
    /// The core's certificate is expired or not yet valid.
    #[error("the certificate is expired or not yet valid")]
    CertificateExpired,
    /// The core's certificate is not signed by a known authority.
    #[error("the certificate is not signed by a known authority")]
    CertificateUnknownIssuer,
    /// The core's certificate is for other names.
    #[error("the certificate is not valid for this name")]
    CertificateWrongName,
    /// TLS failed otherwise.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// An answer that no Wazo daemon or front gives, such as HTML with 200.
    #[error("answered {status} with {content_type}, which is not a Wazo core")]
    NotWazo {
        /// The HTTP status.
        status: u16,
        /// The media type, shortened.
        content_type: String,
    },
    /// The front answers 502, 503 or 504: the daemon behind it is down.
    #[error("the front answers {0}: the daemon is down")]
    DaemonDown(u16),
    /// The daemon answers that wazo-auth is not reachable (503).
    #[error("the daemon does not reach wazo-auth")]
    AuthUnreachable,
    /// The daemon answers with another server error (5xx).
    #[error("answered {0}")]
    ServerError(u16),
    /// The front refuses requests that come too fast (429).
    #[error("answered 429: too many requests")]
    Throttled,
    /// wazo-auth refuses another session for this user (429 on POST /token).
    #[error("the account has too many live tokens")]
    TooManySessions,
    /// wazo-auth refuses the username and password.
    #[error("the credentials are rejected")]
    CredentialsRejected,
    /// The account lacks a right; named by our own table of requests, in ACL notation.
    #[error("the account lacks the right {0}")]
    MissingPermission(Cow<'static, str>),
    /// A right that the account would have to hold to give it to another one, or to take it away.
    #[error("the account does not hold {0}, and nobody gives or takes what he does not hold")]
    MayNotGive(String),
    /// The account may not act in the tenant.
    #[error("the account may not act in the tenant")]
    TenantRefused,
    /// A freshly made token is refused as unknown.
    #[error("a fresh token is refused")]
    TokenRefused,
    /// The daemon refuses the request as invalid.
    #[error("answered {0}: the request is refused as invalid")]
    Rejected(u16),
    /// The answer has not the shape that the daemon is known to give: path and expected type, never the value.
    #[error("the answer is not as expected at {0}")]
    UnexpectedShape(String),
}

impl CoreError {
    /// Whether it is the same failure once more: daemon, operation and kind.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.daemon == other.daemon && self.operation == other.operation && self.kind == other.kind
    }

    /// `self`, or `previous` if that is the same failure: the first of a row stands for all of them.
    pub(super) fn after(self, previous: Option<&Self>) -> Self {
        match previous {
            Some(previous) if previous.is_like(&self) => previous.clone(),
            _ => self,
        }
    }
}

impl CoreErrorKind {
    /// Whether no answer came in time.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Silent { .. })
    }

    /// Whether it says that the daemon is not there for anybody, so that nothing more should be sent.
    pub(super) const fn is_absence(&self) -> bool {
        match self {
            Self::NameNotResolved
            | Self::Refused
            | Self::Broken
            | Self::TimedOut { .. }
            | Self::Silent { .. }
            | Self::CertificateExpired
            | Self::CertificateUnknownIssuer
            | Self::CertificateWrongName
            | Self::Tls(_)
            | Self::DaemonDown(_)
            | Self::AuthUnreachable => true,
            Self::NotWazo { .. }
            | Self::ServerError(_)
            | Self::Throttled
            | Self::TooManySessions
            | Self::CredentialsRejected
            | Self::MissingPermission(_)
            | Self::MayNotGive(_)
            | Self::TenantRefused
            | Self::TokenRefused
            | Self::Rejected(_)
            | Self::UnexpectedShape(_) => false,
        }
    }

    /// Whether a daemon, or the front, that is being started again fails so, too: then it passes within moments.
    pub(super) const fn may_be_a_start(&self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Broken | Self::DaemonDown(_) | Self::AuthUnreachable | Self::ServerError(_)
        )
    }

    /// Whether a write that failed so may have had its effect all the same.
    pub(super) const fn is_doubtful(&self) -> bool {
        matches!(
            self,
            Self::Broken
                | Self::TimedOut { .. }
                | Self::Silent { .. }
                | Self::Tls(_)
                | Self::NotWazo { .. }
                | Self::DaemonDown(_)
                | Self::AuthUnreachable
                | Self::ServerError(_)
                | Self::UnexpectedShape(_)
        )
    }

    /// One word, for the label of a metric.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::NameNotResolved => "name_not_resolved",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::TimedOut { .. } => "timed_out",
            Self::Silent { .. } => "silent",
            Self::CertificateExpired | Self::CertificateUnknownIssuer | Self::CertificateWrongName => {
                "certificate"
            }
            Self::Tls(_) => "tls",
            Self::NotWazo { .. } => "not_wazo",
            Self::DaemonDown(_) => "daemon_down",
            Self::AuthUnreachable => "auth_unreachable",
            Self::ServerError(_) => "server_error",
            Self::Throttled => "throttled",
            Self::TooManySessions => "too_many_sessions",
            Self::CredentialsRejected => "credentials_rejected",
            Self::MissingPermission(_) => "missing_permission",
            Self::MayNotGive(_) => "may_not_give",
            Self::TenantRefused => "tenant_refused",
            Self::TokenRefused => "token_refused",
            Self::Rejected(_) => "rejected",
            Self::UnexpectedShape(_) => "unexpected_shape",
        }
    }
}

//! What one look from one vantage showed.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

use crate::api::ui_manifest::Violation;
use crate::certificate::Certificate;

/// What a look at a manifest showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// Everything is as a browser needs it.
    Good {
        /// What in the manifest keeps the rules, but is hardly meant; at most ten.
        warnings: Vec<Violation>,
    },
    /// Something is wrong.
    Bad(LookError),
}

impl Look {
    /// Whether it is good.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. })
    }

    /// What is wrong.
    #[must_use]
    pub const fn error(&self) -> Option<&LookError> {
        match self {
            Self::Good { .. } => None,
            Self::Bad(error) => Some(error),
        }
    }
}

/// What is wrong with a manifest, or with the way to it. Holds nothing of an answer's body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum LookError {
    /// The host name does not resolve.
    #[error("the host name does not resolve")]
    NotResolving,
    /// The resolver does not answer, or says that it cannot tell now.
    #[error("the resolver does not answer")]
    ResolverFailed,
    /// The host name resolves to an address that the operator must not connect to.
    #[error("the host name resolves to {addr}, which must not be connected to")]
    AddressRefused {
        /// The first such address.
        addr: IpAddr,
    },
    /// The connection was refused.
    #[error("connection refused")]
    Refused,
    /// There is no way to the address.
    #[error("no way to the address")]
    Unreachable,
    /// No connection, or no whole answer, in time.
    #[error("no answer in time")]
    TimedOut,
    /// The certificate is not valid.
    #[error("the certificate {why}")]
    Certificate {
        /// What is wrong with it.
        why: CertificateFlaw,
        /// The certificate, where it can be read.
        seen: Option<Box<Presented>>,
    },
    /// TLS failed otherwise.
    #[error("TLS failed")]
    TlsFailed,
    /// The connection broke before a whole answer came, or the answer was not HTTP.
    #[error("the connection broke before a whole answer came")]
    Broken,
    /// Answered with another status than 200, and than 404 and 410.
    #[error("answered {code}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// Whether the answer was an HTML page: a hint at who produced it, never a proof.
        from_html: bool,
    },
    /// Answered with 404 or 410.
    #[error("answered that there is nothing at this path (404 or 410)")]
    NotFound,
    /// More redirects than allowed.
    #[error("redirected too often")]
    TooManyRedirects,
    /// A redirect that must not be followed.
    #[error("redirected {why}")]
    RedirectRefused {
        /// Why not.
        why: RedirectFlaw,
    },
    /// The body is larger than allowed.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer does not allow browsers of other origins to read it.
    #[error("no Access-Control-Allow-Origin for the application's origin")]
    CorsMissing,
    /// The manifest breaks rules; at least one is an error, not a JSON document among them.
    #[error("the manifest is not valid{}", Listed(.0))]
    Invalid(Vec<Violation>),
    /// The plugin's page may not be shown in a frame of the application.
    #[error("the page forbids to be framed ({header})")]
    FramingForbidden {
        /// By which header.
        header: FramingHeader,
    },
}

impl LookError {
    /// A stable word: the label `result` of the metric.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotResolving => "NotResolving",
            Self::ResolverFailed => "ResolverFailed",
            Self::AddressRefused { .. } => "AddressRefused",
            Self::Refused => "Refused",
            Self::Unreachable => "Unreachable",
            Self::TimedOut => "TimedOut",
            Self::Certificate { .. } => "Certificate",
            Self::TlsFailed => "TlsFailed",
            Self::Broken => "Broken",
            Self::Status { .. } => "Status",
            Self::NotFound => "NotFound",
            Self::TooManyRedirects => "TooManyRedirects",
            Self::RedirectRefused { .. } => "RedirectRefused",
            Self::TooLarge => "TooLarge",
            Self::CorsMissing => "CorsMissing",
            Self::Invalid(_) => "Invalid",
            Self::FramingForbidden { .. } => "FramingForbidden",
        }
    }
}

/// The first error of a list, as the end of a sentence.
struct Listed<'a>(&'a [Violation]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [only] => write!(f, ": {only}"),
            [first, others @ ..] => write!(f, ": {first} (and {} more)", others.len()),
        }
    }
}

/// A certificate that was presented and refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presented {
    /// The host, or address, that it should have been for.
    pub host: String,
    /// What it tells.
    pub certificate: Certificate,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
pub enum CertificateFlaw {
    /// Its time is over.
    #[error("is expired")]
    Expired,
    /// Its time has not begun.
    #[error("is not yet valid")]
    NotYetValid,
    /// For other names.
    #[error("is not valid for the host name")]
    WrongName,
    /// Not signed by a known authority: also a chain that is not complete.
    #[error("is not signed by a known authority")]
    UnknownIssuer,
    /// Anything else.
    #[error("is not valid")]
    Other,
}

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
pub enum RedirectFlaw {
    /// From https to another scheme: browsers block it as mixed content.
    #[error("to an address that is not https")]
    Insecure,
    /// To an address that the operator must not connect to.
    #[error("to an address that must not be connected to")]
    Address,
    /// To a host name that does not resolve.
    #[error("to a host name that does not resolve")]
    NotResolving,
    /// A pod redirects to somewhere else: only the public vantage follows that.
    #[error("to another host")]
    Elsewhere,
    /// No `Location`, or one that is no URL.
    #[error("without a usable Location")]
    NoLocation,
}

/// The header that keeps a page from being framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
pub enum FramingHeader {
    /// `X-Frame-Options`.
    #[error("X-Frame-Options")]
    XFrameOptions,
    /// `Content-Security-Policy`, its directive `frame-ancestors`.
    #[error("Content-Security-Policy: frame-ancestors")]
    FrameAncestors,
}

/// What a look at pods that are not ready showed; of several pods, the first that is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReadinessLook {
    /// They answer as the kubelet wants it: the next readiness probe should pass.
    Good,
    /// The connection is refused: nothing listens on the port.
    NotListening,
    /// The connection is refused; another port, one that is often used for HTTP, accepts them.
    ListensElsewhere(u16),
    /// Answered with a status that the kubelet does not take for ready (below 200, or 400 and above).
    Status(u16),
    /// No answer in time.
    TimedOut,
    /// The connection broke, or the answer was not HTTP.
    Broken,
}

impl ReadinessLook {
    /// A stable word: the label `result` of the metric.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "Good",
            Self::NotListening => "NotListening",
            Self::ListensElsewhere(_) => "ListensElsewhere",
            Self::Status(_) => "Status",
            Self::TimedOut => "TimedOut",
            Self::Broken => "Broken",
        }
    }
}

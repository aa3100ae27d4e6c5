//! The seam between the actor and the network: one exchange of HTTP.

use std::sync::Arc;

use futures::future::BoxFuture;
use hyper::body::Bytes;

use super::error::CoreErrorKind;
use super::stack_url::StackUrl;

/// The largest body that is read of an answer, in bytes.
pub const LARGEST_BODY: usize = 4 << 20;

/// Makes the wire to a stack.
pub trait WireFactory: Send + Sync {
    /// A wire to the stack at `url` that trusts the certificates in `ca_pem`, or the usual roots.
    ///
    /// # Errors
    ///
    /// [`CaError`] when `ca_pem` holds no usable certificate.
    fn wire(&self, url: &StackUrl, ca_pem: Option<&[u8]>) -> Result<Arc<dyn Wire>, CaError>;
}

/// Carries one request to the stack and its answer back: nothing is retried, no redirect is followed, the time is
/// limited and the body bounded to [`LARGEST_BODY`].
pub trait Wire: Send + Sync {
    /// One exchange.
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, WireError>>;

    /// The addresses that the stack's name had when it was last resolved, sorted; none where it was not.
    fn addresses(&self) -> Vec<std::net::IpAddr> {
        Vec::new()
    }
}

/// Why a CA bundle cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaError {
    /// There is no PEM certificate in it.
    #[error("it holds no PEM certificate: it must have a line -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// A PEM block of it is broken.
    #[error("PEM block {number} is broken: {reason}")]
    BrokenPem {
        /// The block, counted from 1.
        number: usize,
        /// Why.
        reason: String,
    },
    /// A certificate of it cannot be used as an authority.
    #[error("certificate {number} is not a usable X.509 certificate: {reason}")]
    BrokenCertificate {
        /// The certificate, counted from 1.
        number: usize,
        /// Why.
        reason: String,
    },
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Dns,
    /// The connection was refused, or there is no route.
    #[error("connection refused")]
    Refused,
    /// The connection broke before the whole answer came.
    #[error("the connection broke")]
    Broken,
    /// The time limit, in seconds, was over.
    #[error("no answer within {0} s")]
    TimedOut(u64),
    /// A connection, TLS among it, was made, and no answer came within the time limit, in seconds.
    #[error("connected, and no answer within {0} s")]
    Silent(u64),
    /// The certificate is not accepted.
    #[error("certificate: {0:?}")]
    Certificate(CertificateFault),
    /// TLS failed otherwise.
    #[error("TLS: {0}")]
    Tls(String),
    /// The body is larger than [`LARGEST_BODY`].
    #[error("the body is too large")]
    TooLarge,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Expired or not yet valid.
    Expired,
    /// Not signed by a known authority.
    UnknownIssuer,
    /// For other names.
    WrongName,
}

impl From<WireError> for CoreErrorKind {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Dns => Self::NameNotResolved,
            WireError::Refused => Self::Refused,
            WireError::Broken => Self::Broken,
            WireError::TimedOut(seconds) => Self::TimedOut { seconds },
            WireError::Silent(seconds) => Self::Silent { seconds },
            WireError::Certificate(CertificateFault::Expired) => Self::CertificateExpired,
            WireError::Certificate(CertificateFault::UnknownIssuer) => Self::CertificateUnknownIssuer,
            WireError::Certificate(CertificateFault::WrongName) => Self::CertificateWrongName,
            WireError::Tls(text) => Self::Tls(text),
            WireError::TooLarge => Self::UnexpectedShape("the body: larger than 4 MiB".into()),
        }
    }
}

//! Why the simulated core could not start, or refused an order.

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {source}; choose another port, 0 for any")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate could not be made.
    #[error(
        "cannot make the certificate for {names:?}: {source}; every name must be a host name or an IP address"
    )]
    Certificate {
        /// The names that it should be for.
        names: Vec<String>,
        /// What the generator said.
        source: rcgen::Error,
    },
    /// The TLS library took neither certificate nor key.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The seed has no account.
    #[error("the seed has no account for the operator; add one of purpose external_api to accounts")]
    NoAccount,
    /// An order over the admin interface that makes no sense.
    #[error("{0}")]
    Order(String),
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

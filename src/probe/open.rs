//! Connections: to a checked address of the public host, or to a pod.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::guard::Guard;
use super::look::LookError;
use super::network::{Network, ResolveError, Stream};
use super::tls;
use crate::certificate::{Certificate, Validity};

/// How many addresses of a name are tried, one after the other.
const MOST_TRIED: usize = 4;
/// How long one address is tried while there are others.
const TRY: Duration = Duration::from_secs(3);

/// Opens connections.
pub(super) struct Opener {
    network: Arc<dyn Network>,
    guard: Guard,
    tls: TlsConnector,
    resolve_timeout: Duration,
}

impl Opener {
    pub(super) fn new(network: Arc<dyn Network>, guard: Guard, tls: TlsConnector, timeout: Duration) -> Self {
        Self {
            network,
            guard,
            tls,
            // A resolver that hangs must be told from a server that does.
            resolve_timeout: timeout / 2,
        }
    }

    /// A TLS connection to the URL's host. Every address of the host is checked, and the connection goes to one that
    /// was: the name is not resolved again. Also: when the certificate is valid.
    pub(super) async fn public(
        &self,
        url: &Url,
        gateway: &[IpAddr],
    ) -> Result<(Box<dyn Stream>, Option<Validity>), LookError> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(LookError::NotResolving);
        };
        let (addresses, name) = match host {
            Host::Ipv4(address) => (vec![IpAddr::V4(address)], ServerName::from(IpAddr::V4(address))),
            Host::Ipv6(address) => (vec![IpAddr::V6(address)], ServerName::from(IpAddr::V6(address))),
            Host::Domain(domain) => {
                let name = ServerName::try_from(domain.trim_end_matches('.').to_owned())
                    .map_err(|_| LookError::NotResolving)?;
                (self.resolve(domain).await?, name)
            }
        };
        self.guard
            .check(&addresses, gateway)
            .map_err(|addr| LookError::AddressRefused { addr })?;
        let stream = self.any(&addresses, port).await?;
        let stream = self
            .tls
            .connect(name, stream)
            .await
            .map_err(|error| tls::reason(&error))?;
        let shown = stream.get_ref().1.peer_certificates();
        let certificate = shown.and_then(|chain| Certificate::of(chain.first()?));
        let validity = certificate.map(|certificate| certificate.validity);
        Ok((Box::new(stream), validity))
    }

    /// A plain connection to a Service. Its address is the cluster's; what is known of where it leads must be as good as
    /// the address of a pod.
    pub(super) async fn service(
        &self,
        address: SocketAddr,
        behind: &[SocketAddr],
    ) -> Result<Box<dyn Stream>, LookError> {
        let all: Vec<IpAddr> = behind.iter().map(SocketAddr::ip).collect();
        self.guard
            .check(&all, &all)
            .map_err(|addr| LookError::AddressRefused { addr })?;
        self.pod(address).await
    }

    /// A plain connection to exactly this address: pods may have private addresses, but none that no pod has. An
    /// EndpointSlice is written by whoever may, and could lead to the node or to the cloud's metadata.
    pub(super) async fn pod(&self, address: SocketAddr) -> Result<Box<dyn Stream>, LookError> {
        let ip = address.ip();
        self.guard
            .check(&[ip], &[ip])
            .map_err(|addr| LookError::AddressRefused { addr })?;
        self.network
            .connect(address)
            .await
            .map_err(|error| reason(&error))
    }

    /// All addresses of a name.
    pub(super) async fn resolve(&self, domain: &str) -> Result<Vec<IpAddr>, LookError> {
        match timeout(self.resolve_timeout, self.network.resolve(domain)).await {
            Ok(Ok(addresses)) if addresses.is_empty() => Err(LookError::NotResolving),
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(ResolveError::NotFound)) => Err(LookError::NotResolving),
            Ok(Err(ResolveError::Failed)) | Err(_) => Err(LookError::ResolverFailed),
        }
    }

    /// A connection to the first address that takes one; else the first address's error.
    async fn any(&self, addresses: &[IpAddr], port: u16) -> Result<Box<dyn Stream>, LookError> {
        let mut first_error = None;
        let tried = addresses.len().min(MOST_TRIED);
        for (index, address) in addresses.iter().take(tried).enumerate() {
            let attempt = self.network.connect(SocketAddr::new(*address, port));
            let outcome = if index + 1 == tried {
                attempt.await
            } else {
                timeout(TRY, attempt)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            };
            match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => first_error = first_error.or_else(|| Some(reason(&error))),
            }
        }
        Err(first_error.unwrap_or(LookError::NotResolving))
    }
}

/// What a failed connection tells.
fn reason(error: &io::Error) -> LookError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => LookError::Refused,
        io::ErrorKind::TimedOut => LookError::TimedOut,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => LookError::Broken,
        _ => LookError::Unreachable,
    }
}

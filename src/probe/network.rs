//! The network as the prober sees it: names and connections. Tests map hosts and addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};

use futures::future::{BoxFuture, FutureExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a name has no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such name, or it has no addresses.
    #[error("the name does not resolve")]
    NotFound,
    /// The resolver does not answer, or says that it cannot tell now.
    #[error("the resolver does not answer")]
    Failed,
}

/// Names and connections.
pub trait Network: Send + Sync {
    /// All addresses of a host name.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>>;

    /// A connection to exactly this address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
}

/// The real network: the system's resolver, TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        async move {
            match tokio::net::lookup_host((host, 0)).await {
                Ok(found) => {
                    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                    addresses.sort_unstable();
                    addresses.dedup();
                    if addresses.is_empty() {
                        Err(ResolveError::NotFound)
                    } else {
                        Ok(addresses)
                    }
                }
                Err(error) => Err(reason(&error)),
            }
        }
        .boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        async move {
            let stream = TcpStream::connect(address).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        }
        .boxed()
    }
}

/// The standard library does not pass on the code of `getaddrinfo`, only its text: `EAI_AGAIN` and `EAI_FAIL` as the
/// GNU and musl C libraries spell them.
fn reason(error: &io::Error) -> ResolveError {
    let text = error.to_string();
    let cannot_tell = [
        "Temporary failure",
        "Try again",
        "Non-recoverable",
        "Unrecoverable",
    ];
    if cannot_tell.iter().any(|words| text.contains(words)) {
        ResolveError::Failed
    } else {
        ResolveError::NotFound
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::{Network, ResolveError, SystemNetwork, reason};

    #[tokio::test]
    async fn the_real_network_connects_to_the_address_that_it_is_given() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ours, theirs) = tokio::join!(SystemNetwork.connect(address), listener.accept());
        let (mut ours, (mut theirs, _)) = (ours.unwrap(), theirs.unwrap());
        theirs.write_all(b"hello").await.unwrap();
        let mut read = [0; 5];
        ours.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"hello");
        drop(listener);
        let error = SystemNetwork.connect(address).await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_resolver_that_cannot_tell_is_not_a_name_that_does_not_exist() {
        for text in [
            "failed to lookup address information: Temporary failure in name resolution",
            "failed to lookup address information: Try again",
        ] {
            assert_eq!(reason(&io::Error::other(text)), ResolveError::Failed);
        }
        for text in [
            "failed to lookup address information: Name or service not known",
            "failed to lookup address information: Name does not resolve",
        ] {
            assert_eq!(reason(&io::Error::other(text)), ResolveError::NotFound);
        }
    }
}

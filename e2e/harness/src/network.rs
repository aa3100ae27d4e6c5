//! The network as the prober sees it, in process: public hosts behind TLS, pods in plain HTTP, and both led to a
//! plugin that runs in the test.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use wazo_plugin_operator::probe::{Cidr, Network, ResolveError, Stream};

use crate::authority::{Authority, Issued};

/// Public addresses are of this range, which is nobody's (RFC 5737).
const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 0);
/// Services have addresses of this range.
const SERVICES: (Ipv4Addr, u32) = (Ipv4Addr::new(10, 96, 0, 0), 16);
const BUFFER: usize = 64 * 1024;

fn is_service(address: IpAddr) -> bool {
    let (range, length) = SERVICES;
    let mask = u32::MAX << (32 - length);
    matches!(address, IpAddr::V4(ip) if ip.to_bits() & mask == range.to_bits())
}

/// How a public host answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// Leads to the plugin.
    #[default]
    Up,
    /// The name does not resolve.
    NoName,
    /// Connections are refused.
    Refused,
    /// Connections are never answered.
    Mute,
}

struct Host {
    address: IpAddr,
    tls: Arc<ServerConfig>,
    backend: SocketAddr,
    line: Line,
    /// What its name resolves to, where that is not its address.
    answers: Option<Vec<IpAddr>>,
}

#[derive(Default)]
struct Map {
    hosts: HashMap<String, Host>,
    pods: HashMap<IpAddr, SocketAddr>,
    /// Addresses within the cluster that lead nowhere.
    closed: HashSet<IpAddr>,
    /// Addresses that never answer.
    mute: HashSet<IpAddr>,
    connected: Vec<SocketAddr>,
}

/// The network of one test.
pub struct TestNetwork {
    authority: Authority,
    map: Mutex<Map>,
}

impl Default for TestNetwork {
    fn default() -> Self {
        Self {
            authority: Authority::new("public network of a test"),
            map: Mutex::default(),
        }
    }
}

impl TestNetwork {
    /// The certificate authority of all public hosts.
    #[must_use]
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// The range of the public addresses: the prober must be allowed to connect to it.
    ///
    /// # Panics
    /// Never: it is a constant.
    #[must_use]
    pub fn range() -> Cidr {
        format!("{PUBLIC}/24").parse().expect("a constant range")
    }

    /// The address of the Gateway of the test.
    #[must_use]
    pub fn gateway() -> IpAddr {
        Ipv4Addr::from_bits(PUBLIC.to_bits() + 1).into()
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leads a public host (over TLS, by the Gateway) and the address of its pods to a plugin.
    pub fn lead(&self, host: &str, pods: IpAddr, plugin: SocketAddr) {
        let tls = self.authority.server(host);
        let mut map = self.map();
        let next = u32::try_from(map.hosts.len()).unwrap_or(0) + 10;
        // No other host has this one's: hosts are never taken away.
        let known = map.hosts.get(host).map(|known| known.address);
        let address = known.unwrap_or_else(|| Ipv4Addr::from_bits(PUBLIC.to_bits() + next).into());
        map.pods.insert(pods, plugin);
        map.hosts.insert(
            host.to_owned(),
            Host {
                address,
                tls,
                backend: plugin,
                line: Line::Up,
                answers: None,
            },
        );
    }

    /// A certificate for a host of the authority of all public hosts, that ends so many days from now.
    #[must_use]
    pub fn issue(&self, host: &str, days: i64) -> Issued {
        self.authority.issue(host, days)
    }

    /// What a public host presents from here on.
    ///
    /// # Panics
    /// Where the host leads nowhere.
    pub fn present(&self, host: &str, certificate: &Issued) {
        self.map()
            .hosts
            .get_mut(host)
            .unwrap_or_else(|| panic!("no host {host}"))
            .tls = certificate.server();
    }

    /// Leads an address within the cluster, that of a Service, to a plugin; without one it leads nowhere. Before a word of
    /// it Services take connections, and nobody answers there.
    pub fn lead_inside(&self, address: IpAddr, plugin: Option<SocketAddr>) {
        let mut map = self.map();
        match plugin {
            Some(plugin) => {
                map.closed.remove(&address);
                map.pods.insert(address, plugin);
            }
            None => {
                map.closed.insert(address);
                map.pods.remove(&address);
            }
        }
    }

    /// Whether connections to an address, that of a pod, are never answered: what a policy does that drops them.
    pub fn mute(&self, address: IpAddr, mute: bool) {
        let mut map = self.map();
        if mute {
            map.mute.insert(address);
        } else {
            map.mute.remove(&address);
        }
    }

    /// The address of a public host.
    ///
    /// # Panics
    /// Where the host leads nowhere.
    #[must_use]
    pub fn address(&self, host: &str) -> IpAddr {
        self.map()
            .hosts
            .get(host)
            .unwrap_or_else(|| panic!("no host {host}"))
            .address
    }

    /// What the name of a public host resolves to from here on.
    ///
    /// # Panics
    /// Where the host leads nowhere.
    pub fn answer(&self, host: &str, addresses: Vec<IpAddr>) {
        self.map()
            .hosts
            .get_mut(host)
            .unwrap_or_else(|| panic!("no host {host}"))
            .answers = Some(addresses);
    }

    /// Where connections were opened to so far.
    #[must_use]
    pub fn connected(&self) -> Vec<SocketAddr> {
        self.map().connected.clone()
    }

    /// Changes how a public host answers.
    ///
    /// # Panics
    /// Where the host leads nowhere.
    pub fn set(&self, host: &str, line: Line) {
        self.map()
            .hosts
            .get_mut(host)
            .unwrap_or_else(|| panic!("no host {host}"))
            .line = line;
    }
}

impl Network for TestNetwork {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        let found = match self.map().hosts.get(host) {
            Some(host) if host.line != Line::NoName => {
                Ok(host.answers.clone().unwrap_or_else(|| vec![host.address]))
            }
            _ => Err(ResolveError::NotFound),
        };
        futures::future::ready(found).boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        let mut map = self.map();
        map.connected.push(address);
        let public = map
            .hosts
            .values()
            .find(|host| host.address == address.ip() && address.port() == 443)
            .map(|host| (host.line, host.tls.clone(), host.backend));
        let pod = map.pods.get(&address.ip()).copied();
        let service = is_service(address.ip()) && !map.closed.contains(&address.ip());
        let mute = map.mute.contains(&address.ip());
        drop(map);
        async move {
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            match (public, pod) {
                _ if mute => std::future::pending().await,
                (Some((Line::Mute, ..)), _) => std::future::pending().await,
                (Some((Line::Up, tls, backend)), _) => {
                    let (ours, theirs) = tokio::io::duplex(BUFFER);
                    tokio::spawn(async move {
                        let mut inside = TcpStream::connect(backend).await?;
                        let mut outside = TlsAcceptor::from(tls).accept(theirs).await?;
                        tokio::io::copy_bidirectional(&mut outside, &mut inside).await
                    });
                    Ok(Box::new(ours) as Box<dyn Stream>)
                }
                (Some(_), _) => Err(refused()),
                (None, Some(plugin)) => Ok(Box::new(TcpStream::connect(plugin).await?) as Box<dyn Stream>),
                (None, None) if service => Ok(Box::new(tokio::io::duplex(BUFFER).0) as Box<dyn Stream>),
                (None, None) => Err(refused()),
            }
        }
        .boxed()
    }
}

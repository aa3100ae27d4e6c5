//! A network that is a table: names, addresses, what listens there.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex};

use futures::future::{BoxFuture, FutureExt, pending};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::duplex;
use tokio_rustls::TlsAcceptor;

use super::site::Site;
use crate::probe::{Network, ResolveError, Stream};

/// What listens at an address.
enum Listener {
    Site(Option<TlsAcceptor>, Arc<Site>),
    /// Takes the connection and never answers.
    Silent,
    /// Never takes the connection.
    Hangs,
    /// Takes the connection and closes it.
    Closes,
}

/// The table.
#[derive(Default)]
pub(super) struct Net {
    /// For each name what the first, the second … lookup answers; the last answer stays.
    names: HashMap<String, Vec<Vec<IpAddr>>>,
    failing: HashSet<String>,
    listeners: HashMap<SocketAddr, Listener>,
    lookups: Mutex<HashMap<String, usize>>,
    connected: Mutex<Vec<SocketAddr>>,
}

impl Net {
    pub(super) fn name(&mut self, name: &str, answers: &[&[&str]]) {
        let addresses = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        self.names
            .insert(name.to_owned(), answers.iter().map(addresses).collect());
    }

    /// The resolver cannot tell what this name is.
    pub(super) fn failing_name(&mut self, name: &str) {
        self.failing.insert(name.to_owned());
    }

    pub(super) fn tls(&mut self, address: &str, certificate: &Certificate, site: &Arc<Site>) {
        let listener = Listener::Site(Some(certificate.acceptor()), Arc::clone(site));
        self.listeners.insert(address.parse().unwrap(), listener);
    }

    pub(super) fn plain(&mut self, address: &str, site: &Arc<Site>) {
        let listener = Listener::Site(None, Arc::clone(site));
        self.listeners.insert(address.parse().unwrap(), listener);
    }

    pub(super) fn silent(&mut self, address: &str) {
        self.listeners.insert(address.parse().unwrap(), Listener::Silent);
    }

    pub(super) fn hangs(&mut self, address: &str) {
        self.listeners.insert(address.parse().unwrap(), Listener::Hangs);
    }

    pub(super) fn closes(&mut self, address: &str) {
        self.listeners.insert(address.parse().unwrap(), Listener::Closes);
    }

    /// The addresses that were connected to, in order.
    pub(super) fn connected(&self) -> Vec<SocketAddr> {
        self.connected.lock().unwrap().clone()
    }

    pub(super) fn lookups(&self, name: &str) -> usize {
        self.lookups.lock().unwrap().get(name).copied().unwrap_or(0)
    }
}

impl Network for Net {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        let mut lookups = self.lookups.lock().unwrap();
        let count = lookups.entry(host.to_owned()).or_default();
        let answer = match self.names.get(host) {
            _ if self.failing.contains(host) => Err(ResolveError::Failed),
            Some(answers) => Ok(answers[(*count).min(answers.len() - 1)].clone()),
            None => Err(ResolveError::NotFound),
        };
        *count += 1;
        async move { answer }.boxed()
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        self.connected.lock().unwrap().push(address);
        let (ours, theirs) = duplex(64 * 1024);
        match self.listeners.get(&address) {
            None => return async { Err(io::ErrorKind::ConnectionRefused.into()) }.boxed(),
            Some(Listener::Hangs) => return pending().boxed(),
            Some(Listener::Closes) => drop(theirs),
            Some(Listener::Silent) => {
                tokio::spawn(async move {
                    let _theirs = theirs;
                    pending::<()>().await;
                });
            }
            Some(Listener::Site(None, site)) => {
                tokio::spawn(Arc::clone(site).serve(theirs));
            }
            Some(Listener::Site(Some(acceptor), site)) => {
                let (acceptor, site) = (acceptor.clone(), Arc::clone(site));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(theirs).await {
                        site.serve(stream).await;
                    }
                });
            }
        }
        async { Ok(Box::new(ours) as Box<dyn Stream>) }.boxed()
    }
}

/// A certificate authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and key.
pub(super) struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Authority {
    /// The one that the probers of the tests trust.
    pub(super) fn get() -> &'static Self {
        static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("authority of the tests"));
        &AUTHORITY
    }

    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    pub(super) fn certificate(&self, names: &[&str]) -> Certificate {
        self.certificate_with(names, |_| {})
    }

    pub(super) fn certificate_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Certificate {
            chain: vec![certificate.der().clone()],
            key: key.serialize_der(),
        }
    }
}

impl Certificate {
    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

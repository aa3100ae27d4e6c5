//! The running stack and the handles on it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};

use http::{Request, Response};
use hyper::body::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::accounts::Accounts;
use crate::apps::Apps;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::faults::Faults;
use crate::front;
use crate::journal::{Daemon, Journal};
use crate::phone_users::PhoneUsers;
use crate::seed::{Account, Seed};
use crate::stack::Stack;
use crate::tenants::Tenants;
use crate::tls::{self, Life};

/// Where and with what a stack starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The front's address; port 0 for any.
    pub bind: SocketAddr,
    /// The address of the admin interface (plain HTTP); none for no such interface.
    pub admin: Option<SocketAddr>,
    /// Names of the front's certificate beside the bound address, `localhost` and `127.0.0.1`.
    pub names: Vec<String>,
    /// What the stack holds at its start.
    pub seed: Seed,
}

impl Default for Options {
    fn default() -> Self {
        let bind = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            bind,
            admin: None,
            names: Vec::new(),
            seed: Seed::default(),
        }
    }
}

/// A certificate of the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// As at its start.
    Good,
    /// Expired years ago.
    Expired,
    /// For another host.
    OfOtherNames,
    /// Of an authority that nobody was told of.
    OfAnotherAuthority,
}

/// A running stack; dropping it ends it.
#[derive(Debug)]
pub struct SimulatedCore {
    stack: Arc<Stack>,
    account: Account,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    ca_pem: String,
    authority: tls::Authority,
    names: Vec<String>,
    tasks: Vec<JoinHandle<()>>,
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let failed = |source| Error::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl SimulatedCore {
    /// Starts the stack; it listens when this returns.
    ///
    /// # Errors
    ///
    /// If an address cannot be listened on, a name is no name, or the seed has no account.
    pub async fn start(options: Options) -> Result<Self> {
        let accounts = &options.seed.accounts;
        let operator = accounts.iter().find(|account| account.purpose == "external_api");
        let account = operator.or(accounts.first()).cloned().ok_or(Error::NoAccount)?;
        let (listener, address) = listen(options.bind).await?;
        let mut names = options.names;
        names.extend(["localhost".to_owned(), "127.0.0.1".to_owned()]);
        if !address.ip().is_unspecified() && !names.contains(&address.ip().to_string()) {
            names.push(address.ip().to_string());
        }
        let identity = tls::identity(&names)?;
        let stack = Arc::new(Stack::new(options.seed));
        let acceptor = TlsAcceptor::from(identity.config);
        let mut core = Self {
            stack: Arc::clone(&stack),
            account,
            address,
            admin: None,
            ca_pem: identity.ca_pem,
            authority: identity.authority,
            names,
            tasks: vec![tokio::spawn(front::run(stack, listener, address, acceptor))],
        };
        if let Some(admin) = options.admin {
            let (listener, bound) = listen(admin).await?;
            core.admin = Some(bound);
            let routes = crate::admin::routes(&core);
            core.tasks.push(tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, routes).await {
                    tracing::error!(%error, "the admin interface ended");
                }
            }));
        }
        Ok(core)
    }

    /// The front's URL without a path: `https://127.0.0.1:<port>`; for an unspecified address that of this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let ip = if self.address.ip().is_unspecified() {
            IpAddr::from([127, 0, 0, 1])
        } else {
            self.address.ip()
        };
        format!("https://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// The front's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the admin interface, if there is one.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// The certificate of the CA that the front's is of, in PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The front answers new connections with this certificate from now on.
    ///
    /// # Errors
    ///
    /// If a certificate cannot be made.
    pub fn present(&self, certificate: Presented) -> Result<()> {
        let config = match certificate {
            Presented::Good => self.authority.issue(&self.names, Life::Good)?,
            Presented::Expired => self.authority.issue(&self.names, Life::Expired)?,
            Presented::OfOtherNames => {
                let names = ["somebody-else.example".to_owned()];
                self.authority.issue(&names, Life::Good)?
            }
            Presented::OfAnotherAuthority => {
                let failed = |source| Error::Certificate {
                    names: self.names.clone(),
                    source,
                };
                let (other, _) = tls::authority().map_err(failed)?;
                other.issue(&self.names, Life::Good)?
            }
        };
        let mut presents = self.stack.presents.lock().unwrap_or_else(PoisonError::into_inner);
        *presents = Some(config);
        Ok(())
    }

    /// User name and password of the operator's account, as the seed has them.
    #[must_use]
    pub fn account(&self) -> (&str, &str) {
        (&self.account.username, &self.account.password)
    }

    /// The uuid of the tenant of the operator's account.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.account.tenant
    }

    /// The uuid that the stack calls itself by, at the moment.
    #[must_use]
    pub fn stack_uuid(&self) -> String {
        self.stack.world().stack_uuid.clone()
    }

    /// The handle to break and mend the stack.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults {
            stack: Arc::clone(&self.stack),
            account: self.account.uuid.clone(),
        }
    }

    /// The journal of all requests.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.stack.journal
    }

    /// The external apps, to be read and written as a stranger.
    #[must_use]
    pub fn apps(&self) -> Apps {
        Apps {
            stack: Arc::clone(&self.stack),
        }
    }

    /// The tenants, to be seen and changed as an administrator.
    #[must_use]
    pub fn tenants(&self) -> Tenants {
        Tenants {
            stack: Arc::clone(&self.stack),
        }
    }

    /// wazo-auth's users and policies, to be seen and changed as an administrator, and to log in.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts {
            stack: Arc::clone(&self.stack),
        }
    }

    /// confd's users and their external apps, to be read and written as a stranger.
    #[must_use]
    pub fn phone_users(&self) -> PhoneUsers {
        PhoneUsers {
            stack: Arc::clone(&self.stack),
        }
    }

    /// The uuid of the operator's account.
    #[must_use]
    pub fn account_uuid(&self) -> &str {
        &self.account.uuid
    }

    /// The stack's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.stack.clock.clone()
    }

    /// How many live tokens the operator's account has.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        self.stack.world().live_tokens_of(&self.account.uuid).len()
    }

    /// Asks a daemon itself, past the front and the faults; paths are `/0.1/…` and `/1.1/…`.
    #[must_use]
    pub fn ask(&self, daemon: Daemon, request: Request<Vec<u8>>) -> Response<Bytes> {
        front::plain(self.stack.ask(daemon, request))
    }

    /// Ends the stack; its ports are free when this returns.
    pub async fn stop(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for SimulatedCore {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

//! A running panel.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use crate::journal::{Journal, Seen};
use crate::manifest::{self, Product};
use crate::memory::Memory;
use crate::misbehave::{Invalid, Misbehave};
use crate::routes;
use crate::server::{self, Course};

/// What a panel is, and how it behaves from the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The plugin's id in the manifest, and the base of its names.
    pub name: String,
    /// The version in the manifest. Written as it is: a wrong one is a way to misbehave.
    pub version: String,
    /// Whose manifest `/manifest.json` is.
    pub product: Product,
    /// A prefix such as `/crm` below which everything is served too; slashes around it do not matter.
    pub base_path: String,
    /// The switches at the start.
    pub misbehave: Misbehave,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "panel".to_owned(),
            version: "1.0.0".to_owned(),
            product: Product::App,
            base_path: String::new(),
            misbehave: Misbehave::default(),
        }
    }
}

/// Why a panel did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {addr}: {source}: give another address")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The switches are wrong.
    #[error("misbehave: {0}")]
    Invalid(#[from] Invalid),
    /// The base path cannot be served.
    #[error("base path {0:?}: give a path such as /crm, without braces or stars")]
    BasePath(String),
    /// It was told to crash at the start.
    #[error("told to crash at the start with exit code {exit_code}")]
    Crash {
        /// The exit code for the program.
        exit_code: u8,
    },
}

/// A panel that serves. Dropped, it is cut off at once.
#[derive(Debug)]
pub struct Panel {
    addr: SocketAddr,
    shared: Arc<Shared>,
    course: watch::Receiver<Course>,
    server: JoinHandle<()>,
}

/// What the routes and the handle have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// Empty, or with a slash before and none behind.
    pub(crate) prefix: String,
    pub(crate) journal: Journal,
    memory: Memory,
    switches: Mutex<Switches>,
    course: watch::Sender<Course>,
    runtime: Handle,
}

#[derive(Debug, Default)]
struct Switches {
    now: Misbehave,
    crash: Option<AbortHandle>,
}

/// Starts a panel; port 0 takes a free one.
///
/// # Errors
/// The address cannot be had, an option is wrong, or the switches say to crash at the start.
pub async fn start(addr: SocketAddr, options: Options) -> Result<Panel, StartError> {
    let prefix = prefix(&options.base_path)?;
    if let Some(crash) = options
        .misbehave
        .crash
        .as_ref()
        .filter(|crash| crash.after_seconds == 0)
    {
        return Err(StartError::Crash {
            exit_code: crash.exit_code,
        });
    }
    if options.misbehave.listen_after_seconds > 0 {
        tokio::time::sleep(Duration::from_secs(options.misbehave.listen_after_seconds.into())).await;
    }
    let (sender, course) = watch::channel(Course::Run);
    let first = options.misbehave.clone();
    let shared = Arc::new(Shared {
        options,
        prefix,
        journal: Journal::default(),
        memory: Memory::default(),
        switches: Mutex::default(),
        course: sender,
        runtime: Handle::current(),
    });
    Shared::misbehave(&shared, first)?;
    let refused = |source| StartError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    let server = tokio::spawn(server::serve(listener, routes::router(&shared), course.clone()));
    Ok(Panel {
        addr,
        shared,
        course,
        server,
    })
}

fn prefix(base_path: &str) -> Result<String, StartError> {
    let inner = base_path.trim_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if inner.chars().all(plain) && !inner.contains("//") {
        Ok(if inner.is_empty() {
            String::new()
        } else {
            format!("/{inner}")
        })
    } else {
        Err(StartError::BasePath(base_path.to_owned()))
    }
}

impl Panel {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://host:port`, with the base path if there is one.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.addr, self.shared.prefix)
    }

    /// Replaces all switches, as `PUT /misbehave` does. A crash comes a moment later, so that the answer
    /// to a PUT still leaves.
    ///
    /// # Errors
    /// A switch is out of bounds or its JSON path leads nowhere; nothing has changed then.
    pub fn misbehave(&self, misbehave: Misbehave) -> Result<(), Invalid> {
        Shared::misbehave(&self.shared, misbehave)
    }

    /// What came, oldest first, at most [`crate::REQUESTS_KEPT`], without health checks and the control paths.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.journal.requests()
    }

    /// Waits for a crash and returns its exit code. Without one it waits for ever.
    pub async fn crashed(&self) -> u8 {
        let mut course = self.course.clone();
        loop {
            if let Course::Crash(exit_code) = *course.borrow_and_update() {
                return exit_code;
            }
            if course.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Stops: no new connections, open requests have two seconds to finish.
    pub async fn stop(mut self) {
        self.shared.course.send_if_modified(|course| {
            let running = matches!(*course, Course::Run | Course::Deaf);
            if running {
                *course = Course::Stop;
            }
            running
        });
        // A panic in the server is over with the server.
        (&mut self.server).await.ok();
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.cancel_crash();
    }
}

impl Shared {
    /// The switches as they are now.
    pub(crate) fn current(&self) -> Misbehave {
        self.switches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .now
            .clone()
    }

    /// Replaces all switches.
    pub(crate) fn misbehave(this: &Arc<Self>, wanted: Misbehave) -> Result<(), Invalid> {
        wanted.check()?;
        if let Some(fault) = &wanted.manifest {
            let Options {
                name,
                version,
                product,
                ..
            } = &this.options;
            manifest::bend(&mut manifest::build(name, version, *product), fault)?;
        }
        let crash = wanted.crash.clone().map(|crash| {
            /// So that the answer to the PUT is on its way.
            const BREATH: Duration = Duration::from_millis(50);
            let delay = BREATH.max(Duration::from_secs(crash.after_seconds.into()));
            let course = this.course.clone();
            let timer = this.runtime.spawn(async move {
                tokio::time::sleep(delay).await;
                course.send_replace(Course::Crash(crash.exit_code));
            });
            timer.abort_handle()
        });
        this.cancel_crash();
        if wanted.stop_accepting {
            this.course.send_if_modified(|course| {
                let running = *course == Course::Run;
                if running {
                    *course = Course::Deaf;
                }
                running
            });
        }
        {
            let mut switches = this.switches.lock().unwrap_or_else(PoisonError::into_inner);
            *switches = Switches { now: wanted, crash };
        }
        let shared = Arc::clone(this);
        this.runtime
            .spawn_blocking(move || while !shared.memory.step_towards(shared.current().eat_mib) {});
        Ok(())
    }

    fn cancel_crash(&self) {
        let mut switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timer) = switches.crash.take() {
            timer.abort();
        }
    }
}

//! The control plane that the tests of one process share: a real API server with controllers and scheduler, no node.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use http::{HeaderName, HeaderValue};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::audit::{AUDITED, Audit};
use crate::crds;
use crate::gateway::Gateways;
use crate::nodes::Nodes;
use crate::rights;

/// Names the program that brings a cluster up; without, it is built from `e2e/cluster`.
pub const PROGRAM_VARIABLE: &str = "WAZO_E2E_CLUSTER_BIN";
/// Names the kubeconfig of a cluster without nodes that is to be used instead of one of our own. The usual
/// `KUBECONFIG` is never looked at: nobody's cluster is used by accident.
pub const KUBECONFIG_VARIABLE: &str = "WAZO_E2E_KUBECONFIG";

/// Clusters of tests live in directories of this name and the process's number.
const DIRECTORY: &str = "wazo-e2e-";

/// Why there is no control plane.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A program cannot be run.
    #[error("failed to run {program}: {source}: {remedy}")]
    Run {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A program ended with an error; what it said is on standard error.
    #[error("{0} failed: its reason stands above")]
    Failed(String),
    /// The supervisor ended, or said something else than its state.
    #[error("`cluster up` did not tell its state: {0}")]
    NoState(String),
    /// The kubeconfig cannot be used.
    #[error("kubeconfig {path}: {source}")]
    Kubeconfig {
        /// Its path.
        path: PathBuf,
        /// Why not.
        source: kube::config::KubeconfigError,
    },
    /// A request to the API server failed.
    #[error("the API server: {0}")]
    Kube(#[from] kube::Error),
    /// The definitions cannot be read or are not served.
    #[error("the definitions: {0}")]
    Definitions(#[from] crds::DefinitionsError),
    /// The operator's rights cannot be had.
    #[error("the operator's rights: {0}")]
    Rights(#[from] rights::RightsError),
    /// The given cluster has nodes with kubelets.
    #[error(
        "the cluster of {KUBECONFIG_VARIABLE} has the node {0}: these tests play the kubelet themselves; give one without nodes, as `cluster up --no-node` makes"
    )]
    HasNodes(String),
}

/// What `cluster up --attached` prints as one line.
#[derive(Debug, Deserialize)]
struct State {
    kubeconfig: PathBuf,
    programs: PathBuf,
    audit: Option<PathBuf>,
}

/// A running control plane with our kinds, the kinds of the Gateway API, one simulated node, and somebody who plays
/// the kubelet and the gateway controller.
pub struct ControlPlane {
    config: kube::Config,
    kubeconfig: PathBuf,
    programs: Option<PathBuf>,
    audit: Option<Audit>,
    /// As whom operators act; `None` in a given cluster: as its administrator.
    operator: Option<rights::Rights>,
    nodes: Nodes,
    gateways: Gateways,
    disposable: bool,
    undecodable: String,
    /// Plays the kubelet and the gateway for as long as the process lives.
    background: Runtime,
    /// Our supervisor. The pipe to its standard input is never written to: it closes when this process ends, however
    /// it ends, and the supervisor takes that as the order to tear everything down.
    _supervisor: Option<Supervisor>,
}

/// A running supervisor with the open ends of its pipes.
struct Supervisor {
    _child: Child,
    _stdout: BufReader<ChildStdout>,
}

impl ControlPlane {
    /// The control plane of this process; the first caller starts it, which takes some seconds.
    ///
    /// # Panics
    /// Where it cannot be started: no test can run then.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        // On a thread of its own, since the caller may be within a runtime, where waiting for another is refused.
        let shared = SHARED.get_or_init(|| {
            let started = std::thread::spawn(Self::start).join();
            match started {
                Ok(started) => started.map_err(|error| error.to_string()),
                Err(_) => Err("the start panicked: its reason stands above".to_owned()),
            }
        });
        match shared {
            Ok(plane) => plane,
            Err(reason) => panic!("no control plane: {reason}"),
        }
    }

    /// Starts a control plane, or uses the one that is named by [`KUBECONFIG_VARIABLE`].
    ///
    /// # Errors
    /// When a program is missing or fails, or the API server does not take the definitions.
    pub fn start() -> Result<Self, ClusterError> {
        let background = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("simulated-node")
            .build()
            .map_err(|source| ClusterError::Run {
                program: "a thread".to_owned(),
                source,
                remedy: "look at the limits of this user",
            })?;
        let given = std::env::var_os(KUBECONFIG_VARIABLE).filter(|path| !path.is_empty());
        let (supervisor, kubeconfig, programs, audit) = match given {
            Some(path) => (None, PathBuf::from(path), None, None),
            None => {
                let (child, state) = up()?;
                (Some(child), state.kubeconfig, Some(state.programs), state.audit)
            }
        };
        let disposable = supervisor.is_some();
        let (config, client, undecodable, operator) = background.block_on(async {
            let config = read(&kubeconfig).await?;
            let client = kube::Client::try_from(config.clone())?;
            if !disposable {
                crate::nodes::refuse_real_nodes(&client).await?;
            }
            let undecodable = crds::install(&client, programs.as_deref()).await?;
            crate::nodes::make_node(&client).await?;
            let operator = match &programs {
                Some(programs) => Some(rights::install(&client, programs).await?),
                None => None,
            };
            Ok::<_, ClusterError>((config, client, undecodable, operator))
        })?;
        let nodes = Nodes::new();
        let gateways = Gateways::new();
        background.spawn(nodes.clone().run(client.clone()));
        background.spawn(gateways.clone().run(client));
        Ok(Self {
            config,
            kubeconfig,
            programs,
            audit: audit.map(Audit::new),
            operator,
            nodes,
            gateways,
            disposable,
            undecodable,
            background,
            _supervisor: supervisor,
        })
    }

    /// How the API server is reached, as its administrator. Nothing is retried in silence, as in the operator.
    #[must_use]
    pub fn config(&self) -> kube::Config {
        self.config.clone()
    }

    /// The kubeconfig of its administrator, for programs.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The directory of kubectl; `None` for a given cluster.
    #[must_use]
    pub fn programs(&self) -> Option<&Path> {
        self.programs.as_deref()
    }

    /// What the API server wrote down of the requests to [`AUDITED`] namespaces; `None` for a given cluster.
    #[must_use]
    pub const fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    /// As whom operators act; `None` in a given cluster: as its administrator.
    #[must_use]
    pub fn operator_user(&self) -> Option<&str> {
        self.operator.as_ref().map(|rights| rights.user.as_str())
    }

    /// How operators reach the API server: with the rights that their chart gives them.
    #[must_use]
    pub fn operator_config(&self) -> kube::Config {
        let mut config = self.config();
        if let Some(rights) = &self.operator {
            let user =
                HeaderValue::from_str(&rights.user).expect("a ServiceAccount's name fits into a header");
            config
                .headers
                .push((HeaderName::from_static("impersonate-user"), user));
        }
        config
    }

    /// Gives operators in a namespace what their chart gives them in the namespace of the release.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn grant_in(&self, namespace: &str) {
        if let Some(rights) = &self.operator
            && let Err(error) = rights.grant_in(&self.client(), namespace).await
        {
            panic!("the rights of the release's namespace are not given: {error}");
        }
    }

    /// A client that belongs to the runtime of the caller.
    ///
    /// # Panics
    /// Never for a configuration with which the control plane was started.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        kube::Client::try_from(self.config()).expect("the configuration was used at the start")
    }

    /// The simulated kubelet.
    #[must_use]
    pub const fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// The simulated gateway controller.
    #[must_use]
    pub const fn gateways(&self) -> &Gateways {
        &self.gateways
    }

    /// Whether it goes away with this process, so that nothing needs to be cleaned up.
    #[must_use]
    pub const fn is_disposable(&self) -> bool {
        self.disposable
    }

    /// A namespace with a WazoPlugin that was stored before the schema was as strict as it is: see
    /// [`crds::UNDECODABLE`].
    #[must_use]
    pub fn undecodable_namespace(&self) -> &str {
        &self.undecodable
    }

    /// Runs something on the threads of the control plane, to its end even if the test ends.
    pub fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.background.spawn(work);
    }
}

async fn read(path: &Path) -> Result<kube::Config, ClusterError> {
    let failed = |source| ClusterError::Kubeconfig {
        path: path.to_owned(),
        source,
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(failed)?;
    config.default_retry = false;
    Ok(config)
}

/// Starts the supervisor and waits until its cluster is ready.
fn up() -> Result<(Supervisor, State), ClusterError> {
    let program = program()?;
    let run = |source| ClusterError::Run {
        program: program.display().to_string(),
        source,
        remedy: "build it with `go build ./cmd/cluster` in e2e/cluster, or name it in WAZO_E2E_CLUSTER_BIN",
    };
    let built = Command::new(&program)
        .arg("build")
        .stdout(Stdio::null())
        .status()
        .map_err(run)?;
    if !built.success() {
        return Err(ClusterError::Failed("`cluster build`".to_owned()));
    }
    let parent = std::env::temp_dir();
    remove_old(&parent);
    let dir = parent.join(format!("{DIRECTORY}{}", std::process::id()));
    let log = dir.with_extension("log");
    let mut child = Command::new(&program)
        .args(["up", "--no-node", "--attached", "--dir"])
        .arg(&dir)
        .args(AUDITED.iter().flat_map(|namespace| ["--audit", namespace]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).map_err(run)?)
        .spawn()
        .map_err(run)?;
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("it was asked to be piped"));
    stdout.read_line(&mut line).map_err(run)?;
    match serde_json::from_str(&line) {
        Ok(state) => Ok((
            Supervisor {
                _child: child,
                _stdout: stdout,
            },
            state,
        )),
        Err(error) => Err(ClusterError::NoState(format!(
            "{error}: {line:?}; it said: {}",
            std::fs::read_to_string(&log).unwrap_or_default()
        ))),
    }
}

/// Removes what clusters of processes that have ended left: their logs. One that is being taken down holds its lock.
fn remove_old(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        let process = path
            .file_stem()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix(DIRECTORY))
            .filter(|process| process.chars().all(|c| c.is_ascii_digit()));
        let Some(process) = process else { continue };
        if !Path::new("/proc").join(process).exists() && !path.join("lock").exists() {
            // What cannot be removed disturbs nobody.
            let _ = std::fs::remove_dir_all(&path);
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// The program, built if it is not named. Go's own cache makes this quick when nothing changed.
fn program() -> Result<PathBuf, ClusterError> {
    if let Some(path) = std::env::var_os(PROGRAM_VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    let source = crate::project::root().join("e2e/cluster");
    let target = crate::project::root().join("target/e2e/cluster");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&target)
        .arg("./cmd/cluster")
        .current_dir(&source)
        .status()
        .map_err(|source| ClusterError::Run {
            program: "go".to_owned(),
            source,
            remedy: "install Go 1.26 or later, or name a built program in WAZO_E2E_CLUSTER_BIN",
        })?;
    if built.success() {
        Ok(target)
    } else {
        Err(ClusterError::Failed("`go build ./cmd/cluster`".to_owned()))
    }
}

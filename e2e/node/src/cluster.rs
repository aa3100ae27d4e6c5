//! A cluster that lives as long as its holder.

use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::Deserialize;

use crate::error::{NodeError, run};
use crate::{CORE_NAME, IMAGES_VARIABLE, OPERATOR, OPERATOR_IMAGE, OPERATOR_TAG, PROGRAM_VARIABLE, given};

/// How a cluster is started.
#[derive(Debug, Default)]
pub struct Up {
    /// TCP ports of this machine that pods may reach.
    pub allow_ports: Vec<u16>,
    /// Names of the image archives that the node gets, without `.tar`.
    pub images: Vec<&'static str>,
    /// Whether it outlives this process; else it goes away with it, however that ends.
    pub keep: bool,
    /// Where the supervisor's progress goes; `None`: to standard error.
    pub log: Option<PathBuf>,
}

/// What `cluster up` says of itself.
#[derive(Debug, Deserialize)]
struct State {
    kubeconfig: PathBuf,
    programs: PathBuf,
    seconds: f64,
    node: StateNode,
    gateway: StateGateway,
}

#[derive(Debug, Deserialize)]
struct StateNode {
    ip: IpAddr,
}

#[derive(Debug, Deserialize)]
struct StateGateway {
    address: IpAddr,
    ca: PathBuf,
}

/// A running cluster with a node, a gateway and the images.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) programs: PathBuf,
    pub(crate) address: IpAddr,
    pub(crate) gateway: IpAddr,
    pub(crate) gateway_ca: PathBuf,
    pub(crate) seconds: Option<f64>,
    /// Our supervisor. The pipe to its standard input is never written to: it closes when this process ends, however
    /// it ends, and the supervisor takes that as the order to tear everything down.
    pub(crate) supervisor: Option<(Child, BufReader<ChildStdout>)>,
}

impl Cluster {
    /// Starts a cluster, or uses the one that `WAZO_E2E_KUBECONFIG` names. It is Ready when this returns.
    ///
    /// # Errors
    /// When it cannot be had; the error says what to do.
    pub fn up(options: &Up) -> Result<Self, NodeError> {
        if let Some(kubeconfig) = given::kubeconfig() {
            return given::cluster(kubeconfig, &program()?);
        }
        let program = program()?;
        if run(Command::new(&program).arg("status")).is_ok() {
            return Err(NodeError::Unusable {
                what: "a cluster is up already".to_owned(),
                reason: "take it down first: make down".to_owned(),
            });
        }
        let mut command = Command::new(program);
        command.arg("up");
        for port in &options.allow_ports {
            command.args(["--allow-port", &port.to_string()]);
        }
        for name in &options.images {
            command.arg("--image").arg(image(name)?);
        }
        if options.keep {
            command.args(["--output", "json"]).stdin(Stdio::null());
        } else {
            command.arg("--attached").stdin(Stdio::piped());
        }
        if let Some(log) = &options.log {
            let file = std::fs::File::create(log).map_err(|source| NodeError::File {
                path: log.clone(),
                source,
            })?;
            command.stderr(file);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| NodeError::Start {
                program: "cluster up".to_owned(),
                source,
                remedy: "run it through make, which builds it",
            })?;
        let unusable = |reason: String| NodeError::Unusable {
            what: "`cluster up` did not tell its state".to_owned(),
            reason: match &options.log {
                Some(log) => format!("{reason}: {}", std::fs::read_to_string(log).unwrap_or_default()),
                None => format!("{reason}: what it said stands above"),
            },
        };
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("it was asked to be piped"));
        stdout
            .read_line(&mut line)
            .map_err(|error| unusable(error.to_string()))?;
        let state: State = serde_json::from_str(&line).map_err(|error| unusable(error.to_string()))?;
        let supervisor = if options.keep {
            // It has handed over to its background half and ends.
            let _ = child.wait();
            None
        } else {
            Some((child, stdout))
        };
        Ok(Self {
            kubeconfig: state.kubeconfig,
            programs: state.programs,
            address: state.node.ip,
            gateway: state.gateway.address,
            gateway_ca: state.gateway.ca,
            seconds: Some(state.seconds),
            supervisor,
        })
    }

    /// Takes the cluster down, if it is ours and not kept, and waits until it is gone.
    pub fn down(mut self) {
        if let Some((mut child, _)) = self.supervisor.take() {
            drop(child.stdin.take());
            // How it ended stands in its progress.
            let _ = child.wait();
        }
    }

    /// kubectl for this cluster.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        self.tool("kubectl")
    }

    /// helm for this cluster.
    #[must_use]
    pub fn helm(&self) -> Command {
        self.tool("helm")
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The directory of kubectl and helm.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// The address of this machine that pods reach; [`CORE_NAME`] leads there.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// The gateway's address.
    #[must_use]
    pub const fn gateway(&self) -> IpAddr {
        self.gateway
    }

    /// The certificate authority of the gateway's certificates: a PEM file.
    #[must_use]
    pub fn gateway_ca(&self) -> &Path {
        &self.gateway_ca
    }

    /// Seconds from its start until it was Ready; `None` for one that was given.
    #[must_use]
    pub const fn seconds(&self) -> Option<f64> {
        self.seconds
    }

    /// The URL of a simulated core that listens on a port of [`Self::address`].
    #[must_use]
    pub fn core_url(&self, port: u16) -> String {
        format!("https://{CORE_NAME}:{port}")
    }

    /// The arguments by which helm installs the operator and waits until it is ready.
    #[must_use]
    pub fn install(&self, chart: &str) -> Vec<String> {
        let mut arguments: Vec<String> = ["upgrade", "--install", OPERATOR, chart]
            .map(str::to_owned)
            .into();
        arguments.extend(["--namespace", OPERATOR, "--create-namespace"].map(str::to_owned));
        for value in [
            format!("image.repository={OPERATOR_IMAGE}"),
            format!("image.tag={OPERATOR_TAG}"),
        ] {
            arguments.extend(["--set".to_owned(), value]);
        }
        arguments.extend([
            "--set-file".to_owned(),
            format!("probe.caBundle.inline={}", self.gateway_ca.display()),
        ]);
        arguments.extend(["--wait", "--timeout", "120s"].map(str::to_owned));
        arguments
    }
}

fn program() -> Result<PathBuf, NodeError> {
    std::env::var_os(PROGRAM_VARIABLE)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .ok_or(NodeError::Variable {
            name: PROGRAM_VARIABLE,
            remedy: "run it through make (make demo, make e2e)",
        })
}

/// The archive of an image.
fn image(name: &str) -> Result<PathBuf, NodeError> {
    let directory = std::env::var_os(IMAGES_VARIABLE).ok_or(NodeError::Variable {
        name: IMAGES_VARIABLE,
        remedy: "run it through make (make demo, make e2e)",
    })?;
    let path = Path::new(&directory).join(format!("{name}.tar"));
    match std::fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(source) => Err(NodeError::File { path, source }),
    }
}

/// The directory of the programs, of a cluster that is not ours.
pub(crate) fn programs(cluster: &Path) -> Result<PathBuf, NodeError> {
    #[derive(Deserialize)]
    struct Built {
        programs: PathBuf,
    }
    let said = run(Command::new(cluster).args(["build", "--output", "json"]))?;
    serde_json::from_str::<Built>(&said)
        .map(|built| built.programs)
        .map_err(|error| NodeError::Unusable {
            what: "`cluster build` did not tell where the programs are".to_owned(),
            reason: error.to_string(),
        })
}

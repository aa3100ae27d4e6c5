//! The node that all cases share, with the operator installed, and the parts of it that cases break.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use wazo_e2e_node::{Cluster, OPERATOR, Up, run};

use crate::ablation;
use crate::dns::Dns;
use crate::firewall::Firewall;
use crate::registry::Registry;
use crate::tape::Tape;
use crate::trouble::{Result, Trouble};

const FIRST_PORT: u16 = 9500;
const PORTS: u16 = 240;
const IMAGES: [&str; 3] = ["operator", "panel-1.0.0", "panel-1.1.0"];

/// The shared node.
pub(crate) struct Ground {
    cluster: Cluster,
    directory: PathBuf,
    state: Value,
    pub(crate) client: kube::Client,
    pub(crate) tape: Arc<Tape>,
    pub(crate) dns: Dns,
    pub(crate) firewall: Firewall,
    pub(crate) registry: Registry,
    output: PathBuf,
    next_port: AtomicU16,
    /// So that a taken-away process is always brought back.
    stopped: Mutex<Vec<u32>>,
}

impl Ground {
    /// Starts the node and installs the operator. `extra`: arguments of helm beside the usual ones.
    pub(crate) async fn prepare(output: &Path, extra: &[String]) -> Result<Self> {
        let log = output.join("cluster.log");
        let extra = extra.to_vec();
        let cluster = tokio::task::spawn_blocking(move || up(log, &extra)).await??;
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig())?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        let client = kube::Client::try_from(config)?;
        let directory = cluster
            .kubeconfig()
            .ancestors()
            .nth(2)
            .ok_or_else(|| Trouble::new("the kubeconfig lies in no cluster's directory"))?
            .to_owned();
        let state = std::fs::read_to_string(directory.join("state.json"))?;
        let state: Value = serde_json::from_str(&state)?;
        let registry = Registry::new(&directory, &state)?;
        let dns = Dns::new(&directory, pid(&state, "coredns")?)?;
        Ok(Self {
            tape: Tape::start(&client),
            firewall: Firewall::new()?,
            cluster,
            directory,
            state,
            client,
            dns,
            registry,
            output: output.to_owned(),
            next_port: AtomicU16::new(FIRST_PORT),
            stopped: Mutex::default(),
        })
    }

    pub(crate) const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Where the cluster keeps its files.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A port of this machine that pods may reach and that nobody else has.
    pub(crate) fn port(&self) -> Result<u16> {
        let port = self.next_port.fetch_add(1, Ordering::Relaxed);
        if port < FIRST_PORT + PORTS {
            return Ok(port);
        }
        Err(Trouble::new("more cases than ports: raise PORTS"))
    }

    /// Takes what the operator recorded of a plugin, if it records.
    pub(crate) fn keep_recording(&self, namespace: &str, plugin: &str, case: &str) -> Result {
        if let Some(held) = self.recording(namespace, plugin) {
            std::fs::copy(held, ablation::file(&self.output, case))?;
        }
        Ok(())
    }

    /// What the operator records of a plugin: of several operators, the one that wrote last.
    pub(crate) fn recording(&self, namespace: &str, plugin: &str) -> Option<PathBuf> {
        let pods = std::fs::read_dir(self.directory.join("kubelet/pods")).ok()?;
        let held = pods.flatten().map(|pod| {
            pod.path()
                .join("volumes/kubernetes.io~empty-dir/recordings")
                .join(namespace)
                .join(format!("{plugin}.jsonl"))
        });
        held.filter_map(|held| Some((held.metadata().ok()?.modified().ok()?, held)))
            .max()
            .map(|(_, held)| held)
    }

    /// Halts a program of the cluster where it stands.
    pub(crate) fn halt(&self, program: &str) -> Result {
        let pid = pid(&self.state, program)?;
        signal(pid, "STOP")?;
        self.halted().push(pid);
        Ok(())
    }

    /// Lets it go on.
    pub(crate) fn resume(&self, program: &str) -> Result {
        let pid = pid(&self.state, program)?;
        self.halted().retain(|halted| *halted != pid);
        signal(pid, "CONT")
    }

    fn halted(&self) -> std::sync::MutexGuard<'_, Vec<u32>> {
        self.stopped
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What the operator wrote.
    pub(crate) fn operator_log(&self) -> String {
        let of = format!("deployment/{OPERATOR}");
        let arguments = ["logs", "--namespace", OPERATOR, &of, "--tail=-1"];
        run(self.cluster.kubectl().args(arguments)).unwrap_or_else(|error| error.to_string())
    }

    /// Takes everything down.
    pub(crate) fn down(self) {
        for pid in self.halted().drain(..) {
            // The supervisor ends it in any case.
            let _ = signal(pid, "CONT");
        }
        drop(self.firewall);
        self.cluster.down();
    }
}

fn up(log: PathBuf, extra: &[String]) -> Result<Cluster> {
    let cluster = Cluster::up(&Up {
        allow_ports: (FIRST_PORT..FIRST_PORT + PORTS).collect(),
        images: IMAGES.to_vec(),
        keep: false,
        log: Some(log),
    })?;
    let chart = wazo_e2e::project::root().join("charts/wazo-plugin-operator");
    let mut arguments = cluster.install(&chart.to_string_lossy());
    arguments.extend_from_slice(extra);
    run(cluster.helm().args(arguments))?;
    Ok(cluster)
}

/// The number of a process of the cluster.
fn pid(state: &Value, program: &str) -> Result<u32> {
    state["processes"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|process| process["name"] == program)
        .and_then(|process| u32::try_from(process["pid"].as_u64()?).ok())
        .ok_or_else(|| Trouble::new(format!("no process {program} in the cluster's state")))
}

pub(crate) fn signal(pid: u32, name: &str) -> Result {
    run(Command::new("kill").args(["-s", name, &pid.to_string()]))?;
    Ok(())
}

/// Runs a command with a text on its standard input.
pub(crate) fn feed(program: &str, arguments: &[&str], text: &str) -> Result {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Trouble::new(format!(
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}

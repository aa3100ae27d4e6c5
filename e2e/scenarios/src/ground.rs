//! The node that all scenarios share, with the operator installed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::sync::RwLock;
use wazo_e2e_node::{Cluster, NodeError, Up, run};

/// The ports for simulated cores: a scenario takes one of its own.
const FIRST_PORT: u16 = 9500;
const PORTS: u16 = 60;
const IMAGES: [&str; 3] = ["operator", "panel-1.0.0", "panel-1.1.0"];

/// The shared node.
pub struct Ground {
    cluster: Cluster,
    config: kube::Config,
    gateway_ca: String,
    next_port: AtomicU16,
    /// Held for writing by who kills the operator, for reading by everybody else: what a killed operator forgets
    /// must not change another scenario's verdict.
    pub operator: RwLock<()>,
}

impl Ground {
    /// The node of this process; the first caller starts it and installs the operator.
    ///
    /// # Panics
    /// Where it cannot be had: no scenario can be played then.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Ground, String>> = OnceLock::new();
        // On a thread of its own, since the caller may be within a runtime, where waiting for another is refused.
        let shared = SHARED.get_or_init(|| match std::thread::spawn(Self::prepare).join() {
            Ok(ground) => ground,
            Err(_) => Err("the start panicked: its reason stands above".to_owned()),
        });
        match shared {
            Ok(ground) => ground,
            Err(reason) => panic!("no node: {reason}"),
        }
    }

    fn prepare() -> Result<Self, String> {
        let text = |error: NodeError| error.to_string();
        let log = std::env::temp_dir().join(format!("wazo-scenarios-{}.log", std::process::id()));
        let cluster = Cluster::up(&Up {
            allow_ports: (FIRST_PORT..FIRST_PORT + PORTS).collect(),
            images: IMAGES.to_vec(),
            keep: false,
            log: Some(log),
        })
        .map_err(text)?;
        let chart = wazo_e2e::project::root().join("charts/wazo-plugin-operator");
        let installed = run(cluster.helm().args(cluster.install(&chart.to_string_lossy())));
        if let Err(error) = installed {
            let known = [
                "get pods -A -o wide",
                "get events -A",
                "logs -n wazo-plugin-operator -l app.kubernetes.io/name=wazo-plugin-operator",
            ]
            .map(|arguments| {
                run(cluster.kubectl().args(arguments.split(' '))).unwrap_or_else(|error| error.to_string())
            });
            return Err(format!("{error}\n{}", known.join("\n")));
        }
        let config = config(&cluster)?;
        let gateway_ca = std::fs::read_to_string(cluster.gateway_ca()).map_err(|error| error.to_string())?;
        Ok(Self {
            cluster,
            config,
            gateway_ca,
            next_port: AtomicU16::new(FIRST_PORT),
            operator: RwLock::new(()),
        })
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// A client with all rights that belongs to the runtime of the caller.
    ///
    /// # Panics
    /// Never for a configuration that was read.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        kube::Client::try_from(self.config.clone()).expect("the configuration is complete")
    }

    /// The certificate authority of the gateway, in PEM.
    #[must_use]
    pub fn gateway_ca(&self) -> &str {
        &self.gateway_ca
    }

    /// A port for a core that nobody else has.
    ///
    /// # Panics
    /// Where there are more scenarios than ports.
    #[must_use]
    pub fn port(&self) -> u16 {
        let port = self.next_port.fetch_add(1, Ordering::Relaxed);
        assert!(
            port < FIRST_PORT + PORTS,
            "more scenarios than ports: raise PORTS"
        );
        port
    }
}

fn config(cluster: &Cluster) -> Result<kube::Config, String> {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime
        .block_on(kube::Config::from_custom_kubeconfig(
            kubeconfig,
            &KubeConfigOptions::default(),
        ))
        .map_err(|error| error.to_string())
}

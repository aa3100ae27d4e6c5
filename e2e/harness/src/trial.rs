//! The world of one test: a namespace, a simulated core, panels, an operator; and the waiting for what should come.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::AsyncFnOnce;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt;
use kube::Client;
use panel::Panel;
use serde_json::json;
use wazo_simulated_core::{Application, Options as CoreOptions, Seed, SimulatedCore};

use crate::audit::AUDITED;
use crate::cluster::ControlPlane;
use crate::gate::Gate;
use crate::gateway::GatewayState;
use crate::log::Log;
use crate::namespace;
use crate::network::{Line, TestNetwork};
use crate::objects;
use crate::operator::{Operator, Wiring};
use crate::pod_state::PodState;
use crate::recorder::Recorder;
use crate::scope::Scope;

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The external applications of the core's default for `App`.
pub const APPS: [&str; 2] = ["wazo-euc-application-desktop", "wazo-euc-application-web"];
/// A URL of somebody else in the desktop application of every trial's core.
pub const STRANGER: &str = "https://stranger.example/manifest.json";

/// Runs a test in a world of its own. When the test panics, all that the world knows is printed.
///
/// # Panics
/// Where the test does, or where a status broke a rule.
pub fn trial(test: impl AsyncFnOnce(&mut Trial)) {
    run(None, seed(), test);
}

/// The same in a namespace that is there already.
///
/// # Panics
/// Where the test does, or where a status broke a rule.
pub fn trial_in(namespace: &str, test: impl AsyncFnOnce(&mut Trial)) {
    run(Some(namespace.to_owned()), seed(), test);
}

/// The same with a core that holds something else at its start.
///
/// # Panics
/// Where the test does, or where a status broke a rule.
pub fn trial_with(seed: Seed, test: impl AsyncFnOnce(&mut Trial)) {
    run(None, seed, test);
}

/// The same in a namespace whose requests the API server writes down; in a given cluster, which writes nothing down, the
/// test is left out, and says so.
///
/// # Panics
/// Where the test does, or where a status broke a rule.
pub fn trial_audited(namespace: &str, seed: Seed, test: impl AsyncFnOnce(&mut Trial)) {
    assert!(AUDITED.contains(&namespace), "{namespace} is not written down");
    if ControlPlane::shared().audit().is_none() {
        println!("left out: the API server of a given cluster keeps no audit log for us");
        return;
    }
    run(Some(namespace.to_owned()), seed, test);
}

/// A core whose desktop application exists and holds other people's things, and whose web application does not exist.
#[must_use]
pub fn seed() -> Seed {
    let mut seed = Seed::default();
    let tenant = seed.tenants[0].uuid.clone();
    seed.applications.push(Application {
        tenant,
        name: APPS[0].to_owned(),
        label: Some("Desktop".to_owned()),
        configuration: json!({
            "turn_servers": [{"url": "turn:turn.example", "ttl": 86400.0}], "debug": false,
            "manifest_urls": [STRANGER],
        }),
    });
    seed
}

fn run(namespace: Option<String>, seed: Seed, test: impl AsyncFnOnce(&mut Trial)) {
    let plane = ControlPlane::shared();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system gives threads");
    let outcome = runtime.block_on(async {
        let mut trial = Trial::new(plane, namespace, seed).await;
        let outcome = AssertUnwindSafe(test(&mut trial)).catch_unwind().await;
        trial.end(outcome).await
    });
    // Tasks of the test end with it.
    runtime.shutdown_background();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// The world of one test.
pub struct Trial {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) core: SimulatedCore,
    wiring: Wiring,
    recorder: Recorder,
    /// Those of the trial's other namespaces.
    neighbours: Vec<Recorder>,
    operator: Option<Operator>,
    panels: Vec<(String, Arc<Panel>)>,
    /// Logs beside that of the wiring.
    logs: Vec<Log>,
    pub(crate) patience: Duration,
}

impl Trial {
    async fn new(plane: &'static ControlPlane, namespace: Option<String>, seed: Seed) -> Self {
        let client = plane.client();
        let namespace = match namespace {
            Some(namespace) => {
                namespace::make_named(&client, &namespace).await;
                namespace
            }
            None => namespace::make(&client).await,
        };
        let core = SimulatedCore::start(CoreOptions {
            seed,
            ..CoreOptions::default()
        })
        .await
        .unwrap_or_else(|error| panic!("no simulated core: {error}"));
        let recorder = Recorder::start(&client, &namespace, core.accounts());
        let wiring = Wiring::brisk(
            plane.operator_config(),
            &namespace,
            Arc::new(TestNetwork::default()),
        );
        plane
            .gateways()
            .set(&namespace, GatewayState::Programmed(TestNetwork::gateway()));
        Self {
            plane,
            client,
            namespace,
            core,
            wiring,
            recorder,
            neighbours: Vec::new(),
            operator: None,
            panels: Vec::new(),
            logs: Vec::new(),
            patience: PATIENCE,
        }
    }

    async fn end(mut self, outcome: std::thread::Result<()>) -> std::thread::Result<()> {
        let outcome = match outcome {
            Ok(()) => AssertUnwindSafe(self.verdict()).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        if outcome.is_err() {
            for recorder in self.recorders() {
                let namespace = recorder.namespace();
                println!("{}", namespace::describe(&self.client, namespace).await);
                println!("--- every write of a status in {namespace}\n{}", recorder.story());
            }
            println!("--- external applications\n{:#?}", self.core.apps().list());
            println!("--- log of the operator\n{}", self.wiring.log.text());
            for log in &self.logs {
                println!("--- log of another operator\n{}", log.text());
            }
        }
        drop(self.operator.take());
        if !self.plane.is_disposable() {
            for recorder in self.recorders() {
                namespace::delete(&self.client, recorder.namespace()).await;
            }
        }
        outcome
    }

    /// What holds at the end of every test.
    async fn verdict(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.stop().await;
        }
        let mut broken = Vec::new();
        for recorder in self.recorders() {
            recorder.catch_up().await;
            broken.extend(recorder.broken());
        }
        assert!(
            broken.is_empty(),
            "{} broken rules:\n{}",
            broken.len(),
            broken.join("\n")
        );
        let told = self.told_secrets().await;
        assert!(told.is_empty(), "{told:?}");
    }

    /// Where a secret is told: in the log of an operator, in an object that is no Secret, or in what ever stood in a status or an
    /// event, of whatever namespace.
    async fn told_secrets(&self) -> Vec<String> {
        let logs = std::iter::once(&self.wiring.log).chain(&self.logs);
        let mut texts: Vec<_> = logs.map(|log| ("the log".to_owned(), log.text())).collect();
        let mut secrets = BTreeSet::new();
        for recorder in self.recorders() {
            let namespace = recorder.namespace();
            let objects = namespace::describe(&self.client, namespace).await;
            texts.push((format!("an object of {namespace}"), objects));
            texts.push((format!("a status or an event of {namespace}"), recorder.told()));
            secrets.extend(recorder.secrets());
        }
        // As Secrets are written down, too.
        let encoded: Vec<String> = secrets
            .iter()
            .map(|secret| BASE64_STANDARD.encode(secret))
            .collect();
        secrets.extend(encoded);
        let tells = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));
        let telling = texts.iter().filter(|(_, text)| tells(text));
        telling
            .map(|(what, _)| format!("a secret stands in {what}"))
            .collect()
    }

    /// Waits longer, or shorter, than [`PATIENCE`] from here on.
    pub const fn wait_at_most(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Makes another namespace that the operator sees, too; to be called before anything is applied. What is done from
    /// here on is done in the first one until the other one is entered.
    pub async fn neighbour(&mut self) -> String {
        let neighbour = namespace::make(&self.client).await;
        if self.neighbours.is_empty() {
            self.wiring.scope = Scope::Labelled(self.namespace.clone());
        }
        self.neighbours
            .push(Recorder::start(&self.client, &neighbour, self.core.accounts()));
        let gateway = GatewayState::Programmed(TestNetwork::gateway());
        self.plane.gateways().set(&neighbour, gateway);
        neighbour
    }

    fn recorders(&self) -> impl Iterator<Item = &Recorder> {
        std::iter::once(&self.recorder).chain(&self.neighbours)
    }

    /// Goes on in another namespace of the trial; the answer is the one that is left.
    pub fn enter(&mut self, namespace: &str) -> String {
        std::mem::replace(&mut self.namespace, namespace.to_owned())
    }

    /// The label that objects need to be seen by the operator, where it sees several namespaces.
    pub(crate) fn label(&self) -> Option<&str> {
        match &self.wiring.scope {
            Scope::Labelled(value) => Some(value),
            Scope::Namespace(_) => None,
        }
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A client with all rights.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The core.
    #[must_use]
    pub const fn core(&self) -> &SimulatedCore {
        &self.core
    }

    /// The control plane.
    #[must_use]
    pub const fn plane(&self) -> &'static ControlPlane {
        self.plane
    }

    /// With what operators are started; to be changed before the start.
    pub const fn wiring(&mut self) -> &mut Wiring {
        &mut self.wiring
    }

    /// The recorder of statuses.
    #[must_use]
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// What the operators wrote into their log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.wiring.log.text()
    }

    /// Searches another log for secrets at the end, too: that of an operator that a test runs beside [`Trial::start`].
    pub fn search(&mut self, log: &Log) {
        self.logs.push(log.clone());
    }

    /// Applies the WazoCore with all that it needs, and the Gateway.
    pub async fn connect(&self) {
        for object in objects::core(&self.core) {
            self.apply(&object).await;
        }
        self.apply(&objects::gateway()).await;
    }

    /// Starts the operator, behind an open gate.
    pub fn start(&mut self) -> Arc<Gate> {
        let gate = Gate::open();
        self.start_behind(gate.clone());
        gate
    }

    /// Starts the operator behind a gate. One that runs is killed first.
    pub fn start_behind(&mut self, gate: Arc<Gate>) {
        drop(self.operator.take());
        self.operator = Some(Operator::start(&self.wiring, gate));
    }

    /// Kills the operator where it stands.
    pub fn kill(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.kill();
        }
    }

    /// Stops the operator as a pod is stopped.
    pub async fn stop(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.stop().await;
        }
    }

    /// Starts a panel that answers at the host of a plugin and at its pods.
    ///
    /// # Panics
    /// Where the panel does not start.
    pub async fn panel(&mut self, plugin: &str) -> Arc<Panel> {
        let options = panel::Options {
            name: plugin.to_owned(),
            ..panel::Options::default()
        };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let panel = panel::start(any, options)
            .await
            .unwrap_or_else(|error| panic!("no panel: {error}"));
        let panel = Arc::new(panel);
        let pods = self.plane.nodes().address(&self.namespace, plugin);
        self.wiring
            .network
            .lead(&objects::host(plugin), pods, panel.addr());
        self.panels.push((plugin.to_owned(), panel.clone()));
        panel
    }

    /// Changes how the public host of a plugin answers.
    pub fn line(&self, plugin: &str, line: Line) {
        self.wiring.network.set(&objects::host(plugin), line);
    }

    /// Puts the pods of a plugin into a state.
    pub fn pods(&self, plugin: &str, state: PodState) {
        self.plane.nodes().set(&self.namespace, plugin, state);
    }

    /// Says what the Gateway's controller makes of Gateways and routes.
    pub fn gateway(&self, state: GatewayState) {
        self.plane.gateways().set(&self.namespace, state);
    }
}

//! The world of one test: a namespace, a simulated core, panels, an operator; and the waiting for what should come.

use std::net::SocketAddr;
use std::ops::AsyncFnOnce;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::watcher::watch_object;
use kube::{Client, Resource};
use panel::Panel;
use serde_json::{Value, json};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;
use wazo_simulated_core::{Application, Options as CoreOptions, Seed, SimulatedCore};

use crate::cluster::ControlPlane;
use crate::gate::Gate;
use crate::gateway::GatewayState;
use crate::namespace;
use crate::network::{Line, TestNetwork};
use crate::objects::{self, Seen};
use crate::operator::{Operator, Wiring};
use crate::pod_state::PodState;
use crate::recorder::Recorder;

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something in this process that cannot be watched.
const LOOK: Duration = Duration::from_millis(10);

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
    plane: &'static ControlPlane,
    client: Client,
    namespace: String,
    core: SimulatedCore,
    wiring: Wiring,
    recorder: Recorder,
    operator: Option<Operator>,
    panels: Vec<(String, Arc<Panel>)>,
    patience: Duration,
}

impl Trial {
    async fn new(plane: &'static ControlPlane, namespace: Option<String>, seed: Seed) -> Self {
        let client = plane.client();
        let namespace = match namespace {
            Some(namespace) => namespace,
            None => namespace::make(&client).await,
        };
        let core = SimulatedCore::start(CoreOptions {
            seed,
            ..CoreOptions::default()
        })
        .await
        .unwrap_or_else(|error| panic!("no simulated core: {error}"));
        let secrets = vec![core.account().1.to_owned()];
        let recorder = Recorder::start(&client, &namespace, secrets);
        let wiring = Wiring::brisk(plane.config(), &namespace, Arc::new(TestNetwork::default()));
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
            operator: None,
            panels: Vec::new(),
            patience: PATIENCE,
        }
    }

    async fn end(mut self, outcome: std::thread::Result<()>) -> std::thread::Result<()> {
        let outcome = match outcome {
            Ok(()) => AssertUnwindSafe(self.verdict()).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        if outcome.is_err() {
            println!("{}", namespace::describe(&self.client, &self.namespace).await);
            println!("--- every write of a status\n{}", self.recorder.story());
            println!("--- external applications\n{:#?}", self.core.apps().list());
            println!("--- log of the operator\n{}", self.wiring.log.text());
        }
        drop(self.operator.take());
        if !self.plane.is_disposable() {
            namespace::delete(&self.client, &self.namespace).await;
        }
        outcome
    }

    /// What holds at the end of every test.
    async fn verdict(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.stop().await;
        }
        self.recorder.catch_up().await;
        let broken = self.recorder.broken();
        assert!(
            broken.is_empty(),
            "{} broken rules:\n{}",
            broken.len(),
            broken.join("\n")
        );
        let log = self.wiring.log.text();
        assert!(
            !log.contains(self.core.account().1),
            "the password stands in the log"
        );
        let events = namespace::describe(&self.client, &self.namespace).await;
        assert!(
            !events.contains(self.core.account().1),
            "the password stands in an object or an event"
        );
    }

    /// Waits longer, or shorter, than [`PATIENCE`] from here on.
    pub const fn wait_at_most(&mut self, patience: Duration) {
        self.patience = patience;
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

    /// The resource behind `apiVersion` and `kind` of an object.
    fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    /// The objects of a kind of ours.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>(&self) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.client.clone(),
            &self.namespace,
            &ApiResource::erase::<K>(&()),
        )
    }

    /// Applies an object, as a pipeline would (server-side apply).
    ///
    /// # Panics
    /// Where the API server refuses it.
    pub async fn apply(&self, object: &Value) {
        if let Err(error) = self.try_apply(object).await {
            panic!("not applied: {error}\n{object:#}");
        }
    }

    /// Applies an object that the API server may refuse.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn try_apply(&self, object: &Value) -> Result<(), kube::Error> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let api = self.api(&text(&object["apiVersion"]), &text(&object["kind"]));
        let params = PatchParams::apply("test").force();
        api.patch(&text(&object["metadata"]["name"]), &params, &Patch::Apply(object))
            .await
            .map(|_| ())
    }

    /// Changes an object by a merge patch.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn patch(&self, api_version: &str, kind: &str, name: &str, patch: &Value) {
        let api = self.api(api_version, kind);
        if let Err(error) = api
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
        {
            panic!("{kind} {name} not changed: {error}\n{patch:#}");
        }
    }

    /// Changes a WazoPlugin by a merge patch.
    pub async fn edit_plugin(&self, name: &str, patch: &Value) {
        self.patch("plugins.wazo.io/v1alpha1", "WazoPlugin", name, patch)
            .await;
    }

    /// Changes the WazoCore by a merge patch.
    pub async fn edit_core(&self, patch: &Value) {
        self.patch("plugins.wazo.io/v1alpha1", "WazoCore", objects::CORE, patch)
            .await;
    }

    /// Asks for an object's deletion.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn delete(&self, api_version: &str, kind: &str, name: &str) {
        let api = self.api(api_version, kind);
        if let Err(error) = api.delete(name, &DeleteParams::default()).await {
            panic!("{kind} {name} not deleted: {error}");
        }
    }

    /// Asks for a plugin's deletion.
    pub async fn delete_plugin(&self, name: &str) {
        self.delete("plugins.wazo.io/v1alpha1", "WazoPlugin", name).await;
    }

    /// An object as it is now, if it is there.
    ///
    /// # Panics
    /// Where the API server fails.
    pub async fn get(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        match self.api(api_version, kind).get_opt(name).await {
            Ok(object) => object.map(|object| serde_json::to_value(object).unwrap_or(Value::Null)),
            Err(error) => panic!("{kind} {name} not read: {error}"),
        }
    }

    /// All objects of a kind.
    ///
    /// # Panics
    /// Where the API server fails.
    pub async fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        match self.api(api_version, kind).list(&ListParams::default()).await {
            Ok(list) => list
                .into_iter()
                .filter_map(|object| serde_json::to_value(object).ok())
                .collect(),
            Err(error) => panic!("{kind} not listed: {error}"),
        }
    }

    /// Waits until an object, or its absence, is as wanted.
    ///
    /// # Panics
    /// Where it does not become so in time; the message shows what it was last.
    pub async fn until(
        &self,
        api: Api<DynamicObject>,
        name: &str,
        what: &str,
        wanted: impl Fn(Option<&Seen>) -> bool,
    ) -> Option<Seen> {
        let mut last = None;
        let waiting = async {
            let mut versions = watch_object(api, name).boxed();
            while let Some(version) = versions.next().await {
                // A broken watch is started again by the watcher.
                let Ok(object) = version else { continue };
                last = object
                    .and_then(|object| serde_json::to_value(object).ok())
                    .map(Seen);
                if wanted(last.as_ref()) {
                    return;
                }
            }
        };
        if tokio::time::timeout(self.patience, waiting).await.is_err() {
            let status = last.map(|seen| format!("{:#}", seen.0["status"]));
            panic!(
                "{name} is not {what} within {:?}; its status: {}",
                self.patience,
                status.as_deref().unwrap_or("none")
            );
        }
        last
    }

    /// Waits until a plugin is as wanted.
    pub async fn plugin_until(&self, name: &str, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        self.until(self.of::<WazoPlugin>(), name, what, |seen| {
            seen.is_some_and(&wanted)
        })
        .await
        .unwrap_or_else(|| unreachable!("an absent object is not as wanted"))
    }

    /// Waits until the WazoCore is as wanted.
    pub async fn core_until(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        self.until(self.of::<WazoCore>(), objects::CORE, what, |seen| {
            seen.is_some_and(&wanted)
        })
        .await
        .unwrap_or_else(|| unreachable!("an absent object is not as wanted"))
    }

    /// Waits until a plugin is Ready.
    pub async fn ready(&self, name: &str) -> Seen {
        self.plugin_until(name, "Ready", Seen::is_ready).await
    }

    /// Waits until a plugin has a fault.
    pub async fn fault(&self, name: &str, party: &str, reason: &str) -> Seen {
        let seen = self
            .plugin_until(name, &format!("faulty by {party}, {reason}"), |seen| {
                seen.is_observed() && seen.is_fault(party, reason)
            })
            .await;
        assert!(!seen.fault("message").is_empty() && !seen.fault("action").is_empty());
        seen
    }

    /// Waits until the WazoCore has a fault.
    pub async fn core_fault(&self, party: &str, reason: &str) -> Seen {
        self.core_until(&format!("faulty by {party}, {reason}"), |seen| {
            seen.is_observed() && seen.is_fault(party, reason)
        })
        .await
    }

    /// Waits until a plugin is gone.
    pub async fn gone(&self, name: &str) {
        self.until(self.of::<WazoPlugin>(), name, "gone", |seen| seen.is_none())
            .await;
    }

    /// A first plugin, with a panel, applied and Ready.
    pub async fn ready_plugin(&mut self, name: &str) -> Arc<Panel> {
        let panel = self.panel(name).await;
        self.apply(&objects::plugin(name)).await;
        self.ready(name).await;
        panel
    }

    /// The URLs that an application of the core's tenant holds.
    #[must_use]
    pub fn urls(&self, app: &str) -> Vec<String> {
        self.core
            .apps()
            .get(self.core.tenant(), app)
            .and_then(|app| app.configuration["manifest_urls"].as_array().cloned())
            .into_iter()
            .flatten()
            .filter_map(|url| url.as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// Whether all applications hold the URL of a plugin.
    #[must_use]
    pub fn is_registered(&self, plugin: &str) -> bool {
        let url = objects::manifest_url(plugin);
        APPS.iter().all(|app| self.urls(app).contains(&url))
    }

    /// Whether any application holds the URL of a plugin.
    #[must_use]
    pub fn is_known(&self, plugin: &str) -> bool {
        let url = objects::manifest_url(plugin);
        APPS.iter().any(|app| self.urls(app).contains(&url))
    }

    /// Waits for something in this process that cannot be watched.
    ///
    /// # Panics
    /// Where it does not come in time.
    pub async fn holds(&self, what: &str, wanted: impl Fn() -> bool) {
        let waiting = async {
            while !wanted() {
                tokio::time::sleep(LOOK).await;
            }
        };
        assert!(
            tokio::time::timeout(self.patience, waiting).await.is_ok(),
            "{what}: not within {PATIENCE:?}"
        );
    }

    /// What strangers had in the desktop application of [`seed`] is still there.
    ///
    /// # Panics
    /// Where something of it is lost.
    pub fn strangers_data_is_intact(&self) {
        let app = self
            .core
            .apps()
            .get(self.core.tenant(), APPS[0])
            .expect("the application is never deleted");
        let seeded = &seed().applications[0];
        for key in ["turn_servers", "debug"] {
            assert_eq!(app.configuration[key], seeded.configuration[key], "{key}");
        }
        assert_eq!(app.label, seeded.label);
        assert!(
            self.urls(APPS[0]).contains(&STRANGER.to_owned()),
            "{:?}",
            self.urls(APPS[0])
        );
    }
}

//! The world of one scenario: a namespace, a simulated core, and the waiting for what should come.

use std::net::SocketAddr;
use std::ops::AsyncFnOnce;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Resource};
use serde_json::{Value, json};
use wazo_e2e::namespace;
use wazo_e2e::objects::{self as parts, Seen};
use wazo_e2e::recorder::Recorder;
use wazo_e2e::trial::{APPS, seed};
use wazo_e2e_node::{CORE_NAME, OPERATOR, run};
use wazo_plugin_operator::api::plugin::WazoPlugin;
use wazo_simulated_core::{ACCOUNT_ACL, Options, Seed, SimulatedCore};

use crate::ground::Ground;
use crate::objects;

/// Plays a scenario. When it panics, all that is known is printed.
///
/// # Panics
/// Where the scenario does, where a status broke a rule, or where something is left in the core at the end.
pub fn scenario(play: impl AsyncFnOnce(&Scene)) {
    let ground = Ground::shared();
    let _together = ground.operator.blocking_read();
    run_in(ground, play);
}

/// Plays a scenario that kills the operator: after those that play, before those that wait.
///
/// # Panics
/// As [`scenario`].
pub fn alone(play: impl AsyncFnOnce(&Scene)) {
    let ground = Ground::shared();
    let _alone = ground.operator.blocking_write();
    run_in(ground, play);
}

fn run_in(ground: &'static Ground, play: impl AsyncFnOnce(&Scene)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("the system gives threads");
    let outcome = runtime.block_on(async {
        let scene = Scene::new(ground).await;
        let outcome = AssertUnwindSafe(play(&scene)).catch_unwind().await;
        scene.end(outcome).await
    });
    // Tasks of the scenario end with it.
    runtime.shutdown_background();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// A core whose operator may keep accounts that read users.
fn seed_with_accounts() -> Seed {
    let mut seed = seed();
    let operator = seed
        .accounts
        .iter_mut()
        .find(|account| account.purpose == "external_api")
        .expect("the seed has an operator");
    let held = ACCOUNT_ACL.into_iter().chain(["confd.users.read"]);
    operator.acl.extend(held.map(ToOwned::to_owned));
    seed
}

/// The world of one scenario.
pub struct Scene {
    ground: &'static Ground,
    client: Client,
    namespace: String,
    core: SimulatedCore,
    url: String,
    recorder: Recorder,
}

impl Scene {
    async fn new(ground: &'static Ground) -> Self {
        let client = ground.client();
        let namespace = namespace::make(&client).await;
        let port = ground.port();
        // The operator would take two cores with one uuid for one.
        let seed = Seed {
            stack_uuid: uuid::Uuid::new_v4().to_string(),
            ..seed_with_accounts()
        };
        let core = SimulatedCore::start(Options {
            bind: SocketAddr::new(ground.cluster().address(), port),
            names: vec![CORE_NAME.to_owned()],
            seed,
            ..Options::default()
        })
        .await
        .unwrap_or_else(|error| panic!("no simulated core: {error}"));
        let recorder = Recorder::start(&client, &namespace, core.accounts());
        Self {
            ground,
            client,
            namespace,
            core,
            url: ground.cluster().core_url(port),
            recorder,
        }
    }

    async fn end(self, outcome: std::thread::Result<()>) -> std::thread::Result<()> {
        let mut outcome = outcome;
        if outcome.is_ok() {
            outcome = AssertUnwindSafe(self.verdict()).catch_unwind().await;
        }
        if outcome.is_err() {
            println!("{}", namespace::describe(&self.client, &self.namespace).await);
            println!("--- external applications\n{:#?}", self.core.apps().list());
            println!("--- last requests to the core");
            for entry in self
                .core
                .journal()
                .since(self.core.journal().sequence().saturating_sub(40))
            {
                println!(
                    "{} {} {} {:?} {:?}",
                    entry.time, entry.method, entry.path, entry.status, entry.faults
                );
            }
            println!("--- log of the operator\n{}", self.operator_log());
        }
        // Whatever was left, so that the operator does not look for this core for the rest of the run.
        namespace::delete(&self.client, &self.namespace).await;
        self.core.stop().await;
        outcome
    }

    /// What holds at the end of every scenario: everything can be deleted, and the core has forgotten our plugins.
    async fn verdict(&self) {
        self.core.faults().clear_all().await;
        self.delete_namespace().await;
        self.namespace_gone().await;
        for app in APPS {
            let left: Vec<String> = self
                .urls(app)
                .into_iter()
                .filter(|url| self.is_ours(url))
                .collect();
            assert!(left.is_empty(), "{app} still holds {left:?}");
        }
        let broken = self.recorder.broken();
        assert!(
            broken.is_empty(),
            "{} broken rules:\n{}",
            broken.len(),
            broken.join("\n")
        );
        assert!(
            !self.operator_log().contains(self.core.account().1),
            "the password stands in the log"
        );
    }

    fn operator_log(&self) -> String {
        let of = format!("deployment/{OPERATOR}");
        let arguments = ["logs", "--namespace", OPERATOR, &of, "--tail=20000"];
        let log =
            run(self.ground.cluster().kubectl().args(arguments)).unwrap_or_else(|error| error.to_string());
        let ours = |line: &&str| line.contains(&self.namespace);
        log.lines().filter(ours).collect::<Vec<_>>().join("\n")
    }

    /// The shared node.
    #[must_use]
    pub const fn ground(&self) -> &'static Ground {
        self.ground
    }

    /// The core.
    #[must_use]
    pub const fn core(&self) -> &SimulatedCore {
        &self.core
    }

    /// The recorder of statuses.
    #[must_use]
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The public host of a plugin.
    #[must_use]
    pub fn host(&self, plugin: &str) -> String {
        format!("{plugin}-{}.plugins.test", self.namespace)
    }

    /// The URL of a plugin's manifest.
    #[must_use]
    pub fn manifest_url(&self, plugin: &str) -> String {
        format!("https://{}/manifest.json", self.host(plugin))
    }

    /// Whether a URL is one of this scenario's plugins.
    #[must_use]
    pub fn is_ours(&self, url: &str) -> bool {
        url.contains(&format!("-{}.plugins.test/", self.namespace))
    }

    /// A plugin with one entry for `App`.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Value {
        objects::plugin(name, &self.host(name))
    }

    /// The WazoCore, as it is applied by [`Self::connect`].
    #[must_use]
    pub fn wazo_core(&self) -> Value {
        parts::core_at(&self.url)
    }

    /// Applies the WazoCore with all that it needs.
    pub async fn connect(&self) {
        let (username, password) = self.core.account();
        self.apply(&parts::credentials(username, password)).await;
        self.apply(&parts::authority(self.core.ca_pem())).await;
        self.apply(&self.wazo_core()).await;
    }

    /// The objects of a kind in the scenario's namespace.
    #[must_use]
    pub fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    pub(crate) fn of<K: Resource<DynamicType = ()>>(&self) -> Api<DynamicObject> {
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
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let api = self.api(&text(&object["apiVersion"]), &text(&object["kind"]));
        let params = PatchParams::apply("scenario").force();
        let name = text(&object["metadata"]["name"]);
        if let Err(error) = api.patch(&name, &params, &Patch::Apply(object)).await {
            panic!("not applied: {error}\n{object:#}");
        }
    }

    /// Changes the spec of a WazoPlugin by a merge patch.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn edit(&self, plugin: &str, spec: Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        if let Err(error) = self
            .of::<WazoPlugin>()
            .patch(plugin, &PatchParams::default(), &patch)
            .await
        {
            panic!("{plugin} not changed: {error}");
        }
    }

    /// Asks for a plugin's deletion.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub async fn delete(&self, plugin: &str) {
        if let Err(error) = self
            .of::<WazoPlugin>()
            .delete(plugin, &DeleteParams::default())
            .await
        {
            panic!("{plugin} not deleted: {error}");
        }
    }

    /// Asks for the namespace's deletion.
    pub async fn delete_namespace(&self) {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        // One that is being deleted already is as wanted.
        let _ = namespaces.delete(&self.namespace, &DeleteParams::default()).await;
    }

    /// Waits until the namespace is gone.
    pub async fn namespace_gone(&self) {
        let resource = ApiResource::erase::<Namespace>(&());
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        self.until(api, &self.namespace, "gone", |seen| seen.is_none())
            .await;
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

    /// A WazoCore and a plugin, applied, Ready and registered.
    pub async fn ready_plugin(&self, name: &str) -> Seen {
        self.connect().await;
        self.apply(&self.plugin(name)).await;
        let seen = self.well(name).await;
        self.is_registered_once(name);
        seen
    }

    /// Kills the operator's pod where it stands.
    ///
    /// # Panics
    /// Where kubectl fails.
    pub fn kill_operator(&self) {
        let arguments = [
            "delete",
            "pods",
            "--namespace",
            OPERATOR,
            "--all",
            "--grace-period=0",
            "--force",
            "--wait=false",
        ];
        if let Err(error) = run(self.ground.cluster().kubectl().args(arguments)) {
            panic!("the operator's pod was not killed: {error}");
        }
    }
}

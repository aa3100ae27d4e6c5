//! The world of one case: a namespace, a simulated core, a plugin, and hands to break them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use jiff::Timestamp;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use scenarios::objects as plugins;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use wazo_e2e::namespace;
use wazo_e2e::objects as parts;
use wazo_e2e::trial::seed;
use wazo_e2e_node::{Answer, CORE_NAME, fetch};
use wazo_simulated_core::{ACCOUNT_ACL, Options, Seed, SimulatedCore};

use crate::case::merge;
use crate::ground::Ground;
use crate::registry::Impostor;
use crate::tape::{Entry, Tape};
use crate::trouble::{Result, Trouble};
use crate::verdict::{Shown, changes};

/// The name of the plugin of every case.
pub(crate) const PLUGIN: &str = "crm";
/// Where the panel listens.
const PANEL_PORT: u16 = 8080;
/// Names below it lead to the node, and no other certificate or Gateway is for them.
pub(crate) const OWN_DOMAIN: &str = "own.test";

/// A way to the panel's pods themselves, whatever is broken before them.
pub(crate) struct Teller {
    tape: Arc<Tape>,
    namespace: String,
}

impl Teller {
    /// Asks every pod that runs; the answers of those that answer.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Vec<Answer> {
        let mut answers = Vec::new();
        for pod in self.tape.standing(&self.namespace, "Pod") {
            let running =
                pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null();
            let address = pod["status"]["podIP"].as_str().filter(|_| running);
            let Some(address) = address.and_then(|address| address.parse().ok()) else {
                continue;
            };
            let address = SocketAddr::new(address, PANEL_PORT);
            let request = Request::builder()
                .method(method)
                .uri(format!("http://{address}{path}"))
                .header("content-type", "application/json")
                .body(body.to_owned());
            let Ok(request) = request else { continue };
            let asked = tokio::time::timeout(Duration::from_secs(3), fetch(request, address, "")).await;
            if let Ok(Ok(answer)) = asked {
                answers.push(answer);
            }
        }
        answers
    }

    /// Tells every pod how to behave; whether one took it.
    pub(crate) async fn tell(&self, how: &str) -> bool {
        let answers = self.ask("PUT", "/misbehave", how).await;
        answers.iter().any(|answer| answer.status < 300)
    }
}

/// What a case keeps between two steps; dropped at its end.
#[derive(Default)]
struct Kept {
    notes: HashMap<&'static str, Value>,
    impostors: Vec<Impostor>,
    tasks: Vec<JoinHandle<()>>,
}

/// The world of one case.
pub(crate) struct Stage {
    pub(crate) ground: Arc<Ground>,
    pub(crate) namespace: String,
    pub(crate) core: SimulatedCore,
    pub(crate) port: u16,
    kept: Mutex<Kept>,
}

/// A core whose operator may keep accounts that read users.
fn with_accounts() -> Seed {
    let mut seed = seed();
    seed.stack_uuid = uuid::Uuid::new_v4().to_string();
    let operator = seed
        .accounts
        .iter_mut()
        .find(|account| account.purpose == "external_api");
    let held = ACCOUNT_ACL.into_iter().chain(["confd.users.read", "calld.#"]);
    if let Some(operator) = operator {
        operator.acl.extend(held.map(ToOwned::to_owned));
    }
    seed
}

impl Stage {
    /// A namespace and a core; nothing of ours in them.
    pub(crate) async fn new(ground: Arc<Ground>) -> Result<Self> {
        let namespace = namespace::make(&ground.client).await;
        let port = ground.port()?;
        let core = SimulatedCore::start(Options {
            bind: SocketAddr::new(ground.cluster().address(), port),
            names: vec![CORE_NAME.to_owned(), format!("core-{namespace}.{OWN_DOMAIN}")],
            seed: with_accounts(),
            ..Options::default()
        })
        .await?;
        Ok(Self {
            ground,
            namespace,
            core,
            port,
            kept: Mutex::default(),
        })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps something for a later step.
    pub(crate) fn note(&self, name: &'static str, value: Value) {
        self.kept().notes.insert(name, value);
    }

    /// What was kept; null where nothing was.
    pub(crate) fn noted(&self, name: &'static str) -> Value {
        self.kept().notes.get(name).cloned().unwrap_or_default()
    }

    /// Keeps a false registry for the rest of the case.
    pub(crate) fn keep(&self, impostor: Impostor) {
        self.kept().impostors.push(impostor);
    }

    /// Keeps a task until the case ends or [`Self::end_tasks`].
    pub(crate) fn spawn(&self, task: JoinHandle<()>) {
        self.kept().tasks.push(task);
    }

    pub(crate) fn end_tasks(&self) {
        for task in self.kept().tasks.drain(..) {
            task.abort();
        }
    }

    /// The public host of the plugin.
    pub(crate) fn host(&self) -> String {
        format!("{PLUGIN}-{}.plugins.test", self.namespace)
    }

    /// A public host that no usual certificate or listener is for.
    pub(crate) fn own_host(&self) -> String {
        format!("{PLUGIN}-{}.{OWN_DOMAIN}", self.namespace)
    }

    /// The name of the core that is this case's alone.
    pub(crate) fn own_core(&self) -> String {
        format!("core-{}.{OWN_DOMAIN}", self.namespace)
    }

    /// A host name for a registry of the case's own.
    pub(crate) fn own_registry(&self) -> String {
        format!("registry-{}.test", self.namespace)
    }

    /// The usual WazoPlugin.
    pub(crate) fn plugin(&self) -> Value {
        plugins::plugin(PLUGIN, &self.host())
    }

    /// The WazoCore; a case may have noted another URL, and grants.
    pub(crate) fn wazo_core(&self) -> Value {
        let noted = self.noted("core-url");
        let usual = self.ground.cluster().core_url(self.port);
        let mut core = parts::core_at(noted.as_str().unwrap_or(&usual));
        let grants = self.noted("grants");
        if !grants.is_null() {
            core["spec"]["grants"] = grants;
        }
        core
    }

    /// The core is known by a name that is this case's alone.
    pub(crate) fn own_core_name(&self) {
        self.note(
            "core-url",
            json!(format!("https://{}:{}", self.own_core(), self.port)),
        );
    }

    /// Applies the WazoCore with all that it needs.
    pub(crate) async fn connect(&self) -> Result {
        self.credentials().await?;
        self.authority().await?;
        self.apply(&self.wazo_core()).await
    }

    /// The Secret with the right credentials.
    pub(crate) async fn credentials(&self) -> Result {
        let (username, password) = self.core.account();
        self.apply(&parts::credentials(username, password)).await
    }

    /// The ConfigMap with the right authority.
    pub(crate) async fn authority(&self) -> Result {
        self.apply(&parts::authority(self.core.ca_pem())).await
    }

    fn resource(api_version: &str, kind: &str) -> ApiResource {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
    }

    /// The objects of a kind in the namespace.
    pub(crate) fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let resource = Self::resource(api_version, kind);
        Api::namespaced_with(self.ground.client.clone(), &self.namespace, &resource)
    }

    /// Those of a kind that has no namespace.
    pub(crate) fn cluster_api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        Api::all_with(self.ground.client.clone(), &Self::resource(api_version, kind))
    }

    /// Applies an object, as a pipeline would (server-side apply); one with `metadata.namespace: -` has no namespace.
    pub(crate) async fn apply(&self, object: &Value) -> Result {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let mut object = object.clone();
        let of_the_cluster = object["metadata"]["namespace"] == "-";
        if of_the_cluster && let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.shift_remove("namespace");
        }
        let api = if of_the_cluster {
            self.cluster_api(&version, &kind)
        } else {
            self.api(&version, &kind)
        };
        let name = text(&object["metadata"]["name"]);
        let params = PatchParams::apply("faults").force();
        match api.patch(&name, &params, &Patch::Apply(&object)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Trouble::from(error).during(&format!("apply {kind}/{name}"))),
        }
    }

    /// A merge patch of an object of the namespace, as somebody with `kubectl edit`.
    pub(crate) async fn edit(&self, api_version: &str, kind: &str, name: &str, patch: Value) -> Result {
        let params = PatchParams {
            field_manager: Some("somebody".to_owned()),
            ..PatchParams::default()
        };
        let edited = self
            .api(api_version, kind)
            .patch(name, &params, &Patch::Merge(patch))
            .await;
        match edited {
            Ok(_) => Ok(()),
            Err(error) => Err(Trouble::from(error).during(&format!("edit {kind}/{name}"))),
        }
    }

    /// Deletes an object; one that is not there is as wanted.
    pub(crate) async fn delete(&self, api_version: &str, kind: &str, name: &str) -> Result {
        gone(
            self.api(api_version, kind)
                .delete(name, &DeleteParams::default())
                .await,
        )
    }

    /// The same for a kind that has no namespace.
    pub(crate) async fn delete_of_cluster(&self, api_version: &str, kind: &str, name: &str) -> Result {
        let api = self.cluster_api(api_version, kind);
        gone(api.delete(name, &DeleteParams::default()).await)
    }

    /// Deletes the plugin's pods: new ones are made.
    pub(crate) async fn delete_pods(&self) -> Result {
        let now = DeleteParams::default().grace_period(1);
        self.api("v1", "Pod")
            .delete_collection(&now, &ListParams::default())
            .await?;
        Ok(())
    }

    /// Applies the WazoPlugin with patches.
    pub(crate) async fn apply_plugin(&self, patches: &[Value]) -> Result {
        let mut plugin = self.plugin();
        for patch in patches {
            merge(&mut plugin, patch);
        }
        self.apply(&plugin).await
    }

    /// What stood in the plugin's status since a moment, changes only; first what stood at that moment.
    pub(crate) fn shown_since(&self, since: Timestamp) -> Vec<Shown> {
        let entries = self.ground.tape.of(&self.namespace);
        let all = entries
            .iter()
            .filter(|entry| entry.kind == "WazoPlugin" && entry.name == PLUGIN)
            .filter_map(|entry| Some(Shown::read(entry.at, entry.object.as_ref()?)));
        let (before, after): (Vec<_>, Vec<_>) = all.partition(|shown| shown.at < since);
        changes(before.into_iter().next_back().into_iter().chain(after))
    }

    /// What the plugin's status says now.
    pub(crate) fn now(&self) -> Option<Shown> {
        let object = self.ground.tape.newest(&self.namespace, "WazoPlugin", PLUGIN)?;
        Some(Shown::read(Timestamp::now(), &object))
    }

    /// Waits until the plugin is Ready without a fault.
    pub(crate) async fn well(&self, within: Duration) -> Result {
        let well = || {
            self.now()
                .is_some_and(|shown| shown.ready == "True" && shown.fault.is_none())
        };
        if self.ground.tape.until(within, well).await {
            return Ok(());
        }
        let last = self.now().map(|shown| {
            let fault = shown.fault.map_or("no fault".to_owned(), |fault| {
                format!("{}: {}", fault.short(), fault.message)
            });
            format!("Ready={}, {fault}", shown.ready)
        });
        Err(Trouble::new(format!(
            "the plugin is not well within {within:?}; it is {}",
            last.as_deref().unwrap_or("without a status")
        )))
    }

    /// Asks the panel's pods themselves.
    pub(crate) async fn ask(&self, path: &str) -> Vec<Answer> {
        self.teller().ask("GET", path, "").await
    }

    /// A way to the panel that a task can take along.
    pub(crate) fn teller(&self) -> Teller {
        Teller {
            tape: Arc::clone(&self.ground.tape),
            namespace: self.namespace.clone(),
        }
    }

    /// Tells the panel how to behave; tries for a while, since it may be starting.
    pub(crate) async fn misbehave(&self, how: &Value) -> Result {
        for _ in 0..50 {
            if self.teller().tell(&how.to_string()).await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(Trouble::new(format!("the panel does not take {how}")))
    }

    /// Ends everything of the case. What is left in the core goes with it.
    pub(crate) async fn end(self) {
        self.end_tasks();
        let labelled = ListParams::default().labels(&format!("wazo-faults={}", self.namespace));
        for (version, kind) in [
            (
                "admissionregistration.k8s.io/v1",
                "ValidatingWebhookConfiguration",
            ),
            (
                "admissionregistration.k8s.io/v1",
                "ValidatingAdmissionPolicyBinding",
            ),
            ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
        ] {
            // What the case took away itself is not there any more.
            let _ = self
                .cluster_api(version, kind)
                .delete_collection(&DeleteParams::default(), &labelled)
                .await;
        }
        self.core.faults().clear_all().await;
        self.take_back().await;
        namespace::delete(&self.ground.client, &self.namespace).await;
        self.core.stop().await;
        self.ground.tape.forget(&self.namespace);
    }

    /// Lets the operator take the plugin out of the core while there is one: what is blocked in its deletion is tried
    /// again and again for the rest of the run. What it cannot is given up in its own way.
    async fn take_back(&self) {
        const VERSION: &str = "plugins.wazo.io/v1alpha1";
        const WITHIN: Duration = Duration::from_secs(15);
        let is_gone = || {
            let tape = &self.ground.tape;
            tape.newest(&self.namespace, "WazoPlugin", PLUGIN).is_none()
        };
        // Whatever fails here shows as a namespace that stays.
        let _ = self.delete(VERSION, "WazoPlugin", PLUGIN).await;
        if !self.ground.tape.until(WITHIN, is_gone).await {
            let give_up =
                json!({"metadata": {"annotations": {"plugins.wazo.io/abandon-registrations": "true"}}});
            let _ = self.edit(VERSION, "WazoPlugin", PLUGIN, give_up).await;
            self.ground.tape.until(WITHIN, is_gone).await;
        }
        let _ = self.delete(VERSION, "WazoCore", "main").await;
    }

    /// Metadata of an object that has no namespace, so that it goes at the end of the case in any event.
    pub(crate) fn of_cluster(&self, name: &str) -> Value {
        json!({
            "name": format!("{name}-{}", self.namespace), "namespace": "-",
            "labels": {"wazo-faults": self.namespace},
        })
    }
}

/// Whether an entry is a version of an object of a kind that holds a text.
pub(crate) fn holds(entry: &Entry, kind: &str, text: &str) -> bool {
    entry.kind == kind
        && entry
            .object
            .as_ref()
            .is_some_and(|object| object.to_string().contains(text))
}

fn gone<T>(deleted: kube::Result<T>) -> Result {
    match deleted {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
    }
}

//! Sees every status that is written in a namespace, and remembers those that break a rule.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::ApiResource;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;
use wazo_simulated_core::Accounts;

use crate::difference::difference;
use crate::rules;

/// More writes than this in one test are a loop.
const MOST_WRITES: usize = 150;
/// Shorter texts stand everywhere.
const SHORTEST_SECRET: usize = 8;
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Kept {
    /// What must never be told: found in the Secrets of the namespace, or known to the core.
    secrets: BTreeSet<String>,
    /// When the status of an object was last another than before.
    changed: HashMap<String, Instant>,
    last: HashMap<String, Value>,
    writes: HashMap<String, usize>,
    broken: Vec<String>,
    history: Vec<(String, Value)>,
    /// What events said, each version.
    events: Vec<String>,
}

/// The recorder of one namespace. Dropped, it ends.
pub struct Recorder {
    kept: Arc<Mutex<Kept>>,
    seen: Arc<Notify>,
    core: Accounts,
    client: Client,
    namespace: String,
    tasks: Vec<JoinHandle<()>>,
}

fn kinds() -> [ApiResource; 2] {
    [
        ApiResource::erase::<WazoPlugin>(&()),
        ApiResource::erase::<WazoCore>(&()),
    ]
}

impl Recorder {
    /// The namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Begins to record. A token or a password of the core in a status breaks a rule, and so does what stands in a Secret.
    #[must_use]
    pub fn start(client: &Client, namespace: &str, core: Accounts) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let seen = Arc::new(Notify::new());
        let mut tasks: Vec<JoinHandle<()>> = kinds()
            .into_iter()
            .map(|resource| {
                let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
                let (kept, seen, core) = (kept.clone(), seen.clone(), core.clone());
                tokio::spawn(async move {
                    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
                    while let Some(event) = events.next().await {
                        if let Ok(Event::Apply(object) | Event::InitApply(object)) = event {
                            let mut kept = lock(&kept);
                            kept.secrets.extend(secrets_of(&core));
                            record(&mut kept, &resource.kind, &object);
                            seen.notify_waiters();
                        }
                    }
                })
            })
            .collect();
        tasks.push(tokio::spawn(collect_secrets(
            Api::namespaced(client.clone(), namespace),
            kept.clone(),
        )));
        tasks.push(tokio::spawn(collect_events(
            Api::namespaced(client.clone(), namespace),
            kept.clone(),
        )));
        Self {
            kept,
            seen,
            core,
            client: client.clone(),
            namespace: namespace.to_owned(),
            tasks,
        }
    }

    /// Waits until everything that stands on the API server was seen; call it when the operator has ended.
    ///
    /// # Panics
    /// Where the watch does not keep up.
    pub async fn catch_up(&self) {
        for resource in kinds() {
            let api: Api<DynamicObject> =
                Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
            let Ok(list) = api.list(&ListParams::default()).await else {
                return;
            };
            for object in list {
                let key = format!("{}/{}", resource.kind, object.name_any());
                let version = object.resource_version();
                let caught_up = async {
                    loop {
                        let notified = self.seen.notified();
                        let known = lock(&self.kept).last.get(&key).cloned();
                        if known.is_some_and(|known| {
                            known["metadata"]["resourceVersion"].as_str() == version.as_deref()
                        }) {
                            return;
                        }
                        notified.await;
                    }
                };
                assert!(
                    tokio::time::timeout(CATCHES_UP_WITHIN, caught_up).await.is_ok(),
                    "the recorder does not keep up with {key}"
                );
            }
        }
    }

    /// The rules that were broken, each with the object that broke it.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        lock(&self.kept).broken.clone()
    }

    /// Every token and password of the core that ever was, and what stood in the Secrets of the namespace.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut secrets = lock(&self.kept).secrets.clone();
        secrets.extend(secrets_of(&self.core));
        secrets
    }

    /// The statuses and the events of all time, as text.
    #[must_use]
    pub fn told(&self) -> String {
        let kept = lock(&self.kept);
        let statuses = kept.history.iter().map(|(_, status)| status.to_string());
        let told: Vec<String> = statuses.chain(kept.events.iter().cloned()).collect();
        told.join("\n")
    }

    /// How often an object was written, as `WazoPlugin/name`.
    #[must_use]
    pub fn writes(&self, key: &str) -> usize {
        lock(&self.kept).writes.get(key).copied().unwrap_or_default()
    }

    /// What changed in the statuses, version by version.
    #[must_use]
    pub fn story(&self) -> String {
        let kept = lock(&self.kept);
        let mut last: HashMap<&str, &Value> = HashMap::new();
        let mut story = String::new();
        for (key, status) in &kept.history {
            let before = last.insert(key, status).unwrap_or(&Value::Null);
            story.push_str(&format!("{key}\n{}\n", difference(before, status)));
        }
        story
    }

    /// Every version of an object's status, oldest first.
    #[must_use]
    pub fn history(&self, key: &str) -> Vec<Value> {
        lock(&self.kept)
            .history
            .iter()
            .filter(|(of, _)| of == key)
            .map(|(_, status)| status.clone())
            .collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps every value of every Secret of the namespace that is worth keeping to oneself.
async fn collect_secrets(api: Api<Secret>, kept: Arc<Mutex<Kept>>) {
    /// What else stands in Secrets, and is known to many.
    const PUBLIC: [&str; 6] = ["username", "url", "tenant", "ca.crt", "tls.crt", "namespace"];
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        let Ok(Event::Apply(secret) | Event::InitApply(secret)) = event else {
            continue;
        };
        for (key, value) in secret.data.unwrap_or_default() {
            if let Ok(text) = String::from_utf8(value.0)
                && text.len() >= SHORTEST_SECRET
                && !PUBLIC.contains(&key.as_str())
            {
                lock(&kept).secrets.insert(text);
            }
        }
    }
}

/// Keeps what every version of every event says.
async fn collect_events(api: Api<events::v1::Event>, kept: Arc<Mutex<Kept>>) {
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        if let Ok(Event::Apply(event) | Event::InitApply(event)) = event {
            lock(&kept).events.extend(event.note);
        }
    }
}

/// The core's, as far as they are no words that stand everywhere.
fn secrets_of(core: &Accounts) -> impl Iterator<Item = String> {
    let secrets = core.secrets().into_iter();
    secrets.filter(|secret| secret.len() >= SHORTEST_SECRET)
}

fn record(kept: &mut Kept, kind: &str, object: &DynamicObject) {
    let key = format!("{kind}/{}", object.name_any());
    let Ok(mut value) = serde_json::to_value(object) else {
        return;
    };
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    let same = kept
        .last
        .get(&key)
        // An object of the same name that was made anew has no predecessor.
        .filter(|before| before["metadata"]["uid"] == value["metadata"]["uid"]);
    let mut broken = rules::broken(&value, same);
    let status = value["status"].to_string();
    if let Some(before) = same
        && before["status"] != value["status"]
    {
        let since = kept.changed.insert(key.clone(), Instant::now());
        let soon = since.is_some_and(|since| since.elapsed() < rules::MESSAGES_STAY_FOR);
        if soon && rules::only_messages_differ(before, &value) {
            broken.push("two writes within 10 s that differ only in messages".to_owned());
        }
    }
    broken.extend(
        kept.secrets
            .iter()
            .filter(|secret| status.contains(secret.as_str()))
            .map(|_| "a secret stands in the status".to_owned()),
    );
    let writes = kept.writes.entry(key.clone()).or_default();
    *writes += 1;
    if *writes == MOST_WRITES {
        broken.push(format!("written {MOST_WRITES} times"));
    }
    for rule in broken {
        kept.broken.push(format!("{key}: {rule}\n{value:#}"));
    }
    kept.history.push((key.clone(), value["status"].clone()));
    kept.last.insert(key, value);
}

//! Users of a plugin during a change: they ask the URLs that stand in the core, all the time, and must be led to the
//! plugin at every moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;
use tokio::task::JoinHandle;
use wazo_simulated_core::Apps;

use crate::trial::{APPS, STRANGER, Trial};

const PAUSE: Duration = Duration::from_millis(2);

/// Users of one plugin; they ask until they are told to stop.
pub struct Users {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
    task: JoinHandle<Vec<String>>,
}

impl Users {
    /// Begins to ask for a plugin that is registered.
    #[must_use]
    pub fn begin(trial: &Trial, plugin: &str) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let user = User {
            client: trial.client().clone(),
            namespace: trial.namespace().to_owned(),
            plugin: plugin.to_owned(),
            apps: trial.core().apps(),
            tenant: trial.core().tenant().to_owned(),
        };
        let task = tokio::spawn(ask(user, stop.clone(), rounds.clone()));
        Self { stop, rounds, task }
    }

    /// Stops, and says how often each URL was asked.
    ///
    /// # Panics
    /// Where a user was not led to the plugin.
    pub async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let failures = self.task.await.expect("users do not panic");
        assert!(
            failures.is_empty(),
            "users were without the plugin:\n{}",
            failures.join("\n")
        );
        self.rounds.load(Ordering::Relaxed)
    }
}

struct User {
    client: Client,
    namespace: String,
    plugin: String,
    apps: Apps,
    tenant: String,
}

async fn ask(user: User, stop: Arc<AtomicBool>, rounds: Arc<AtomicUsize>) -> Vec<String> {
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) && failures.len() < 10 {
        let before = user.urls();
        let places = user.places().await;
        // A URL that was taken out in between may have lost its route since.
        let after = user.urls();
        for (app, urls) in APPS.iter().zip(&before) {
            if urls.is_empty() {
                failures.push(format!("no URL stands in {app}"));
            }
        }
        for url in before
            .iter()
            .flatten()
            .filter(|url| after.iter().flatten().any(|other| other == *url))
        {
            if !places.iter().any(|(host, path)| is_below(url, host, path)) {
                failures.push(format!("{url} is registered and not routed: {places:?}"));
            }
        }
        rounds.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
    failures
}

fn is_below(url: &str, host: &str, path: &str) -> bool {
    let prefix = format!("https://{host}{}/", path.trim_end_matches('/'));
    url.starts_with(&prefix)
}

impl User {
    fn urls(&self) -> Vec<Vec<String>> {
        let of = |app: &&str| -> Vec<String> {
            let app = self.apps.get(&self.tenant, app);
            let urls = app.and_then(|app| app.configuration["manifest_urls"].as_array().cloned());
            urls.into_iter()
                .flatten()
                .filter_map(|url| url.as_str().map(ToOwned::to_owned))
                .filter(|url| url != STRANGER)
                .collect()
        };
        APPS.iter().map(of).collect()
    }

    /// The hosts and prefixes that lead to the plugin.
    async fn places(&self) -> Vec<(String, String)> {
        let mut places = Vec::new();
        let route = self
            .get("gateway.networking.k8s.io", "HTTPRoute", "httproutes")
            .await;
        for host in texts(&route["spec"]["hostnames"]) {
            for rule in route["spec"]["rules"].as_array().into_iter().flatten() {
                places.push((host.clone(), text(&rule["matches"][0]["path"]["value"])));
            }
        }
        let ingress = self.get("networking.k8s.io", "Ingress", "ingresses").await;
        for rule in ingress["spec"]["rules"].as_array().into_iter().flatten() {
            for path in rule["http"]["paths"].as_array().into_iter().flatten() {
                places.push((text(&rule["host"]), text(&path["path"])));
            }
        }
        places
    }

    async fn get(&self, group: &str, kind: &str, plural: &str) -> Value {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let object = api.get_opt(&self.plugin).await;
        object
            .unwrap_or_else(|error| panic!("the API server does not answer: {error}"))
            .map_or(Value::Null, |object| object.data)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

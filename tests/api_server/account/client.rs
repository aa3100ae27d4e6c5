//! A client that uses a plugin's credentials all the time.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wazo_e2e::trial::Trial;
use wazo_plugin_operator::api::names::CREDENTIALS_ANNOTATION;
use wazo_plugin_operator::observe::account_secret::{AccountSecret, text_of};
use wazo_simulated_core::{Accounts, Login};

/// A plugin's server: it reads the mounted files again and again, and has a token that works at every moment. So have
/// the pods that were started with earlier files, for as long as there are any.
pub(super) struct Client {
    stop: watch::Sender<bool>,
    runs: JoinHandle<Used>,
}

/// What a client was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// The users, one after the other.
    pub(super) users: Vec<String>,
    /// How often credentials let in that were not those of the Secret any more.
    pub(super) late: usize,
}

/// What the Secret held at one time.
struct Credentials {
    username: String,
    password: String,
    /// What pods with it are told by.
    mounted: String,
    login: Option<Login>,
}

impl Credentials {
    fn of(secret: &Secret) -> Self {
        let values = text_of(secret);
        let value = |key: &str| values.get(key).copied().unwrap_or_default().to_owned();
        Self {
            username: value("username"),
            password: value("password"),
            mounted: AccountSecret::of(secret).map_or_else(String::new, |secret| secret.mounted),
            login: None,
        }
    }

    /// Whether they let in, and may what the plugin needs.
    fn work(&mut self, accounts: &Accounts) -> bool {
        let living = self.login.take().filter(Login::lives);
        self.login = living.or_else(|| accounts.log_in(&self.username, &self.password));
        let login = self.login.as_ref();
        login.is_some_and(|login| login.allows("confd.users.read"))
    }

    /// Whether there is a pod that was started with them.
    async fn are_in_use(&self, pods: &Api<Pod>) -> bool {
        let pods = pods.list(&ListParams::default()).await.expect("pods are listed");
        pods.iter()
            .any(|pod| pod.annotations().get(CREDENTIALS_ANNOTATION) == Some(&self.mounted))
    }
}

impl Client {
    pub(super) fn start(trial: &Trial, plugin: &str) -> Self {
        let (stop, stopped) = watch::channel(false);
        let secrets: Api<Secret> = Api::namespaced(trial.client().clone(), trial.namespace());
        let pods: Api<Pod> = Api::namespaced(trial.client().clone(), trial.namespace());
        let (accounts, name) = (trial.core().accounts(), format!("{plugin}-core"));
        let runs = tokio::spawn(async move {
            let mut used = Used::default();
            let mut held: Vec<Credentials> = Vec::new();
            while !*stopped.borrow() {
                let secret = secrets
                    .get(&name)
                    .await
                    .expect("the Secret is there at every moment");
                let now = Credentials::of(&secret);
                let known = held.last();
                if known.is_none_or(|last| (&last.username, &last.password) != (&now.username, &now.password))
                {
                    used.users.push(now.username.clone());
                    held.push(now);
                }
                let mut old = held.split_off(held.len() - 1);
                std::mem::swap(&mut old, &mut held);
                for mut earlier in old {
                    if earlier.work(&accounts) {
                        used.late += 1;
                        held.insert(held.len() - 1, earlier);
                        continue;
                    }
                    // No pod comes with them any more: one that is there now was there when they failed.
                    let in_use = earlier.are_in_use(&pods).await;
                    assert!(!in_use, "a pod is left that {} does not let in", earlier.username);
                }
                if let Some(current) = held.last_mut() {
                    assert!(current.work(&accounts), "{} gets in", current.username);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            used
        });
        Self { stop, runs }
    }

    /// Who it was.
    pub(super) async fn stop(self) -> Used {
        self.stop.send_replace(true);
        match self.runs.await {
            Ok(used) => used,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

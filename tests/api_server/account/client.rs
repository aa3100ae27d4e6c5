//! A client that uses a plugin's credentials all the time.

use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wazo_e2e::trial::Trial;
use wazo_simulated_core::Login;

use super::ground::value;

/// A plugin's server: it reads the mounted files again and again, and has a token that works at every moment.
pub(super) struct Client {
    stop: watch::Sender<bool>,
    runs: JoinHandle<Vec<String>>,
}

impl Client {
    pub(super) fn start(trial: &Trial, plugin: &str) -> Self {
        let (stop, stopped) = watch::channel(false);
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Secret"));
        let api: Api<DynamicObject> = Api::namespaced_with(trial.client().clone(), trial.namespace(), &kind);
        let (accounts, name) = (trial.core().accounts(), format!("{plugin}-core"));
        let runs = tokio::spawn(async move {
            let mut used: Vec<String> = Vec::new();
            let mut login: Option<Login> = None;
            while !*stopped.borrow() {
                let object = api.get(&name).await.expect("the Secret is there at every moment");
                let object = serde_json::to_value(object).expect("an object is JSON");
                let (username, password) = (value(&object, "username"), value(&object, "password"));
                if used.last() != Some(&username) {
                    login = None;
                    used.push(username.clone());
                }
                let living = login.take().filter(Login::lives);
                let living = living.or_else(|| accounts.log_in(&username, &password));
                let allowed = living
                    .as_ref()
                    .is_some_and(|login| login.allows("confd.users.read"));
                assert!(allowed, "{username} gets in: {}", living.is_some());
                login = living;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            used
        });
        Self { stop, runs }
    }

    /// The users that it was, one after the other.
    pub(super) async fn stop(self) -> Vec<String> {
        self.stop.send_replace(true);
        match self.runs.await {
            Ok(used) => used,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

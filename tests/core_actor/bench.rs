//! An actor at work on a simulated core.
#![allow(clippy::unwrap_used, reason = "helpers of a test")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::Registry;
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;
use wazo_plugin_operator::core::error::CoreErrorKind;
use wazo_plugin_operator::core::facts::{
    AppEdit, AppKey, CoreFacts, CoreStep, Daemon as Part, ServiceState, SessionFact, StepState,
};
use wazo_plugin_operator::core::{CoreSettings, Cores, HttpWires, Intervals, ListForm, StackUrl};
use wazo_plugin_operator::keys::{CoreKey, PluginKey};
use wazo_plugin_operator::secret::Secret;
use wazo_simulated_core::{Application, Entry, Options, SimulatedCore};

pub(crate) const APP: &str = "wazo-euc-application-desktop";
pub(crate) const PATH: &str = "/api/confd/1.1/external/apps/wazo-euc-application-desktop";

pub(crate) struct Bench {
    pub(crate) sim: SimulatedCore,
    pub(crate) cores: Cores,
    run: JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.run.abort();
    }
}

pub(crate) fn key() -> CoreKey {
    CoreKey::new("wazo-cores", "production")
}

pub(crate) fn intervals() -> Intervals {
    let ms = Duration::from_millis;
    Intervals {
        health: ms(200),
        snapshot: ms(300),
        rights: ms(300),
        missing_rights: ms(300),
        sessions_backoff: ms(500),
        first_backoff: ms(20),
        longest_backoff: ms(200),
        longest_step_backoff: ms(300),
        look_again: ms(200),
        ..Intervals::default()
    }
}

pub(crate) fn settings(sim: &SimulatedCore) -> CoreSettings {
    let (username, password) = sim.account();
    CoreSettings {
        key: key(),
        url: StackUrl::try_from(sim.url().as_str()).unwrap(),
        ca_pem: Some(Arc::from(sim.ca_pem().as_bytes())),
        username: username.into(),
        password: Secret::new(password),
        tenant: None,
        applications: vec![APP.into()],
        new_list: ListForm::List,
        requests_per_second: 1000,
        stack: None,
        accepted_stack: None,
        suspended: false,
    }
}

impl Bench {
    pub(crate) async fn start(change: impl FnOnce(CoreSettings) -> CoreSettings) -> Self {
        Self::start_at(Options::default(), change).await
    }

    pub(crate) async fn start_at(
        options: Options,
        change: impl FnOnce(CoreSettings) -> CoreSettings,
    ) -> Self {
        let sim = SimulatedCore::start(options).await.unwrap();
        let (waker, _) = tokio::sync::mpsc::unbounded_channel();
        let cores = Cores::new(Arc::new(HttpWires::new()), waker, intervals(), &Registry::new());
        let run = tokio::spawn({
            let cores = cores.clone();
            async move { cores.run().await }
        });
        cores.put(change(settings(&sim))).unwrap();
        Self { sim, cores, run }
    }

    pub(crate) async fn settled() -> Self {
        let bench = Self::start(|settings| settings).await;
        bench
            .until("whole", |bench| bench.facts().last_good.is_some())
            .await;
        bench
    }

    pub(crate) fn facts(&self) -> Arc<CoreFacts> {
        self.cores.facts(&key()).unwrap()
    }

    pub(crate) fn step(&self, url: &str, edit: fn(String) -> AppEdit) -> CoreStep {
        let tenant: Uuid = self.sim.tenant().parse().unwrap();
        CoreStep {
            app: AppKey::of_tenant(tenant, APP),
            edit: edit(url.into()),
        }
    }

    pub(crate) fn wish(&self, name: &str, steps: Vec<CoreStep>) {
        let plugin = PluginKey::new("acme", name);
        self.cores.wish(&key(), &plugin, steps, &Default::default());
    }

    pub(crate) fn put_back(&self, name: &str, steps: &[CoreStep]) {
        self.cores.put_back(&key(), &PluginKey::new("acme", name), steps);
    }

    pub(crate) fn states(&self, name: &str) -> Vec<StepState> {
        let outcomes = self.cores.outcomes(&key(), &PluginKey::new("acme", name));
        outcomes.into_iter().map(|outcome| outcome.state).collect()
    }

    pub(crate) fn is_done(&self, name: &str) -> bool {
        let states = self.states(name);
        !states.is_empty() && states.iter().all(|state| matches!(state, StepState::Done { .. }))
    }

    pub(crate) async fn done(&self, name: &str) {
        self.until(name, |bench| bench.is_done(name)).await;
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !condition(self) {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "not {what}: {:#?}",
                self.facts()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn urls(&self) -> Value {
        let app = self.sim.apps().get(self.sim.tenant(), APP);
        app.map_or(Value::Null, |app| app.configuration["manifest_urls"].clone())
    }

    pub(crate) fn stranger_puts(&self, configuration: Value) {
        let tenant = self.sim.tenant().to_owned();
        self.sim.apps().put(Application {
            tenant,
            name: APP.into(),
            label: None,
            configuration,
        });
    }

    pub(crate) fn writes(&self) -> Vec<Entry> {
        let entries = self.sim.journal().entries().into_iter();
        entries
            .filter(|entry| entry.path == PATH && entry.method != "GET" && !entry.stranger)
            .collect()
    }

    pub(crate) fn logins(&self) -> usize {
        let entries = self.sim.journal().entries().into_iter();
        entries
            .filter(|entry| entry.method == "POST" && entry.path == "/api/auth/0.1/token")
            .count()
    }

    pub(crate) fn failure(&self) -> Option<CoreErrorKind> {
        match &self.facts().session {
            SessionFact::Failed(error) => Some(error.kind.clone()),
            _ => None,
        }
    }

    pub(crate) fn service(&self, daemon: Part) -> (ServiceState, Option<CoreErrorKind>) {
        let facts = self.facts();
        let service = &facts.services[&daemon];
        (
            service.state,
            service.error.as_ref().map(|error| error.kind.clone()),
        )
    }
}

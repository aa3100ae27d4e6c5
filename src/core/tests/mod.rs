//! How the actor behaves, on a core in memory and on a clock that jumps.

mod fake;
mod rates;
mod session;
mod signs;
mod troubles;
mod wakes;
mod writes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use self::fake::{Fake, FakeWires, PASSWORD, TENANT};
use super::facts::{AppEdit, AppKey, CoreFacts, CoreStep, StepState};
use super::{CoreSettings, Cores, Intervals, ListForm, StackUrl};
use crate::keys::{CoreKey, PluginKey, Wake};
use crate::secret::Secret;

const APP: &str = "wazo-euc-application-desktop";
const URL: &str = "https://crm.example/manifest.json";

/// An actor at work on a fake core.
struct Bench {
    fake: Arc<Fake>,
    cores: Cores,
    wakes: UnboundedReceiver<Wake>,
    run: JoinHandle<()>,
    registry: Registry,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.run.abort();
    }
}

fn core() -> CoreKey {
    CoreKey::new("wazo-cores", "production")
}

fn plugin(name: &str) -> PluginKey {
    PluginKey::new("acme", name)
}

fn settings() -> CoreSettings {
    CoreSettings {
        key: core(),
        url: StackUrl::try_from("https://stack.example").unwrap(),
        ca_pem: None,
        username: "operator".into(),
        password: Secret::new(PASSWORD),
        tenant: None,
        applications: vec![APP.into()],
        new_list: ListForm::List,
        requests_per_second: 20,
        stack: None,
        accepted_stack: None,
        suspended: false,
    }
}

fn present(url: &str) -> CoreStep {
    CoreStep {
        app: AppKey::of_tenant(TENANT, APP),
        edit: AppEdit::Present(url.into()),
    }
}

fn absent(url: &str) -> CoreStep {
    CoreStep {
        app: AppKey::of_tenant(TENANT, APP),
        edit: AppEdit::Absent(url.into()),
    }
}

impl Bench {
    fn idle() -> Self {
        let fake = Fake::new();
        let (waker, wakes) = unbounded_channel();
        let registry = Registry::new();
        let intervals = Intervals {
            jitter: 0.0,
            ..Intervals::default()
        };
        let cores = Cores::new(Arc::new(FakeWires(fake.clone())), waker, intervals, &registry);
        let run = tokio::spawn({
            let cores = cores.clone();
            async move { cores.run().await }
        });
        Self {
            fake,
            cores,
            wakes,
            run,
            registry,
        }
    }

    fn new() -> Self {
        let bench = Self::idle();
        bench.cores.put(settings()).unwrap();
        bench
    }

    /// A core that is logged in, with every right, all daemons up, and nothing to do.
    async fn settled() -> Self {
        let bench = Self::new();
        bench
            .until("whole", |bench| bench.facts().last_good.is_some())
            .await;
        bench
            .until("read", |bench| bench.fake.count("GET /confd/external/apps") == 1)
            .await;
        bench
    }

    fn facts(&self) -> Arc<CoreFacts> {
        self.cores.facts(&core()).unwrap()
    }

    fn wish(&self, name: &str, steps: &[CoreStep]) {
        self.cores
            .wish(&core(), &plugin(name), steps.to_vec(), &BTreeSet::new());
    }

    fn put_back(&self, name: &str, steps: &[CoreStep]) {
        self.cores.put_back(&core(), &plugin(name), steps);
    }

    fn states(&self, name: &str) -> Vec<StepState> {
        self.cores
            .outcomes(&core(), &plugin(name))
            .into_iter()
            .map(|outcome| outcome.state)
            .collect()
    }

    fn state(&self, name: &str) -> StepState {
        let mut states = self.states(name);
        assert_eq!(states.len(), 1, "{states:?}");
        states.remove(0)
    }

    fn is_done(&self, name: &str) -> bool {
        let states = self.states(name);
        !states.is_empty() && states.iter().all(|state| matches!(state, StepState::Done { .. }))
    }

    async fn done(&self, name: &str) {
        self.until("done", |bench| bench.is_done(name)).await;
    }

    /// Waits for a condition on the clock that jumps; at most an hour of it.
    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        for _ in 0..360_000 {
            if condition(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!(
            "not {what} within an hour: {:#?} {:#?}",
            self.facts(),
            self.fake.core().journal
        );
    }

    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn wakes(&mut self) -> BTreeSet<String> {
        let mut wakes = BTreeSet::new();
        while let Ok(wake) = self.wakes.try_recv() {
            wakes.insert(match wake {
                Wake::Plugin(key) => format!("plugin {key}"),
                Wake::Core(key) => format!("core {key}"),
                other => format!("{other:?}"),
            });
        }
        wakes
    }
}

//! The operator in process, on threads of its own: it can be asked to stop, and it can be killed where it stands.

use std::sync::Arc;
use std::time::Duration;

use kube::client::ClientBuilder;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use wazo_plugin_operator::controller::{self, Parts, RunError, Settings};
use wazo_plugin_operator::core::{HttpWires, Intervals};
use wazo_plugin_operator::probe::ProbeSettings;

use crate::gate::Gate;
use crate::gated::{GateLayer, GatedWires};
use crate::log::Log;
use crate::network::TestNetwork;
use crate::scope::Scope;

/// The operator gives passes under way ten seconds and its tokens five.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// With what an operator is run.
#[derive(Clone)]
pub struct Wiring {
    /// How it reaches the API server.
    pub config: kube::Config,
    /// What it sees.
    pub scope: Scope,
    /// The network that its prober sees.
    pub network: Arc<TestNetwork>,
    /// The prober's settings.
    pub probe: ProbeSettings,
    /// The times of the core's actor.
    pub intervals: Intervals,
    /// Everything else.
    pub settings: Settings,
    /// Where its log goes: operators that follow one another share it.
    pub log: Log,
}

impl Wiring {
    /// Short times, so that a test waits for nothing long.
    #[must_use]
    pub fn brisk(config: kube::Config, namespace: &str, network: Arc<TestNetwork>) -> Self {
        let ms = Duration::from_millis;
        let probe = ProbeSettings {
            extra_roots_pem: Some(network.authority_pem().into_bytes()),
            allowed_cidrs: vec![TestNetwork::range()],
            min_interval: ms(200),
            max_interval: ms(1000),
            min_retry: ms(50),
            max_retry: ms(200),
            timeout: ms(1500),
            readiness_timeout: ms(500),
            ..ProbeSettings::default()
        };
        let intervals = Intervals {
            health: ms(200),
            snapshot: ms(500),
            account_check: ms(1000),
            longest_account_check: ms(1000),
            rights: ms(1000),
            missing_rights: ms(200),
            credentials_backoff: ms(200),
            sessions_backoff: ms(200),
            first_backoff: ms(50),
            longest_backoff: ms(200),
            longest_step_backoff: ms(200),
            look_again: ms(200),
            jitter: 0.0,
            ..Intervals::default()
        };
        let settings = Settings {
            credentials_interval: ms(200),
            ..Settings::default()
        };
        Self {
            config,
            scope: Scope::Namespace(namespace.to_owned()),
            network,
            probe,
            intervals,
            settings,
            log: Log::default(),
        }
    }
}

impl Wiring {
    /// Asks less often: for tests in which nothing changes but what the operator does itself.
    pub const fn calm(&mut self) {
        let seconds = Duration::from_secs;
        self.intervals.health = seconds(2);
        self.intervals.snapshot = seconds(5);
        self.intervals.account_check = seconds(5);
        self.intervals.longest_account_check = seconds(5);
        self.intervals.rights = seconds(5);
        self.settings.credentials_interval = seconds(5);
        self.probe.min_interval = seconds(2);
        self.probe.max_interval = seconds(5);
    }
}

/// A running operator. Dropped, it is killed.
pub struct Operator {
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<Result<(), RunError>>,
    gate: Arc<Gate>,
}

impl Operator {
    /// Starts an operator whose requests pass through a gate.
    ///
    /// # Panics
    /// Where the system gives no thread.
    #[must_use]
    pub fn start(wiring: &Wiring, gate: Arc<Gate>) -> Self {
        let dispatch = wiring.log.dispatch();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name("operator")
            // Traces go where the thread sends them: so each operator's log is its own.
            .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
            .build()
            .expect("the system gives threads");
        let (stop, stopped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let wiring = wiring.clone();
        let gated = gate.clone();
        runtime.spawn(async move {
            let client = ClientBuilder::try_from(wiring.config)
                .expect("the configuration was used before")
                .with_layer(&GateLayer::new(gated.clone(), wiring.scope.clone()))
                .build();
            let parts = Parts {
                client,
                wires: Arc::new(GatedWires::new(Arc::new(HttpWires::new()), gated)),
                network: wiring.network,
                probe: wiring.probe,
                intervals: wiring.intervals,
                settings: wiring.settings,
            };
            let outcome = controller::run(parts, async {
                // A dropped sender is no order to stop.
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
            .await;
            let _ = end.send(outcome);
        });
        Self {
            runtime: Some(runtime),
            stop: Some(stop),
            ended,
            gate,
        }
    }

    /// Its gate.
    #[must_use]
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Ends it where it stands: nothing is closed, given back or written any more.
    pub fn kill(mut self) {
        self.cut();
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Panics
    /// Where it ends with an error, or not in time.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        match tokio::time::timeout(STOPS_WITHIN, &mut self.ended).await {
            Ok(Ok(outcome)) => outcome.expect("the operator ends without an error"),
            Ok(Err(_)) => panic!("the operator panicked"),
            Err(_) => panic!("the operator does not stop within {STOPS_WITHIN:?}"),
        }
    }

    /// Lets it stand still, all of its threads, until the answer is dropped.
    ///
    /// # Panics
    /// Where it was killed before.
    #[must_use]
    pub async fn freeze(&self) -> Frozen {
        let (thaw, thawed) = std::sync::mpsc::channel::<()>();
        let (stand, stands) = oneshot::channel();
        let runtime = self.runtime.as_ref().expect("it was not killed");
        // There is one worker, which drives timers and sockets, too: while it waits here nothing goes on.
        runtime.spawn(async move {
            let _ = stand.send(());
            let _ = thawed.recv();
        });
        stands.await.expect("the operator runs");
        Frozen { _thaw: thaw }
    }

    fn cut(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An operator stands still until this is dropped.
pub struct Frozen {
    _thaw: std::sync::mpsc::Sender<()>,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.cut();
    }
}

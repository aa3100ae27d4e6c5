//! The two loops that join the rooms; back-off and shutdown.

mod backoff;
mod changes;
mod context;
mod copies;
mod core_seen;
mod cores;
mod endpoints;
mod gone;
mod guard;
mod hosts;
mod itself;
mod kube_requests;
mod leader;
mod lease;
mod ledger_keys;
mod neighbours;
mod own_errors;
mod paces;
mod pass;
mod plugins;
mod recorder;
mod settings;
mod shared;
mod wakes;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, Either};
use futures::{FutureExt, StreamExt};
use kube::runtime::{Controller, watcher};
use kube::{Api, Client};
use prometheus::Registry;

use crate::api::core::WazoCore;
use crate::api::object::Raw;
use crate::api::plugin::WazoPlugin;
use crate::apply::Applier;
use crate::core::{Cores, Intervals, WireFactory};
use crate::inquiry::Inquiry;
use crate::observe::directory::Directory;
use crate::observe::memory::Memory;
use crate::observe::owner::Owner;
use crate::observe::service_watch::ServiceWatches;
use crate::observe::store::FactStore;
use crate::observe::tls_watch::TlsWatches;
use crate::observe::watch::Watches;
use crate::probe::{Network, ProbeSettings, Prober, ProberError};
use crate::recording;
use crate::report::metrics::Metrics;
use context::Context;
use endpoints::Shown;

pub use kube_requests::counting_client;
pub use lease::{Election, ElectionError};
pub use settings::Settings;

/// What the operator is made of: its way to the API server, to the cores and to the plugins.
#[derive(Clone)]
pub struct Parts {
    /// The API server.
    pub client: Client,
    /// The way to the cores.
    pub wires: Arc<dyn WireFactory>,
    /// The way to the plugins.
    pub network: Arc<dyn Network>,
    /// How plugins are probed.
    pub probe: ProbeSettings,
    /// How often the cores are asked.
    pub intervals: Intervals,
    /// Everything else.
    pub settings: Settings,
}

/// Why the operator ended otherwise than asked.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The endpoints' address cannot be listened on.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The prober's settings cannot be used.
    #[error("failed to prepare the prober: {0}")]
    Probe(#[from] ProberError),
    /// A metric is registered twice: a mistake in the operator.
    #[error("failed to register the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The folder of the recordings cannot be made.
    #[error("failed to make the folder of --record-directory: {0}")]
    Record(std::io::Error),
    /// A loop ended although nobody asked it to.
    #[error("a part of the operator ended unexpectedly")]
    Ended,
}

/// Runs the operator until `shutdown` ends; then deletes its tokens at the core and returns. All of its tasks belong
/// to this future: dropping it ends them where they stand. With an election it works only while it leads.
///
/// # Errors
/// When it cannot listen or its settings cannot be used.
pub async fn run(parts: Parts, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let shown = Shown::new(parts.settings.election.is_some())?;
    let (listen, shown_there) = (parts.settings.listen, shown.clone());
    let worked = async {
        match parts.settings.election.clone() {
            Some(election) => leader::run(parts, election, &shown, shutdown).await,
            None => work(parts, &shown, shutdown).await,
        }
    };
    tokio::select! {
        outcome = worked => outcome,
        Err(error) = endpoints::serve(listen, shown_there) => Err(error),
    }
}

/// Works until `shutdown` ends: the operator without a question of who leads.
async fn work(parts: Parts, shown: &Shown, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let Parts {
        client,
        wires,
        network,
        probe,
        intervals,
        settings,
    } = parts;
    let registry = Registry::new();
    let recordings = settings.record_directory.clone().map(recording::Recorder::new);
    let recordings = recordings.transpose().map_err(RunError::Record)?;
    let (waker, wakes) = tokio::sync::mpsc::unbounded_channel();
    let store = FactStore::default();
    let (watches, synced) = Watches::new(client.clone(), store.clone(), waker.clone());
    let cores = Cores::new(wires, waker.clone(), intervals, &registry);
    let prober = Prober::new(network, probe, waker.clone(), &registry)?;
    let metrics = Metrics::new(&registry)?;
    let inquiry = Inquiry::new(client.clone(), waker.clone());
    let services = ServiceWatches::new(client.clone(), store.clone(), waker.clone());
    let certificates = TlsWatches::new(client.clone(), waker.clone());

    let config = || watcher::Config::default();
    let plugins = Controller::new(Api::<Raw<WazoPlugin>>::all(client.clone()), config());
    let core_objects = Controller::new(Api::<Raw<WazoCore>>::all(client.clone()), config());
    let (arrived, listed) = tokio::sync::watch::channel(false);
    let stores = (plugins.store(), core_objects.store());
    let context = Arc::new(Context {
        listed,
        plugins: plugins.store(),
        core_objects: core_objects.store(),
        directory: Directory::default(),
        applier: Applier {
            client: client.clone(),
            store,
            memory: Memory::default(),
            cores: cores.clone(),
            prober: prober.clone(),
            inquiry: inquiry.clone(),
            services: services.clone(),
            certificates: certificates.clone(),
        },
        metrics,
        waker,
        backoff: backoff::Backoff::default(),
        changes: changes::Changes::default(),
        paces: paces::Paces::default(),
        hosts: hosts::Hosts::default(),
        neighbourhood: Default::default(),
        change_book: Default::default(),
        owner: Owner::default(),
        copies: copies::Copies::default(),
        ledger_keys: ledger_keys::LedgerKeys::default(),
        recorder: recorder::Recorder::new(client, settings.instance.as_deref()),
        recordings,
        settings,
    });
    let (router, plugin_wakes, core_wakes) = wakes::route(wakes, Arc::clone(&context));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let stopping = || {
        let mut stopped = stopped.clone();
        // A sender that is gone means that the operator is ending, too.
        async move { drop(stopped.wait_for(|stop| *stop).await) }
    };
    let loops = kube::runtime::controller::Config::default().concurrency(context.settings.concurrency);
    let mut lists = synced.clone();
    let controllers = async {
        lists.wait().await;
        future::join3(
            // In the task of the loops: a store remembers only who waited for it last, and wakes nobody else.
            async {
                let (plugins, cores) = stores;
                if plugins.wait_until_ready().await.is_ok() && cores.wait_until_ready().await.is_ok() {
                    arrived.send_replace(true);
                }
            },
            plugins
                .with_config(loops.clone())
                .reconcile_on(plugin_wakes)
                .graceful_shutdown_on(stopping())
                .run(plugins::reconcile, pass::error_policy, Arc::clone(&context))
                .for_each(|outcome| {
                    if let Err(kube::runtime::controller::Error::ObjectNotFound(gone)) = outcome {
                        let namespace = gone.namespace.unwrap_or_default();
                        context.let_go(&crate::keys::PluginKey::new(namespace, gone.name));
                    }
                    future::ready(())
                }),
            core_objects
                // A core is woken by every plugin that changes; a burst of them is one pass.
                .with_config(loops.debounce(Duration::from_millis(200)))
                .reconcile_on(core_wakes)
                .graceful_shutdown_on(stopping())
                .run(cores::reconcile, pass::error_policy, Arc::clone(&context))
                .for_each(|outcome| {
                    if let Err(kube::runtime::controller::Error::ObjectNotFound(gone)) = outcome {
                        let namespace = gone.namespace.unwrap_or_default();
                        context.core_gone(&crate::keys::CoreKey::new(namespace, gone.name));
                    }
                    future::ready(())
                }),
        )
        .await;
    };
    shown.work(Arc::clone(&context), synced, registry);
    let background = future::join5(
        future::join(services.run(), certificates.run()),
        watches.run(),
        cores.run().map(|_| ()),
        future::join(prober.run(), inquiry.run()).map(|_| ()),
        router,
    );
    let served = std::pin::pin!(async {
        tokio::select! {
            () = controllers => Err(RunError::Ended),
            _ = background => Err(RunError::Ended),
        }
    });
    match future::select(served, std::pin::pin!(shutdown)).await {
        Either::Left((ended, _)) => ended,
        Either::Right(((), served)) => {
            tracing::info!("stopping: passes under way end, then the tokens are deleted");
            // Receivers live in the loops; if those are gone there is nothing to stop.
            let _ = stop.send(true);
            // The loops end by themselves once told; everything that they wait for goes on meanwhile.
            let _ = tokio::time::timeout(context.settings.grace, served).await;
            cores.shutdown().await;
            Ok(())
        }
    }
}

//! The prober itself: takes jobs, runs looks, keeps facts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use prometheus::Registry;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::board::{Board, Task};
use super::browse::{self, Seen};
use super::client::{Client, Vantage};
use super::control::{self, ControlFact};
use super::fact::ProbeFacts;
use super::guard::Guard;
use super::job::{Front, ProbeJob, ReadinessJob};
use super::look::{Look, LookError};
use super::metrics::Metrics;
use super::network::Network;
use super::open::Opener;
use super::readiness::{self, MOST_PODS};
use super::settings::ProbeSettings;
use super::sight::{self, Sight};
use super::target::Wish;
use super::tls;
use crate::keys::{PluginKey, Wake, Waker};

/// Why a prober cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// The extra certificate authorities hold no certificate, or one that cannot be read.
    #[error("probe.caBundle holds no usable PEM certificate: {0}")]
    Roots(String),
    /// The TLS client cannot be made.
    #[error("failed to set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The metrics are registered already.
    #[error("failed to register the prober's metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The prober. Clones are handles on the same prober.
#[derive(Clone)]
pub struct Prober {
    inner: Arc<Inner>,
}

struct Inner {
    board: Mutex<Board>,
    /// Something may be due earlier than the run thinks.
    sooner: Notify,
    client: Client,
    settings: ProbeSettings,
    waker: Waker,
    metrics: Metrics,
}

impl Prober {
    /// A prober that wakes plugins through `waker` and counts into `registry`. Nothing runs before [`Prober::run`].
    ///
    /// # Errors
    ///
    /// Where the extra certificate authorities are not usable, or `registry` holds the metrics already.
    pub fn new(
        network: Arc<dyn Network>,
        settings: ProbeSettings,
        waker: Waker,
        registry: &Registry,
    ) -> Result<Self, ProberError> {
        let tls = tls::connector(settings.extra_roots_pem.as_deref())?;
        let guard = Guard::new(settings.allowed_cidrs.clone(), settings.api_server.clone());
        let opener = Opener::new(network, guard, tls, settings.timeout);
        Ok(Self {
            inner: Arc::new(Inner {
                board: Mutex::default(),
                sooner: Notify::new(),
                client: Client::new(opener, settings.max_redirects),
                settings,
                waker,
                metrics: Metrics::new(registry)?,
            }),
        })
    }

    /// Looks until it is dropped, which ends all looks; it may then be run again. Not to be run twice at a time.
    pub async fn run(&self) {
        let inner = &*self.inner;
        inner.board().restart(Instant::now());
        let mut looks = FuturesUnordered::new();
        loop {
            let next = {
                let mut board = inner.board();
                let now = Instant::now();
                while let Some(task) = board.take(now, &inner.settings) {
                    looks.push(inner.look(task));
                }
                board.next_due(&inner.settings)
            };
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((task, sight)) = looks.next() => inner.finish(&task, sight),
                () = due => {}
                () = inner.sooner.notified() => {}
            }
        }
    }

    /// Replaces what is wished to be known of a plugin. The same again changes nothing; what is no longer wished is
    /// forgotten.
    pub fn want(&self, key: &PluginKey, jobs: Vec<ProbeJob>, readiness: Option<ReadinessJob>) {
        let inner = &*self.inner;
        let sooner = inner
            .board()
            .want(key, jobs, readiness, &inner.settings, Instant::now());
        if sooner {
            inner.sooner.notify_one();
        }
    }

    /// What is known of a plugin now.
    #[must_use]
    pub fn facts(&self, key: &PluginKey) -> ProbeFacts {
        self.inner.board().facts(key)
    }

    /// Forgets a plugin that is gone.
    pub fn forget(&self, key: &PluginKey) {
        self.inner.board().forget(key);
    }
}

impl Inner {
    /// Every change of the board is whole when it could panic, so that a poisoned lock is as good as another.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self, task: Task) -> (Task, Sight) {
        let sight = match &task.wish {
            Wish::Manifest(job) => self.manifest(job).await,
            Wish::Readiness(job) => {
                let look = readiness::look(&self.client, &self.settings, job).await;
                self.metrics.count("readiness", look.word());
                Sight::Readiness(look)
            }
        };
        (task, sight)
    }

    /// From where it is to be verified; where that is bad, from the pods, too.
    async fn manifest(&self, job: &ProbeJob) -> Sight {
        let (name, vantage) = match job.front {
            Front::Public => ("public", Vantage::Public(&job.gateway_addresses)),
            Front::Service(address) => ("service", Vantage::Service(address, &job.pods)),
        };
        let Seen {
            look: mut front,
            mut summary,
            mut validity,
        } = self.from(name, vantage, job).await;
        let mut pod = None;
        if !front.is_good() {
            let asked = job.pods.iter().take(MOST_PODS);
            let seen = join_all(asked.map(|address| self.from("pod", Vantage::Pod(*address), job))).await;
            let mut looks = Vec::with_capacity(seen.len());
            // An address that must not be connected to is no pod's: nobody was asked.
            let asked = |one: &Seen| !matches!(one.look, Look::Bad(LookError::AddressRefused { .. }));
            for one in seen.into_iter().filter(asked) {
                summary = summary.or(one.summary);
                looks.push(one.look);
            }
            pod = sight::of_pods(looks, &front);
            if pod.as_ref().is_some_and(Look::is_good) {
                // It may have been mended between the two looks: the way is blamed only for what it does to good pods.
                let again = self.from(name, vantage, job).await;
                front = again.look;
                summary = again.summary.or(summary);
                validity = again.validity.or(validity);
            }
        }
        let control = if front.is_good() {
            ControlFact::default()
        } else {
            control::look(&self.client, &self.settings, job, &front, pod.as_ref()).await
        };
        if front.is_good() {
            pod = None;
        }
        Sight::Manifest {
            revision: job.revision.clone(),
            front,
            pod,
            control,
            summary,
            validity,
        }
    }

    async fn from(&self, name: &str, vantage: Vantage<'_>, job: &ProbeJob) -> Seen {
        let seen = browse::look(&self.client, &self.settings, vantage, job).await;
        self.metrics
            .count(name, seen.look.error().map_or("Good", |error| error.word()));
        seen
    }

    fn finish(&self, task: &Task, sight: Sight) {
        let word = word(&sight);
        let now = (Instant::now(), Timestamp::now());
        let changed = self.board().finish(task, sight, &self.settings, now);
        if changed {
            tracing::debug!(plugin = %task.key, saw = word, "a probe saw something else than before");
            // A closed receiver: the operator is going down.
            let _ = self.waker.send(Wake::Plugin((*task.key).clone()));
        }
    }
}

fn word(sight: &Sight) -> &'static str {
    match sight {
        Sight::Manifest {
            front: Look::Good { .. },
            ..
        } => "Good",
        Sight::Manifest {
            front: Look::Bad(error),
            ..
        } => error.word(),
        Sight::Readiness(look) => look.word(),
    }
}

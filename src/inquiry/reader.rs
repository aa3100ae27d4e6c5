//! The reader itself: takes jobs, asks the API server, keeps facts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use kube::Client;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::board::{Board, Task};
use super::job::SurroundingsJob;
use super::shared::Shared;
use super::{claims, endpoints, events, limits, nodes, policies, quota};
use crate::keys::{PluginKey, Wake, Waker};
use crate::observe::surroundings::{CapacityFact, EventFact, NodeFact, Part, Surroundings};

/// As many plugins are looked at at the same time.
const CONCURRENCY: usize = 4;
/// The most time for one part.
const LIMIT: Duration = Duration::from_secs(5);

/// The inquiry. Clones are handles on the same one.
#[derive(Clone)]
pub struct Inquiry {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    waker: Waker,
    board: Mutex<Board>,
    /// Something may be due earlier than the run thinks.
    sooner: Notify,
    events: Shared<Arc<Vec<EventFact>>>,
    nodes: Shared<NodeFact>,
    capacity: Shared<CapacityFact>,
}

impl Inquiry {
    /// An inquiry that wakes plugins through `waker`. Nothing is read before [`Inquiry::run`].
    #[must_use]
    pub fn new(client: Client, waker: Waker) -> Self {
        Self {
            inner: Arc::new(Inner {
                client,
                waker,
                board: Mutex::default(),
                sooner: Notify::new(),
                events: Shared::default(),
                nodes: Shared::default(),
                capacity: Shared::default(),
            }),
        }
    }

    /// What is to be known of a plugin's surroundings; `None`: nothing, and what is known is forgotten. The same again
    /// changes nothing.
    pub fn want(&self, key: &PluginKey, job: Option<SurroundingsJob>) {
        let Some(job) = job else {
            self.inner.board().forget(key);
            return;
        };
        let now = (Instant::now(), Timestamp::now());
        if self.inner.board().want(key, job, now) {
            self.inner.sooner.notify_one();
        }
    }

    /// What is known of a plugin's surroundings.
    #[must_use]
    pub fn facts(&self, key: &PluginKey) -> Surroundings {
        self.inner.board().facts(key)
    }

    /// Reads until it is dropped; it may then be run again. Not to be run twice at a time.
    pub async fn run(&self) {
        let inner = &*self.inner;
        inner.board().restart(Instant::now());
        let mut looks = FuturesUnordered::new();
        loop {
            let next = {
                let mut board = inner.board();
                while looks.len() < CONCURRENCY
                    && let Some(task) = board.take(Instant::now())
                {
                    looks.push(inner.look(task));
                }
                board.next_due().filter(|_| looks.len() < CONCURRENCY)
            };
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((task, facts)) = looks.next() => inner.finish(&task, facts),
                () = due => {}
                () = inner.sooner.notified() => {}
            }
        }
    }
}

impl Inner {
    /// Every change of the board is whole when it could panic, so that a poisoned lock is as good as another.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, task: &Task, facts: Surroundings) {
        let now = (Instant::now(), Timestamp::now());
        if self.board().finish(task, facts, now) {
            tracing::debug!(plugin = %task.key, "the surroundings are others than before");
            // A closed receiver: the operator is going down.
            let _ = self.waker.send(Wake::Plugin(task.key.clone()));
        }
        self.events.tidy();
        self.nodes.tidy();
        self.capacity.tidy();
    }

    async fn look(&self, task: Task) -> (Task, Surroundings) {
        let mut facts = Surroundings::default();
        for part in &task.job.parts {
            let read = timeout(LIMIT, self.read(*part, &task, &mut facts)).await;
            let why = match read {
                Ok(Ok(())) => {
                    facts.read.insert(*part);
                    continue;
                }
                Ok(Err(error)) => crate::api_error::told(&error),
                Err(_) => "no answer in time".to_owned(),
            };
            tracing::debug!(plugin = %task.key, ?part, why, "a part of the surroundings cannot be read");
            facts.unreadable.insert(*part);
        }
        (task, facts)
    }

    /// Reads one part. One that fails says nothing of the others.
    async fn read(&self, part: Part, task: &Task, facts: &mut Surroundings) -> Result<(), kube::Error> {
        let (key, job, client) = (&task.key, &task.job, &self.client);
        let namespace = key.namespace.as_str();
        match part {
            Part::Events => {
                let all = self
                    .events_of(namespace, events::of_namespace(client, namespace))
                    .await?;
                facts.events.extend(events::about(&all, key, job));
            }
            Part::NodeEvents => {
                for node in &job.nodes {
                    // No namespace has such a name.
                    let what = format!("node/{node}");
                    let all = self.events_of(&what, events::of_node(client, node)).await?;
                    facts.events.extend(events::distinct(all.to_vec()));
                }
            }
            Part::Nodes => {
                let mut all = Vec::new();
                for node in &job.nodes {
                    all.push(self.nodes.get(node, nodes::one(client, node)).await?);
                }
                facts.nodes = all;
            }
            Part::Capacity => {
                facts.capacity = Some(self.capacity.get("", nodes::capacity(client)).await?);
            }
            Part::Quotas => facts.quotas = quota::exhausted(client, namespace).await?,
            Part::Limits => facts.limits = limits::of_namespace(client, namespace).await?,
            Part::Claims => {
                let mut all = Vec::new();
                for claim in &job.claims {
                    all.push(claims::one(client, namespace, claim).await?);
                }
                facts.claims = all;
            }
            Part::Endpoints => facts.endpoints = Some(endpoints::of(client, key, &job.labels).await?),
            Part::Policies => {
                facts.policies = policies::selecting(client, namespace, &job.labels).await?;
            }
        }
        Ok(())
    }

    async fn events_of(
        &self,
        what: &str,
        read: impl Future<Output = Result<Vec<EventFact>, kube::Error>>,
    ) -> Result<Arc<Vec<EventFact>>, kube::Error> {
        self.events.get(what, async { read.await.map(Arc::new) }).await
    }
}

//! The watches on the Secrets of Ingresses' certificates: one for each plugin that names one, by name, and none else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use jiff::Timestamp;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use super::tls_secret::{TlsReference, TlsSecret, TlsSecretFact, TlsSecretView};
use crate::keys::{PluginKey, Wake, Waker};

/// The watches. Clones are handles on the same ones.
#[derive(Clone)]
pub struct TlsWatches {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    waker: Waker,
    wanted: Mutex<HashMap<PluginKey, Wanted>>,
    changed: Notify,
}

struct Wanted {
    reference: TlsReference,
    view: TlsSecretView,
}

impl TlsWatches {
    /// Watches that tell `waker`. Nothing runs before [`TlsWatches::run`].
    #[must_use]
    pub fn new(client: Client, waker: Waker) -> Self {
        let inner = Inner {
            client,
            waker,
            wanted: Mutex::default(),
            changed: Notify::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What a plugin names now; the same again changes nothing.
    pub fn want(&self, key: &PluginKey, reference: Option<&TlsReference>) {
        let mut wanted = self.inner.wanted();
        if wanted.get(key).map(|wanted| &wanted.reference) == reference {
            return;
        }
        match reference {
            Some(reference) => {
                let new = Wanted {
                    reference: reference.clone(),
                    view: TlsSecretView::Unknown,
                };
                wanted.insert(key.clone(), new);
            }
            None => drop(wanted.remove(key)),
        }
        self.inner.changed.notify_one();
    }

    /// What is known of the Secret that a plugin names now.
    #[must_use]
    pub fn view(&self, key: &PluginKey, reference: Option<&TlsReference>) -> TlsSecretView {
        let Some(reference) = reference else {
            return TlsSecretView::NotAsked;
        };
        let wanted = self.inner.wanted();
        let known = wanted.get(key).filter(|wanted| wanted.reference == *reference);
        known.map_or(TlsSecretView::Unknown, |wanted| wanted.view.clone())
    }

    /// Runs the watches that are wanted, until dropped.
    pub async fn run(self) {
        let mut tasks = JoinSet::new();
        let mut running: HashMap<PluginKey, (TlsReference, AbortHandle)> = HashMap::new();
        loop {
            let wanted: HashMap<PluginKey, TlsReference> = self
                .inner
                .wanted()
                .iter()
                .map(|(key, wanted)| (key.clone(), wanted.reference.clone()))
                .collect();
            running.retain(|key, (reference, task)| {
                let stays = wanted.get(key) == Some(&*reference);
                if !stays {
                    task.abort();
                }
                stays
            });
            for (key, reference) in wanted {
                if running.contains_key(&key) {
                    continue;
                }
                let task = follow(Arc::clone(&self.inner), key.clone(), reference.clone());
                running.insert(key, (reference, tasks.spawn(task)));
            }
            tokio::select! {
                () = self.inner.changed.notified() => {}
                // Those that were ended make room.
                Some(_) = tasks.join_next() => {}
            }
        }
    }
}

impl Inner {
    fn wanted(&self) -> MutexGuard<'_, HashMap<PluginKey, Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, key: &PluginKey, reference: &TlsReference, seen: TlsSecretView) {
        let mut wanted = self.wanted();
        let Some(known) = wanted.get_mut(key).filter(|known| known.reference == *reference) else {
            return;
        };
        let same_absence = matches!(
            (&known.view, &seen),
            (TlsSecretView::NotFound { .. }, TlsSecretView::NotFound { .. })
        );
        if same_absence || known.view == seen {
            return;
        }
        known.view = seen;
        // A closed receiver means that the operator is ending.
        let _ = self.waker.send(Wake::Plugin(key.clone()));
    }
}

async fn follow(inner: Arc<Inner>, key: PluginKey, reference: TlsReference) {
    let api: Api<TlsSecret> = Api::namespaced(inner.client.clone(), &key.namespace);
    let config = watcher::Config::default().fields(&format!("metadata.name={}", reference.secret));
    let mut events = watcher(api, config).default_backoff().boxed();
    let found = |object: &TlsSecret| TlsSecretView::Found(TlsSecretFact::of(object, &reference.host));
    let absent = || TlsSecretView::NotFound {
        since: Timestamp::now(),
    };
    let mut listed = None;
    while let Some(event) = events.next().await {
        let seen = match event {
            Ok(Event::Init) => {
                listed = None;
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listed = Some(found(&object));
                continue;
            }
            Ok(Event::InitDone) => listed.take().unwrap_or_else(absent),
            Ok(Event::Apply(object)) => found(&object),
            Ok(Event::Delete(_)) => absent(),
            Err(error) if is_forbidden(&error) => TlsSecretView::Forbidden,
            Err(error) => {
                tracing::warn!(plugin = %key, kind = "Secret", %error, "the watch failed and is started again");
                continue;
            }
        };
        inner.see(&key, &reference, seen);
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) = error else {
        return false;
    };
    matches!(error, kube::Error::Api(status) if status.code == 403)
}

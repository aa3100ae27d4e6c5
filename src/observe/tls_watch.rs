//! The watches on the Secrets of Ingresses' certificates: one for each plugin that names one, by name, and none else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use jiff::Timestamp;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};

use super::named::Named;
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
    named: Named<TlsReference>,
    /// What was seen of the Secret that each plugin names.
    views: Mutex<HashMap<PluginKey, (TlsReference, TlsSecretView)>>,
}

impl TlsWatches {
    /// Watches that tell `waker`. Nothing runs before [`TlsWatches::run`].
    #[must_use]
    pub fn new(client: Client, waker: Waker) -> Self {
        let inner = Inner {
            client,
            waker,
            named: Named::default(),
            views: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What a plugin names now; the same again changes nothing.
    pub fn want(&self, key: &PluginKey, reference: Option<&TlsReference>) {
        // Before its watch begins, which tells only what somebody waits for.
        {
            let mut views = self.inner.views();
            if views.get(key).map(|(of, _)| of) == reference {
                return;
            }
            match reference {
                Some(reference) => views.insert(key.clone(), (reference.clone(), TlsSecretView::Unknown)),
                None => views.remove(key),
            };
        }
        self.inner.named.want(key, reference);
    }

    /// What is known of the Secret that a plugin names now.
    #[must_use]
    pub fn view(&self, key: &PluginKey, reference: Option<&TlsReference>) -> TlsSecretView {
        let Some(reference) = reference else {
            return TlsSecretView::NotAsked;
        };
        match self.inner.views().get(key) {
            Some((of, view)) if of == reference => view.clone(),
            _ => TlsSecretView::Unknown,
        }
    }

    /// Runs the watches that are wanted, until dropped.
    pub async fn run(self) {
        let begin = |key, reference| follow(Arc::clone(&self.inner), key, reference);
        self.inner.named.run(begin, |_| {}).await;
    }
}

impl Inner {
    fn views(&self) -> MutexGuard<'_, HashMap<PluginKey, (TlsReference, TlsSecretView)>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, key: &PluginKey, reference: &TlsReference, seen: TlsSecretView) {
        let mut views = self.views();
        let Some((_, view)) = views.get_mut(key).filter(|(of, _)| of == reference) else {
            return;
        };
        let same_absence = matches!(
            (&*view, &seen),
            (TlsSecretView::NotFound { .. }, TlsSecretView::NotFound { .. })
        );
        if same_absence || *view == seen {
            return;
        }
        *view = seen;
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

//! The watches on Services that plugins name in `spec.serviceRef`: two for each, by name, and none while nobody names one.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, future};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};

use super::named::Named;
use super::service_facts::{self, BackendFact};
use super::store::FactStore;
use crate::api::plugin::ServiceReference;
use crate::keys::{PluginKey, Wake, Waker};

/// The watches. Clones are handles on the same ones.
#[derive(Clone)]
pub struct ServiceWatches {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    store: FactStore,
    waker: Waker,
    named: Named<ServiceReference>,
}

impl ServiceWatches {
    /// Watches that tell `store` and `waker`. Nothing runs before [`ServiceWatches::run`].
    #[must_use]
    pub fn new(client: Client, store: FactStore, waker: Waker) -> Self {
        let inner = Inner {
            client,
            store,
            waker,
            named: Named::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What a plugin names now; the same again changes nothing.
    pub fn want(&self, key: &PluginKey, reference: Option<&ServiceReference>) {
        self.inner.named.want(key, reference);
    }

    /// Runs the watches that are wanted, until dropped.
    pub async fn run(self) {
        let begin = |key: PluginKey, reference: ServiceReference| {
            let unknown = BackendFact::new(reference.clone(), Timestamp::now());
            self.inner.store.set_backend(&key, Some(unknown));
            follow(Arc::clone(&self.inner), key, reference)
        };
        let end = |key: &PluginKey| self.inner.store.set_backend(key, None);
        self.inner.named.run(begin, end).await;
    }
}

impl Inner {
    fn edit(&self, key: &PluginKey, reference: &ServiceReference, edit: impl FnOnce(&mut BackendFact)) {
        if self.store.edit_backend(key, reference, Timestamp::now(), edit) {
            // A closed receiver means that the operator is ending.
            let _ = self.waker.send(Wake::Plugin(key.clone()));
        }
    }
}

async fn follow(inner: Arc<Inner>, key: PluginKey, reference: ServiceReference) {
    future::join(
        service(&inner, &key, &reference),
        slices(&inner, &key, &reference),
    )
    .await;
}

async fn service(inner: &Inner, key: &PluginKey, reference: &ServiceReference) {
    let api: Api<Service> = Api::namespaced(inner.client.clone(), &key.namespace);
    let config = watcher::Config::default().fields(&format!("metadata.name={}", reference.name));
    let mut events = watcher(api, config).default_backoff().boxed();
    let mut listed = None;
    while let Some(event) = events.next().await {
        let found = match event {
            Ok(Event::Init) => {
                listed = None;
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listed = Some(service_facts::service(&object));
                continue;
            }
            Ok(Event::InitDone) => listed.take(),
            Ok(Event::Apply(object)) => Some(service_facts::service(&object)),
            Ok(Event::Delete(_)) => None,
            Err(error) => {
                failed(key, "Service", &error);
                continue;
            }
        };
        inner.edit(key, reference, |fact| fact.service = Some(found));
    }
}

async fn slices(inner: &Inner, key: &PluginKey, reference: &ServiceReference) {
    let api: Api<EndpointSlice> = Api::namespaced(inner.client.clone(), &key.namespace);
    let config = watcher::Config::default().labels(&format!("kubernetes.io/service-name={}", reference.name));
    let mut events = watcher(api, config).default_backoff().boxed();
    let mut listed = BTreeMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => {
                listed.insert(object.name_any(), service_facts::slice(&object));
            }
            Ok(Event::InitDone) => {
                let all = std::mem::take(&mut listed);
                inner.edit(key, reference, |fact| fact.slices = Some(all));
            }
            Ok(Event::Apply(object)) => {
                let slice = service_facts::slice(&object);
                inner.edit(key, reference, |fact| {
                    fact.slices
                        .get_or_insert_default()
                        .insert(object.name_any(), slice);
                });
            }
            Ok(Event::Delete(object)) => inner.edit(key, reference, |fact| {
                fact.slices.get_or_insert_default().remove(&object.name_any());
            }),
            Err(error) => failed(key, "EndpointSlice", &error),
        }
    }
}

fn failed(key: &PluginKey, kind: &str, error: &watcher::Error) {
    tracing::warn!(plugin = %key, kind, %error, "the watch failed and is started again");
}

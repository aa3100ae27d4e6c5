//! The watches on children, pods and Gateways. Each event becomes a fact and wakes the plugin that it is about.

use std::collections::HashSet;

use futures::{StreamExt, future};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use std::time::Duration;

mod child;
mod namespaces;

use super::gateway_api::{Gateway, HttpRoute};
use super::map;
use super::memory::ChildKind;
use super::store::{ChildFacts, FactStore};
use crate::keys::{Key, PluginKey, Wake, Waker};
use child::{Child, Watched};

/// How many lists have still to arrive before the facts are whole.
#[derive(Clone, Debug)]
pub struct Synced(tokio::sync::watch::Receiver<usize>);

impl Synced {
    /// Waits until every list has arrived.
    pub async fn wait(&mut self) {
        // The sender lives as long as the watches; when they end, the operator ends.
        let _ = self.0.wait_for(|missing| *missing == 0).await;
    }

    /// Whether every list has arrived.
    #[must_use]
    pub fn done(&self) -> bool {
        *self.0.borrow() == 0
    }
}

/// The watches, not running yet.
pub struct Watches {
    client: Client,
    store: FactStore,
    waker: Waker,
    missing: tokio::sync::watch::Sender<usize>,
}

/// How many watches there are.
const WATCHES: usize = 12;

impl Watches {
    /// Prepares the watches.
    #[must_use]
    pub fn new(client: Client, store: FactStore, waker: Waker) -> (Self, Synced) {
        let (missing, synced) = tokio::sync::watch::channel(WATCHES);
        (
            Self {
                client,
                store,
                waker,
                missing,
            },
            Synced(synced),
        )
    }

    /// Runs them all, until dropped.
    pub async fn run(self) {
        let watches = &self;
        future::join5(
            watches.children::<ServiceAccount>(),
            watches.children::<Deployment>(),
            watches.children::<Service>(),
            watches.children::<HttpRoute>(),
            future::join3(
                future::join(watches.children::<Secret>(), namespaces::follow(watches)),
                watches.children::<PodDisruptionBudget>(),
                future::join5(
                    watches.children::<Ingress>(),
                    watches.children::<NetworkPolicy>(),
                    watches.children::<Pod>(),
                    watches.gateways(),
                    watches.ingress_classes(),
                ),
            ),
        )
        .await;
    }

    async fn children<K: Child>(&self) {
        let mut listed = HashSet::new();
        let labelled = watcher::Config::default().labels(K::LABEL);
        self.follow::<K>(labelled, |event| match event {
            Event::Init => listed.clear(),
            Event::InitApply(object) => {
                if let Some(plugin) = K::plugin(&object) {
                    listed.insert((plugin, object.name_any()));
                }
                self.child(&object, false);
            }
            Event::InitDone => {
                for plugin in self.store.plugins() {
                    let changed = self.store.edit(&plugin, |facts| {
                        K::retain(facts, &plugin.name, &|name: &str| {
                            listed.contains(&(plugin.clone(), name.to_owned()))
                        });
                    });
                    if changed {
                        self.wake(Wake::Plugin(plugin));
                    }
                }
                listed = HashSet::new();
            }
            Event::Apply(object) => self.child(&object, false),
            Event::Delete(object) => self.child(&object, true),
        })
        .await;
    }

    fn child<K: Child>(&self, object: &K, gone: bool) {
        let Some(plugin) = K::plugin(object) else {
            return;
        };
        let changed = self.store.edit(&plugin, |facts| {
            if gone {
                K::clear(facts, object);
            } else {
                K::set(facts, object);
            }
        });
        if changed {
            self.wake(Wake::Plugin(plugin));
        }
    }

    async fn gateways(&self) {
        let mut listed = HashSet::new();
        self.follow::<Gateway>(watcher::Config::default(), |event| match event {
            Event::Init => listed.clear(),
            Event::InitApply(object) => {
                listed.insert(key_of(&object));
                self.gateway(&object, false);
            }
            Event::InitDone => {
                for key in self.store.gateways() {
                    if !listed.contains(&key) && self.store.set_gateway(key.clone(), None) {
                        self.wake(Wake::Gateway(key));
                    }
                }
            }
            Event::Apply(object) => self.gateway(&object, false),
            Event::Delete(object) => self.gateway(&object, true),
        })
        .await;
    }

    fn gateway(&self, object: &Gateway, gone: bool) {
        let key = key_of(object);
        let fact = (!gone).then(|| map::gateway(object));
        if self.store.set_gateway(key.clone(), fact) {
            self.wake(Wake::Gateway(key));
        }
    }

    async fn ingress_classes(&self) {
        let mut listed = std::collections::BTreeMap::new();
        self.follow::<IngressClass>(watcher::Config::default(), |event| {
            let changed = match event {
                Event::Init => {
                    listed.clear();
                    false
                }
                Event::InitApply(class) => {
                    listed.insert(class.name_any(), map::is_default_class(&class));
                    false
                }
                Event::InitDone => {
                    let all = std::mem::take(&mut listed);
                    self.store.edit_ingress_classes(|classes| *classes = all)
                }
                Event::Apply(class) => self.store.edit_ingress_classes(|classes| {
                    classes.insert(class.name_any(), map::is_default_class(&class));
                }),
                Event::Delete(class) => self.store.edit_ingress_classes(|classes| {
                    classes.remove(&class.name_any());
                }),
            };
            if changed {
                self.wake(Wake::IngressClasses);
            }
        })
        .await;
    }

    fn wake(&self, wake: Wake) {
        // A closed receiver means that the operator is ending.
        let _ = self.waker.send(wake);
    }

    /// Follows one kind for ever; a kind that the cluster does not serve is asked for again with back-off.
    async fn follow<K: Watched>(&self, config: watcher::Config, mut each: impl FnMut(Event<K>)) {
        // Its own back-off would begin anew with every attempt, whether or not anything was listed.
        let mut stream = watcher(Api::<K>::all(self.client.clone()), config).boxed();
        let (mut failures, mut last) = (0_u32, String::new());
        let mut pending = true;
        let mut arrived = || {
            if std::mem::take(&mut pending) {
                self.missing
                    .send_modify(|missing| *missing = missing.saturating_sub(1));
            }
        };
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    let done = matches!(event, Event::InitDone);
                    each(event);
                    if done {
                        failures = 0;
                        if K::GATEWAY_API {
                            self.store.set_gateway_api_missing(false);
                        }
                        arrived();
                    }
                }
                Err(error) => {
                    if K::GATEWAY_API && is_not_served(&error) {
                        self.store.set_gateway_api_missing(true);
                        arrived();
                    }
                    let told = error.to_string();
                    if last == told {
                        tracing::debug!(kind = %K::kind(&()), %error, "the watch failed again");
                    } else {
                        tracing::warn!(kind = %K::kind(&()), %error, "the watch failed and is started again");
                        last = told;
                    }
                    tokio::time::sleep(pause(failures)).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }
}

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(30);
    Duration::from_millis(500)
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(LONGEST)
}

/// The answer to a write of ours, which may come before its event. One that cannot be decoded waits for the event.
pub fn arrived(store: &FactStore, plugin: &PluginKey, kind: ChildKind, answer: &DynamicObject) {
    let Ok(value) = serde_json::to_value(answer) else {
        return;
    };
    store.edit(plugin, |facts| match kind {
        ChildKind::ServiceAccount => decoded::<ServiceAccount>(facts, value),
        ChildKind::Deployment => decoded::<Deployment>(facts, value),
        ChildKind::Service => decoded::<Service>(facts, value),
        ChildKind::PodDisruptionBudget => decoded::<PodDisruptionBudget>(facts, value),
        ChildKind::HttpRoute => decoded::<HttpRoute>(facts, value),
        ChildKind::Ingress => decoded::<Ingress>(facts, value),
        ChildKind::NetworkPolicy => decoded::<NetworkPolicy>(facts, value),
    });
}

fn decoded<K: Child>(facts: &mut ChildFacts, value: serde_json::Value) {
    if let Ok(object) = serde_json::from_value::<K>(value) {
        K::set(facts, &object);
    }
}

fn key_of(object: &impl Resource) -> Key {
    let meta = object.meta();
    Key::new(
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
    )
}

fn is_not_served(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) = error else {
        return false;
    };
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

//! Everything that was ever shown: each version of each object that matters, with the moment at which it came. Filled by
//! watches, so that no verdict is missed however short it stood.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::sync::watch;

/// The kinds that are watched.
const KINDS: [(&str, &str, &str); 8] = [
    ("plugins.wazo.io", "v1alpha1", "WazoPlugin"),
    ("plugins.wazo.io", "v1alpha1", "WazoCore"),
    ("", "v1", "Pod"),
    ("", "v1", "Event"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "ReplicaSet"),
    ("gateway.networking.k8s.io", "v1", "HTTPRoute"),
    ("gateway.networking.k8s.io", "v1", "Gateway"),
];

/// One version of an object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// When it came.
    pub(crate) at: Timestamp,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Without its managed fields; `None`: it is gone.
    pub(crate) object: Option<Arc<Value>>,
}

/// The tape of a cluster, by namespaces.
pub(crate) struct Tape {
    entries: Mutex<HashMap<String, Vec<Entry>>>,
    changed: watch::Sender<u64>,
}

impl Tape {
    /// Starts to record; it ends with the runtime.
    pub(crate) fn start(client: &Client) -> Arc<Self> {
        let tape = Arc::new(Self {
            entries: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        for (group, version, kind) in KINDS {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
            tokio::spawn(record(Arc::clone(&tape), api, kind));
        }
        tape
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Vec<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, kind: &'static str, object: &DynamicObject, gone: bool) {
        let Some(namespace) = object.namespace() else {
            return;
        };
        let value = (!gone).then(|| {
            let mut value = serde_json::to_value(object).unwrap_or_default();
            if let Some(metadata) = value["metadata"].as_object_mut() {
                metadata.shift_remove("managedFields");
            }
            Arc::new(value)
        });
        let entry = Entry {
            at: Timestamp::now(),
            kind,
            name: object.name_any(),
            object: value,
        };
        self.entries().entry(namespace).or_default().push(entry);
        self.changed.send_modify(|version| *version += 1);
    }

    /// What was recorded of a namespace, oldest first.
    pub(crate) fn of(&self, namespace: &str) -> Vec<Entry> {
        self.entries().get(namespace).cloned().unwrap_or_default()
    }

    /// Forgets a namespace.
    pub(crate) fn forget(&self, namespace: &str) {
        self.entries().remove(namespace);
    }

    /// The newest version of each object of a kind that is still there.
    pub(crate) fn standing(&self, namespace: &str, kind: &str) -> Vec<Arc<Value>> {
        let mut newest: Vec<(String, Option<Arc<Value>>)> = Vec::new();
        for entry in self.of(namespace).into_iter().filter(|entry| entry.kind == kind) {
            newest.retain(|(name, _)| *name != entry.name);
            newest.push((entry.name, entry.object));
        }
        newest.into_iter().filter_map(|(_, object)| object).collect()
    }

    /// The newest version of an object.
    pub(crate) fn newest(&self, namespace: &str, kind: &str, name: &str) -> Option<Arc<Value>> {
        let entries = self.entries();
        let of = entries.get(namespace)?;
        let found = of
            .iter()
            .rev()
            .find(|entry| entry.kind == kind && entry.name == name)?;
        found.object.clone()
    }

    /// Waits until something holds, looking after each change; whether it came to hold in time.
    pub(crate) async fn until(&self, within: Duration, mut holds: impl FnMut() -> bool) -> bool {
        let mut changed = self.changed.subscribe();
        let waiting = async {
            while !holds() {
                // The sender lives as long as we do.
                let _ = tokio::time::timeout(Duration::from_millis(250), changed.changed()).await;
            }
        };
        tokio::time::timeout(within, waiting).await.is_ok()
    }
}

async fn record(tape: Arc<Tape>, api: Api<DynamicObject>, kind: &'static str) {
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => tape.write(kind, &object, false),
            Ok(Event::Delete(object)) => tape.write(kind, &object, true),
            // A broken watch is started again by the watcher.
            Ok(Event::Init | Event::InitDone) | Err(_) => {}
        }
    }
}

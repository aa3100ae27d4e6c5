//! Which plugins share what with which, and how they do: an index that is kept pass by pass, so that no pass looks at all
//! plugins. It holds hashes, and names only of those that fail, to wake them.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::facts::PodFact;
use super::neighbours::{Count, Neighbours, Standing};
use crate::api::condition::{ConditionType, find};
use crate::api::fault::{Fault, Layer};
use crate::api::parse::Plugin;
use crate::api::plugin::WazoPluginStatus;
use crate::keys::PluginKey;

/// A plugin as its neighbours count it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Its image as the spec writes it.
    pub image: Option<String>,
    /// The nodes that its pods are bound to.
    pub nodes: BTreeSet<String>,
    /// Its Gateway, or the class of its Ingress.
    pub gateway: Option<String>,
    /// Its stack: the uuid, else its WazoCore.
    pub core: Option<String>,
    /// How it does.
    pub health: Health,
}

/// How a plugin does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It is on its way, or nobody knows.
    #[default]
    Unknown,
    /// It is ready, and nothing is wrong with it.
    Well,
    /// These layers are broken: of the plugin's own, and of its core as it refers to it.
    Ill {
        /// Its own.
        own: BTreeSet<Layer>,
        /// Of its core.
        core: BTreeSet<Layer>,
    },
}

impl Health {
    /// What a status tells.
    #[must_use]
    pub fn of(status: &WazoPluginStatus) -> Self {
        let faults = || status.fault.iter().chain(&status.other_faults);
        let layers = |caused: bool| -> BTreeSet<Layer> {
            let of = |fault: &&Fault| fault.caused_by.is_some() == caused;
            faults().filter(of).map(|fault| fault.layer).collect()
        };
        let (own, core) = (layers(false), layers(true));
        if !own.is_empty() || !core.is_empty() {
            return Self::Ill { own, core };
        }
        match find(&status.conditions, ConditionType::Ready) {
            Some(ready) if ready.status == "True" => Self::Well,
            _ => Self::Unknown,
        }
    }
}

impl Presence {
    /// A plugin as its spec, pods and status tell of it. `core`: its stack.
    #[must_use]
    pub fn of<'a>(
        plugin: Option<&Plugin>,
        pods: impl IntoIterator<Item = &'a PodFact>,
        core: Option<String>,
        status: &WazoPluginStatus,
    ) -> Self {
        let expose = plugin.and_then(|plugin| plugin.spec.expose.as_ref());
        let gateway = expose.and_then(|expose| {
            let gateway = expose.gateway.as_ref().map(|gateway| {
                let namespace = gateway.namespace.as_deref().unwrap_or_default();
                format!("Gateway {namespace}/{}", gateway.name)
            });
            let class = || expose.ingress.as_ref()?.class_name.as_deref();
            gateway.or_else(|| class().map(|class| format!("IngressClass {class}")))
        });
        Self {
            image: plugin
                .and_then(Plugin::workload)
                .map(|workload| workload.image.clone()),
            nodes: pods.into_iter().filter_map(|pod| pod.node.clone()).collect(),
            gateway,
            core,
            health: Health::of(status),
        }
    }
}

/// The registry of an image's name: what stands before the first `/`, where that is a host.
#[must_use]
pub fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// The index of all plugins.
#[derive(Debug, Default)]
pub struct Neighbourhood {
    hasher: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    listed: bool,
    entries: HashMap<PluginKey, Entry>,
    things: HashMap<Id, Thing>,
}

/// A hash of what kind of thing it is and its name, of an image, or of a namespace.
type Id = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Registry,
    Node,
    Gateway,
    Core,
    Image,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    namespace: Id,
    image: Id,
    things: Box<[(What, Id)]>,
    health: Health,
}

impl Entry {
    /// Its part in how those do that share a thing; `None`: none.
    fn part(&self, what: What) -> Option<BTreeSet<Layer>> {
        match (&self.health, what) {
            (Health::Unknown, _) => None,
            (Health::Well, _) => Some(BTreeSet::new()),
            (Health::Ill { own, core }, What::Core) => Some(own.union(core).copied().collect()),
            // A core that is away says nothing of nodes and routes.
            (Health::Ill { own, .. }, _) => Some(own.clone()),
        }
    }
}

/// Something that plugins share.
#[derive(Debug, Default)]
struct Thing {
    well: usize,
    well_in: HashMap<Id, u32>,
    ill: BTreeMap<Layer, Census>,
}

/// Plugins that fail at one layer.
#[derive(Debug, Default)]
struct Census {
    plugins: BTreeSet<PluginKey>,
    in_namespace: HashMap<Id, u32>,
    /// By image, the namespaces of those that run it.
    of_image: HashMap<Id, HashMap<Id, u32>>,
}

fn add(counts: &mut HashMap<Id, u32>, id: Id) {
    *counts.entry(id).or_default() += 1;
}

fn take(counts: &mut HashMap<Id, u32>, id: Id) {
    if let Some(count) = counts.get_mut(&id) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&id);
        }
    }
}

impl Census {
    fn set(&mut self, key: &PluginKey, entry: &Entry, there: bool) {
        let change = if there { add } else { take };
        change(&mut self.in_namespace, entry.namespace);
        let images = self.of_image.entry(entry.image).or_default();
        change(images, entry.namespace);
        if images.is_empty() {
            self.of_image.remove(&entry.image);
        }
        if there {
            self.plugins.insert(key.clone());
        } else {
            self.plugins.remove(key);
        }
    }

    /// Those with another image, or those with the same one.
    fn count(&self, entry: &Entry, itself: bool, same_image: bool) -> Count {
        let none = HashMap::new();
        let alike = self.of_image.get(&entry.image).unwrap_or(&none);
        let plugins: usize = alike.values().map(|count| *count as usize).sum();
        let elsewhere = |id: &Id| *id != entry.namespace;
        if same_image {
            return Count {
                plugins: plugins - usize::from(itself),
                namespaces: alike.keys().filter(|id| elsewhere(id)).count(),
            };
        }
        let only_alike =
            |(id, count): &(&Id, &u32)| elsewhere(id) && self.in_namespace.get(*id) == Some(*count);
        let here = usize::from(self.in_namespace.contains_key(&entry.namespace));
        Count {
            plugins: self.plugins.len() - plugins,
            namespaces: self.in_namespace.len() - here - alike.iter().filter(only_alike).count(),
        }
    }
}

/// What must change before those that fail look at one another again.
type Mood = (bool, bool);

impl Thing {
    fn set(&mut self, key: &PluginKey, entry: &Entry, what: What, there: bool) {
        let Some(layers) = entry.part(what) else { return };
        if layers.is_empty() {
            self.well = if there { self.well + 1 } else { self.well - 1 };
            let change = if there { add } else { take };
            change(&mut self.well_in, entry.namespace);
        }
        for layer in layers {
            self.ill.entry(layer).or_default().set(key, entry, there);
        }
        self.ill.retain(|_, census| !census.plugins.is_empty());
    }

    fn moods(&self) -> BTreeMap<Layer, Mood> {
        let mood = |census: &Census| {
            let ill = census.in_namespace.len();
            (ill >= 3 && ill >= self.well_in.len(), self.well >= 2)
        };
        self.ill
            .iter()
            .map(|(layer, census)| (*layer, mood(census)))
            .collect()
    }

    fn standing(&self, entry: &Entry, what: What) -> Standing {
        let mine = entry.part(what);
        let well = usize::from(mine.as_ref().is_some_and(BTreeSet::is_empty));
        let here = usize::from(self.well_in.contains_key(&entry.namespace));
        Standing {
            well: Count {
                plugins: self.well - well,
                namespaces: self.well_in.len() - here,
            },
            ill: self
                .ill
                .iter()
                .map(|(layer, census)| {
                    let itself = mine.as_ref().is_some_and(|mine| mine.contains(layer));
                    (*layer, census.count(entry, itself, what == What::Image))
                })
                .filter(|(_, count)| count.plugins > 0)
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.well == 0 && self.ill.is_empty()
    }
}

impl Neighbourhood {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, thing: impl Hash) -> Id {
        self.hasher.hash_one(thing)
    }

    fn entry(&self, key: &PluginKey, presence: Presence) -> Entry {
        let image = presence.image.as_deref();
        let named = [
            (What::Registry, image.map(registry)),
            (What::Image, image),
            (What::Gateway, presence.gateway.as_deref()),
            (What::Core, presence.core.as_deref()),
        ];
        let named = named.into_iter().filter_map(|(what, name)| Some((what, name?)));
        let nodes = presence.nodes.iter().map(|node| (What::Node, node.as_str()));
        Entry {
            namespace: self.id(&key.namespace),
            // Those without an image share none.
            image: image.map_or_else(|| self.id(key), |image| self.id(image)),
            things: named
                .chain(nodes)
                .map(|(what, name)| (what, self.id((what, name))))
                .collect(),
            health: presence.health,
        }
    }

    /// Before the first pass: everything that there is, so that a restart makes nobody look alone.
    pub fn list(&self, all: impl FnOnce() -> Vec<(PluginKey, Presence)>) {
        if std::mem::replace(&mut self.inner().listed, true) {
            return;
        }
        for (key, presence) in all() {
            self.note(&key, presence);
        }
    }

    /// How a plugin does now. The answer: those others that fail, and whose neighbours tell something else since.
    pub fn note(&self, key: &PluginKey, presence: Presence) -> BTreeSet<PluginKey> {
        let entry = self.entry(key, presence);
        self.inner().set(key, Some(entry))
    }

    /// A plugin is gone; the answer is that of [`Self::note`].
    pub fn forget(&self, key: &PluginKey) -> BTreeSet<PluginKey> {
        self.inner().set(key, None)
    }

    /// How the neighbours of a plugin do, as it was last noted; `nodes` by name.
    #[must_use]
    pub fn of(&self, key: &PluginKey, nodes: &BTreeSet<String>) -> Neighbours {
        let inner = self.inner();
        let Some(entry) = inner.entries.get(key) else {
            return Neighbours::default();
        };
        let standing = |what: What, id: Id| {
            let thing = inner.things.get(&id);
            thing.map_or_else(Standing::default, |thing| thing.standing(entry, what))
        };
        let of = |wanted: What| {
            let found = entry.things.iter().find(|(what, _)| *what == wanted);
            found.map_or_else(Standing::default, |(what, id)| standing(*what, *id))
        };
        let on = |node: &String| {
            (
                node.clone(),
                standing(What::Node, self.id((What::Node, node.as_str()))),
            )
        };
        Neighbours {
            registry: of(What::Registry),
            nodes: nodes.iter().map(on).collect(),
            gateway: of(What::Gateway),
            core: of(What::Core),
            image: of(What::Image),
        }
    }
}

impl Inner {
    fn set(&mut self, key: &PluginKey, entry: Option<Entry>) -> BTreeSet<PluginKey> {
        let before = match &entry {
            Some(entry) => self.entries.insert(key.clone(), entry.clone()),
            None => self.entries.remove(key),
        };
        if before == entry {
            return BTreeSet::new();
        }
        let touched = before
            .iter()
            .chain(&entry)
            .flat_map(|entry| entry.things.iter().copied());
        let touched: HashMap<Id, What> = touched.map(|(what, id)| (id, what)).collect();
        let mut woken = BTreeSet::new();
        for (id, what) in touched {
            let thing = self.things.entry(id).or_default();
            let moods = thing.moods();
            for (entry, there) in [(&before, false), (&entry, true)] {
                if let Some(entry) = entry.as_ref().filter(|entry| entry.things.contains(&(what, id))) {
                    thing.set(key, entry, what, there);
                }
            }
            for (layer, mood) in thing.moods() {
                if moods.get(&layer).is_some_and(|known| *known != mood) {
                    woken.extend(thing.ill[&layer].plugins.iter().cloned());
                }
            }
            if thing.is_empty() {
                self.things.remove(&id);
            }
        }
        woken.remove(key);
        woken
    }
}

#[cfg(test)]
#[path = "neighbourhood_tests.rs"]
mod tests;

//! What both loops share.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use serde::Deserialize;

use super::copies::Copies;
use super::hosts::{self, Hosts};
use super::itself::{counted, itself};
use super::ledger_keys::LedgerKeys;
use super::recorder::Recorder;
use super::{Settings, backoff::Backoff, changes::Changes, paces::Paces};
use crate::api::core::{WazoCore, WazoCoreSpec};
use crate::api::object::Raw;
use crate::api::parse::{Invalid, Plugin, check_name};
use crate::api::plugin::{
    RegistrationState, RegistrationStatus, WazoPlugin, WazoPluginSpec, WazoPluginStatus,
};
use crate::api_error::told;
use crate::apply::Applier;
use crate::keys::{CoreKey, Key, PluginKey, Wake, Waker};
use crate::observe;
use crate::observe::allowance::Allowance;
use crate::observe::changes::ChangeBook;
use crate::observe::claims::Claims;
use crate::observe::directory::{CoreEntry, Directory};
use crate::observe::drift_status;
use crate::observe::hosts::{Claim, Lost, Place};
use crate::observe::ledger_mark::Counted;
use crate::observe::neighbourhood::Neighbourhood;
use crate::observe::neighbours::Neighbours;
use crate::observe::owner::Owner;
use crate::observe::routed::Routed;
use crate::observe::tls_secret::TlsReference;
use crate::observe::world::{CoreView, GatewayView, IngressClassView, World};
use crate::recording;
use crate::report::events::Note;
use crate::report::metrics::Metrics;

/// What both loops share.
pub(super) struct Context {
    pub(super) plugins: Store<Raw<WazoPlugin>>,
    pub(super) core_objects: Store<Raw<WazoCore>>,
    /// Whether the lists of both stores have arrived.
    pub(super) listed: tokio::sync::watch::Receiver<bool>,
    pub(super) directory: Directory,
    pub(super) applier: Applier,
    pub(super) metrics: Metrics,
    pub(super) waker: Waker,
    pub(super) backoff: Backoff,
    pub(super) changes: Changes,
    pub(super) paces: Paces,
    pub(super) hosts: Hosts,
    pub(super) neighbourhood: Neighbourhood,
    pub(super) change_book: ChangeBook,
    pub(super) owner: Owner,
    pub(super) copies: Copies,
    pub(super) ledger_keys: LedgerKeys,
    pub(super) recorder: Recorder,
    /// Where it is written down what is known of plugins; `None`: nowhere.
    pub(super) recordings: Option<recording::Recorder>,
    pub(super) settings: Settings,
}

impl Context {
    /// Waits until the lists of both kinds have arrived: a loop that begins before the other's list would take for
    /// absent what it only does not know yet, and let a core go that plugins refer to.
    pub(super) async fn listed(&self) {
        let mut listed = self.listed.clone();
        // An error means that the loops are gone: the operator is ending.
        let _ = listed.wait_for(|listed| *listed).await;
    }

    /// The core that a plugin refers to, even where the rest of its spec is not usable.
    pub(super) fn core_of(object: &Raw<WazoPlugin>) -> Option<CoreKey> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Reference {
            core_ref: Name,
        }
        #[derive(Deserialize)]
        struct Name {
            name: String,
            namespace: Option<String>,
        }
        let reference: Reference = object.spec().ok()?;
        let Name { name, namespace } = reference.core_ref;
        Some(CoreKey::new(
            namespace.unwrap_or_else(|| object.key().namespace),
            name,
        ))
    }

    /// The plugins that refer to a core, whether it lets them or not.
    pub(super) fn referrers(&self, core: &CoreKey) -> Vec<Arc<Raw<WazoPlugin>>> {
        self.plugins
            .state_filter(|object| Self::core_of(object).as_ref() == Some(core))
    }

    /// What a core, as far as the watch has told of it, allows the plugins of a namespace.
    pub(super) fn allowance(&self, core: &CoreKey, namespace: &str) -> Option<Allowance> {
        let reference = ObjectRef::new(&core.name).within(&core.namespace);
        let spec: WazoCoreSpec = self.core_objects.get(&reference)?.spec().ok()?;
        let labels = self.applier.store.namespace(namespace);
        Allowance::of(
            &core.namespace,
            spec.grants.as_deref(),
            namespace,
            labels.as_ref(),
        )
    }

    /// Whether a core may be seen by a plugin: it is of the same namespace, grants something, or holds something of it.
    /// What a plugin's author can write proves nothing.
    fn is_seen(&self, core: &CoreKey, plugin: &Raw<WazoPlugin>, allowance: Option<&Allowance>) -> bool {
        let key = plugin.key();
        let holds = |row: &RegistrationStatus| {
            use RegistrationState::{Deregistering, Registered, Registering};
            matches!(row.state, Registered | Registering | Deregistering)
        };
        key.namespace == core.namespace
            || allowance.is_some_and(|allowance| !allowance.is_nothing())
            || plugin
                .status::<WazoPluginStatus>()
                .registrations
                .iter()
                .any(holds)
            || !self.applier.cores.outcomes(core, &key).is_empty()
    }

    /// The plugins that use a core: a stranger's reference neither counts nor holds it.
    pub(super) fn plugins_of(&self, core: &CoreKey) -> Vec<Arc<Raw<WazoPlugin>>> {
        let mut plugins = self.referrers(core);
        plugins.retain(|plugin| {
            let namespace = plugin.key().namespace;
            namespace == core.namespace
                || self.is_seen(core, plugin, self.allowance(core, &namespace).as_ref())
        });
        plugins
    }

    /// Whether there is such a WazoCore, as far as the watch has told.
    pub(super) fn core_exists(&self, core: &CoreKey) -> bool {
        self.core_objects
            .get(&ObjectRef::new(&core.name).within(&core.namespace))
            .is_some()
    }

    /// Puts together all that is known about a plugin. No I/O. `None`: its core exists and was not looked at yet.
    pub(super) fn observe(&self, object: &Raw<WazoPlugin>) -> Option<World> {
        let key = object.key();
        let plugin = check_name(&key.name)
            .and_then(|()| object.spec::<WazoPluginSpec>().map_err(Invalid::from))
            .and_then(Plugin::parse);
        let core_key = Self::core_of(object);
        let allowance = core_key
            .as_ref()
            .and_then(|core| self.allowance(core, &key.namespace));
        let core = match &core_key {
            None => None,
            Some(core) => match self.directory.get(core) {
                _ if !self.core_exists(core) || !self.is_seen(core, object, allowance.as_ref()) => None,
                Some(entry) => Some(self.view(core, entry)),
                None => return None,
            },
        };
        let outcomes = core_key
            .as_ref()
            .map(|core| self.applier.cores.outcomes(core, &key))
            .unwrap_or_default();
        let account = core_key
            .as_ref()
            .and_then(|core| self.applier.cores.account(core, &key));
        let gateway = self.gateway(&key, plugin.as_ref().ok());
        let core_secrets = self.core_secrets(&key, plugin.as_ref().ok());
        let backend = plugin.as_ref().ok().and_then(|plugin| {
            let reference = plugin.spec.service_ref.as_ref()?;
            self.applier.store.backend(&key, reference)
        });
        let ingress_class = self.ingress_class(plugin.as_ref().ok());
        let reference = plugin.as_ref().ok().and_then(TlsReference::of);
        let certificate = self.applier.certificates.view(&key, reference.as_ref());
        let mut counted = counted(object, core.as_ref());
        let lost = self.lost(object, &counted);
        if core.is_some() {
            // What is routed goes on, unless somebody else claims the host.
            let unproven = std::mem::take(&mut counted.unproven).into_iter();
            let nobodys = |route: &Routed| self.hosts.rivals(&key, &[Place::from(route)]).is_empty();
            counted.ledger.routes.extend(unproven.filter(nobodys));
        }
        let memory = &self.applier.memory;
        memory.recall(&key, || drift_status::recalled(&object.status()));
        let mut world = World {
            itself: itself(object, plugin, core_key, counted),
            core,
            allowance,
            children: self.applier.store.children(&key),
            memory: memory.of(&key),
            fights: memory.applications(&key),
            backend,
            gateway,
            ingress_class,
            certificate,
            account,
            account_refusal: self.applier.memory.account(&key),
            probe: self.applier.prober.facts(&key),
            surroundings: self.applier.inquiry.facts(&key),
            neighbours: Neighbours::default(),
            verdicts: self.applier.memory.verdicts(&key),
            changes: Default::default(),
            outcomes,
            lost,
            shared: Claims::default(),
            core_secrets,
            rollout_deadline: self.settings.rollout_deadline,
            drift_window: self.settings.drift_window,
            now: Timestamp::now(),
        };
        world.shared = self.shared(&world);
        world.neighbours = self.neighbours(&world);
        world.changes = self.change_book.note(&world, object.spec_changed());
        Some(world)
    }

    fn view(&self, key: &CoreKey, entry: Arc<CoreEntry>) -> CoreView {
        CoreView {
            key: key.clone(),
            entry,
            facts: self.applier.cores.facts(key),
            ca_pem: self.applier.cores.ca_pem(key),
        }
    }

    /// The core of a plugin, where the plugin may see it and it was looked at.
    pub(super) fn seen_core(&self, object: &Raw<WazoPlugin>) -> Option<CoreView> {
        let key = Self::core_of(object)?;
        let allowance = self.allowance(&key, &object.key().namespace);
        let seen = self.core_exists(&key) && self.is_seen(&key, object, allowance.as_ref());
        let entry = self.directory.get(&key).filter(|_| seen)?;
        Some(self.view(&key, entry))
    }

    fn host_claim(&self, object: &Raw<WazoPlugin>) -> Option<Claim> {
        hosts::claim(object, &counted(object, self.seen_core(object).as_ref()))
    }

    /// The places of a plugin that others had first. Those at whose hosts its claims have changed look again.
    fn lost(&self, object: &Raw<WazoPlugin>, counted: &Counted) -> Vec<Lost> {
        self.hosts.list(|| {
            let all = self.plugins.state();
            all.iter().filter_map(|object| self.host_claim(object)).collect()
        });
        let own = hosts::claim(object, counted);
        let places = own.iter().flat_map(|own| own.places.iter().cloned()).collect();
        self.wake_all(self.hosts.note(&object.key(), places));
        own.map_or_else(Vec::new, |own| self.lost_of(&own))
    }

    /// Of what a plugin claims, what others had first.
    fn lost_of(&self, own: &Claim) -> Vec<Lost> {
        let rivals: Vec<Claim> = self
            .hosts
            .rivals(&own.key, &own.places)
            .into_iter()
            .filter_map(|other| {
                let other = ObjectRef::new(&other.name).within(&other.namespace);
                self.host_claim(self.plugins.get(&other)?.as_ref())
            })
            .collect();
        observe::hosts::lost(own, &rivals)
    }

    /// The places of another plugin that somebody had first.
    pub(super) fn lost_by(&self, other: &Raw<WazoPlugin>) -> Vec<Lost> {
        self.host_claim(other)
            .map_or_else(Vec::new, |claim| self.lost_of(&claim))
    }

    /// A plugin is gone: its hosts go to whom they now belong, and nothing is kept of it, whoever took its finalizer.
    pub(super) fn let_go(&self, key: &PluginKey) {
        let there = ObjectRef::new(&key.name).within(&key.namespace);
        if self.plugins.get(&there).is_none() {
            self.applier.forget(key);
            self.metrics.forget(key);
            if let Some(recorder) = &self.recordings {
                recorder.forget(key);
            }
            self.change_book.forget(key);
            self.wake_all(self.neighbourhood.forget(key));
        }
        self.wake_all(self.hosts.forget(key));
    }

    pub(super) fn wake_all(&self, plugins: BTreeSet<PluginKey>) {
        for plugin in plugins {
            self.wake(Wake::Plugin(plugin));
        }
    }

    fn gateway(&self, key: &PluginKey, plugin: Option<&Plugin>) -> GatewayView {
        let Some(gateway) = plugin.and_then(|plugin| plugin.spec.expose.as_ref()?.gateway.as_ref()) else {
            return GatewayView::NotAsked;
        };
        let store = &self.applier.store;
        if store.gateway_api_missing() {
            return GatewayView::ApiMissing;
        }
        let namespace = gateway.namespace.as_deref().unwrap_or(&key.namespace);
        match store.gateway(&Key::new(namespace, &gateway.name)) {
            Some(gateway) => GatewayView::Found(gateway),
            None => GatewayView::NotFound,
        }
    }

    fn ingress_class(&self, plugin: Option<&Plugin>) -> IngressClassView {
        let Some(ingress) = plugin.and_then(|plugin| plugin.spec.expose.as_ref()?.ingress.as_ref()) else {
            return IngressClassView::NotAsked;
        };
        let classes = self.applier.store.ingress_classes();
        match &ingress.class_name {
            Some(name) if classes.contains_key(name) => IngressClassView::Found,
            Some(_) => IngressClassView::NotFound,
            None if classes.values().any(|default| *default) => IngressClassView::Found,
            None => IngressClassView::NoDefault,
        }
    }

    /// Tells the loops that something is to be looked at.
    pub(super) fn wake(&self, wake: Wake) {
        // A closed receiver means that the operator is ending.
        let _ = self.waker.send(wake);
    }

    /// Publishes events about an object; one that cannot be published is not worth failing a pass.
    pub(super) async fn tell<K: Resource<DynamicType = ()>>(&self, object: &K, notes: Vec<Note>) {
        for note in notes {
            if let Err(error) = self.recorder.publish(&object.object_ref(&()), &note).await {
                let error = told(&error);
                tracing::warn!(error, reason = note.reason, "failed to publish an event");
            }
        }
    }

    /// The pause before a quiet object is looked at again, spread so that not all come at once.
    pub(super) fn resync(&self, uid: &str) -> Duration {
        let spread = uid.bytes().fold(0_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        }) % 1000;
        self.settings.resync.mul_f64(0.9 + f64::from(spread) / 5000.0)
    }
}

//! Plugins and cores that share a namespace: the credentials of the one are kept from the pods of the other. And plugins
//! that share something else: how the others do.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use serde::Deserialize;

use super::context::Context;
use crate::api::core::WazoCoreSpec;
use crate::api::object::Raw;
use crate::api::parse::Plugin;
use crate::api::plugin::{WazoPlugin, WazoPluginSpec, WazoPluginStatus};
use crate::api::pod_template::mentions;
use crate::keys::{CoreKey, PluginKey, Wake};
use crate::observe::neighbourhood::Presence;
use crate::observe::neighbours::Neighbours;
use crate::observe::references::{copy_name, ledger_key_name};
use crate::observe::tls_secret::TlsReference;
use crate::observe::world::World;

/// How long a look counts for the way out of the cluster, in seconds.
const OUTSIDE_SECONDS: i64 = 60;

/// As much of a WazoCore as is needed, even where the rest of its spec is not usable.
#[derive(Deserialize)]
struct Core {
    credentials: Credentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    secret_name: String,
}

impl Context {
    /// The names of the credentials Secrets of the WazoCores of a plugin's namespace, of our copies, and of the Secrets
    /// with the keys of ledgers; none where the plugin mentions no Secret at all.
    pub(super) fn core_secrets(&self, key: &PluginKey, plugin: Option<&Plugin>) -> BTreeSet<String> {
        let mentioning = plugin.is_some_and(|plugin| {
            TlsReference::of(plugin).is_some()
                || plugin
                    .workload()
                    .is_some_and(|workload| !mentions(workload, plugin.pod_template.as_ref()).is_empty())
        });
        if !mentioning {
            return BTreeSet::new();
        }
        let cores = self
            .core_objects
            .state_filter(|core| core.key().namespace == key.namespace);
        cores
            .iter()
            .flat_map(|core| {
                let named = core.spec::<Core>().ok().map(|core| core.credentials.secret_name);
                named
                    .into_iter()
                    .chain([copy_name(core), ledger_key_name(&core.key())])
            })
            .collect()
    }

    /// How the neighbours of a plugin do, as far as they were looked at.
    pub(super) fn neighbours(&self, world: &World) -> Neighbours {
        self.neighbourhood.list(|| {
            let all = self.plugins.state();
            all.iter()
                .map(|object| (object.key(), self.presence(object)))
                .collect()
        });
        let pods = world.children.pods.values();
        let nodes: BTreeSet<String> = pods.filter_map(|pod| pod.node.clone()).collect();
        self.neighbourhood.of(&world.itself.key, &nodes)
    }

    /// How a plugin does now, for its neighbours: those that fail look again where that tells them something.
    pub(super) fn note_health(&self, world: &World, status: &WazoPluginStatus) {
        let stack = world.itself.core.as_ref().map(|core| self.stack_of(core));
        let pods = world.children.pods.values();
        let presence = Presence::of(world.itself.plugin.as_ref().ok(), pods, stack, status);
        self.wake_all(self.neighbourhood.note(&world.itself.key, presence));
        self.note_outside(world);
    }

    /// A page that is hosted elsewhere and answers shows that the way out of the cluster is open.
    fn note_outside(&self, world: &World) {
        let plugin = world.itself.plugin.as_ref().ok();
        let elsewhere = plugin.is_some_and(|plugin| plugin.spec.url.is_some());
        let lately = |good: Timestamp| world.now.as_second() - good.as_second() < OUTSIDE_SECONDS;
        let seen = world.probe.manifests.iter().filter(|_| elsewhere);
        for fact in seen.filter(|fact| fact.last_good.is_some_and(lately)) {
            self.applier
                .cores
                .outside_answered(fact.url.host_str().unwrap_or_default());
        }
    }

    /// A plugin began to fail: whether its account still gets in, and may what it is to, is tried as the plugin would.
    pub(super) fn doubt_account(&self, world: &World, status: &WazoPluginStatus) {
        let reason = |status: &WazoPluginStatus| {
            let own = status.fault.as_ref().filter(|fault| fault.caused_by.is_none());
            own.map(|fault| fault.reason)
        };
        let news = reason(status).is_some() && reason(status) != reason(&world.itself.before);
        if let Some(core) = world
            .itself
            .core
            .as_ref()
            .filter(|_| news && world.account.is_some())
        {
            self.applier.cores.suspect_account(core, &world.itself.key);
        }
    }

    /// A plugin as its object tells of it, before anybody looked at it.
    fn presence(&self, object: &Raw<WazoPlugin>) -> Presence {
        let spec: Option<WazoPluginSpec> = object.spec().ok();
        let plugin = spec.and_then(|spec| Plugin::parse(spec).ok());
        let children = self.applier.store.children(&object.key());
        let stack = Self::core_of(object).map(|core| self.stack_of(&core));
        let status: WazoPluginStatus = object.status();
        Presence::of(plugin.as_ref(), children.pods.values(), stack, &status)
    }

    /// The stack of a core: its URL, by which other WazoCores lead to it, too.
    fn stack_of(&self, core: &CoreKey) -> String {
        let object = self
            .core_objects
            .get(&ObjectRef::new(&core.name).within(&core.namespace));
        let spec: Option<WazoCoreSpec> = object.and_then(|object| object.spec().ok());
        spec.map_or_else(
            || format!("WazoCore {core}"),
            |spec| spec.url.trim_end_matches('/').to_owned(),
        )
    }

    /// Wakes the plugins of a core's namespace: they may mention its Secret.
    pub(super) fn wake_neighbours(&self, core: &CoreKey) {
        let neighbours = self
            .plugins
            .state_filter(|plugin| plugin.key().namespace == core.namespace);
        for plugin in neighbours {
            self.wake(Wake::Plugin(plugin.key()));
        }
    }
}

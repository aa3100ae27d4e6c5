//! Plugins and cores that share a namespace: the credentials of the one are kept from the pods of the other.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::context::Context;
use crate::api::parse::Plugin;
use crate::api::pod_template::mentions;
use crate::keys::{CoreKey, PluginKey, Wake};
use crate::observe::references::{copy_name, ledger_key_name};
use crate::observe::tls_secret::TlsReference;

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

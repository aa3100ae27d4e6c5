//! What the plugins need to know of a core before they can say what they want there.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::daemon::Daemon;
use crate::keys::PluginKey;

/// What a plugin needs to know of a core before it can say what it wants there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// Which tenants there are, and what their applications hold.
    pub tenants: bool,
    /// Tenants count that nobody named: without the right to see them nothing can be done.
    pub everywhere: bool,
    /// Names of applications beyond those that the core's settings name: what they hold is to be known, too.
    pub names: BTreeSet<String>,
    /// Users of whom the tenant is to be known.
    pub users: BTreeSet<Uuid>,
    /// Daemons beyond those that the operator needs itself: how they are is to be known.
    #[serde(default)]
    pub daemons: BTreeSet<Daemon>,
}

/// The interests of all plugins in one core.
#[derive(Debug, Default)]
pub(super) struct Interests {
    plugins: BTreeMap<PluginKey, Interest>,
}

impl Interests {
    /// Replaces what a plugin needs to know. Returns whether that is something new.
    pub(super) fn set(&mut self, plugin: &PluginKey, interest: Interest) -> bool {
        if interest == Interest::default() {
            self.plugins.remove(plugin);
            return false;
        }
        if self.plugins.get(plugin) == Some(&interest) {
            return false;
        }
        self.plugins.insert(plugin.clone(), interest);
        true
    }

    /// What all plugins need to know.
    pub(super) fn all(&self) -> Interest {
        let mut all = Interest::default();
        for interest in self.plugins.values() {
            all.tenants |= interest.tenants;
            all.everywhere |= interest.everywhere;
            all.names.extend(interest.names.iter().cloned());
            all.users.extend(&interest.users);
            all.daemons.extend(&interest.daemons);
        }
        all
    }

    /// The daemons that plugins use beyond those that the operator needs itself.
    pub(super) fn daemons(&self) -> BTreeSet<Daemon> {
        let all = self.plugins.values();
        all.flat_map(|interest| interest.daemons.iter().copied())
            .collect()
    }

    /// Whether any plugin needs to know the tenants.
    pub(super) fn tenants(&self) -> bool {
        self.plugins.values().any(|interest| interest.tenants)
    }

    /// The plugins that need to know something that `about` is true of.
    pub(super) fn of(&self, about: impl Fn(&Interest) -> bool) -> BTreeSet<PluginKey> {
        let them = self.plugins.iter().filter(|(_, interest)| about(interest));
        them.map(|(plugin, _)| plugin.clone()).collect()
    }

    /// Whether nobody needs to know anything.
    pub(super) fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }
}

//! What the operator remembers of its own writes: kept in this process alone, and not needed to be right, only to be
//! quick. After a restart it is empty, and the annotation on each child tells what was applied.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::api::reason::Reason;
use crate::keys::PluginKey;

/// The kinds of child, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChildKind {
    /// `v1 ServiceAccount`.
    ServiceAccount,
    /// `apps/v1 Deployment`.
    Deployment,
    /// `v1 Service`.
    Service,
    /// `gateway.networking.k8s.io/v1 HTTPRoute`.
    HttpRoute,
}

impl ChildKind {
    /// All kinds, in the order in which they are applied.
    pub const ALL: [Self; 4] = [
        Self::ServiceAccount,
        Self::Deployment,
        Self::Service,
        Self::HttpRoute,
    ];

    /// The kind's name.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::HttpRoute => "HTTPRoute",
        }
    }

    /// The kind's `apiVersion`.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::ServiceAccount | Self::Service => "v1",
            Self::Deployment => "apps/v1",
            Self::HttpRoute => "gateway.networking.k8s.io/v1",
        }
    }

    /// The kind's path in the API.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::ServiceAccount => "serviceaccounts",
            Self::Deployment => "deployments",
            Self::Service => "services",
            Self::HttpRoute => "httproutes",
        }
    }
}

/// Why a child could not be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// The API server's words.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}

/// What is remembered of one child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildMemory {
    /// Uid and edition (generation or version) that our last apply left.
    pub left: Option<(String, String)>,
    /// Why the last apply was refused.
    pub refusal: Option<Refusal>,
}

/// The memory of all plugins' children; cheap to clone, shared.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    inner: Arc<Mutex<HashMap<PluginKey, BTreeMap<ChildKind, ChildMemory>>>>,
    accounts: Arc<Mutex<HashMap<PluginKey, Refusal>>>,
}

impl Memory {
    /// What is remembered of a plugin's children.
    #[must_use]
    pub fn of(&self, key: &PluginKey) -> BTreeMap<ChildKind, ChildMemory> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
            .unwrap_or_default()
    }

    /// Changes what is remembered of a child.
    pub fn edit(&self, key: &PluginKey, kind: ChildKind, edit: impl FnOnce(&mut ChildMemory)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        edit(inner.entry(key.clone()).or_default().entry(kind).or_default());
    }

    /// Why a Secret of the plugin's account could not be written.
    #[must_use]
    pub fn account(&self, key: &PluginKey) -> Option<Refusal> {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get(key).cloned()
    }

    /// Notes why a Secret of the plugin's account could not be written, or that it could.
    pub fn set_account(&self, key: &PluginKey, refusal: Option<(Reason, String)>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((reason, message)) = refusal else {
            accounts.remove(key);
            return;
        };
        let since = accounts
            .get(key)
            .filter(|known| known.reason == reason)
            .map_or_else(Timestamp::now, |known| known.since);
        let refusal = Refusal {
            reason,
            message,
            since,
        };
        accounts.insert(key.clone(), refusal);
    }

    /// Forgets a plugin.
    pub fn forget(&self, key: &PluginKey) {
        self.set_account(key, None);
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

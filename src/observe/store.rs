//! Where the facts about watched objects are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use super::account_secret::AccountSecret;
use super::allowance::Labels;
use super::facts::{DeploymentFact, GatewayFact, Identity, PodFact, RouteFact};
use super::memory::ChildKind;
use crate::keys::{Key, PluginKey};

/// The children of one plugin, and its pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildFacts {
    /// Its ServiceAccount.
    pub service_account: Option<Identity>,
    /// Its Deployment.
    pub deployment: Option<DeploymentFact>,
    /// Its Service.
    pub service: Option<Identity>,
    /// Its HTTPRoute.
    pub route: Option<RouteFact>,
    /// The Secrets of its account by name.
    pub accounts: BTreeMap<String, AccountSecret>,
    /// Its pods by name.
    pub pods: BTreeMap<String, PodFact>,
}

impl ChildFacts {
    /// Who the child of a kind is.
    #[must_use]
    pub fn identity(&self, kind: ChildKind) -> Option<&Identity> {
        match kind {
            ChildKind::ServiceAccount => self.service_account.as_ref(),
            ChildKind::Deployment => self.deployment.as_ref().map(|deployment| &deployment.id),
            ChildKind::Service => self.service.as_ref(),
            ChildKind::HttpRoute => self.route.as_ref().map(|route| &route.id),
        }
    }

    fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// The facts about all watched objects; cheap to clone, shared.
#[derive(Clone, Debug, Default)]
pub struct FactStore {
    inner: Arc<RwLock<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    children: HashMap<PluginKey, ChildFacts>,
    gateways: HashMap<Key, GatewayFact>,
    namespaces: HashMap<String, Labels>,
    gateway_api_missing: bool,
}

impl FactStore {
    /// The children of a plugin.
    #[must_use]
    pub fn children(&self, key: &PluginKey) -> ChildFacts {
        self.read(|inner| inner.children.get(key).cloned().unwrap_or_default())
    }

    /// A Gateway.
    #[must_use]
    pub fn gateway(&self, key: &Key) -> Option<GatewayFact> {
        self.read(|inner| inner.gateways.get(key).cloned())
    }

    /// Whether the cluster does not serve the Gateway API.
    #[must_use]
    pub fn gateway_api_missing(&self) -> bool {
        self.read(|inner| inner.gateway_api_missing)
    }

    /// Notes whether the cluster serves the Gateway API.
    pub fn set_gateway_api_missing(&self, missing: bool) {
        self.write(|inner| inner.gateway_api_missing = missing);
    }

    /// Changes what is known of a plugin's children; true where that made a difference.
    pub fn edit(&self, key: &PluginKey, edit: impl FnOnce(&mut ChildFacts)) -> bool {
        self.write(|inner| {
            let before = inner.children.remove(key).unwrap_or_default();
            let mut after = before.clone();
            edit(&mut after);
            let changed = before != after;
            if !after.is_empty() {
                inner.children.insert(key.clone(), after);
            }
            changed
        })
    }

    /// Sets or removes a Gateway; true where that made a difference.
    pub fn set_gateway(&self, key: Key, fact: Option<GatewayFact>) -> bool {
        self.write(|inner| {
            let before = match &fact {
                Some(fact) => inner.gateways.insert(key, fact.clone()),
                None => inner.gateways.remove(&key),
            };
            before != fact
        })
    }

    /// The labels of a namespace; `None`: there is none of that name, as far as the watch has told.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Labels> {
        self.read(|inner| inner.namespaces.get(name).cloned())
    }

    /// Sets or removes the labels of a namespace; true where that made a difference.
    pub fn set_namespace(&self, name: &str, labels: Option<Labels>) -> bool {
        self.write(|inner| {
            let before = match &labels {
                Some(labels) => inner.namespaces.insert(name.to_owned(), labels.clone()),
                None => inner.namespaces.remove(name),
            };
            before != labels
        })
    }

    /// The namespaces known.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        self.read(|inner| inner.namespaces.keys().cloned().collect())
    }

    /// The plugins with children, for a relist to find those whose object is gone.
    #[must_use]
    pub fn plugins(&self) -> Vec<PluginKey> {
        self.read(|inner| inner.children.keys().cloned().collect())
    }

    /// The Gateways known.
    #[must_use]
    pub fn gateways(&self) -> Vec<Key> {
        self.read(|inner| inner.gateways.keys().cloned().collect())
    }

    fn read<T>(&self, look: impl FnOnce(&Inner) -> T) -> T {
        look(&self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.write().unwrap_or_else(PoisonError::into_inner))
    }
}

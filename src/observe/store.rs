//! Where the facts about watched objects are kept.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use super::account_secret::AccountSecret;
use super::allowance::Labels;
use super::facts::{
    DeploymentFact, GatewayFact, Identity, IngressFact, NetworkPolicyFact, OwnServiceFact, PodFact, RouteFact,
};
use super::memory::ChildKind;
use super::service_facts::BackendFact;
use crate::api::plugin::ServiceReference;
use crate::keys::{Key, PluginKey};

/// The children of one plugin, and its pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildFacts {
    /// Its ServiceAccount.
    pub service_account: Option<Identity>,
    /// Its Deployment.
    pub deployment: Option<DeploymentFact>,
    /// Its Service.
    pub service: Option<OwnServiceFact>,
    /// Its PodDisruptionBudget.
    pub disruption_budget: Option<Identity>,
    /// Its HTTPRoute.
    pub route: Option<RouteFact>,
    /// Its Ingress.
    pub ingress: Option<IngressFact>,
    /// Its NetworkPolicy.
    pub network_policy: Option<NetworkPolicyFact>,
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
            ChildKind::Service => self.service.as_ref().map(|service| &service.id),
            ChildKind::PodDisruptionBudget => self.disruption_budget.as_ref(),
            ChildKind::HttpRoute => self.route.as_ref().map(|route| &route.id),
            ChildKind::Ingress => self.ingress.as_ref().map(|ingress| &ingress.id),
            ChildKind::NetworkPolicy => self.network_policy.as_ref().map(|policy| &policy.id),
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
    backends: HashMap<PluginKey, BackendFact>,
    /// By name, and whether it is the cluster's default.
    ingress_classes: BTreeMap<String, bool>,
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

    /// What is known of the Service that a plugin names, where it is this one.
    #[must_use]
    pub fn backend(&self, key: &PluginKey, reference: &ServiceReference) -> Option<BackendFact> {
        let found = self.read(|inner| inner.backends.get(key).cloned());
        found.filter(|backend| backend.reference == *reference)
    }

    /// Begins anew with, or forgets, the Service that a plugin names.
    pub fn set_backend(&self, key: &PluginKey, fact: Option<BackendFact>) {
        self.write(|inner| match fact {
            Some(fact) => drop(inner.backends.insert(key.clone(), fact)),
            None => drop(inner.backends.remove(key)),
        });
    }

    /// Changes what is known of the Service that a plugin names, as long as it is this one; true where that made a
    /// difference.
    pub fn edit_backend(
        &self,
        key: &PluginKey,
        reference: &ServiceReference,
        now: Timestamp,
        edit: impl FnOnce(&mut BackendFact),
    ) -> bool {
        self.write(|inner| {
            let known = inner.backends.get_mut(key);
            let Some(known) = known.filter(|known| known.reference == *reference) else {
                return false;
            };
            let before = known.clone();
            edit(known);
            if before.ready().is_empty() != known.ready().is_empty() {
                known.since = now;
            }
            before != *known
        })
    }

    /// The IngressClasses by name, and whether each is the cluster's default.
    #[must_use]
    pub fn ingress_classes(&self) -> BTreeMap<String, bool> {
        self.read(|inner| inner.ingress_classes.clone())
    }

    /// Changes what is known of the IngressClasses; true where that made a difference.
    pub fn edit_ingress_classes(&self, edit: impl FnOnce(&mut BTreeMap<String, bool>)) -> bool {
        self.write(|inner| {
            let before = inner.ingress_classes.clone();
            edit(&mut inner.ingress_classes);
            before != inner.ingress_classes
        })
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

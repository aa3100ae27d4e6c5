//! What the operator remembers of its own writes: kept in this process alone, and not needed to be right, only to be
//! quick. After a restart it is empty, and the annotation on each child tells what was applied.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::api::reason::Reason;
use crate::core::facts::AppKey;
use crate::keys::PluginKey;
use crate::observe::verdicts::Verdicts;

/// The kinds of child, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ChildKind {
    /// `v1 ServiceAccount`.
    ServiceAccount,
    /// `apps/v1 Deployment`.
    Deployment,
    /// `v1 Service`.
    Service,
    /// `policy/v1 PodDisruptionBudget`.
    PodDisruptionBudget,
    /// `gateway.networking.k8s.io/v1 HTTPRoute`.
    HttpRoute,
    /// `networking.k8s.io/v1 Ingress`.
    Ingress,
    /// `networking.k8s.io/v1 NetworkPolicy`.
    NetworkPolicy,
}

impl ChildKind {
    /// All kinds, in the order in which they are applied.
    pub const ALL: [Self; 7] = [
        Self::ServiceAccount,
        // Before the pods: none of them ever runs without it.
        Self::NetworkPolicy,
        Self::Deployment,
        Self::Service,
        Self::PodDisruptionBudget,
        Self::HttpRoute,
        Self::Ingress,
    ];

    /// The kind's name.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::HttpRoute => "HTTPRoute",
            Self::Ingress => "Ingress",
            Self::NetworkPolicy => "NetworkPolicy",
        }
    }

    /// The kind's `apiVersion`.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::ServiceAccount | Self::Service => "v1",
            Self::Deployment => "apps/v1",
            Self::PodDisruptionBudget => "policy/v1",
            Self::HttpRoute => "gateway.networking.k8s.io/v1",
            Self::Ingress | Self::NetworkPolicy => "networking.k8s.io/v1",
        }
    }

    /// The kind's path in the API.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::ServiceAccount => "serviceaccounts",
            Self::Deployment => "deployments",
            Self::Service => "services",
            Self::PodDisruptionBudget => "poddisruptionbudgets",
            Self::HttpRoute => "httproutes",
            Self::Ingress => "ingresses",
            Self::NetworkPolicy => "networkpolicies",
        }
    }
}

/// Why a child could not be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// The API server's words.
    pub message: String,
    /// The field of the WazoPlugin that it is about, where that is known.
    pub field: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// What our last apply of a child left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The object's uid.
    pub uid: String,
    /// The hash of the configuration.
    pub hash: String,
    /// Applied fields that were not ours right after the apply: the server, or a webhook, does not let us have them.
    pub denied: Vec<String>,
}

/// What somebody else changed of an object that the operator made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The kind of the object; `application` for one of the core.
    pub kind: Cow<'static, str>,
    /// Its name.
    pub name: String,
    /// The paths of the fields, never their values; empty: the whole object was deleted.
    pub fields: Vec<String>,
    /// The field manager that has them now, where the API server tells.
    pub by: Option<String>,
    /// Since when it is left alone, where it was put back too often.
    pub stopped: Option<Timestamp>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\" was ", self.kind, self.name)?;
        if self.fields.is_empty() {
            return f.write_str("deleted");
        }
        f.write_str("changed")?;
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        write!(f, ": {}", self.fields.join(", "))
    }
}

/// What is remembered of an object that somebody else changes again and again. It outlives the process in
/// `status.drift`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fight {
    /// When it was put back, each with the generation of the plugin's spec; only the last hour counts.
    pub corrections: Vec<(Timestamp, i64)>,
    /// Since when, and for which generation of the plugin's spec, it is not put back any more.
    pub stopped: Option<(Timestamp, i64)>,
    /// What somebody changed and is left so.
    pub drift: Option<Drift>,
}

/// What is remembered of one child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildMemory {
    /// What our last apply left.
    pub left: Option<Left>,
    /// How often it was put back, and whether it still is.
    pub fight: Fight,
    /// The hash of the configuration that the API server would take, by a dry run.
    pub rehearsed: Option<String>,
    /// Why the last apply was refused.
    pub refusal: Option<Refusal>,
}

/// What an earlier process remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Of the children.
    pub children: BTreeMap<ChildKind, Fight>,
    /// Of the applications of the core.
    pub applications: BTreeMap<AppKey, Fight>,
}

/// The memory of all plugins' children; cheap to clone, shared.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    inner: Arc<Mutex<HashMap<PluginKey, BTreeMap<ChildKind, ChildMemory>>>>,
    applications: Arc<Mutex<HashMap<PluginKey, BTreeMap<AppKey, Fight>>>>,
    accounts: Arc<Mutex<HashMap<PluginKey, Refusal>>>,
    verdicts: Arc<Mutex<HashMap<PluginKey, Verdicts>>>,
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

    /// What is remembered of the applications of the core that hold the plugin's URLs.
    #[must_use]
    pub fn applications(&self, key: &PluginKey) -> BTreeMap<AppKey, Fight> {
        let all = self.applications.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).cloned().unwrap_or_default()
    }

    /// Remembers something else of some applications.
    pub fn fought(&self, key: &PluginKey, fights: BTreeMap<AppKey, Fight>) {
        let mut all = self.applications.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key.clone()).or_default().extend(fights);
    }

    /// Before a plugin is first looked at: what an earlier process remembered.
    pub fn recall(&self, key: &PluginKey, earlier: impl FnOnce() -> Recalled) {
        let mut applications = self.applications.lock().unwrap_or_else(PoisonError::into_inner);
        if applications.contains_key(key) {
            return;
        }
        let earlier = earlier();
        applications.insert(key.clone(), earlier.applications);
        drop(applications);
        for (kind, fight) in earlier.children {
            self.edit(key, kind, |memory| memory.fight = fight);
        }
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
            field: None,
            since,
        };
        accounts.insert(key.clone(), refusal);
    }

    /// What is remembered of the verdicts on a plugin.
    #[must_use]
    pub fn verdicts(&self, key: &PluginKey) -> Verdicts {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.get(key).cloned().unwrap_or_default()
    }

    /// Notes what is to be remembered of the verdicts on a plugin: nothing, for most.
    pub fn judged(&self, key: &PluginKey, judged: Verdicts) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if judged.past.is_empty() {
            verdicts.remove(key);
        } else {
            verdicts.insert(key.clone(), judged);
        }
    }

    /// Forgets a plugin.
    pub fn forget(&self, key: &PluginKey) {
        self.judged(key, Verdicts::default());
        self.set_account(key, None);
        self.applications
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

//! The cores as their plugins see them: one verdict per core, written by the loop of WazoCores.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use uuid::Uuid;

use super::ledger_mark::LedgerKey;
use crate::api::core::WazoCoreSpec;
use crate::api::fault::Fault;
use crate::core::facts::Daemon;
use crate::keys::CoreKey;

/// A core as its plugins see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoreEntry {
    /// Its spec; `None`: not decodable.
    pub spec: Option<WazoCoreSpec>,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// What is wrong with daemons that only plugins use.
    #[serde(default)]
    pub daemons: BTreeMap<Daemon, Fault>,
    /// What is wrong with it and blames nobody, since it is announced.
    pub excused: Option<Excused>,
    /// The tenant that the operator acts in, once known.
    pub tenant: Option<Uuid>,
    /// Who the operator is to it, once settled: what stands in the core is known by it.
    pub owner_id: Option<String>,
    /// The uuid of its stack, once known: the one that it had when it was first reached.
    pub stack: Option<Uuid>,
    /// What marks the ledgers of its plugins, once there is one.
    #[serde(skip)]
    pub ledger_key: Option<LedgerKey>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// When its version last became another, as far as is known.
    #[serde(default)]
    pub version_changed: Option<Timestamp>,
    /// When what decides whether it is reached and lets us in was last changed, as far as this process saw.
    #[serde(default)]
    pub settings_changed: Option<Timestamp>,
}

/// What is wrong with a core during an announced maintenance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Excused {
    /// What people are told.
    pub told: String,
    /// What would be said of it otherwise.
    pub fault: Fault,
}

/// All cores; cheap to clone, shared.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    inner: Arc<RwLock<HashMap<CoreKey, Published>>>,
}

#[derive(Debug)]
struct Published {
    entry: Arc<CoreEntry>,
    /// The mark of the actor's facts that were looked at; `None`: there were none.
    mark: Option<u64>,
}

impl Directory {
    /// A core; `None`: there is none of this name, or it was not looked at yet.
    #[must_use]
    pub fn get(&self, key: &CoreKey) -> Option<Arc<CoreEntry>> {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .map(|published| published.entry.clone())
    }

    /// Sets a core, from facts of its actor with this mark; true where its plugins may have seen something else since it
    /// was last set. They read the facts by themselves at any time: one that did so while they were others for a moment
    /// would otherwise hear of nothing when they are as before.
    pub fn set(&self, key: &CoreKey, entry: CoreEntry, mark: Option<u64>) -> bool {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let same = |old: &Published| *old.entry == entry && old.mark == mark;
        let changed = !inner.get(key).is_some_and(same);
        let entry = Arc::new(entry);
        inner.insert(key.clone(), Published { entry, mark });
        changed
    }

    /// Removes a core.
    pub fn remove(&self, key: &CoreKey) {
        self.inner
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> CoreEntry {
        CoreEntry {
            spec: None,
            fault: None,
            daemons: BTreeMap::new(),
            excused: None,
            tenant: None,
            owner_id: None,
            stack: None,
            ledger_key: None,
            deleting: false,
            version_changed: None,
            settings_changed: None,
        }
    }

    #[test]
    fn a_core_that_was_another_for_a_moment_is_news_although_it_looks_as_before() {
        let (directory, key) = (Directory::default(), CoreKey::new("acme", "main"));
        assert!(directory.set(&key, entry(), None), "it is new");
        assert!(directory.set(&key, entry(), Some(0)), "its actor begins");
        assert!(!directory.set(&key, entry(), Some(0)));
        // The session ended and began again between two looks: whoever read the facts in between waits for a word.
        assert!(directory.set(&key, entry(), Some(2)));
        assert!(!directory.set(&key, entry(), Some(2)));
        let deleting = CoreEntry {
            deleting: true,
            ..entry()
        };
        assert!(directory.set(&key, deleting, Some(2)));
    }
}

//! The cores as their plugins see them: one verdict per core, written by the loop of WazoCores.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use super::ledger_mark::LedgerKey;
use crate::api::core::WazoCoreSpec;
use crate::api::fault::Fault;
use crate::keys::CoreKey;

/// A core as its plugins see it.
#[derive(Clone, Debug, PartialEq)]
pub struct CoreEntry {
    /// Its spec; `None`: not decodable.
    pub spec: Option<WazoCoreSpec>,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// What is wrong with it and blames nobody, since it is announced.
    pub excused: Option<Excused>,
    /// The tenant that the operator acts in, once known.
    pub tenant: Option<Uuid>,
    /// Who the operator is to it, once settled: what stands in the core is known by it.
    pub owner_id: Option<String>,
    /// The uuid of its stack, once known: the one that it had when it was first reached.
    pub stack: Option<Uuid>,
    /// What marks the ledgers of its plugins, once there is one.
    pub ledger_key: Option<LedgerKey>,
    /// Whether it is being deleted.
    pub deleting: bool,
}

/// What is wrong with a core during an announced maintenance.
#[derive(Clone, Debug, PartialEq)]
pub struct Excused {
    /// What people are told.
    pub told: String,
    /// What would be said of it otherwise.
    pub fault: Fault,
}

/// All cores; cheap to clone, shared.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    inner: Arc<RwLock<HashMap<CoreKey, Arc<CoreEntry>>>>,
}

impl Directory {
    /// A core; `None`: there is none of this name, or it was not looked at yet.
    #[must_use]
    pub fn get(&self, key: &CoreKey) -> Option<Arc<CoreEntry>> {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// Sets a core; true where what its plugins see has changed.
    pub fn set(&self, key: &CoreKey, entry: CoreEntry) -> bool {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let changed = inner.get(key).is_none_or(|old| *old.as_ref() != entry);
        inner.insert(key.clone(), Arc::new(entry));
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

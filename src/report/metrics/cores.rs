//! The one verdict on each core.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{Error, IntGaugeVec, Opts, Registry};

use crate::api::condition::{ConditionType, find};
use crate::api::core::WazoCoreStatus;
use crate::api::fault::Fault;
use crate::keys::CoreKey;
use crate::report::impairment::word;

/// The series of all cores; those of a core end with it.
pub(super) struct Cores {
    fault: IntGaugeVec,
    ready: IntGaugeVec,
    /// The labels of the fault that is shown of each core: `core`, `party`, `layer`, `reason`.
    shown: Mutex<HashMap<CoreKey, [String; 4]>>,
}

impl Cores {
    pub(super) fn new(registry: &Registry) -> Result<Self, Error> {
        let fault = Opts::new(
            "wazo_core_fault",
            "1 while the WazoCore has a fault; whose, where and why are labels",
        );
        let ready = Opts::new("wazo_core_ready", "1 when the WazoCore is Ready");
        let cores = Self {
            fault: IntGaugeVec::new(fault, &["core", "party", "layer", "reason"])?,
            ready: IntGaugeVec::new(ready, &["core"])?,
            shown: Mutex::default(),
        };
        registry.register(Box::new(cores.fault.clone()))?;
        registry.register(Box::new(cores.ready.clone()))?;
        Ok(cores)
    }

    /// What stands in the status of a core.
    pub(super) fn put(&self, key: &CoreKey, status: &WazoCoreStatus) {
        let core = key.to_string();
        let ready =
            find(&status.conditions, ConditionType::Ready).is_some_and(|ready| ready.status == "True");
        self.ready
            .with_label_values(&[core.as_str()])
            .set(i64::from(ready));
        self.show(key, status.fault.as_ref().map(|fault| labels(core, fault)));
    }

    /// A core is gone.
    pub(super) fn forget(&self, key: &CoreKey) {
        // A series that was never made need not be removed.
        let _ = self.ready.remove_label_values(&[key.to_string().as_str()]);
        self.show(key, None);
    }

    fn show(&self, key: &CoreKey, fault: Option<[String; 4]>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.get(key) == fault.as_ref() {
            return;
        }
        if let Some(old) = shown.remove(key) {
            let _ = self.fault.remove_label_values(&old);
        }
        if let Some(new) = fault {
            self.fault.with_label_values(&new).set(1);
            shown.insert(key.clone(), new);
        }
    }
}

fn labels(core: String, fault: &Fault) -> [String; 4] {
    let layer = format!("{:?}", fault.layer);
    [core, word(fault.party), layer, fault.reason.to_string()]
}

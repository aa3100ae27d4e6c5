//! The metrics of the plugins, of the cores' verdicts and of the passes. An object's series die with it.

mod cores;
mod impaired;
#[cfg(test)]
mod tests;
mod verdicts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use prometheus::{Error, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use cores::Cores;
use impaired::{Clock, Impaired};
use verdicts::Verdicts;

use crate::api::condition::{ConditionType, find};
use crate::api::core::WazoCoreStatus;
use crate::api::fault::Fault;
use crate::api::plugin::WazoPluginStatus;
use crate::keys::{CoreKey, PluginKey};

/// Labels of the series of one plugin's fault.
const FAULT_LABELS: [&str; 6] = ["namespace", "name", "core", "party", "layer", "reason"];
/// Labels of the other series of one plugin.
const PLUGIN_LABELS: [&str; 3] = ["namespace", "name", "core"];

/// The metrics of the plugins and of the passes; cheap to clone, shared.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    fault: IntGaugeVec,
    ready: IntGaugeVec,
    available: IntGaugeVec,
    maintenance: IntGaugeVec,
    certificates: IntGaugeVec,
    impaired: Impaired,
    verdicts: Verdicts,
    cores: Cores,
    reconciles: IntCounterVec,
    durations: HistogramVec,
    status_writes: IntCounterVec,
    corrections: IntCounterVec,
    store_bytes: IntGauge,
    store_objects: IntGauge,
    reported: Mutex<HashMap<PluginKey, Reported>>,
}

struct Reported {
    core: String,
    fault: Option<[String; 6]>,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When one of the names is registered already.
    pub fn new(registry: &Registry) -> Result<Self, Error> {
        Self::with_clock(registry, Arc::new(Timestamp::now))
    }

    fn with_clock(registry: &Registry, clock: Clock) -> Result<Self, Error> {
        let inner = Inner {
            fault: IntGaugeVec::new(
                Opts::new(
                    "wazo_plugin_fault",
                    "1 while the plugin has a fault; whose, where and why are labels",
                ),
                &FAULT_LABELS,
            )?,
            ready: IntGaugeVec::new(
                Opts::new("wazo_plugin_ready", "1 when the plugin is Ready"),
                &PLUGIN_LABELS,
            )?,
            available: IntGaugeVec::new(
                Opts::new(
                    "wazo_plugin_available",
                    "1 when at least one pod of the plugin serves",
                ),
                &PLUGIN_LABELS,
            )?,
            maintenance: IntGaugeVec::new(
                Opts::new(
                    "wazo_core_maintenance",
                    "1 while an announced maintenance of the core lasts",
                ),
                &["core"],
            )?,
            certificates: IntGaugeVec::new(
                Opts::new(
                    "wazo_plugin_certificate_expiration_timestamp_seconds",
                    "When the first of the plugin's certificates ends, as it was last seen, in seconds since 1970",
                ),
                &PLUGIN_LABELS,
            )?,
            impaired: Impaired::new(clock)?,
            verdicts: Verdicts::new(registry)?,
            cores: Cores::new(registry)?,
            reconciles: IntCounterVec::new(
                Opts::new("wazo_plugin_operator_reconcile_total", "Passes over objects"),
                &["controller", "outcome"],
            )?,
            durations: HistogramVec::new(
                HistogramOpts::new(
                    "wazo_plugin_operator_reconcile_duration_seconds",
                    "Duration of passes",
                )
                .buckets(vec![0.01, 0.05, 0.25, 1.0, 5.0, 30.0]),
                &["controller"],
            )?,
            status_writes: IntCounterVec::new(
                Opts::new("wazo_plugin_operator_status_writes_total", "Statuses written"),
                &["controller"],
            )?,
            corrections: IntCounterVec::new(
                Opts::new(
                    "wazo_plugin_drift_corrections_total",
                    "Objects put back after somebody else changed them",
                ),
                &["kind"],
            )?,
            store_bytes: IntGauge::new(
                "wazo_plugin_operator_store_bytes",
                "Bytes that the WazoPlugins take in memory, about",
            )?,
            store_objects: IntGauge::new("wazo_plugin_operator_store_objects", "WazoPlugins in memory")?,
            reported: Mutex::default(),
        };
        registry.register(Box::new(inner.fault.clone()))?;
        registry.register(Box::new(inner.ready.clone()))?;
        registry.register(Box::new(inner.available.clone()))?;
        registry.register(Box::new(inner.maintenance.clone()))?;
        registry.register(Box::new(inner.certificates.clone()))?;
        registry.register(Box::new(inner.impaired.clone()))?;
        registry.register(Box::new(inner.reconciles.clone()))?;
        registry.register(Box::new(inner.durations.clone()))?;
        registry.register(Box::new(inner.status_writes.clone()))?;
        registry.register(Box::new(inner.corrections.clone()))?;
        registry.register(Box::new(inner.store_bytes.clone()))?;
        registry.register(Box::new(inner.store_objects.clone()))?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// An object of this kind was put back after somebody else changed it.
    pub fn corrected(&self, kind: &str) {
        self.inner.corrections.with_label_values(&[kind]).inc();
    }

    /// A pass over an object of `controller` ended with `outcome` after `seconds`.
    pub fn passed(&self, controller: &str, outcome: &str, seconds: f64) {
        self.inner
            .reconciles
            .with_label_values(&[controller, outcome])
            .inc();
        self.inner
            .durations
            .with_label_values(&[controller])
            .observe(seconds);
    }

    /// A status was written.
    pub fn status_written(&self, controller: &str) {
        self.inner.status_writes.with_label_values(&[controller]).inc();
    }

    /// What the store of WazoPlugins holds.
    pub fn store(&self, objects: usize, bytes: usize) {
        self.inner
            .store_objects
            .set(i64::try_from(objects).unwrap_or(i64::MAX));
        self.inner
            .store_bytes
            .set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Whether an announced maintenance of a core lasts.
    pub fn maintenance(&self, core: &CoreKey, lasts: bool) {
        let core = core.to_string();
        self.inner
            .maintenance
            .with_label_values(&[core.as_str()])
            .set(i64::from(lasts));
    }

    /// What is reported of a core.
    pub fn core(&self, core: &CoreKey, status: &WazoCoreStatus) {
        self.inner.cores.put(core, status);
    }

    /// A core is gone: so are its series.
    pub fn forget_core(&self, core: &CoreKey) {
        self.inner.cores.forget(core);
        // A series that was never made need not be removed.
        let _ = self
            .inner
            .maintenance
            .remove_label_values(&[core.to_string().as_str()]);
    }

    /// What is reported of a plugin.
    pub fn plugin(&self, key: &PluginKey, core: &CoreKey, status: &WazoPluginStatus) {
        let core = core.to_string();
        let mut reported = self.inner.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = status.fault.as_ref().map(|fault| labels(key, &core, fault));
        let before = reported.get(key);
        if let Some(before) = before.filter(|before| before.core != core) {
            self.remove(key, before);
        }
        let before = before.filter(|before| before.core == core);
        if before.map(|before| &before.fault) != Some(&fault) {
            if let Some(old) = before.and_then(|before| before.fault.as_ref()) {
                let _ = self.inner.fault.remove_label_values(&borrowed(old));
            }
            if let Some(new) = &fault {
                self.inner.fault.with_label_values(&borrowed(new)).set(1);
            }
        }
        let of = [key.namespace.as_str(), key.name.as_str(), core.as_str()];
        let truth = |kind| {
            i64::from(find(&status.conditions, kind).is_some_and(|condition| condition.status == "True"))
        };
        self.inner
            .ready
            .with_label_values(&of)
            .set(truth(ConditionType::Ready));
        self.inner
            .available
            .with_label_values(&of)
            .set(truth(ConditionType::Available));
        self.inner.impaired.put(key, &core, status);
        reported.insert(key.clone(), Reported { core, fault });
    }

    /// The moment at which the impairment of a plugin by a party may end or begin; `read` is the status that it has. Until
    /// [`Metrics::plugin`] or [`Metrics::not_written`] nothing later is shown of it, so that what the status will say was not
    /// surpassed.
    #[must_use]
    pub fn moment_of(&self, key: &PluginKey, core: &CoreKey, read: &WazoPluginStatus) -> Timestamp {
        self.inner.impaired.hold(key, &core.to_string(), read)
    }

    /// The status of a plugin was not written after all.
    pub fn not_written(&self, key: &PluginKey) {
        self.inner.impaired.release(key);
    }

    /// A status was written in which the fault changed, or not.
    pub fn verdict(&self, before: Option<&Fault>, after: Option<&Fault>, now: Timestamp) {
        self.inner.verdicts.count(before, after, now);
    }

    /// When the first of a plugin's certificates ends, where that is known; after [`Metrics::plugin`].
    pub fn certificate(&self, key: &PluginKey, core: &CoreKey, not_after: Option<Timestamp>) {
        let core = core.to_string();
        let of = [key.namespace.as_str(), key.name.as_str(), core.as_str()];
        match not_after {
            Some(end) => self
                .inner
                .certificates
                .with_label_values(&of)
                .set(end.as_second()),
            // A series that was never made need not be removed.
            None => drop(self.inner.certificates.remove_label_values(&of)),
        }
    }

    /// A plugin is gone: so are its series.
    pub fn forget(&self, key: &PluginKey) {
        let mut reported = self.inner.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = reported.remove(key) {
            self.remove(key, &before);
        }
        self.inner.impaired.forget(key);
    }

    fn remove(&self, key: &PluginKey, before: &Reported) {
        let of = [key.namespace.as_str(), key.name.as_str(), before.core.as_str()];
        // A series that was never made need not be removed.
        let _ = self.inner.ready.remove_label_values(&of);
        let _ = self.inner.available.remove_label_values(&of);
        let _ = self.inner.certificates.remove_label_values(&of);
        if let Some(fault) = &before.fault {
            let _ = self.inner.fault.remove_label_values(&borrowed(fault));
        }
    }
}

fn labels(key: &PluginKey, core: &str, fault: &Fault) -> [String; 6] {
    [
        key.namespace.clone(),
        key.name.clone(),
        core.to_owned(),
        format!("{:?}", fault.party),
        format!("{:?}", fault.layer),
        fault.reason.to_string(),
    ]
}

fn borrowed(labels: &[String; 6]) -> [&str; 6] {
    std::array::from_fn(|index| labels[index].as_str())
}

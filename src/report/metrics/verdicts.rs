//! How verdicts come about: how often, how fast, and how often another party is meant after all.

use jiff::Timestamp;
use prometheus::{Error, Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

use crate::api::fault::Fault;
use crate::report::impairment::{is_same, word};

/// Seconds; what decides alone is to be told within 5, the rest within 30 after the window that it is given.
const SECONDS: [f64; 11] = [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// What is counted of the verdicts on plugins.
pub(super) struct Verdicts {
    transitions: IntCounterVec,
    revisions: IntCounterVec,
    latency: Histogram,
}

impl Verdicts {
    pub(super) fn new(registry: &Registry) -> Result<Self, Error> {
        let verdicts = Self {
            transitions: IntCounterVec::new(
                Opts::new(
                    "wazo_plugin_fault_transitions_total",
                    "Faults that came or turned out to be others",
                ),
                &["party", "layer", "reason"],
            )?,
            revisions: IntCounterVec::new(
                Opts::new(
                    "wazo_plugin_verdict_revisions_total",
                    "Verdicts that blamed another party than the one before, while something was wrong all the time",
                ),
                &["from", "to"],
            )?,
            latency: Histogram::with_opts(
                HistogramOpts::new(
                    "wazo_plugin_verdict_latency_seconds",
                    "From the first bad observation of a fault to the status that tells of it",
                )
                .buckets(SECONDS.to_vec()),
            )?,
        };
        registry.register(Box::new(verdicts.transitions.clone()))?;
        registry.register(Box::new(verdicts.revisions.clone()))?;
        registry.register(Box::new(verdicts.latency.clone()))?;
        Ok(verdicts)
    }

    /// A status was written, at `now`.
    pub(super) fn count(&self, before: Option<&Fault>, after: Option<&Fault>, now: Timestamp) {
        let Some(fault) = after.filter(|_| !is_same(before, after)) else {
            return;
        };
        let (party, layer) = (word(fault.party), format!("{:?}", fault.layer));
        self.transitions
            .with_label_values(&[party.as_str(), &layer, fault.reason.as_str()])
            .inc();
        let took = now.duration_since(fault.since.0).as_secs_f64();
        self.latency.observe(took.max(0.0));
        if let Some(old) = before.filter(|old| old.party != fault.party) {
            self.revisions.with_label_values(&[word(old.party), party]).inc();
        }
    }
}

//! What the prober counts.

use prometheus::{IntCounterVec, Opts, Registry};

/// `wazo_plugin_probe_total{vantage,result}`: looks by vantage (`public`, `service`, `pod`, `readiness`) and what they
/// showed (`Good`, or the word of the error).
#[derive(Clone)]
pub(super) struct Metrics {
    looks: IntCounterVec,
}

impl Metrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let help = "Looks at plugins by vantage and result";
        let looks = IntCounterVec::new(Opts::new("wazo_plugin_probe_total", help), &["vantage", "result"])?;
        registry.register(Box::new(looks.clone()))?;
        Ok(Self { looks })
    }

    pub(super) fn count(&self, vantage: &str, result: &str) {
        self.looks.with_label_values(&[vantage, result]).inc();
    }
}

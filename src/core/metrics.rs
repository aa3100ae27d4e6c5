//! What is counted of the cores.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::facts::Daemon;
use crate::keys::CoreKey;

/// The series of all cores; those of a core end with it.
pub(super) struct Metrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    breaker: IntGaugeVec,
    up: IntGaugeVec,
    /// Which series of requests each core has.
    seen: Mutex<BTreeMap<String, BTreeSet<Series>>>,
}

/// Daemon, operation and outcome.
type Series = (Daemon, &'static str, &'static str);

/// What is checked of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// A real read.
    Read,
    /// Nothing fails in the body of its status.
    Status,
    /// Its part that listens to events does not fail.
    Events,
}

impl Check {
    const ALL: [Self; 3] = [Self::Read, Self::Status, Self::Events];

    const fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Status => "status",
            Self::Events => "events",
        }
    }
}

const SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0];

impl Metrics {
    /// The metrics, registered. Registered a second time they are counted but not shown; that is logged.
    pub(super) fn new(registry: &Registry) -> Self {
        let opts = |name: &str, help: &str| Opts::new(name, help);
        let valid = "a name and labels of letters and underscores are valid";
        let metrics = Self {
            requests: IntCounterVec::new(
                opts("wazo_core_requests_total", "Requests sent to a Wazo core"),
                &["core", "api", "operation", "outcome"],
            )
            .expect(valid),
            duration: HistogramVec::new(
                HistogramOpts::new(
                    "wazo_core_request_duration_seconds",
                    "Time from a request to a Wazo core to its whole answer",
                )
                .buckets(SECONDS.to_vec()),
                &["core", "api", "operation"],
            )
            .expect(valid),
            breaker: IntGaugeVec::new(
                opts(
                    "wazo_core_breaker_state",
                    "0 closed, 1 half-open (one probe is under way), 2 open",
                ),
                &["core", "api"],
            )
            .expect(valid),
            up: IntGaugeVec::new(
                opts(
                    "wazo_core_up",
                    "Whether a daemon passed its last check: read, status or events",
                ),
                &["core", "api", "check"],
            )
            .expect(valid),
            seen: Mutex::default(),
        };
        let collectors: [Box<dyn Collector>; 4] = [
            Box::new(metrics.requests.clone()),
            Box::new(metrics.duration.clone()),
            Box::new(metrics.breaker.clone()),
            Box::new(metrics.up.clone()),
        ];
        for collector in collectors {
            if let Err(error) = registry.register(collector) {
                tracing::error!(%error, "the metrics of the cores are not shown");
            }
        }
        metrics
    }

    /// One request was answered, or not.
    pub(super) fn request(
        &self,
        core: &CoreKey,
        daemon: Daemon,
        operation: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        let core = core.to_string();
        self.requests
            .with_label_values(&[core.as_str(), daemon.name(), operation, outcome])
            .inc();
        self.duration
            .with_label_values(&[core.as_str(), daemon.name(), operation])
            .observe(took.as_secs_f64());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(core).or_default().insert((daemon, operation, outcome));
    }

    /// The breaker's state.
    pub(super) fn breaker(&self, core: &CoreKey, daemon: Daemon, number: i64) {
        self.breaker
            .with_label_values(&[core.to_string().as_str(), daemon.name()])
            .set(number);
    }

    /// The result of a check.
    pub(super) fn up(&self, core: &CoreKey, daemon: Daemon, check: Check, up: bool) {
        self.up
            .with_label_values(&[core.to_string().as_str(), daemon.name(), check.label()])
            .set(i64::from(up));
    }

    /// Ends the series of a core.
    pub(super) fn forget(&self, core: &CoreKey) {
        let core = core.to_string();
        // A series that was never made cannot be removed; that is no failure.
        for daemon in Daemon::ALL {
            self.breaker
                .remove_label_values(&[core.as_str(), daemon.name()])
                .ok();
            for check in Check::ALL {
                self.up
                    .remove_label_values(&[core.as_str(), daemon.name(), check.label()])
                    .ok();
            }
        }
        let seen = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&core);
        for (daemon, operation, outcome) in seen.into_iter().flatten() {
            self.requests
                .remove_label_values(&[core.as_str(), daemon.name(), operation, outcome])
                .ok();
            self.duration
                .remove_label_values(&[core.as_str(), daemon.name(), operation])
                .ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus::Registry;

    use super::{Check, Metrics};
    use crate::core::facts::Daemon;
    use crate::keys::CoreKey;

    #[test]
    fn the_series_of_a_core_end_with_it() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry);
        let (one, two) = (CoreKey::new("a", "one"), CoreKey::new("a", "two"));
        for core in [&one, &two] {
            metrics.request(core, Daemon::Auth, "POST /token", "ok", Duration::from_millis(1));
            metrics.breaker(core, Daemon::Auth, 0);
            metrics.up(core, Daemon::Auth, Check::Read, true);
        }
        let series = || {
            registry
                .gather()
                .iter()
                .map(|family| family.get_metric().len())
                .sum::<usize>()
        };
        assert_eq!(series(), 8);
        metrics.forget(&one);
        assert_eq!(series(), 4);
        metrics.forget(&two);
        assert_eq!(series(), 0);
    }
}

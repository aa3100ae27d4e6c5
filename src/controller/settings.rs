//! What the operator is run with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::lease::Election;

/// What the operator is run with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where `/metrics`, `/livez` and `/readyz` are served; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How long a rollout may take before the plugin is `Stalled`.
    pub rollout_deadline: Duration,
    /// Within how long three corrections of one object are a fight, and how long it is left alone then.
    pub drift_window: Duration,
    /// How long after a quiet pass an object is looked at again, about.
    pub resync: Duration,
    /// How often the Secret and the ConfigMap of a WazoCore are read while all is well.
    pub credentials_interval: Duration,
    /// How often they are read while something is wrong with the core.
    pub repair_interval: Duration,
    /// The first pause after a pass that failed; it doubles up to `longest_backoff`.
    pub first_backoff: Duration,
    /// The longest pause after a pass that failed.
    pub longest_backoff: Duration,
    /// How many objects are reconciled at once.
    pub concurrency: u16,
    /// How long passes under way may take at shutdown.
    pub grace: Duration,
    /// Who reports events: the pod's name.
    pub instance: Option<String>,
    /// The folder in which it is written down what is known of plugins, so that it can be judged anew; `None`: nowhere.
    pub record_directory: Option<PathBuf>,
    /// How replicas agree on the one that works; `None`: there is only this one.
    pub election: Option<Election>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            rollout_deadline: Duration::from_secs(240),
            drift_window: Duration::from_secs(60 * 60),
            resync: Duration::from_secs(45 * 60),
            credentials_interval: Duration::from_secs(20),
            repair_interval: Duration::from_secs(5),
            first_backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(60),
            concurrency: 8,
            grace: Duration::from_secs(10),
            instance: None,
            record_directory: None,
            election: None,
        }
    }
}

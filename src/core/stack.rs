//! What all cores at one address share: the wire, the limit of the rate, and for each daemon a breaker and the lane
//! in which writes go one after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::breaker::Breaker;
use super::facts::Daemon;
use super::limiter::Limiter;
use super::settings::Intervals;
use super::stack_url::StackUrl;
use super::wire::Wire;
use crate::keys::CoreKey;

/// One stack, as trusted by one CA bundle.
pub(super) struct Stack {
    pub(super) url: StackUrl,
    pub(super) ca_pem: Option<Arc<[u8]>>,
    pub(super) wire: Arc<dyn Wire>,
    pub(super) limiter: Limiter,
    /// How many requests a second each core allows that the stack lets in.
    rates: Mutex<BTreeMap<CoreKey, u32>>,
    breakers: BTreeMap<Daemon, Mutex<Breaker>>,
    /// Concurrent writes of one daemon can fail or lose an update: whoever writes holds it, from the reading before to the
    /// reading after.
    pub(super) confd_lane: tokio::sync::Mutex<()>,
    /// The same for wazo-auth.
    pub(super) auth_lane: tokio::sync::Mutex<()>,
}

impl Stack {
    pub(super) fn new(
        url: StackUrl,
        ca_pem: Option<Arc<[u8]>>,
        wire: Arc<dyn Wire>,
        requests_per_second: u32,
        intervals: &Intervals,
    ) -> Self {
        let breaker = || {
            Breaker::new(
                intervals.first_backoff,
                intervals.longest_backoff,
                intervals.jitter,
            )
        };
        Self {
            url,
            ca_pem,
            wire,
            limiter: Limiter::new(requests_per_second),
            rates: Mutex::default(),
            breakers: Daemon::ALL.map(|daemon| (daemon, Mutex::new(breaker()))).into(),
            confd_lane: tokio::sync::Mutex::new(()),
            auth_lane: tokio::sync::Mutex::new(()),
        }
    }

    /// Takes how many requests a second a core allows; `None`: it has no say any more. The least counts. Only a core that
    /// the stack lets in has a say: anybody can make a WazoCore with the URL of another one's.
    pub(super) fn allow(&self, core: &CoreKey, per_second: Option<u32>) {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        match per_second {
            Some(per_second) => rates.insert(core.clone(), per_second),
            None => rates.remove(core),
        };
        if let Some(least) = rates.values().min() {
            self.limiter.set(*least);
        }
    }

    pub(super) fn breaker(&self, daemon: Daemon) -> MutexGuard<'_, Breaker> {
        let breaker = self.breakers.get(&daemon);
        let breaker = breaker.expect("there is one for each daemon");
        breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

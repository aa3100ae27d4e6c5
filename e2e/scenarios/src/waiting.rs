//! Waiting for what should come, by watching it.

use std::time::Duration;

use kube::api::{Api, DynamicObject};
use wazo_e2e::objects::{CORE, Seen};
use wazo_e2e::waiting::{looked_at_until, watched_until};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;

use crate::scene::Scene;

/// How long a scenario waits for anything: half a minute until a core's absence is noticed, and a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at something in this process that cannot be watched.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

impl Scene {
    /// Waits until an object, or its absence, is as wanted.
    ///
    /// # Panics
    /// Where it does not become so in time; the message shows what it was last.
    pub async fn until(
        &self,
        api: Api<DynamicObject>,
        name: &str,
        what: &str,
        wanted: impl Fn(Option<&Seen>) -> bool,
    ) -> Option<Seen> {
        watched_until(api, name, what, PATIENCE, wanted).await
    }

    /// Waits until a plugin's status, of the spec as it is now, is as wanted.
    pub async fn plugin_until(&self, name: &str, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        self.until(self.of::<WazoPlugin>(), name, what, |seen| {
            seen.is_some_and(|seen| seen.is_observed() && wanted(seen))
        })
        .await
        .unwrap_or_else(|| unreachable!("an absent object is not as wanted"))
    }

    /// Waits until the WazoCore's status, of the spec as it is now, is as wanted.
    pub async fn core_until(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        self.until(self.of::<WazoCore>(), CORE, what, |seen| {
            seen.is_some_and(|seen| seen.is_observed() && wanted(seen))
        })
        .await
        .unwrap_or_else(|| unreachable!("an absent object is not as wanted"))
    }

    /// Waits until a plugin is Ready and nothing is wrong with it.
    pub async fn well(&self, name: &str) -> Seen {
        self.plugin_until(name, "Ready without a fault", |seen| {
            seen.is_ready() && !seen.has_fault()
        })
        .await
    }

    /// Waits until a plugin has a fault of a party, a layer and a reason.
    pub async fn fault(&self, name: &str, party: &str, layer: &str, reason: &str) -> Seen {
        let what = format!("faulty by {party}, {layer}, {reason}");
        let seen = self
            .plugin_until(name, &what, |seen| {
                seen.is_fault(party, reason) && seen.fault("layer") == layer
            })
            .await;
        assert!(!seen.fault("message").is_empty() && !seen.fault("action").is_empty());
        seen
    }

    /// Waits until a plugin is gone.
    pub async fn gone(&self, name: &str) {
        self.until(self.of::<WazoPlugin>(), name, "gone", |seen| seen.is_none())
            .await;
    }

    /// Waits for something in this process that cannot be watched.
    ///
    /// # Panics
    /// Where it does not come in time.
    pub async fn holds(&self, what: &str, wanted: impl Fn() -> bool) {
        looked_at_until(what, PATIENCE, wanted).await;
    }
}

//! Waiting for what should come, by watching it.

use std::time::Duration;

use futures::StreamExt;
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::watch_object;
use wazo_e2e::objects::{CORE, Seen};
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
        let mut last = None;
        let waiting = async {
            let mut versions = watch_object(api, name).boxed();
            while let Some(version) = versions.next().await {
                // A broken watch is started again by the watcher.
                let Ok(object) = version else { continue };
                last = object
                    .and_then(|object| serde_json::to_value(object).ok())
                    .map(Seen);
                if wanted(last.as_ref()) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let status = last
                .map(|seen| format!("{:#}", seen.0["status"]))
                .unwrap_or_default();
            panic!("{name} is not {what} within {PATIENCE:?}; its status: {status}");
        }
        last
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
        let waiting = async {
            while !wanted() {
                tokio::time::sleep(LOOK).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
            "{what}: not within {PATIENCE:?}"
        );
    }
}

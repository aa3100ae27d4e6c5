//! What a test waits for, and how it looks into the core.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::Resource;
use kube::api::{Api, DynamicObject};
use kube::runtime::watcher::watch_object;
use panel::Panel;
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;

use crate::objects::{self, Seen};
use crate::trial::{APPS, STRANGER, Trial, seed};

/// Between two looks at something in this process that cannot be watched.
const LOOK: Duration = Duration::from_millis(10);

/// Watches an object until it, or its absence, is as wanted.
///
/// # Panics
/// Where it does not become so in time; the message shows what it was last.
pub async fn watched_until(
    api: Api<DynamicObject>,
    name: &str,
    what: &str,
    patience: Duration,
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
    if tokio::time::timeout(patience, waiting).await.is_err() {
        let status = last.map(|seen| format!("{:#}", seen.0["status"]));
        panic!(
            "{name} is not {what} within {patience:?}; its status: {}",
            status.as_deref().unwrap_or("none")
        );
    }
    last
}

/// Looks at something in this process, which cannot be watched, until it is as wanted.
///
/// # Panics
/// Where it does not come in time.
pub async fn looked_at_until(what: &str, patience: Duration, wanted: impl Fn() -> bool) {
    let waiting = async {
        while !wanted() {
            tokio::time::sleep(LOOK).await;
        }
    };
    assert!(
        tokio::time::timeout(patience, waiting).await.is_ok(),
        "{what}: not within {patience:?}"
    );
}

impl Trial {
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
        watched_until(api, name, what, self.patience, wanted).await
    }

    /// Waits until a plugin is as wanted.
    pub async fn plugin_until(&self, name: &str, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        self.until(self.of::<WazoPlugin>(), name, what, |seen| {
            seen.is_some_and(&wanted)
        })
        .await
        .unwrap_or_else(|| unreachable!("an absent object is not as wanted"))
    }

    /// Waits until a child is as wanted.
    pub async fn child_until<K: Resource<DynamicType = ()>>(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&Seen) -> bool,
    ) -> Seen {
        self.until(self.of::<K>(), name, what, |seen| seen.is_some_and(&wanted))
            .await
            .unwrap_or_else(|| unreachable!("an absent object is not as wanted"))
    }

    /// The events of a reason about an object of this name: how often each was told, and its text.
    pub async fn events(&self, name: &str, reason: &str) -> Vec<(i64, String)> {
        let events = self.list("events.k8s.io/v1", "Event").await;
        events
            .into_iter()
            .filter(|event| event["regarding"]["name"] == name && event["reason"] == reason)
            .map(|event| {
                let times = event["series"]["count"].as_i64().unwrap_or(1);
                (times, event["note"].as_str().unwrap_or_default().to_owned())
            })
            .collect()
    }

    /// Waits until the WazoCore is as wanted.
    pub async fn core_until(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        self.until(self.of::<WazoCore>(), objects::CORE, what, |seen| {
            seen.is_some_and(&wanted)
        })
        .await
        .unwrap_or_else(|| unreachable!("an absent object is not as wanted"))
    }

    /// Waits until a plugin is Ready.
    pub async fn ready(&self, name: &str) -> Seen {
        self.plugin_until(name, "Ready", Seen::is_ready).await
    }

    /// Waits until a plugin is Ready, and nothing is wrong with it or its core any more.
    pub async fn well(&self, name: &str) -> Seen {
        self.plugin_until(name, "Ready without a fault", |seen| {
            seen.is_ready() && !seen.has_fault()
        })
        .await
    }

    /// Waits until a plugin has a fault.
    pub async fn fault(&self, name: &str, party: &str, reason: &str) -> Seen {
        let seen = self
            .plugin_until(name, &format!("faulty by {party}, {reason}"), |seen| {
                seen.is_observed() && seen.is_fault(party, reason)
            })
            .await;
        assert!(!seen.fault("message").is_empty() && !seen.fault("action").is_empty());
        seen
    }

    /// Waits until the WazoCore has a fault.
    pub async fn core_fault(&self, party: &str, reason: &str) -> Seen {
        self.core_until(&format!("faulty by {party}, {reason}"), |seen| {
            seen.is_observed() && seen.is_fault(party, reason)
        })
        .await
    }

    /// Waits until a plugin is gone.
    pub async fn gone(&self, name: &str) {
        self.until(self.of::<WazoPlugin>(), name, "gone", |seen| seen.is_none())
            .await;
    }

    /// A first plugin, with a panel, applied and Ready.
    pub async fn ready_plugin(&mut self, name: &str) -> Arc<Panel> {
        let panel = self.panel(name).await;
        self.apply(&objects::plugin(name)).await;
        self.ready(name).await;
        panel
    }

    /// The URLs that an application of the core's tenant holds.
    #[must_use]
    pub fn urls(&self, app: &str) -> Vec<String> {
        self.core
            .apps()
            .get(self.core.tenant(), app)
            .and_then(|app| app.configuration["manifest_urls"].as_array().cloned())
            .into_iter()
            .flatten()
            .filter_map(|url| url.as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// Whether all applications hold the URL of a plugin.
    #[must_use]
    pub fn is_registered(&self, plugin: &str) -> bool {
        let url = objects::manifest_url(plugin);
        APPS.iter().all(|app| self.urls(app).contains(&url))
    }

    /// Whether any application holds the URL of a plugin.
    #[must_use]
    pub fn is_known(&self, plugin: &str) -> bool {
        let url = objects::manifest_url(plugin);
        APPS.iter().any(|app| self.urls(app).contains(&url))
    }

    /// Tries something again and again until it succeeds.
    ///
    /// # Panics
    /// Where it does not in time.
    pub async fn patient(&self, tried: impl AsyncFn() -> bool) {
        let trying = async {
            while !tried().await {
                tokio::time::sleep(LOOK).await;
            }
        };
        assert!(
            tokio::time::timeout(self.patience, trying).await.is_ok(),
            "not within {:?}",
            self.patience
        );
    }

    /// Waits for something in this process that cannot be watched.
    ///
    /// # Panics
    /// Where it does not come in time.
    pub async fn holds(&self, what: &str, wanted: impl Fn() -> bool) {
        looked_at_until(what, self.patience, wanted).await;
    }

    /// What strangers had in the desktop application of [`seed`] is still there.
    ///
    /// # Panics
    /// Where something of it is lost.
    pub fn strangers_data_is_intact(&self) {
        let app = self
            .core
            .apps()
            .get(self.core.tenant(), APPS[0])
            .expect("the application is never deleted");
        let seeded = &seed().applications[0];
        for key in ["turn_servers", "debug"] {
            assert_eq!(app.configuration[key], seeded.configuration[key], "{key}");
        }
        assert_eq!(app.label, seeded.label);
        assert!(
            self.urls(APPS[0]).contains(&STRANGER.to_owned()),
            "{:?}",
            self.urls(APPS[0])
        );
    }
}

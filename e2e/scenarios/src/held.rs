//! What the core of a scenario holds.

use wazo_e2e::trial::{APPS, STRANGER, seed};

use crate::scene::Scene;

impl Scene {
    /// The URLs that an application of the core's tenant holds.
    #[must_use]
    pub fn urls(&self, app: &str) -> Vec<String> {
        self.core()
            .apps()
            .get(self.core().tenant(), app)
            .and_then(|app| app.configuration["manifest_urls"].as_array().cloned())
            .into_iter()
            .flatten()
            .filter_map(|url| url.as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// How often the applications hold the URL of a plugin, one number each.
    #[must_use]
    pub fn registrations(&self, plugin: &str) -> [usize; 2] {
        let url = self.manifest_url(plugin);
        APPS.map(|app| self.urls(app).iter().filter(|held| **held == url).count())
    }

    /// Each application holds the URL of a plugin, once.
    ///
    /// # Panics
    /// Where it is otherwise.
    pub fn is_registered_once(&self, plugin: &str) {
        assert_eq!(self.registrations(plugin), [1, 1], "{plugin} in {APPS:?}");
    }

    /// What strangers had in the desktop application from the start is still there.
    ///
    /// # Panics
    /// Where something of it is lost.
    pub fn strangers_data_is_intact(&self) {
        let app = self
            .core()
            .apps()
            .get(self.core().tenant(), APPS[0])
            .expect("the application is never deleted");
        let seeded = &seed().applications[0];
        for key in ["turn_servers", "debug"] {
            assert_eq!(app.configuration[key], seeded.configuration[key], "{key}");
        }
        assert_eq!(app.label, seeded.label);
        assert!(self.urls(APPS[0]).contains(&STRANGER.to_owned()));
    }
}

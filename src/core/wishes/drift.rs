//! Wishes that held and that somebody else undid: they wait until they are wished for anew.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::WishBook;
use crate::core::facts::{AppEdit, AppKey, CoreStep, StepState};
use crate::core::manifest_urls::{Held, Reading};
use crate::core::settings::ListForm;
use crate::keys::PluginKey;

impl WishBook {
    /// Steps that somebody else undid are wished for anew. Returns whether there were any.
    pub(in crate::core) fn put_back(
        &mut self,
        plugin: &PluginKey,
        steps: &[CoreStep],
        gather: Duration,
    ) -> bool {
        let now = Instant::now();
        let mut any = false;
        for slot in self.plugins.get_mut(plugin).into_iter().flatten() {
            let drifted = matches!(slot.outcome.state, StepState::Drifted);
            if drifted && steps.contains(&slot.outcome.step) {
                slot.stood = false;
                any |= slot.set(StepState::Pending);
                if let Some(work) = self.apps.get_mut(&slot.outcome.step.app) {
                    work.gather_until.get_or_insert_with(|| now + gather);
                }
            }
        }
        any
    }

    /// An application was read as `configuration` before it is written: what somebody else undid is not written along
    /// with the rest. The edits to make, and the plugins of which an outcome changed.
    pub(in crate::core) fn due(
        &mut self,
        app: &AppKey,
        configuration: &Value,
        new_list: ListForm,
    ) -> (BTreeSet<AppEdit>, BTreeSet<PluginKey>) {
        let (edits, _) = self.edits(app);
        let reading = Reading::of(configuration);
        let changed = self.change(app, |slot| {
            let undone = reading.held(&slot.outcome.step.edit, &edits, new_list) == Held::No;
            (undone && slot.would_drift()).then_some(StepState::Drifted)
        });
        let wishing = self.apps.get(app).into_iter().flat_map(|work| work.wishes.keys());
        let slots = wishing.filter_map(|plugin| self.plugins.get(plugin)).flatten();
        let due = slots
            .filter(|slot| slot.outcome.step.app == *app)
            .filter(|slot| !matches!(slot.outcome.state, StepState::Drifted))
            .map(|slot| slot.outcome.step.edit.clone());
        (due.collect(), changed)
    }
}

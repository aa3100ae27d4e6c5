//! What the plugins want of the applications of one core, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::error::CoreError;
use super::facts::{AppEdit, AppKey, CoreStep, StepOutcome, StepState};
use super::jitter::doubled;
use super::manifest_urls::{Held, Reading};
use super::settings::{Intervals, ListForm};
use crate::keys::PluginKey;

/// The wishes of all plugins for one core.
#[derive(Debug, Default)]
pub(super) struct WishBook {
    plugins: BTreeMap<PluginKey, Vec<Slot>>,
    apps: BTreeMap<AppKey, AppWork>,
    /// Counts the wishes, to know which of them a read came after.
    count: u64,
    /// The namespace that had its turn last.
    last_namespace: Option<String>,
}

#[derive(Debug)]
struct Slot {
    outcome: StepOutcome,
    number: u64,
}

impl Slot {
    const fn is_open(&self) -> bool {
        matches!(self.outcome.state, StepState::Pending | StepState::Failed(_))
    }

    /// Sets the state; returns whether it is another than before.
    fn set(&mut self, state: StepState) -> bool {
        if same(&self.outcome.state, &state) {
            return false;
        }
        self.outcome = StepOutcome {
            step: self.outcome.step.clone(),
            state,
            at: Timestamp::now(),
        };
        true
    }
}

/// The work on one application.
#[derive(Debug)]
struct AppWork {
    /// The number of wishes about it.
    wishes: usize,
    /// While others are likely to want the same at the same time: one write for all of them.
    gather_until: Option<Instant>,
    not_before: Instant,
    failures: u32,
    /// A write of ours may have had an effect that was not seen yet.
    in_doubt: bool,
    /// When to look once more, although nothing is to be done.
    look_at: Option<Instant>,
}

impl AppWork {
    const fn new(wishes: usize, not_before: Instant) -> Self {
        Self {
            wishes,
            gather_until: None,
            not_before,
            failures: 0,
            in_doubt: false,
            look_at: None,
        }
    }
}

fn same(one: &StepState, two: &StepState) -> bool {
    match (one, two) {
        (StepState::Pending, StepState::Pending) => true,
        (StepState::Done { changed: a }, StepState::Done { changed: b }) => a == b,
        (StepState::Refused(a), StepState::Refused(b)) => a == b,
        (StepState::Failed(a), StepState::Failed(b)) => a.is_like(b),
        _ => false,
    }
}

impl WishBook {
    /// Replaces the wishes of a plugin; a step that stays keeps its outcome. Returns whether there is new work.
    pub(super) fn wish(&mut self, plugin: &PluginKey, steps: Vec<CoreStep>, gather: Duration) -> bool {
        let mut old = self.plugins.remove(plugin).unwrap_or_default();
        let mut slots: Vec<Slot> = Vec::with_capacity(steps.len());
        let mut fresh = false;
        for step in steps {
            if slots.iter().any(|slot| slot.outcome.step == step) {
                continue;
            }
            if let Some(index) = old.iter().position(|slot| slot.outcome.step == step) {
                slots.push(old.swap_remove(index));
                continue;
            }
            self.count += 1;
            fresh = true;
            let work = self
                .apps
                .entry(step.app.clone())
                .or_insert_with(|| AppWork::new(0, Instant::now()));
            work.wishes += 1;
            work.gather_until.get_or_insert_with(|| Instant::now() + gather);
            let outcome = StepOutcome {
                step,
                state: StepState::Pending,
                at: Timestamp::now(),
            };
            slots.push(Slot {
                outcome,
                number: self.count,
            });
        }
        if !slots.is_empty() {
            self.plugins.insert(plugin.clone(), slots);
        }
        for slot in old {
            self.forget_wish(&slot.outcome.step.app);
        }
        fresh
    }

    fn forget_wish(&mut self, app: &AppKey) {
        if let Some(work) = self.apps.get_mut(app) {
            work.wishes -= 1;
            if work.wishes == 0 {
                self.apps.remove(app);
            }
        }
    }

    /// The mark of this moment for [`Self::compare`].
    pub(super) const fn mark(&self) -> u64 {
        self.count
    }

    /// Whether nothing is wished for.
    pub(super) fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }

    /// All applications that are wished about.
    pub(super) fn wanted_apps(&self) -> BTreeSet<AppKey> {
        self.apps.keys().cloned().collect()
    }

    /// What became of the wishes of a plugin.
    pub(super) fn outcomes(&self, plugin: &PluginKey) -> Vec<StepOutcome> {
        let slots = self.plugins.get(plugin).into_iter().flatten();
        slots.map(|slot| slot.outcome.clone()).collect()
    }

    /// The next application to work on: namespaces take turns.
    pub(super) fn next(&mut self, now: Instant) -> Option<AppKey> {
        let mut by_namespace: BTreeMap<&str, &AppKey> = BTreeMap::new();
        for (plugin, slots) in &self.plugins {
            let mut due = slots
                .iter()
                .filter(|slot| slot.is_open())
                .map(|slot| &slot.outcome.step.app);
            if let Some(app) = due.find(|app| self.due_at(app, true).is_some_and(|at| at <= now)) {
                by_namespace.entry(&plugin.namespace).or_insert(app);
            }
        }
        let last = self.last_namespace.as_deref().unwrap_or_default();
        let turn = by_namespace
            .iter()
            .find(|(namespace, _)| **namespace > last)
            .or_else(|| by_namespace.iter().next())
            .map(|(namespace, app)| ((*namespace).to_owned(), (*app).clone()));
        if let Some((namespace, app)) = turn {
            self.last_namespace = Some(namespace);
            return Some(app);
        }
        let to_look = self
            .apps
            .keys()
            .find(|app| self.due_at(app, false).is_some_and(|at| at <= now));
        to_look.cloned()
    }

    /// When [`Self::next`] will have something.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let slots = self.plugins.values().flatten().filter(|slot| slot.is_open());
        let open = slots.filter_map(|slot| self.due_at(&slot.outcome.step.app, true));
        open.chain(self.apps.keys().filter_map(|app| self.due_at(app, false)))
            .min()
    }

    /// When the application is due: for an open wish, or for another look.
    fn due_at(&self, app: &AppKey, open: bool) -> Option<Instant> {
        let work = self.apps.get(app)?;
        let at = if open {
            work.gather_until.unwrap_or(work.not_before)
        } else {
            work.look_at?
        };
        Some(at.max(work.not_before))
    }

    /// All edits that are wished for one application, and the mark of this moment for [`Self::settle`].
    pub(super) fn edits(&self, app: &AppKey) -> (BTreeSet<AppEdit>, u64) {
        let slots = self
            .plugins
            .values()
            .flatten()
            .filter(|slot| slot.outcome.step.app == *app);
        (
            slots.map(|slot| slot.outcome.step.edit.clone()).collect(),
            self.count,
        )
    }

    /// Whether a write of ours may have had an effect that was not seen yet.
    pub(super) fn in_doubt(&self, app: &AppKey) -> bool {
        self.apps.get(app).is_some_and(|work| work.in_doubt)
    }

    /// A write was sent of which the effect is not known.
    pub(super) fn doubt(&mut self, app: &AppKey, look_again: Duration) {
        if let Some(work) = self.apps.get_mut(app) {
            work.in_doubt = true;
            work.look_at = Some(Instant::now() + look_again);
        }
    }

    /// The application was read as `configuration` after the moment `mark`, and no write is needed. Returns the plugins
    /// of which an outcome changed.
    pub(super) fn settle(
        &mut self,
        app: &AppKey,
        configuration: &Value,
        mark: u64,
        changed: bool,
        new_list: ListForm,
        pause: Duration,
    ) -> BTreeSet<PluginKey> {
        if let Some(work) = self.apps.get_mut(app) {
            let now = Instant::now();
            let look_at = work.look_at.filter(|at| *at > now);
            *work = AppWork {
                look_at,
                ..AppWork::new(work.wishes, now + pause)
            };
        }
        let (edits, _) = self.edits(app);
        let reading = Reading::of(configuration);
        self.change(app, |slot| {
            if slot.number > mark {
                return None;
            }
            match reading.held(&slot.outcome.step.edit, &edits, new_list) {
                Held::Yes if slot.is_open() => Some(StepState::Done { changed }),
                Held::Yes if matches!(slot.outcome.state, StepState::Refused(_)) => {
                    Some(StepState::Done { changed })
                }
                Held::Yes => None,
                Held::No => Some(StepState::Pending),
                Held::Refused(why) => Some(StepState::Refused(why)),
            }
        })
    }

    /// A bulk reading showed `configuration` after the moment `mark`: what is done and no longer holds is to be done
    /// again, what was refused and no longer is, too.
    pub(super) fn compare(
        &mut self,
        app: &AppKey,
        configuration: &Value,
        mark: u64,
        new_list: ListForm,
    ) -> BTreeSet<PluginKey> {
        let (edits, _) = self.edits(app);
        let reading = Reading::of(configuration);
        self.change(app, |slot| {
            if slot.number > mark || slot.is_open() {
                return None;
            }
            match (
                &slot.outcome.state,
                reading.held(&slot.outcome.step.edit, &edits, new_list),
            ) {
                (StepState::Done { .. }, Held::Yes) => None,
                (StepState::Refused(_), Held::Refused(why)) => Some(StepState::Refused(why)),
                _ => Some(StepState::Pending),
            }
        })
    }

    /// The work on the application failed; it is tried again after a pause that doubles.
    pub(super) fn fail(
        &mut self,
        app: &AppKey,
        error: &CoreError,
        intervals: &Intervals,
    ) -> BTreeSet<PluginKey> {
        self.postpone(app, intervals);
        self.change(app, |slot| {
            slot.is_open().then(|| StepState::Failed(error.clone()))
        })
    }

    /// The application is left alone for a pause that doubles.
    pub(super) fn postpone(&mut self, app: &AppKey, intervals: &Intervals) {
        if let Some(work) = self.apps.get_mut(app) {
            work.failures = work.failures.saturating_add(1);
            work.gather_until = None;
            let pause = doubled(
                intervals.first_backoff,
                intervals.longest_step_backoff,
                work.failures,
            );
            work.not_before = Instant::now() + super::jitter::vary(pause, intervals.jitter);
        }
    }

    /// What stood in the way of all is gone: pauses after failures end.
    pub(super) fn hurry(&mut self) {
        for work in self.apps.values_mut().filter(|work| work.failures > 0) {
            work.failures = 0;
            work.not_before = Instant::now();
        }
    }

    /// The stack is another: everything is to be looked at again.
    pub(super) fn start_again(&mut self) -> BTreeSet<PluginKey> {
        let mut changed = BTreeSet::new();
        for app in self.wanted_apps() {
            if let Some(work) = self.apps.get_mut(&app) {
                *work = AppWork::new(work.wishes, Instant::now());
            }
            changed.extend(self.change(&app, |_| Some(StepState::Pending)));
        }
        changed
    }

    fn change(
        &mut self,
        app: &AppKey,
        mut state: impl FnMut(&Slot) -> Option<StepState>,
    ) -> BTreeSet<PluginKey> {
        let mut changed = BTreeSet::new();
        for (plugin, slots) in &mut self.plugins {
            for slot in slots.iter_mut().filter(|slot| slot.outcome.step.app == *app) {
                if let Some(new) = state(slot)
                    && slot.set(new)
                {
                    changed.insert(plugin.clone());
                }
            }
        }
        changed
    }
}

#[cfg(test)]
#[path = "wishes_tests.rs"]
mod tests;

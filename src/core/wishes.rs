//! What the plugins want of the applications of one core, and what became of it.

mod drift;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::error::CoreError;
use super::facts::{AppEdit, AppKey, CoreStep, StepOutcome, StepState};
use super::interests::Interests;
use super::jitter::doubled;
use super::manifest_urls::{Held, Reading};
use super::settings::{Intervals, ListForm};
use super::wish_work::{AppWork, Slot};
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
    /// In each namespace with work, the plugin that had its turn last.
    last_plugin: BTreeMap<String, String>,
    /// The applications about which something new is wished since all were last read together.
    unread: BTreeSet<AppKey>,
    /// When a plugin with much under way was last told of it.
    told: BTreeMap<PluginKey, Instant>,
    /// All applications are to be read together soon.
    stale: bool,
    /// What the plugins need to know.
    pub(super) interests: Interests,
}

/// From so many applications on it is cheaper to read all of them together before each is read for itself.
const READ_TOGETHER: usize = 8;
/// How often a plugin is told how far it is while much is under way.
const TELL_EVERY: Duration = Duration::from_secs(1);

impl WishBook {
    /// Replaces the wishes of a plugin; a step that stays keeps its outcome. A new one that `stood` is known to have held.
    /// Returns whether there is new work.
    pub(super) fn wish(
        &mut self,
        plugin: &PluginKey,
        steps: Vec<CoreStep>,
        stood: &BTreeSet<CoreStep>,
        gather: Duration,
    ) -> bool {
        let old = self.plugins.remove(plugin).unwrap_or_default();
        let mut old: HashMap<CoreStep, Slot> = old
            .into_iter()
            .map(|slot| (slot.outcome.step.clone(), slot))
            .collect();
        let mut slots: Vec<Slot> = Vec::with_capacity(steps.len());
        let mut taken: HashMap<CoreStep, ()> = HashMap::with_capacity(steps.len());
        let mut fresh = false;
        for step in steps {
            if taken.insert(step.clone(), ()).is_some() {
                continue;
            }
            if let Some(slot) = old.remove(&step) {
                slots.push(slot);
                continue;
            }
            fresh = true;
            let stood = stood.contains(&step);
            slots.push(self.begin(plugin, step, stood, gather));
        }
        if !slots.is_empty() {
            self.plugins.insert(plugin.clone(), slots);
        }
        for step in old.into_keys() {
            self.forget_wish(plugin, &step.app);
        }
        fresh
    }

    /// A wish that was not there before.
    fn begin(&mut self, plugin: &PluginKey, step: CoreStep, stood: bool, gather: Duration) -> Slot {
        self.count += 1;
        let now = Instant::now();
        let work = self
            .apps
            .entry(step.app.clone())
            .or_insert_with(|| AppWork::new(BTreeMap::new(), now));
        *work.wishes.entry(plugin.clone()).or_default() += 1;
        work.gather_until.get_or_insert_with(|| now + gather);
        if step.app.user.is_none() {
            self.unread.insert(step.app.clone());
        }
        let outcome = StepOutcome {
            step,
            state: StepState::Pending,
            at: Timestamp::now(),
        };
        Slot {
            outcome,
            number: self.count,
            stood,
        }
    }

    fn forget_wish(&mut self, plugin: &PluginKey, app: &AppKey) {
        let Some(work) = self.apps.get_mut(app) else {
            return;
        };
        if let Some(count) = work.wishes.get_mut(plugin) {
            *count -= 1;
            if *count == 0 {
                work.wishes.remove(plugin);
            }
        }
        if work.wishes.is_empty() {
            self.apps.remove(app);
            self.unread.remove(app);
        }
    }

    /// Whether so much is new that all applications are best read together first.
    pub(super) fn wants_reading(&self) -> bool {
        self.stale || self.unread.len() >= READ_TOGETHER
    }

    /// What is known of the applications is not all that there is to know.
    pub(super) const fn read_together_soon(&mut self) {
        self.stale = true;
    }

    /// All applications are being read together.
    pub(super) fn reading(&mut self) {
        self.unread.clear();
        self.stale = false;
    }

    /// The mark of this moment for [`Self::compare`].
    pub(super) const fn mark(&self) -> u64 {
        self.count
    }

    /// Whether nothing is wished for.
    pub(super) fn is_empty(&self) -> bool {
        self.plugins.is_empty() && self.interests.is_empty()
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

    /// The next application to work on: namespaces take turns, and in each namespace its plugins.
    pub(super) fn next(&mut self, now: Instant) -> Option<AppKey> {
        let mut due: BTreeMap<&str, BTreeMap<&str, &AppKey>> = BTreeMap::new();
        for (plugin, slots) in &self.plugins {
            let mut open = slots
                .iter()
                .filter(|slot| slot.is_open())
                .map(|slot| &slot.outcome.step.app);
            if let Some(app) = open.find(|app| self.due_at(app, true).is_some_and(|at| at <= now)) {
                due.entry(&plugin.namespace)
                    .or_default()
                    .insert(&plugin.name, app);
            }
        }
        let turn = turn(&due, self.last_namespace.as_deref()).and_then(|(namespace, plugins)| {
            let last = self.last_plugin.get(*namespace).map(String::as_str);
            let (plugin, app) = turn(plugins, last)?;
            Some(((*namespace).to_owned(), (*plugin).to_owned(), (*app).clone()))
        });
        if let Some((namespace, plugin, app)) = turn {
            let busy: BTreeSet<String> = due.keys().map(|namespace| (*namespace).to_owned()).collect();
            self.last_plugin.retain(|namespace, _| busy.contains(namespace));
            self.last_plugin.insert(namespace.clone(), plugin);
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
        let wishing = self.apps.get(app).into_iter().flat_map(|work| work.wishes.keys());
        let slots = wishing
            .filter_map(|plugin| self.plugins.get(plugin))
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

    /// The users' own applications are to be looked at: all of them, or those that hide an application of a tenant.
    pub(super) fn look_at_users(&mut self, hiding: Option<&AppKey>) {
        let now = Instant::now();
        for (app, work) in &mut self.apps {
            let hides = hiding.is_none_or(|of| of.tenant == app.tenant && of.name == app.name);
            if app.user.is_some() && hides {
                work.look_at = Some(work.look_at.map_or(now, |at| at.min(now)));
            }
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
                ..AppWork::new(std::mem::take(&mut work.wishes), now + pause)
            };
        }
        let (edits, _) = self.edits(app);
        let reading = Reading::of(configuration);
        let changed = self.change(app, |slot| {
            if slot.number > mark {
                return None;
            }
            match reading.held(&slot.outcome.step.edit, &edits, new_list) {
                Held::Yes if slot.is_open() => Some(StepState::Done { changed }),
                Held::Yes if matches!(slot.outcome.state, StepState::Refused(_)) => {
                    Some(StepState::Done { changed })
                }
                Held::Yes if matches!(slot.outcome.state, StepState::Drifted) => {
                    Some(StepState::Done { changed: false })
                }
                Held::Yes => None,
                Held::No => Some(slot.undone()),
                Held::Refused(why) => Some(StepState::Refused(why)),
            }
        });
        self.pace(changed)
    }

    /// Of those for whom much is still under way, only those who were not told of it a moment ago.
    fn pace(&mut self, changed: BTreeSet<PluginKey>) -> BTreeSet<PluginKey> {
        let now = Instant::now();
        self.told.retain(|_, at| now < *at + TELL_EVERY);
        let busy = |plugin: &PluginKey| {
            let slots = self.plugins.get(plugin).into_iter().flatten();
            let pending = slots.filter(|slot| matches!(slot.outcome.state, StepState::Pending));
            pending.take(READ_TOGETHER).count() == READ_TOGETHER
        };
        let mut told: BTreeSet<PluginKey> = changed;
        told.retain(|plugin| !(busy(plugin) && self.told.contains_key(plugin)));
        self.told.extend(told.iter().map(|plugin| (plugin.clone(), now)));
        told
    }

    /// A bulk reading showed `configuration` after the moment `mark`: what holds is done, what is done and no longer
    /// holds is to be done again, what was refused and no longer is, too.
    pub(super) fn compare(
        &mut self,
        app: &AppKey,
        configuration: &Value,
        mark: u64,
        new_list: ListForm,
    ) -> BTreeSet<PluginKey> {
        let (edits, _) = self.edits(app);
        let reading = Reading::of(configuration);
        let in_doubt = self.in_doubt(app);
        self.change(app, |slot| {
            if slot.number > mark {
                return None;
            }
            match (
                &slot.outcome.state,
                reading.held(&slot.outcome.step.edit, &edits, new_list),
            ) {
                (StepState::Pending | StepState::Failed(_), Held::Yes) if !in_doubt => {
                    Some(StepState::Done { changed: false })
                }
                (StepState::Pending | StepState::Failed(_), _) | (StepState::Done { .. }, Held::Yes) => None,
                (StepState::Refused(_), Held::Refused(why)) => Some(StepState::Refused(why)),
                (StepState::Drifted, Held::Yes) => Some(StepState::Done { changed: false }),
                (StepState::Done { .. } | StepState::Drifted, Held::No) => Some(slot.undone()),
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
                *work = AppWork::new(std::mem::take(&mut work.wishes), Instant::now());
            }
            changed.extend(self.change(&app, |_| Some(StepState::Pending)));
        }
        // What stood in another stack says nothing of this one.
        let slots = self.plugins.values_mut().flatten();
        slots.for_each(|slot| slot.stood = false);
        changed
    }

    fn change(
        &mut self,
        app: &AppKey,
        mut state: impl FnMut(&Slot) -> Option<StepState>,
    ) -> BTreeSet<PluginKey> {
        let mut changed = BTreeSet::new();
        let wishing = self.apps.get(app).into_iter().flat_map(|work| work.wishes.keys());
        for plugin in wishing {
            let slots = self.plugins.get_mut(plugin).into_iter().flatten();
            for slot in slots.filter(|slot| slot.outcome.step.app == *app) {
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

/// Whose turn it is among some, after the one that had it last.
fn turn<'a, K: Ord + AsRef<str>, V>(all: &'a BTreeMap<K, V>, last: Option<&str>) -> Option<(&'a K, &'a V)> {
    let last = last.unwrap_or_default();
    all.iter()
        .find(|(key, _)| key.as_ref() > last)
        .or_else(|| all.iter().next())
}

#[cfg(test)]
#[path = "wishes_tests.rs"]
mod tests;

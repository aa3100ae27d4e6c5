//! Everything that is to be looked at, and everything that is known: the prober's memory. No I/O, no clock.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::fact::ProbeFacts;
use super::job::{ProbeJob, ReadinessJob};
use super::queue::{Lane, Queue, TargetId};
use super::settings::ProbeSettings;
use super::sight::Sight;
use super::target::{Change, Target, Verdict, Wish};
use crate::keys::PluginKey;

/// One look to be taken.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: TargetId,
    epoch: u32,
    lane: Lane,
    pub(super) key: Arc<PluginKey>,
    pub(super) wish: Wish,
}

/// What a plugin's targets are.
#[derive(Debug, Default)]
struct Plugin {
    manifests: Vec<TargetId>,
    readiness: Option<TargetId>,
}

impl Plugin {
    fn targets(&self) -> impl Iterator<Item = TargetId> {
        self.manifests.iter().copied().chain(self.readiness)
    }
}

/// The prober's memory.
#[derive(Debug, Default)]
pub(super) struct Board {
    plugins: HashMap<Arc<PluginKey>, Plugin>,
    /// Boxed: a table of large entries would be half empty.
    targets: HashMap<TargetId, Box<Target>>,
    queue: Queue,
    last_id: TargetId,
    running: usize,
    retrying: usize,
}

impl Board {
    /// Replaces a plugin's wishes. Says whether something may be due earlier than before.
    pub(super) fn want(
        &mut self,
        key: &PluginKey,
        jobs: Vec<ProbeJob>,
        readiness: Option<ReadinessJob>,
        settings: &ProbeSettings,
        now: Instant,
    ) -> bool {
        let (key, old) = match self.plugins.remove_entry(key) {
            Some((key, plugin)) => (key, plugin),
            None => (Arc::new(key.clone()), Plugin::default()),
        };
        let mut left: Vec<TargetId> = old.targets().collect();
        let mut sooner = false;
        let mut new = Plugin::default();
        for job in jobs {
            let known = left.iter().position(|id| {
                let wish = self.targets.get(id).map(|target| &target.wish);
                matches!(wish, Some(Wish::Manifest(known)) if known.name == job.name)
            });
            let known = known.map(|index| left.swap_remove(index));
            let (id, due) = self.place(&key, known, Wish::Manifest(Arc::new(job)), settings, now);
            new.manifests.push(id);
            sooner |= due;
        }
        if let Some(job) = readiness.filter(|job| !job.pods.is_empty()) {
            let known = old.readiness;
            left.retain(|id| Some(*id) != known);
            let (id, due) = self.place(&key, known, Wish::Readiness(Arc::new(job)), settings, now);
            new.readiness = Some(id);
            sooner |= due;
        }
        for id in left {
            self.drop_target(id);
        }
        if new.targets().next().is_some() {
            self.plugins.insert(key, new);
        }
        sooner
    }

    pub(super) fn forget(&mut self, key: &PluginKey) {
        if let Some(plugin) = self.plugins.remove(key) {
            for id in plugin.targets() {
                self.drop_target(id);
            }
        }
    }

    pub(super) fn facts(&self, key: &PluginKey) -> ProbeFacts {
        let Some(plugin) = self.plugins.get(key) else {
            return ProbeFacts::default();
        };
        let manifests = plugin.manifests.iter().filter_map(|id| self.targets.get(id));
        let readiness = plugin.readiness.and_then(|id| self.targets.get(&id));
        ProbeFacts {
            manifests: manifests.filter_map(|target| target.manifest_fact()).collect(),
            readiness: readiness.and_then(|target| target.readiness_fact()),
        }
    }

    /// Nothing is on its way any more: a run ended, and its looks with it.
    pub(super) fn restart(&mut self, now: Instant) {
        self.running = 0;
        self.retrying = 0;
        let interrupted: Vec<_> = self
            .targets
            .iter()
            .filter(|(_, target)| target.running)
            .map(|(id, _)| *id)
            .collect();
        for id in interrupted {
            if let Some(target) = self.targets.get_mut(&id) {
                target.running = false;
            }
            self.schedule(id, Lane::Fresh, now);
        }
    }

    /// The next look that is due, if there is room for one.
    pub(super) fn take(&mut self, now: Instant, settings: &ProbeSettings) -> Option<Task> {
        if self.running >= settings.concurrency.max(1) {
            return None;
        }
        let (lane, id) = self.queue.pop(now, self.may_retry(settings))?;
        let target = self.targets.get_mut(&id)?;
        target.place = None;
        target.running = true;
        self.running += 1;
        self.retrying += usize::from(lane == Lane::Retrying);
        Some(Task {
            id,
            epoch: target.epoch,
            lane,
            key: Arc::clone(&target.key),
            wish: target.wish.clone(),
        })
    }

    /// When to take again, if no look ends before.
    pub(super) fn next_due(&self, settings: &ProbeSettings) -> Option<Instant> {
        if self.running >= settings.concurrency.max(1) {
            return None;
        }
        self.queue.next_due(self.may_retry(settings))
    }

    /// Takes in what a look saw. Returns whether the verdict changed; a look that is void changes nothing.
    pub(super) fn finish(
        &mut self,
        task: &Task,
        sight: Sight,
        settings: &ProbeSettings,
        (now, time): (Instant, Timestamp),
    ) -> bool {
        self.running = self.running.saturating_sub(1);
        self.retrying = self
            .retrying
            .saturating_sub(usize::from(task.lane == Lane::Retrying));
        let Some(target) = self
            .targets
            .get_mut(&task.id)
            .filter(|target| target.epoch == task.epoch)
        else {
            return false;
        };
        target.running = false;
        target.ended = Some(now);
        let sight = sight.after(target.verdict.as_ref().map(|verdict| &verdict.sight));
        let good = sight.is_good();
        let changed = target
            .verdict
            .as_ref()
            .is_none_or(|verdict| verdict.sight != sight);
        target.verdict = Some(Verdict::after(target.verdict.take(), sight, time));
        let again = std::mem::take(&mut target.again) && !good;
        let wait = target.pace.after(good, settings, task.id);
        let wait = if again { wait.min(settings.min_retry) } else { wait };
        self.schedule(
            task.id,
            if good { Lane::Steady } else { Lane::Retrying },
            now + wait,
        );
        changed
    }

    /// A bad verdict may not take all places: half of them stay for the others.
    fn may_retry(&self, settings: &ProbeSettings) -> bool {
        self.retrying < (settings.concurrency / 2).max(1)
    }

    /// Makes or changes a target; says whether it is due sooner.
    fn place(
        &mut self,
        key: &Arc<PluginKey>,
        known: Option<TargetId>,
        wish: Wish,
        settings: &ProbeSettings,
        now: Instant,
    ) -> (TargetId, bool) {
        let Some((id, target)) = known.and_then(|id| Some((id, self.targets.get_mut(&id)?))) else {
            self.last_id += 1;
            self.targets
                .insert(self.last_id, Box::new(Target::new(Arc::clone(key), wish)));
            self.schedule(self.last_id, Lane::Fresh, now);
            return (self.last_id, true);
        };
        let change = target.wish.change_to(&wish);
        if change == Change::Nothing {
            return (id, false);
        }
        target.wish = wish;
        match change {
            Change::Nothing => (id, false),
            Change::Way if target.running => {
                target.again = true;
                (id, false)
            }
            Change::Way => match &target.verdict {
                Some(verdict) if !verdict.sight.is_good() => {
                    // Pods that come and go do not make it faster than the first retry.
                    let due = target
                        .ended
                        .map_or(now, |ended| now.max(ended + settings.min_retry));
                    self.schedule(id, Lane::Fresh, due);
                    (id, true)
                }
                _ => (id, false),
            },
            Change::Thing | Change::Other => {
                if change == Change::Other {
                    target.verdict = None;
                }
                target.epoch = target.epoch.wrapping_add(1);
                target.running = false;
                target.again = false;
                target.pace = super::schedule::Pace::default();
                self.schedule(id, Lane::Fresh, now);
                (id, true)
            }
        }
    }

    fn schedule(&mut self, id: TargetId, lane: Lane, due: Instant) {
        let Some(target) = self.targets.get_mut(&id) else {
            return;
        };
        if let Some(place) = target.place.replace((lane, due)) {
            self.queue.take_out(place, id);
        }
        self.queue.put((lane, due), id);
    }

    fn drop_target(&mut self, id: TargetId) {
        if let Some(target) = self.targets.remove(&id)
            && let Some(place) = target.place
        {
            self.queue.take_out(place, id);
        }
    }
}

#[cfg(test)]
mod tests;

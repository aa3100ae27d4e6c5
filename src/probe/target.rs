//! One thing to look at again and again, and what is known of it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::fact::{ManifestFact, ReadinessFact};
use super::job::{Front, ProbeJob, ReadinessJob};
use super::queue::Place;
use super::schedule::Pace;
use super::sight::Sight;
use crate::keys::PluginKey;

/// What is wished to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Manifest(Arc<ProbeJob>),
    Readiness(Arc<ReadinessJob>),
}

/// What a changed wish does to what is known and to the next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The same wish.
    Nothing,
    /// The way to the same thing changed: what was bad may be good now.
    Way,
    /// The thing changed: it must be looked at once, and a look on its way is void.
    Thing,
    /// It is another thing: what is known of the old one means nothing.
    Other,
}

impl Wish {
    pub(super) fn change_to(&self, new: &Self) -> Change {
        match (self, new) {
            (Self::Manifest(old), Self::Manifest(new)) if old == new => Change::Nothing,
            (Self::Manifest(old), Self::Manifest(new)) => {
                let same = old.url == new.url && old.product == new.product && old.name == new.name;
                if !same || !old.front.is_like(new.front) {
                    Change::Other
                } else if old.revision != new.revision {
                    Change::Thing
                } else {
                    Change::Way
                }
            }
            (Self::Readiness(old), Self::Readiness(new)) if old == new => Change::Nothing,
            (Self::Readiness(old), Self::Readiness(new)) if old.path == new.path => Change::Way,
            _ => Change::Other,
        }
    }
}

/// What is known, and since when.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) sight: Sight,
    at: Timestamp,
    last_good: Option<Timestamp>,
    checked_at: Timestamp,
}

impl Verdict {
    /// The verdict after a new sight, `before` being the one until now.
    pub(super) fn after(before: Option<Self>, sight: Sight, now: Timestamp) -> Self {
        let (at, last_good) = match before {
            Some(before) if before.sight.shows_the_same(&sight) => (before.at, before.last_good),
            Some(before) => (now, before.last_good),
            None => (now, None),
        };
        Self {
            at,
            last_good: if sight.is_good() { Some(now) } else { last_good },
            checked_at: now,
            sight,
        }
    }
}

/// One thing to look at.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) key: Arc<PluginKey>,
    pub(super) wish: Wish,
    pub(super) verdict: Option<Verdict>,
    pub(super) pace: Pace,
    /// Counts up when a look on its way becomes void.
    pub(super) epoch: u32,
    /// Whether a look of this epoch is on its way.
    pub(super) running: bool,
    /// Whether the way changed while a look was on its way.
    pub(super) again: bool,
    pub(super) place: Option<Place>,
    /// When the last look ended.
    pub(super) ended: Option<Instant>,
}

impl Target {
    pub(super) const fn new(key: Arc<PluginKey>, wish: Wish) -> Self {
        Self {
            key,
            wish,
            verdict: None,
            pace: Pace { good: 0, bad: 0 },
            epoch: 0,
            running: false,
            again: false,
            place: None,
            ended: None,
        }
    }

    pub(super) fn manifest_fact(&self) -> Option<ManifestFact> {
        let (Wish::Manifest(job), Some(verdict)) = (&self.wish, &self.verdict) else {
            return None;
        };
        let Sight::Manifest {
            revision,
            front,
            pod,
            control,
            summary,
            validity,
        } = &verdict.sight
        else {
            return None;
        };
        let (public, service) = match job.front {
            Front::Public => (Some(front.clone()), None),
            Front::Service(_) => (None, Some(front.clone())),
        };
        Some(ManifestFact {
            name: job.name.clone(),
            url: job.url.clone(),
            revision: revision.clone(),
            at: verdict.at,
            last_good: verdict.last_good,
            public,
            service,
            validity: *validity,
            pod: pod.clone(),
            control: *control,
            manifest: summary.clone(),
            checked_at: verdict.checked_at,
        })
    }

    pub(super) fn readiness_fact(&self) -> Option<ReadinessFact> {
        let verdict = self.verdict.as_ref()?;
        match verdict.sight {
            Sight::Readiness(look) => Some(ReadinessFact {
                look,
                at: verdict.at,
                checked_at: verdict.checked_at,
            }),
            Sight::Manifest { .. } => None,
        }
    }
}

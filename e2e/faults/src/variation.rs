//! What could have been seen otherwise: the same moments in another order, at other times, twice, or without some of
//! what was seen.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use wazo_plugin_operator::observe::world::World;

use crate::ablation;

/// How a recording is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Two moments are seen in the other order.
    Order,
    /// From some moment on all is seen later.
    Timing,
    /// Each moment is seen twice.
    Repetition,
    /// One moment is not seen.
    Missed,
    /// One kind of observation is not there at all.
    Without(&'static str),
}

impl Kind {
    /// For a person.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Order => "two moments in the other order".to_owned(),
            Self::Timing => "seen later".to_owned(),
            Self::Repetition => "each moment twice".to_owned(),
            Self::Missed => "a moment not seen".to_owned(),
            Self::Without(what) => format!("without {what}"),
        }
    }

    /// Whether all was seen in the end, so that only the same verdict is right.
    #[cfg(test)]
    pub(crate) const fn shows_all(self) -> bool {
        !matches!(self, Self::Without(_))
    }
}

/// A recording, varied.
pub(crate) struct Variation {
    pub(crate) kind: Kind,
    pub(crate) worlds: Vec<World>,
}

/// As many moments of one recording are varied one by one: the last ones, in which it broke.
const MOMENTS: usize = 6;
/// By so much later something is seen. Controllers have half a minute to look at a new object: one that did not for longer
/// would be broken, too, and something else would be true.
const DELAYS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(7),
    Duration::from_secs(15),
];

/// All variations of a recording. The last moment is seen in each of them: without it, something else would be true.
pub(crate) fn all(worlds: &[World]) -> Vec<Variation> {
    let last = worlds.len().saturating_sub(1);
    let first = last.saturating_sub(MOMENTS).max(1);
    let mut variations = Vec::new();
    let mut add = |kind, worlds| variations.push(Variation { kind, worlds });
    for moment in first..last {
        add(Kind::Missed, without_moment(worlds, moment));
        if moment + 1 < last {
            add(Kind::Order, swapped(worlds, moment));
        }
    }
    for delay in DELAYS {
        add(Kind::Timing, delayed(worlds, last, delay));
        if first < last {
            add(Kind::Timing, delayed(worlds, first, delay));
        }
    }
    add(Kind::Repetition, twice(worlds));
    for ablation in &ablation::ALL[1..] {
        let mut worlds = worlds.to_vec();
        worlds.iter_mut().for_each(|world| ablation.apply(world));
        add(Kind::Without(ablation.name), worlds);
    }
    variations
}

fn without_moment(worlds: &[World], moment: usize) -> Vec<World> {
    let mut worlds = worlds.to_vec();
    worlds.remove(moment);
    worlds
}

/// What is seen at a moment and what is seen at the next change places; the clock goes on.
fn swapped(worlds: &[World], moment: usize) -> Vec<World> {
    let mut worlds = worlds.to_vec();
    let (now, next) = (worlds[moment].now, worlds[moment + 1].now);
    worlds.swap(moment, moment + 1);
    worlds[moment].now = now;
    worlds[moment + 1].now = next;
    worlds
}

fn delayed(worlds: &[World], from: usize, delay: Duration) -> Vec<World> {
    let mut worlds = worlds.to_vec();
    for world in &mut worlds[from..] {
        world.now = later(world.now, delay);
    }
    worlds
}

/// Each moment once more, half of the way to the next.
fn twice(worlds: &[World]) -> Vec<World> {
    let mut all = Vec::with_capacity(worlds.len() * 2);
    for (index, world) in worlds.iter().enumerate() {
        all.push(world.clone());
        if let Some(next) = worlds.get(index + 1) {
            let half = next.now.duration_since(world.now).unsigned_abs() / 2;
            all.push(World {
                now: later(world.now, half),
                ..world.clone()
            });
        }
    }
    all
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| moment.checked_add(by).ok())
        .unwrap_or(moment)
}

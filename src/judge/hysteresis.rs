//! When a verdict is told, and when it goes. What decides alone is told, and cleared, by the first observation. What does
//! not must last ten seconds before it counts, and be gone for a minute before it is forgotten, unless the thing itself
//! is seen to be good. What comes and goes stays told, and says so.

use std::collections::BTreeMap;

use serde::Serialize;

use super::candidate::Candidate;
use super::case::{Aspect, Case};
use super::graph::Mask;
use super::rules::{self, Layers};
use super::state::State;
use super::{World, known_faults, was_ready};
use crate::api::fault::{Confidence, Fault};
use crate::api::reason::Reason;
use crate::observe::verdicts::{Past, Verdicts};

/// How long a signal that is not decisive must last before it counts.
const CONFIRM_SECONDS: i64 = 10;
/// How long it must be gone before its verdict goes, where nothing shows that the thing is good.
const CLEAN_SECONDS: i64 = 60;

/// What becomes of a candidate that nothing explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Fate {
    /// It is told.
    Told,
    /// It is explained by another one.
    Explained,
    /// It is told once it has lasted.
    Confirming {
        /// Seconds.
        left: i64,
    },
    /// Its signal is gone, and it is told until that has lasted.
    Held {
        /// Seconds.
        left: i64,
    },
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Which candidate.
    pub candidate: usize,
    /// What became of it.
    pub fate: Fate,
    /// How often it came back within ten minutes, where that is often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flapping: Option<usize>,
}

/// The seconds for which something must last before it counts; `None`: it counts.
pub(super) fn doubt(candidate: &Candidate, world: &World) -> Option<i64> {
    let fault = &candidate.fault;
    let left = CONFIRM_SECONDS - (world.now.as_second() - fault.since.0.as_second());
    let reported = known_faults(world).any(|known| known.reason == fault.reason);
    (!candidate.decisive && !reported && left > 0).then_some(left)
}

/// The same, for what is wrong with a layer.
pub(super) fn doubt_of(state: &State, world: &World) -> Option<i64> {
    match state {
        State::Bad(candidate) => doubt(candidate, world),
        _ => None,
    }
}

/// What becomes of every candidate. Verdicts that are held although their signal is gone are added to the list.
pub(super) fn apply(
    world: &World,
    cases: &mut Vec<Case>,
    masks: &[Mask],
    layers: Option<&Layers>,
) -> Vec<Standing> {
    let mut standings = Vec::with_capacity(cases.len());
    for (candidate, case) in cases.iter_mut().enumerate() {
        let explained = masks.iter().any(|mask| mask.candidate == candidate);
        let left = doubt(&case.candidate, world).filter(|_| case.aspect.must_last());
        let fate = match left {
            _ if explained => Fate::Explained,
            Some(left) => Fate::Confirming { left },
            None => Fate::Told,
        };
        let flapping = past(world, case.reason()).and_then(|past| past.flaps(world.now));
        if let Some(returns) = flapping {
            unsteady(&mut case.candidate.fault, returns);
        }
        standings.push(Standing {
            candidate,
            fate,
            flapping,
        });
    }
    for (case, left, flapping) in held(world, cases, layers) {
        standings.push(Standing {
            candidate: cases.len(),
            fate: Fate::Held { left },
            flapping,
        });
        cases.push(case);
    }
    standings
}

fn past(world: &World, reason: Reason) -> Option<&Past> {
    world.verdicts.of(world.itself.generation, reason)
}

/// What comes and goes is told with less confidence, and says so.
fn unsteady(fault: &mut Fault, returns: usize) {
    fault.confidence = fault.confidence.min(Confidence::Medium);
    let told = "it comes and goes";
    if !fault.contradicting.iter().any(|known| known.starts_with(told)) {
        let often = format!("{told}: it came back {returns} times within ten minutes");
        fault.contradicting.push(often);
    }
}

/// Verdicts whose signals are gone, and not for long enough.
fn held(world: &World, cases: &[Case], layers: Option<&Layers>) -> Vec<(Case, i64, Option<usize>)> {
    // A core's verdict is held by its own WazoCore, if at all.
    let own = known_faults(world).filter(|known| known.caused_by.is_none());
    let gone = own.filter(|known| !cases.iter().any(|case| case.reason() == known.reason));
    gone.filter_map(|known| {
        let past = past(world, known.reason).filter(|past| past.told)?;
        let left = CLEAN_SECONDS - (world.now.as_second() - past.last.as_second());
        let flapping = past.flaps(world.now);
        let aspect = rules::aspect(known.layer);
        let unsettled = !past.decisive && layers.is_some_and(|layers| layers.tells_nothing_of(aspect));
        if left <= 0 || !(flapping.is_some() || unsettled) {
            return None;
        }
        let mut candidate = Candidate {
            fault: known.clone(),
            decisive: past.decisive,
            again: Some(left),
            recalled: true,
        };
        if let Some(returns) = flapping {
            unsteady(&mut candidate.fault, returns);
        }
        Some((Case::new(aspect, candidate), left, flapping))
    })
    .collect()
}

/// A layer as it is shown: what is in doubt, or explained by what is in doubt, takes nothing away yet.
pub(super) fn shown(
    world: &World,
    state: &State,
    aspect: Aspect,
    (cases, masks, standings): (&[Case], &[Mask], &[Standing]),
) -> (State, Option<i64>) {
    let fate = |candidate: usize| standings[candidate].fate;
    let own = cases.iter().position(|case| case.aspect == aspect && case.own);
    let by = own.and_then(|own| masks.iter().find(|mask| mask.candidate == own));
    let nearer = standings.iter().find(|standing| {
        let case = &cases[standing.candidate];
        let told = matches!(standing.fate, Fate::Told | Fate::Held { .. });
        told && case.aspect == aspect && !case.own && case.candidate.fault.blocking
    });
    if let Some(nearer) = nearer.filter(|_| own.is_none() || by.is_some()) {
        let candidate = cases[nearer.candidate].candidate.clone();
        let again = candidate.again;
        return (State::bad(candidate), again);
    }
    let doubtful = match (own.map(fate), by.map(|mask| fate(mask.by))) {
        (Some(Fate::Confirming { left }), _) | (_, Some(Fate::Confirming { left })) => Some(left),
        _ => None,
    };
    match doubtful {
        Some(left) if was_ready(world) => (State::Good, Some(left)),
        Some(left) => {
            let told = "something does not answer; it is looked at again";
            (State::for_now("Confirming", told, left), Some(left))
        }
        None => (state.clone(), state.again()),
    }
}

/// What is to be remembered of these verdicts.
pub(super) fn remember(world: &World, cases: &[Case], standings: &[Standing]) -> Verdicts {
    let of = |wanted: fn(Fate) -> bool| {
        let some = standings.iter().filter(move |standing| wanted(standing.fate));
        some.map(|standing| &cases[standing.candidate])
    };
    let seen: BTreeMap<Reason, bool> = of(|fate| !matches!(fate, Fate::Held { .. }))
        .map(|case| (case.reason(), case.candidate.decisive))
        .collect();
    let told: Vec<Reason> = of(|fate| matches!(fate, Fate::Told | Fate::Held { .. }))
        .map(Case::reason)
        .collect();
    let generation = world.itself.generation;
    world.verdicts.after(generation, &seen, &told, world.now)
}

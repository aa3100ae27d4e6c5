//! What speaks for a candidate and against it beside its own signal: one file per rule. They adjust the confidence only,
//! and never move the blame from one party to another.

mod change;
mod core_away;
mod innocence;
mod neighbours;

use serde::Serialize;

use super::World;
use super::case::Case;
use crate::api::condition::seconds;
use crate::api::fault::{Confidence, Evidence};

/// As much evidence is told.
const MOST_EVIDENCE: usize = 5;

/// Why a confidence is another than the signal alone gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Because {
    /// The plugin's core was away when it began.
    CoreAway,
    /// Nothing was seen from inside the container's boundary.
    Innocence,
    /// What changed before it began.
    Change,
    /// How those do that share something with the plugin.
    Neighbours,
}

/// One adjustment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adjustment {
    /// Which candidate.
    pub candidate: usize,
    /// By which rule.
    pub because: Because,
    /// The confidence before.
    pub from: Confidence,
    /// The confidence after.
    pub to: Confidence,
    /// What was seen.
    pub told: String,
}

/// What a rule makes of a candidate.
struct Weight {
    to: Confidence,
    told: String,
    /// Whether it speaks for the candidate.
    supports: bool,
}

type Rule = fn(&World, &mut Case) -> Option<Weight>;

/// The rules, in the order in which they are weighed.
const RULES: [(Because, Rule); 4] = [
    (Because::CoreAway, core_away::judge),
    (Because::Change, change::judge),
    (Because::Neighbours, neighbours::judge),
    // Nothing that is seen elsewhere makes up for it.
    (Because::Innocence, innocence::judge),
];

/// Weighs every candidate.
pub(super) fn adjust(world: &World, cases: &mut [Case]) -> Vec<Adjustment> {
    let mut adjustments = Vec::new();
    for (candidate, case) in cases.iter_mut().enumerate() {
        for (because, rule) in RULES {
            let from = case.candidate.fault.confidence;
            let Some(weight) = rule(world, case) else { continue };
            adjustments.push(Adjustment {
                candidate,
                because,
                from,
                to: weight.to,
                told: weight.told.clone(),
            });
            case.candidate.fault.confidence = weight.to;
            tell(world, case, because, weight);
        }
    }
    adjustments
}

/// What was seen is told, once, as evidence for the verdict or against it.
fn tell(world: &World, case: &mut Case, because: Because, weight: Weight) {
    let fault = &mut case.candidate.fault;
    if !weight.supports {
        if !fault.contradicting.contains(&weight.told) {
            fault.contradicting.push(weight.told);
        }
        return;
    }
    let vantage = match because {
        Because::Neighbours => "neighbours",
        Because::Change => "change",
        Because::CoreAway | Because::Innocence => "operator",
    };
    let known = fault.evidence.iter().find(|known| known.vantage == vantage);
    let at = known.map_or_else(|| seconds(world.now), |known| known.at.clone());
    fault.evidence.retain(|known| known.vantage != vantage);
    fault.evidence.truncate(MOST_EVIDENCE - 1);
    fault.evidence.push(Evidence {
        vantage: vantage.to_owned(),
        observed: weight.told,
        object: None,
        at,
        trace_id: None,
    });
}

const fn raised(from: Confidence) -> Confidence {
    match from {
        Confidence::Low => Confidence::Medium,
        Confidence::Medium | Confidence::High => Confidence::High,
    }
}

/// What decides alone is doubted, and goes on to count.
const fn lowered(from: Confidence, decisive: bool) -> Confidence {
    match from {
        Confidence::High => Confidence::Medium,
        Confidence::Medium if decisive => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}

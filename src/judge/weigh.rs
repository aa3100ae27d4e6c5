//! What speaks for a candidate and against it beside its own signal. Change and neighbours adjust the confidence only:
//! they never move the blame from one party to another.

use serde::Serialize;

use super::case::{Case, Lean};
use super::{World, grant};
use crate::api::fault::{Confidence, Evidence, Layer, Party, Suspicion};
use crate::api::reason::Reason;
use crate::observe::neighbours::Shared;

/// As much evidence is told.
const MOST_EVIDENCE: usize = 5;

/// Why a confidence is another than the signal alone gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Because {
    /// How those do that share something with the plugin.
    Neighbours,
    /// The plugin's core was away when it began.
    CoreAway,
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

/// Weighs every candidate.
pub(super) fn adjust(world: &World, cases: &mut [Case]) -> Vec<Adjustment> {
    let mut adjustments = Vec::new();
    for (candidate, case) in cases.iter_mut().enumerate() {
        let mut note = |case: &mut Case, because, weight: Weight| {
            let from = case.candidate.fault.confidence;
            adjustments.push(Adjustment {
                candidate,
                because,
                from,
                to: weight.to,
                told: weight.told.clone(),
            });
            case.candidate.fault.confidence = weight.to;
            tell(world, case, because, weight);
        };
        if let Some(weight) = core_away(world, case) {
            note(case, Because::CoreAway, weight);
        }
        // What is recalled was weighed when it was seen; what the core may have caused stays in doubt.
        if !case.candidate.recalled
            && case.lean == Lean::Itself
            && let Some(weight) = neighbours(world, case)
        {
            note(case, Because::Neighbours, weight);
        }
    }
    adjustments
}

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
        Because::CoreAway => "operator→core",
    };
    let known = fault.evidence.iter().find(|known| known.vantage == vantage);
    let at = known.map_or_else(
        || crate::api::condition::seconds(world.now),
        |known| known.at.clone(),
    );
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

/// A process that began to fail while the core was away may have died of that: nobody is blamed, the core is suspected.
fn core_away(world: &World, case: &mut Case) -> Option<Weight> {
    let fault = &mut case.candidate.fault;
    let seen = world.core.as_ref().filter(|_| !grant::is_withheld(world))?;
    let excused = seen.excused();
    let core = seen.fault().or(excused.map(|excused| &excused.fault))?;
    let away =
        core.blocking && matches!(core.party, Party::Core | Party::Path) && core.since.0 <= fault.since.0;
    let of_the_process = matches!(
        fault.reason,
        Reason::ProcessExited | Reason::ProcessCrashed | Reason::ProcessCompleted | Reason::ReportsUnhealthy
    );
    if !away || !of_the_process || fault.caused_by.is_some() {
        return None;
    }
    fault.contradicting.clear();
    fault.missing = vec!["a start of the process while the core answers".to_owned()];
    case.lean = if excused.is_some() {
        Lean::Nobody
    } else {
        Lean::Toward(Suspicion {
            party: core.party,
            reason: core.reason,
        })
    };
    Some(Weight {
        to: Confidence::Low,
        told: format!("it began while the core was away ({})", core.reason),
        supports: false,
    })
}

/// How those do that share something with the plugin.
enum Neighbourhood {
    /// Many fail alike: what they share is meant.
    Alike(String),
    /// None of them fails alike: it is the plugin's own side.
    Alone(String),
}

/// Namespaces count, so that nobody outvotes others with many plugins of his own.
fn neighbourhood(world: &World, layer: Layer) -> Option<Neighbourhood> {
    let sharing = world.neighbours.sharing(layer);
    if let Some(Shared { what, standing }) = sharing.iter().find(|shared| shared.standing.accuses(layer)) {
        let ill = 1 + standing.ill_at(layer).namespaces;
        let of = ill + standing.well.namespaces;
        let told = format!("plugins of {ill} of {of} namespaces with the same {what} fail at the same layer");
        return Some(Neighbourhood::Alike(told));
    }
    let alone = !sharing.is_empty() && sharing.iter().all(|shared| shared.standing.clears(layer));
    alone.then(|| {
        let well =
            |shared: &Shared<'_>| format!("{} with the same {}", shared.standing.well.plugins, shared.what);
        let mut told: Vec<String> = sharing.iter().map(well).collect();
        told.sort();
        told.dedup();
        Neighbourhood::Alone(format!("other plugins do well: {}", told.join(", ")))
    })
}

/// Many that share a thing and fail alike speak for the shared thing; one that fails alone among others that do well
/// speaks for its own side.
fn neighbours(world: &World, case: &mut Case) -> Option<Weight> {
    let fault = &case.candidate.fault;
    let of_shared = matches!(
        fault.party,
        Party::Cluster | Party::Dependency | Party::Core | Party::Path
    );
    let of_itself = matches!(fault.party, Party::Partner | Party::Config);
    let (from, decisive) = (fault.confidence, case.candidate.decisive);
    let (to, told, supports) = match neighbourhood(world, fault.layer)? {
        Neighbourhood::Alike(told) if of_shared => (raised(from), told, true),
        Neighbourhood::Alike(told) if of_itself => (lowered(from, decisive), told, false),
        // They clear what is shared, and convict nobody.
        Neighbourhood::Alone(told) if of_itself => (from.max(Confidence::Medium), told, true),
        // What decides alone is not doubted because others do well.
        Neighbourhood::Alone(told) if of_shared && !decisive => (lowered(from, decisive), told, false),
        Neighbourhood::Alike(_) | Neighbourhood::Alone(_) => return None,
    };
    Some(Weight { to, told, supports })
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

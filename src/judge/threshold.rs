//! Who is not sure enough blames nobody: a party other than `Unknown` needs medium confidence at least. Otherwise the
//! best guess is told as a suspicion, with what would tell more.

use serde::Serialize;

use super::case::{Case, Lean};
use crate::api::fault::{Confidence, Party, Suspicion};

/// A candidate that blames nobody any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Withheld {
    /// Which candidate.
    pub candidate: usize,
    /// The party that the evidence points to, and not well enough.
    pub party: Party,
}

/// Lets every candidate below the threshold blame nobody.
pub(super) fn apply(cases: &mut [Case]) -> Vec<Withheld> {
    let below = |case: &Case| {
        let fault = &case.candidate.fault;
        fault.confidence < Confidence::Medium && fault.party != Party::Unknown
    };
    let mut withheld = Vec::new();
    for (candidate, case) in cases.iter_mut().enumerate().filter(|(_, case)| below(case)) {
        let fault = &mut case.candidate.fault;
        withheld.push(Withheld {
            candidate,
            party: fault.party,
        });
        fault.suspected = match &case.lean {
            Lean::Itself => Some(Suspicion {
                party: fault.party,
                reason: fault.reason,
            }),
            Lean::Toward(suspicion) => Some(suspicion.clone()),
            Lean::Nobody => None,
        };
        fault.party = Party::Unknown;
        if fault.missing.is_empty() {
            fault
                .missing
                .push("an observation from another vantage".to_owned());
        }
    }
    withheld
}

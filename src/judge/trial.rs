//! From candidates to verdicts: explained by the graph, weighed, held against the threshold, and told when they have
//! lasted. The only way to a verdict on a plugin.

use super::candidate::{Candidate, settle};
use super::case::{Aspect, Case};
use super::graph::{self, Mask};
use super::hysteresis::{self, Fate, Standing};
use super::reckoning::{Reckoning, Suspect};
use super::rules::Layers;
use super::state::State;
use super::threshold::{self, Withheld};
use super::weigh::{self, Adjustment};
use super::{Assessment, OTHER_FAULTS, World, known_faults};
use crate::api::fault::Fault;
use crate::observe::verdicts::Verdicts;

/// Candidates, and what every step made of them.
pub(super) struct Trial {
    suspects: Vec<Suspect>,
    cases: Vec<Case>,
    masks: Vec<Mask>,
    adjustments: Vec<Adjustment>,
    threshold: Vec<Withheld>,
    standings: Vec<Standing>,
}

impl Trial {
    /// Takes every step.
    pub(super) fn of(world: &World, mut cases: Vec<Case>, layers: Option<&Layers>) -> Self {
        let known: Vec<&Fault> = known_faults(world).collect();
        for case in &mut cases {
            case.candidate.fault = settle(case.candidate.fault.clone(), &known);
        }
        let suspects = cases.iter().map(suspect).collect();
        let masks = graph::masks(&cases);
        let adjustments = weigh::adjust(world, &mut cases);
        let threshold = threshold::apply(&mut cases);
        let standings = hysteresis::apply(world, &mut cases, &masks, layers);
        Self {
            suspects,
            cases,
            masks,
            adjustments,
            threshold,
            standings,
        }
    }

    /// A layer as it is shown. Also: the seconds after which time alone may change it.
    pub(super) fn shown(&self, world: &World, aspect: Aspect, state: &State) -> (State, Option<i64>) {
        let trial = (&self.cases[..], &self.masks[..], &self.standings[..]);
        hysteresis::shown(world, state, aspect, trial)
    }

    /// Another verdict, which the others leave room for.
    pub(super) fn add(&mut self, world: &World, candidate: Candidate) {
        let known: Vec<&Fault> = known_faults(world).collect();
        let mut case = Case::new(Aspect::Grant, candidate);
        case.candidate.fault = settle(case.candidate.fault, &known);
        self.standings.push(Standing {
            candidate: self.cases.len(),
            fate: Fate::Told,
            flapping: None,
        });
        self.cases.push(case);
    }

    /// The verdicts, the first one first.
    pub(super) fn verdicts(&self) -> Vec<Fault> {
        let told: Vec<usize> = self.told().map(|standing| standing.candidate).collect();
        let mut order = graph::order(&self.cases, &told);
        order.truncate(1 + OTHER_FAULTS);
        order
            .into_iter()
            .map(|place| self.cases[place].candidate.fault.clone())
            .collect()
    }

    /// The seconds after which time alone may change a verdict.
    pub(super) fn again(&self) -> Option<i64> {
        let due = self.standings.iter().filter_map(|standing| match standing.fate {
            Fate::Confirming { left } | Fate::Held { left } => Some(left),
            Fate::Told => self.cases[standing.candidate].candidate.again,
            Fate::Explained => None,
        });
        due.min()
    }

    /// What is to be remembered.
    pub(super) fn remember(&self, world: &World) -> Verdicts {
        hysteresis::remember(world, &self.cases, &self.standings)
    }

    pub(super) fn reckoning(self, assessment: Assessment) -> Reckoning {
        Reckoning {
            verdicts: assessment.faults.clone(),
            candidates: self.suspects,
            masks: self.masks,
            adjustments: self.adjustments,
            threshold: self.threshold,
            hysteresis: self.standings,
            assessment,
        }
    }

    fn told(&self) -> impl Iterator<Item = &Standing> {
        let told = |standing: &&Standing| matches!(standing.fate, Fate::Told | Fate::Held { .. });
        self.standings.iter().filter(told)
    }
}

fn suspect(case: &Case) -> Suspect {
    Suspect {
        aspect: case.aspect,
        place: case.place,
        decisive: case.candidate.decisive,
        fault: case.candidate.fault.clone(),
    }
}

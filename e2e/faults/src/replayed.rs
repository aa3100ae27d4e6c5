//! What the judge makes of recordings that are varied: the same faults, seen otherwise.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use wazo_plugin_operator::api::fault::{Confidence, Fault, Party};
use wazo_plugin_operator::observe::world::World;
use wazo_plugin_operator::recording::{read, replay};

use crate::ablation;
use crate::case::{Kind as CaseKind, Truth};
use crate::line::Line;
use crate::play::STANDS;
use crate::variation::{self, Kind};

/// For so long time goes on after the last moment, in seconds: what has to last first is told by then.
const AFTERWARDS: i64 = 60;

/// What one variation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It names the party whose part was broken; of a control: nobody, at any time.
    Right,
    /// It names nobody, and says that it does not know.
    Unknown,
    /// It says nothing.
    Silent,
    /// It names somebody else.
    Wrong,
}

/// Counts of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) right: usize,
    pub(crate) unknown: usize,
    pub(crate) silent: usize,
    pub(crate) wrong: usize,
    /// Variations that at any time named somebody else with high confidence.
    pub(crate) wrong_high: usize,
}

impl Tally {
    pub(crate) const fn all(&self) -> usize {
        self.right + self.unknown + self.silent + self.wrong
    }

    fn add(&mut self, outcome: Outcome, wrong_high: bool) {
        match outcome {
            Outcome::Right => self.right += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Silent => self.silent += 1,
            Outcome::Wrong => self.wrong += 1,
        }
        self.wrong_high += usize::from(wrong_high);
    }
}

/// What is true of a recording.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) kind: CaseKind,
    pub(crate) truth: &'a [Truth],
    /// When it was broken: what was said before is not about it.
    pub(crate) injected: Option<Timestamp>,
}

impl Told<'_> {
    fn is_party(&self, party: Party) -> bool {
        let name = format!("{party:?}");
        self.truth.iter().any(|truth| truth.parties.contains(&name))
    }

    /// What the verdicts of a replay come to, and whether one of them was wrong and sure.
    pub(crate) fn outcome(&self, verdicts: &[(Timestamp, Option<Fault>)]) -> (Outcome, bool) {
        let since = self.injected.unwrap_or(Timestamp::MIN);
        let told = || {
            let since = verdicts.iter().filter(move |(at, _)| *at >= since);
            since.filter_map(|(_, fault)| fault.as_ref())
        };
        let wrong = |fault: &&Fault| fault.party != Party::Unknown && !self.is_party(fault.party);
        let wrong_high = told().any(|fault| wrong(&fault) && fault.confidence == Confidence::High);
        if self.kind == CaseKind::Control {
            let silent = told().next().is_none();
            return (if silent { Outcome::Right } else { Outcome::Wrong }, wrong_high);
        }
        let outcome = match verdicts.last().and_then(|(_, fault)| fault.as_ref()) {
            None => Outcome::Silent,
            Some(fault) if self.is_party(fault.party) => Outcome::Right,
            Some(fault) if fault.party == Party::Unknown => Outcome::Unknown,
            Some(_) => Outcome::Wrong,
        };
        (outcome, wrong_high)
    }
}

/// The first verdict at each moment of a replay.
pub(crate) fn verdicts(worlds: Vec<World>) -> Vec<(Timestamp, Option<Fault>)> {
    let steps = replay::replay(worlds, AFTERWARDS).into_iter();
    steps.map(|step| (step.world.now, step.status.fault)).collect()
}

/// The recorded moments of a case up to the mending; `None`: it was not recorded.
pub(crate) fn recorded(directory: &Path, line: &Line) -> Option<Vec<World>> {
    let mut worlds = read(&ablation::file(directory, &line.name)).ok()?;
    // A right verdict stands for some seconds before anything is mended; that takes a while, too.
    let stood = line.right.and_then(|right| right.checked_add(STANDS).ok());
    let until = stood.or(line.healed).unwrap_or(Timestamp::MAX);
    worlds.retain(|world| world.now < until);
    (worlds.len() > 1).then_some(worlds)
}

/// What all variations of all recordings come to, by the kind of the variation.
pub(crate) fn tallies(directory: &Path, lines: &[Line]) -> BTreeMap<Kind, Tally> {
    let mut tallies: BTreeMap<Kind, Tally> = BTreeMap::new();
    let counted = |line: &&Line| line.trouble.is_none() && line.undecidable.is_none();
    for line in lines.iter().filter(counted) {
        let Some(worlds) = recorded(directory, line) else {
            continue;
        };
        let told = Told {
            kind: line.kind,
            truth: &line.truth,
            injected: line.injected,
        };
        for variation in variation::all(&worlds) {
            let (outcome, wrong_high) = told.outcome(&verdicts(variation.worlds));
            tallies
                .entry(variation.kind)
                .or_default()
                .add(outcome, wrong_high);
        }
    }
    tallies
}

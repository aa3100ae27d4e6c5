//! How a verdict came about, step by step: what was suspected, what explains what, what was weighed, and what was told.

use std::fmt;

use serde::Serialize;

use super::Assessment;
use super::case::Aspect;
use super::graph::Mask;
use super::hysteresis::{Fate, Standing};
use super::threshold::Withheld;
use super::weigh::Adjustment;
use crate::api::fault::{Confidence, Fault, Layer, Party};
use crate::api::reason::Reason;

/// What a rule found, as it was before anything was weighed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspect {
    /// Which part of the status shows it.
    pub aspect: Aspect,
    /// Where in the graph it stands; absent: nowhere.
    pub place: Option<Layer>,
    /// Whether its signal decides alone.
    pub decisive: bool,
    /// What the rule would say.
    pub fault: Fault,
}

/// How a verdict came about. Candidates are named by their place in the list.
#[derive(Clone, Debug, Serialize)]
pub struct Reckoning {
    /// What the rules found.
    pub candidates: Vec<Suspect>,
    /// What explains what.
    pub masks: Vec<Mask>,
    /// What change and neighbours did to the confidence.
    pub adjustments: Vec<Adjustment>,
    /// Who is not blamed, since nobody is sure enough.
    pub threshold: Vec<Withheld>,
    /// What is told now, what must last first, and what is held. May name verdicts behind the candidates: those are held.
    pub hysteresis: Vec<Standing>,
    /// The verdicts, the first one first.
    pub verdicts: Vec<Fault>,
    /// What is true of the plugin.
    #[serde(skip)]
    pub assessment: Assessment,
}

impl fmt::Display for Reckoning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_candidates(f)?;
        self.write_steps(f)?;
        writeln!(f, "verdict")?;
        if self.verdicts.is_empty() {
            writeln!(f, "  nothing is wrong")?;
        }
        for fault in &self.verdicts {
            write_fault(f, fault)?;
        }
        Ok(())
    }
}

impl Reckoning {
    fn write_candidates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "candidates")?;
        if self.candidates.is_empty() {
            writeln!(f, "  none")?;
        }
        for (number, suspect) in self.candidates.iter().enumerate() {
            let Suspect {
                place,
                decisive,
                fault,
                ..
            } = suspect;
            let place = place.map_or_else(|| "apart".to_owned(), |layer| format!("{layer:?}"));
            let kind = if *decisive { "decisive" } else { "must last" };
            let head = head(fault);
            writeln!(f, "  #{number} {head} at {place}, {kind}: {}", fault.message)?;
            for evidence in &fault.evidence {
                writeln!(f, "      {}: {}", evidence.vantage, evidence.observed)?;
            }
        }
        Ok(())
    }

    fn write_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = |f: &mut fmt::Formatter<'_>, empty: bool| {
            if empty { writeln!(f, "  none") } else { Ok(()) }
        };
        writeln!(f, "masks")?;
        none(f, self.masks.is_empty())?;
        for Mask { candidate, by } in &self.masks {
            writeln!(f, "  #{candidate} is explained by #{by}")?;
        }
        writeln!(f, "adjustments")?;
        none(f, self.adjustments.is_empty())?;
        for step in &self.adjustments {
            let Adjustment {
                candidate,
                because,
                from,
                to,
                told,
            } = step;
            writeln!(f, "  #{candidate} {from:?} → {to:?} by {because:?}: {told}")?;
        }
        writeln!(f, "threshold")?;
        none(f, self.threshold.is_empty())?;
        for Withheld { candidate, party } in &self.threshold {
            writeln!(f, "  #{candidate} does not blame {party:?}: not sure enough")?;
        }
        writeln!(f, "hysteresis")?;
        none(f, self.hysteresis.is_empty())?;
        for standing in &self.hysteresis {
            write_standing(f, standing)?;
        }
        Ok(())
    }
}

fn write_standing(f: &mut fmt::Formatter<'_>, standing: &Standing) -> fmt::Result {
    let number = standing.candidate;
    match standing.fate {
        Fate::Told => write!(f, "  #{number} is told")?,
        Fate::Explained => write!(f, "  #{number} is explained")?,
        Fate::Confirming { left } => write!(f, "  #{number} must last for another {left} s")?,
        Fate::Held { left } => write!(f, "  #{number} is gone, and told for another {left} s")?,
    }
    match standing.flapping {
        Some(returns) => writeln!(f, ", and came back {returns} times"),
        None => writeln!(f),
    }
}

fn head(fault: &Fault) -> String {
    let Fault {
        party,
        reason,
        confidence,
        ..
    } = fault;
    words(*party, *reason, *confidence)
}

fn words(party: Party, reason: Reason, confidence: Confidence) -> String {
    format!("{party:?} · {reason} ({confidence:?})")
}

fn write_fault(f: &mut fmt::Formatter<'_>, fault: &Fault) -> fmt::Result {
    let blocking = if fault.blocking { "" } else { ", blocks nothing" };
    writeln!(
        f,
        "  {} at {:?}{blocking}: {}",
        head(fault),
        fault.layer,
        fault.message
    )?;
    if let Some(suspicion) = &fault.suspected {
        writeln!(f, "      suspected: {:?} · {}", suspicion.party, suspicion.reason)?;
    }
    for text in &fault.contradicting {
        writeln!(f, "      against it: {text}")?;
    }
    for text in &fault.missing {
        writeln!(f, "      missing: {text}")?;
    }
    writeln!(f, "      next step: {}", fault.action)
}

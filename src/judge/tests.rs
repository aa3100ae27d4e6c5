//! The judge, held against worlds in which one thing is broken at a time, and then two.

mod certificate;
mod chains;
mod control;
mod core;
mod core_signs;
mod evidence;
mod expiry;
mod exposure;
mod hysteresis;
mod in_cluster;
mod ingress;
mod killed;
mod neighbours;
mod origin;
mod phases;
mod properties;
mod recordings;
mod restart;
mod sources;
mod surroundings;
mod table_container;
mod table_pods;
mod table_reach;

use super::{Assessment, Phase, assess};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::observe::world::World;

/// [`Phase`] without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Ready,
    Progressing,
    Retrying,
    Stalled,
    Ill,
}

fn doing(assessment: &Assessment) -> Doing {
    match assessment.phase {
        Phase::Ready => Doing::Ready,
        Phase::Progressing { .. } => Doing::Progressing,
        Phase::Retrying(_) => Doing::Retrying,
        Phase::Stalled { .. } => Doing::Stalled,
        Phase::Ill(_) => Doing::Ill,
    }
}

/// Party, layer, reason, confidence and whether it blocks: of each fault, the first one first.
fn verdicts(assessment: &Assessment) -> Vec<(Party, Layer, Reason, Confidence, bool)> {
    assessment
        .faults
        .iter()
        .map(|fault| {
            (
                fault.party,
                fault.layer,
                fault.reason,
                fault.confidence,
                fault.blocking,
            )
        })
        .collect()
}

fn reasons(assessment: &Assessment) -> Vec<Reason> {
    assessment.faults.iter().map(|fault| fault.reason).collect()
}

/// One broken thing and the one verdict on it.
struct Row {
    what: &'static str,
    world: World,
    party: Party,
    layer: Layer,
    reason: Reason,
    confidence: Confidence,
    doing: Doing,
}

/// A [`Row`] in one line.
type Told = (&'static str, World, Party, Layer, Reason, Confidence, Doing);

fn rows(told: Vec<Told>) -> impl Iterator<Item = Row> {
    told.into_iter()
        .map(|(what, world, party, layer, reason, confidence, doing)| Row {
            what,
            world,
            party,
            layer,
            reason,
            confidence,
            doing,
        })
}

/// Each row: the only fault, blocking, as told; and a fault says on what evidence, and what to do.
fn check(rows: impl IntoIterator<Item = Row>) {
    for row in rows {
        let what = row.what;
        let assessment = assess(&row.world);
        assert_eq!(
            verdicts(&assessment),
            [(row.party, row.layer, row.reason, row.confidence, true)],
            "{what}"
        );
        assert_eq!(doing(&assessment), row.doing, "{what}: {:?}", assessment.phase);
        let fault = &assessment.faults[0];
        assert!(!fault.message.is_empty() && !fault.action.is_empty(), "{what}");
        assert!(!fault.evidence.is_empty(), "{what}: a verdict without evidence");
        assert!(
            fault.confidence == Confidence::High || !fault.missing.is_empty(),
            "{what}: what would raise the confidence?"
        );
    }
}

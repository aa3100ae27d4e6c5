//! How a plugin is doing as a whole, from its layers and what is wrong with them.

use super::candidate::Candidate;
use super::registration::Row;
use super::rules::candidate_of;
use super::state::State;
use super::{World, settled};
use crate::api::fault::{Fault, Party, Resolution};
use crate::api::reason::Reason;

/// How the whole is doing: what the conditions `Ready`, `Reconciling` and `Stalled` are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The spec is in force and works.
    Ready,
    /// Work goes on, and nothing is wrong.
    Progressing {
        /// A stable CamelCase word.
        reason: String,
        /// For a person.
        message: String,
    },
    /// Something is wrong, and work goes on that may succeed by itself.
    Retrying(Reason),
    /// Somebody must act: the spec must change, or the rollout took too long.
    Stalled {
        /// A stable CamelCase word.
        reason: String,
        /// For a person.
        message: String,
    },
    /// Nothing is left to do, but the plugin is ill.
    Ill(Reason),
}

pub(super) fn phase(
    world: &World,
    waiting: Option<(&'static str, String)>,
    first: Option<&Fault>,
    done: bool,
    expired: bool,
) -> Phase {
    if done {
        return Phase::Ready;
    }
    let Some(fault) = first.filter(|fault| fault.blocking) else {
        let (reason, message) = waiting.unwrap_or(("Progressing", "work goes on".to_owned()));
        if expired {
            return Phase::Stalled {
                reason: Reason::RolloutDeadlineExceeded.to_string(),
                message,
            };
        }
        return Phase::Progressing {
            reason: reason.to_owned(),
            message,
        };
    };
    let stalled = || Phase::Stalled {
        reason: fault.reason.to_string(),
        message: fault.message.clone(),
    };
    // What the core's account lacks comes back by itself, so the plugin goes on trying; the WazoCore is Stalled.
    let own = fault.caused_by.is_none();
    if own && (fault.resolution == Resolution::SpecChange || expired) {
        return stalled();
    }
    // A core that is away leaves work to do, and so do errors of our own; a plugin that broke at run time leaves none.
    if own && fault.party != Party::Operator && settled(world) && waiting.is_none() {
        Phase::Ill(fault.reason)
    } else {
        Phase::Retrying(fault.reason)
    }
}

/// What is waited for, where something is: its word, and for a person.
pub(super) fn waiting(chain: [&State; 4], rows: &[Row]) -> Option<(&'static str, String)> {
    unmasked(chain)
        .into_iter()
        .chain(rows.iter().map(|row| &row.state))
        .find_map(|state| match state {
            State::Waiting { reason, message, .. } => Some((*reason, message.clone())),
            _ => None,
        })
}

/// The layers up to the first one that is broken: it explains what those behind it wait for.
fn unmasked(chain: [&State; 4]) -> Vec<&State> {
    let blocks = |state: &State| candidate_of(state).is_some_and(|candidate| candidate.fault.blocking);
    let end = chain
        .iter()
        .position(|state| blocks(state))
        .unwrap_or(chain.len());
    chain.into_iter().take(end + 1).collect()
}

/// The rollout took too long, and nobody is known to be at fault.
pub(super) fn too_late(world: &World, waiting: Option<&(&'static str, String)>) -> Candidate {
    let last = waiting.map_or("work goes on", |(_, message)| message.as_str());
    let told = format!("the rollout did not end in time: {last}");
    Candidate::new(Reason::RolloutDeadlineExceeded, world.now, told)
        .evidence(
            "operator",
            last,
            Some(format!("WazoPlugin/{}", world.itself.key.name)),
        )
        .indirect("a signal that tells what the rollout waits for")
}

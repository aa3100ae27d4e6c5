//! A wish with what became of it, and the work on one application.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::time::Instant;

use super::facts::{AppEdit, StepOutcome, StepState};
use crate::keys::PluginKey;

/// A wish of one plugin.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) outcome: StepOutcome,
    pub(super) number: u64,
    /// It is known to have held before this process looked.
    pub(super) stood: bool,
}

impl Slot {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.outcome.state, StepState::Pending | StepState::Failed(_))
    }

    /// Whether it is somebody else's doing where it does not hold. A user's own application is made anew whenever his
    /// tenant's changes, and what is to be absent is taken out however often it comes.
    pub(super) fn would_drift(&self) -> bool {
        let step = &self.outcome.step;
        let held = self.stood || matches!(self.outcome.state, StepState::Done { .. } | StepState::Drifted);
        held && step.app.user.is_none() && matches!(step.edit, AppEdit::Present(_))
    }

    /// What becomes of it where it does not hold.
    pub(super) fn undone(&self) -> StepState {
        if self.would_drift() {
            StepState::Drifted
        } else {
            StepState::Pending
        }
    }

    /// Sets the state; returns whether it is another than before.
    pub(super) fn set(&mut self, state: StepState) -> bool {
        if same(&self.outcome.state, &state) {
            return false;
        }
        self.outcome = StepOutcome {
            step: self.outcome.step.clone(),
            state,
            at: Timestamp::now(),
        };
        true
    }
}

/// The work on one application.
#[derive(Debug)]
pub(super) struct AppWork {
    /// How many wishes each plugin has about it.
    pub(super) wishes: BTreeMap<PluginKey, usize>,
    /// While others are likely to want the same at the same time: one write for all of them.
    pub(super) gather_until: Option<Instant>,
    pub(super) not_before: Instant,
    pub(super) failures: u32,
    /// A write of ours may have had an effect that was not seen yet.
    pub(super) in_doubt: bool,
    /// When to look once more, although nothing is to be done.
    pub(super) look_at: Option<Instant>,
}

impl AppWork {
    pub(super) const fn new(wishes: BTreeMap<PluginKey, usize>, not_before: Instant) -> Self {
        Self {
            wishes,
            gather_until: None,
            not_before,
            failures: 0,
            in_doubt: false,
            look_at: None,
        }
    }
}

fn same(one: &StepState, two: &StepState) -> bool {
    match (one, two) {
        (StepState::Pending, StepState::Pending) | (StepState::Drifted, StepState::Drifted) => true,
        (StepState::Done { changed: a }, StepState::Done { changed: b }) => a == b,
        (StepState::Refused(a), StepState::Refused(b)) => a == b,
        (StepState::Failed(a), StepState::Failed(b)) => a.is_like(b),
        _ => false,
    }
}

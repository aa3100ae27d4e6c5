//! The frame of every way: a blow is armed, whatever is struck down is raised again, and the end is looked at.

use std::ops::AsyncFn;
use std::sync::Arc;

use panel::Panel;
use serde_json::Value;

use super::PLUGIN;
use super::end;
use crate::gate::{Asked, Gate, Point};
use crate::trial::Trial;

/// What one run came to.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// The state at the end, without what differs from run to run by nature.
    pub(super) end: Value,
    /// What the first operator had asked for.
    pub(super) mutations: Vec<Asked>,
    /// Whether it was struck.
    pub(super) struck: bool,
}

/// A way under a blow that may fall at any moment.
pub(super) struct Course<'t> {
    pub(super) trial: &'t mut Trial,
    gate: Arc<Gate>,
    raised: bool,
}

impl<'t> Course<'t> {
    /// An operator that begins under the blow: it starts here.
    pub(super) fn from_the_start(trial: &'t mut Trial, point: Option<Point>) -> Self {
        let gate = Gate::open();
        gate.arm(point);
        trial.start_behind(gate.clone());
        Self {
            trial,
            gate,
            raised: false,
        }
    }

    /// An operator that runs behind a gate, from here on under the blow.
    pub(super) fn from_here(trial: &'t mut Trial, gate: Arc<Gate>, point: Option<Point>) -> Self {
        gate.arm(point);
        Self {
            trial,
            gate,
            raised: false,
        }
    }

    /// Waits for something; where the operator dies meanwhile, under the next one.
    pub(super) async fn survives(&mut self, wanted: impl AsyncFn(&Trial)) {
        if !self.raised {
            tokio::select! {
                () = self.gate.died() => {}
                () = wanted(self.trial) => return,
            }
            self.raise();
        }
        wanted(self.trial).await;
    }

    /// Lets no blow fall any more, and waits for what must come all the same: it may have fallen right behind the last
    /// write that was waited for.
    pub(super) async fn settles(&mut self, wanted: impl AsyncFn(&Trial)) {
        self.gate.disarm();
        if self.gate.is_dead() && !self.raised {
            self.raise();
        }
        wanted(self.trial).await;
    }

    fn raise(&mut self) {
        self.gate.disarm();
        self.trial.start();
        self.raised = true;
    }

    /// What it came to.
    pub(super) async fn ended(self) -> Run {
        Run {
            end: end::state(self.trial).await,
            mutations: self.gate.mutations(),
            struck: self.gate.disarm(),
        }
    }
}

/// A plugin that is Ready, under an operator behind a gate.
pub(super) async fn standing(trial: &mut Trial) -> Arc<Gate> {
    standing_with(trial).await.0
}

/// The same, with the panel that answers for it.
pub(super) async fn standing_with(trial: &mut Trial) -> (Arc<Gate>, Arc<Panel>) {
    trial.wiring().calm();
    trial.connect().await;
    let gate = trial.start();
    let panel = trial.ready_plugin(PLUGIN).await;
    (gate, panel)
}

/// Waits until the plugin is Ready without a fault.
pub(super) async fn well(trial: &Trial) {
    trial.well(PLUGIN).await;
}

/// Waits until the plugin and its core are Ready without a fault.
pub(super) async fn all_well(trial: &Trial) {
    trial.well(PLUGIN).await;
    trial
        .core_until("Ready", |seen| seen.is_ready() && !seen.has_fault())
        .await;
}

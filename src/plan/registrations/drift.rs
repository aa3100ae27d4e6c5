//! URLs of the plugin that somebody else took out of an application: put back, or left so.

use std::collections::{BTreeMap, BTreeSet};

use super::standing::Became;
use super::ui;
use crate::api::parse::Plugin;
use crate::core::facts::{AppEdit, AppKey, CoreStep, StepState};
use crate::judge::registration;
use crate::observe::drift_status::of_application;
use crate::observe::memory::{Drift, Fight};
use crate::observe::world::World;
use crate::plan::drift;

/// What is to be done about drift of applications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drifts {
    /// The steps of which the status says that they held, where this process knows nothing yet.
    pub stood: BTreeSet<CoreStep>,
    /// The steps that are wished for anew.
    pub put_back: Vec<CoreStep>,
    /// What is told of them.
    pub corrected: Vec<Drift>,
    /// What is to be remembered from now on.
    pub fights: BTreeMap<AppKey, Fight>,
}

/// Looks at every step that is wished for.
pub(super) fn of(world: &World, plugin: &Plugin, became: &Became<'_>, steps: &[CoreStep]) -> Drifts {
    let mut drifts = Drifts::default();
    if world.outcomes.is_empty() {
        drifts.stood = stood(world, plugin, steps);
    }
    for step in steps
        .iter()
        .filter(|step| matches!(step.edit, AppEdit::Present(_)))
    {
        let known = drifts.fights.get(&step.app).or(world.fights.get(&step.app));
        match became.state(step) {
            Some(StepState::Drifted) => {
                let fight = known.cloned().unwrap_or_default();
                let drift = of_application(&step.app);
                let (next, put_back) = match drifts.fights.get(&step.app) {
                    // One correction, however many URLs were in the application.
                    Some(decided) => (decided.clone(), decided.drift.is_none()),
                    None => drift::of_core(world, &fight, drift.clone()),
                };
                if put_back {
                    drifts.put_back.push(step.clone());
                    if !drifts.corrected.contains(&drift) {
                        drifts.corrected.push(drift);
                    }
                }
                drifts.fights.insert(step.app.clone(), next);
            }
            Some(StepState::Done { .. }) => {
                let Some(fight) = known.filter(|_| !drifts.fights.contains_key(&step.app)) else {
                    continue;
                };
                let peace = drift::at_peace(fight);
                if peace != *fight {
                    drifts.fights.insert(step.app.clone(), peace);
                }
            }
            _ => {}
        }
    }
    drifts
}

fn stood(world: &World, plugin: &Plugin, steps: &[CoreStep]) -> BTreeSet<CoreStep> {
    let mut places: BTreeMap<&AppEdit, usize> = BTreeMap::new();
    for step in steps {
        *places.entry(&step.edit).or_default() += 1;
    }
    let entries = plugin.ui.iter();
    let edits: Vec<_> = entries
        .map(|entry| (AppEdit::Present(ui::key(entry).url.to_string()), entry))
        .collect();
    let of = |step: &&CoreStep| {
        let mut same = edits.iter().filter(|(edit, _)| *edit == step.edit);
        same.any(|(_, entry)| registration::stood(world, entry, &step.app, places[&step.edit]))
    };
    steps.iter().filter(of).cloned().collect()
}

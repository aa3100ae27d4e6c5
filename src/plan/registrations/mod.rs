//! What the core is to hold for a plugin. One file per kind of registration.

pub mod account;
pub mod ui;

use std::collections::BTreeSet;

use super::CoreWishes;
use crate::api::parse::Plugin;
use crate::api::plugin::{DeletionPolicy, RegistrationKind, RegistrationState};
use crate::core::facts::{AppEdit, CoreStep, StepState};
use crate::judge::Assessment;
use crate::judge::grant::{self, Standing};
use crate::observe::ledger::{Ledger, LedgerEntry};
use crate::observe::world::World;

/// What is wished for, and the ledger that has to stand in the object before it is carried out.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The wishes.
    pub wishes: Option<CoreWishes>,
    /// The ledger.
    pub ledger: Ledger,
}

/// What is to stand in the core.
#[must_use]
pub fn wanted(world: &World, plugin: &Plugin, assessment: &Assessment) -> Wanted {
    let known = &world.itself.ledger;
    match grant::standing(world, RegistrationKind::UiApplication) {
        Standing::Open => {}
        Standing::Refused => return withdrawn(world),
        Standing::Unknown => {
            return Wanted {
                wishes: None,
                ledger: known.clone(),
            };
        }
    }
    let Some(core) = &world.core else {
        return Wanted {
            wishes: None,
            ledger: known.clone(),
        };
    };
    let entries = ui::entries(world, plugin, assessment);
    let Some(tenant) = core.tenant() else {
        return Wanted {
            wishes: None,
            ledger: known.clone(),
        };
    };
    let open: BTreeSet<LedgerEntry> = entries
        .iter()
        .filter(|entry| entry.open)
        .map(|entry| entry.key.clone())
        .collect();
    let declared: BTreeSet<LedgerEntry> = entries.into_iter().map(|entry| entry.key).collect();
    let mut steps = ui::steps(core, tenant, open.iter(), AppEdit::Present);
    // An old URL goes when the new ones are read back, so that users are never without the plugin.
    let stale: Vec<&LedgerEntry> = known
        .ui
        .iter()
        .filter(|entry| !declared.contains(*entry))
        .collect();
    let in_place = declared.len() == open.len() && steps.iter().all(|step| is_done(world, step));
    let mut gone = BTreeSet::new();
    if in_place {
        for entry in stale {
            // Another plugin declares it, too: from now on it is that one's alone.
            if world.shared.contains(entry) {
                gone.insert(entry.clone());
                continue;
            }
            let removal = ui::steps(core, tenant, std::iter::once(entry), AppEdit::Absent);
            // Another declared entry may use the same URL in the same application.
            let removal: Vec<CoreStep> = removal
                .into_iter()
                .filter(|step| !contradicts(&steps, step))
                .collect();
            if removal.iter().all(|step| is_done(world, step)) {
                gone.insert(entry.clone());
            }
            steps.extend(removal);
        }
    }
    let mut ledger = Ledger {
        ui: known.ui.union(&open).cloned().collect(),
        ..known.clone()
    };
    ledger.ui.retain(|entry| !gone.contains(entry));
    Wanted {
        wishes: Some(CoreWishes {
            key: core.key.clone(),
            steps,
        }),
        ledger,
    }
}

/// What is not granted, or not any more: what stands in the core is taken out, and what was wished for is not any more.
fn withdrawn(world: &World) -> Wanted {
    let ledger = world.itself.ledger.clone();
    let wishes = |steps| {
        let key = world.itself.core.clone()?;
        Some(CoreWishes { key, steps })
    };
    let entries = standing_entries(world);
    let Some((core, tenant)) = world.core.as_ref().and_then(|core| Some((core, core.tenant()?))) else {
        return Wanted {
            wishes: wishes(Vec::new()),
            ledger,
        };
    };
    let steps = ui::steps(core, tenant, entries.iter(), AppEdit::Absent);
    let done = steps.iter().all(|step| is_done(world, step));
    Wanted {
        wishes: wishes(steps),
        ledger: if done { Ledger::default() } else { ledger },
    }
}

/// What is to be taken out of the core before the object may go.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// The wishes.
    pub wishes: Option<CoreWishes>,
    /// Whether nothing is left of it in the core, or it is to stay.
    pub done: bool,
}

/// Plans the deregistration.
#[must_use]
pub fn removal(world: &World) -> Removal {
    let plugin = world.itself.plugin.as_ref().ok();
    let retain = plugin.is_some_and(|plugin| plugin.spec.deletion_policy() == DeletionPolicy::Retain);
    if retain || world.itself.abandon {
        return Removal {
            wishes: None,
            done: true,
        };
    }
    let entries = standing_entries(world);
    // What a stranger wrote of a core that never let it in is nothing to wait for.
    let never_let_in = world.core.is_none() && grant::is_foreign(world) && !is_attested(world);
    if entries.is_empty() || never_let_in {
        return Removal {
            wishes: None,
            done: true,
        };
    }
    let Some((core, tenant)) = world.core.as_ref().and_then(|core| Some((core, core.tenant()?))) else {
        return Removal {
            wishes: None,
            done: false,
        };
    };
    let steps = ui::steps(core, tenant, entries.iter(), AppEdit::Absent);
    let done = steps.iter().all(|step| is_done(world, step));
    Removal {
        wishes: Some(CoreWishes {
            key: core.key.clone(),
            steps,
        }),
        done,
    }
}

/// Whether our own status says that something stands in the core.
fn is_attested(world: &World) -> bool {
    let rows = &world.itself.before.registrations;
    rows.iter().any(|row| {
        use RegistrationState::{Deregistering, Registered, Registering};
        matches!(row.state, Registered | Registering | Deregistering)
    })
}

/// What may stand in the core because of a plugin, and of no other one.
fn standing_entries(world: &World) -> BTreeSet<LedgerEntry> {
    let plugin = world.itself.plugin.as_ref().ok();
    let mut entries: BTreeSet<LedgerEntry> = world.itself.ledger.ui.clone();
    // The ledger may have been lost with the annotations; what the status says to be registered is as good.
    let before = &world.itself.before.registrations;
    let registered = |name: &str| {
        before.iter().any(|row| {
            row.name == name
                && !matches!(
                    row.state,
                    RegistrationState::Held | RegistrationState::Pending | RegistrationState::Refused
                )
        })
    };
    if let Some(plugin) = plugin {
        entries.extend(
            plugin
                .ui
                .iter()
                .filter(|entry| registered(&entry.entry.name))
                .map(ui::key),
        );
    }
    // What another plugin declares, too, is that one's from now on.
    entries.retain(|entry| !world.shared.contains(entry));
    entries
}

fn is_done(world: &World, step: &CoreStep) -> bool {
    world
        .outcomes
        .iter()
        .any(|outcome| outcome.step == *step && matches!(outcome.state, StepState::Done { .. }))
}

fn contradicts(steps: &[CoreStep], removal: &CoreStep) -> bool {
    let AppEdit::Absent(url) = &removal.edit else {
        return false;
    };
    steps
        .iter()
        .any(|step| step.app == removal.app && step.edit == AppEdit::Present(url.clone()))
}

//! What the core is to hold for a plugin. One file per kind of registration.

pub mod account;
pub mod claims;
pub mod drift;
mod standing;
pub mod ui;
pub mod withdrawal;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::CoreWishes;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{DeletionPolicy, RegistrationKind, RegistrationState};
use crate::core::facts::{AppEdit, AppKey, CoreStep, Interest};
use crate::judge::grant::{self, Standing};
use crate::judge::{Assessment, places};
use crate::observe::ledger::{Ledger, LedgerEntry};
use crate::observe::ledger_mark;
use crate::observe::world::{CoreView, World};
use drift::Drifts;
use standing::{Became, leftovers};

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
    if world.core.is_some() && world.marker().is_none() {
        // What cannot be written down is not begun.
        return Wanted {
            wishes: None,
            ledger: known.clone(),
        };
    }
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
    let Some((core, own)) = world.core.as_ref().and_then(|core| Some((core, core.tenant()?))) else {
        return Wanted {
            wishes: None,
            ledger: known.clone(),
        };
    };
    let became = Became::of(world);
    let mut declared = ui::entries(world, plugin, assessment, core);
    let complete = declared
        .iter()
        .all(|entry| entry.open && entry.complete && !is_lost(world, &entry.key));
    ui::make_room(&mut declared, known);
    let open: Vec<(LedgerEntry, Vec<AppKey>)> = declared
        .into_iter()
        .filter(|entry| entry.open && !is_lost(world, &entry.key))
        .filter_map(|entry| Some((entry.key, entry.places?)))
        .collect();
    let mut steps: Vec<CoreStep> = open
        .iter()
        .flat_map(|(entry, apps)| ui::steps(entry, apps, AppEdit::Present))
        .collect();
    let drifts = drift::of(world, plugin, &became, &steps);
    let wanted: BTreeSet<CoreStep> = steps.iter().cloned().collect();
    // What is not known to be wanted somewhere else, or not yet, is not known to be left over.
    let left = leftovers(world, core, own, known, &wanted);
    let waiting: BTreeSet<Uuid> = steps
        .iter()
        .filter(|step| !became.is_done(step))
        .map(|step| step.app.tenant)
        .collect();
    let served: BTreeSet<Uuid> = steps.iter().map(|step| step.app.tenant).collect();
    let mut remaining = Vec::new();
    for leftover in left.places.clone() {
        let removal = leftover.removal();
        // An old URL goes when the new ones are read back, so that users are never without the plugin.
        let tenant = &leftover.app.tenant;
        let unwanted = !served.contains(tenant) && is_known_elsewhere(world, core, plugin, tenant);
        let in_place = !waiting.contains(tenant) && (complete || unwanted);
        let may_go = in_place || is_lost(world, &leftover.entry);
        if !(may_go && became.is_done(&removal)) {
            remaining.push(leftover);
        }
        if may_go {
            steps.push(removal);
        }
    }
    Wanted {
        ledger: standing::ledger_of(known, &open, &left, &remaining),
        wishes: Some(CoreWishes {
            key: core.key.clone(),
            steps,
            interest: interest(known, places::interest(plugin)),
            drifts,
        }),
    }
}

/// Behind a host that another namespace had first, somebody else's pages would get the users' tokens.
fn is_lost(world: &World, entry: &LedgerEntry) -> bool {
    world.lost.iter().any(|lost| lost.covers(&entry.url))
}

/// Whether the plugin is known not to be wanted in a tenant at all: nothing has to come there before something goes.
fn is_known_elsewhere(world: &World, core: &CoreView, plugin: &Plugin, tenant: &Uuid) -> bool {
    matches!(
        places::tenants(core, world.allowance.as_ref(), plugin),
        Some(places::Tenants::Known { there, .. }) if !there.contains(tenant)
    )
}

/// What has to be known of the core: for what is wanted, and for what may still be there.
fn interest(ledger: &Ledger, wanted: Interest) -> Interest {
    let beyond = ledger.everywhere || ledger.tenants.len() > 1;
    Interest {
        tenants: wanted.tenants || beyond,
        everywhere: wanted.everywhere || ledger.everywhere,
        names: ledger.apps.values().flatten().cloned().collect(),
        ..wanted
    }
}

/// Whether anything of a plugin may have to leave the core: then it counts what others claim there.
#[must_use]
pub fn leaves(world: &World) -> bool {
    if world.itself.deleting {
        return true;
    }
    let Some(core) = &world.core else {
        return false;
    };
    let Ok(plugin) = &world.itself.plugin else {
        // Nothing but what is not granted any more.
        return withdrawal::withdrawal(world).wishes.is_some();
    };
    let Some(own) = core.tenant() else {
        return false;
    };
    let kept = plugin.ui.iter().filter(|entry| !is_lost(world, &ui::key(entry)));
    let declared = kept.filter_map(|entry| {
        let Some(places::Scope::Known(places)) = places::scope(core, world.allowance.as_ref(), plugin, entry)
        else {
            return None;
        };
        Some(ui::steps(&ui::key(entry), &places.apps, AppEdit::Present))
    });
    let wanted: BTreeSet<CoreStep> = declared.flatten().collect();
    let left = leftovers(world, core, own, &world.itself.ledger, &wanted);
    !left.places.is_empty()
}

/// What is not granted, or not any more: what stands in the core is taken out, and what was wished for is not any more.
fn withdrawn(world: &World) -> Wanted {
    let ledger = ledger_at_the_end(world);
    let out = taken_out(world, &ledger);
    let nothing = || {
        let key = world.itself.core.clone()?;
        Some(CoreWishes {
            key,
            steps: Vec::new(),
            interest: Interest::default(),
            drifts: Drifts::default(),
        })
    };
    let known = world.core.as_ref().is_some_and(|core| core.tenant().is_some());
    Wanted {
        ledger: if known && out.done {
            Ledger::default()
        } else {
            world.itself.ledger.clone()
        },
        wishes: out.wishes.or_else(nothing),
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
    let ledger = ledger_at_the_end(world);
    // What a stranger wrote of a core that never let it in is nothing to wait for.
    let never_let_in = world.core.is_none() && grant::is_foreign(world) && !is_attested(world);
    if never_let_in {
        return Removal {
            wishes: None,
            done: true,
        };
    }
    if world.itself.ledger_standing == (ledger_mark::Standing::Unknown { holds: true }) {
        return Removal::default();
    }
    taken_out(world, &ledger)
}

/// Whether our own status says that something stands in the core.
fn is_attested(world: &World) -> bool {
    let rows = &world.itself.before.registrations;
    rows.iter().any(|row| {
        use RegistrationState::{Deregistering, Registered, Registering};
        matches!(row.state, Registered | Registering | Deregistering)
    })
}

/// Takes out of the core all that may stand there by a ledger.
fn taken_out(world: &World, ledger: &Ledger) -> Removal {
    if ledger.ui.is_empty() {
        return Removal {
            wishes: None,
            done: true,
        };
    }
    let Some((core, own)) = world.core.as_ref().and_then(|core| Some((core, core.tenant()?))) else {
        return Removal::default();
    };
    let became = Became::of(world);
    let left = leftovers(world, core, own, ledger, &BTreeSet::new());
    let steps: Vec<CoreStep> = left.places.iter().map(standing::Leftover::removal).collect();
    let done = !left.unknown && steps.iter().all(|step| became.is_done(step));
    let interest = interest(ledger, Interest::default());
    Removal {
        wishes: (!steps.is_empty() || left.unknown).then(|| CoreWishes {
            key: core.key.clone(),
            steps,
            interest,
            drifts: Drifts::default(),
        }),
        done,
    }
}

/// All that may stand in the core at the end: the annotation may have been lost; what the status says to be registered is
/// as good.
fn ledger_at_the_end(world: &World) -> Ledger {
    let mut ledger = world.itself.ledger.clone();
    let Ok(plugin) = &world.itself.plugin else {
        return ledger;
    };
    let before = &world.itself.before.registrations;
    let registered = |entry: &UiEntry| {
        before.iter().any(|row| {
            row.name == entry.entry.name
                // Of the URL that the spec names by now it says nothing, where it is another.
                && row.url.as_deref() == Some(entry.manifest_url.as_str())
                && !matches!(
                    row.state,
                    RegistrationState::Held | RegistrationState::Pending | RegistrationState::Refused
                )
        })
    };
    for entry in plugin.ui.iter().filter(|entry| registered(entry)) {
        let key = ui::key(entry);
        if ledger.ui.contains(&key) {
            continue;
        }
        ledger.ui.insert(key);
        let scope = world
            .core
            .as_ref()
            .and_then(|core| places::scope(core, world.allowance.as_ref(), plugin, entry));
        let Some(places::Scope::Known(places)) = scope else {
            continue;
        };
        for app in places.apps {
            match app.user {
                None => ledger.tenants.insert(app.tenant),
                Some(user) => ledger.users.entry(app.tenant).or_default().insert(user),
            };
        }
    }
    ledger
}

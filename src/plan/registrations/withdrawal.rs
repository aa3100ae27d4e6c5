//! What of a UI application's places is not granted any more, whatever the spec says.

use std::collections::BTreeSet;

use super::standing::{Became, Leftover, leftovers};
use super::{CoreWishes, Drifts, Wanted, interest, ledger_at_the_end};
use crate::api::plugin::RegistrationKind;
use crate::core::facts::{CoreStep, Interest};
use crate::judge::withdrawal::Granted;
use crate::observe::world::World;

/// What is taken out of the core for a plugin that is left alone otherwise. The ledger only shrinks.
#[must_use]
pub fn withdrawal(world: &World) -> Wanted {
    let known = &world.itself.ledger;
    taken_out(world).unwrap_or_else(|| Wanted {
        wishes: None,
        ledger: known.clone(),
    })
}

fn taken_out(world: &World) -> Option<Wanted> {
    let core = world.core.as_ref()?;
    let own = core.tenant()?;
    world.marker()?;
    let granted = Granted::of(core, world.allowance.as_ref(), RegistrationKind::UiApplication)?;
    let ledger = ledger_at_the_end(world);
    let left = leftovers(world, core, own, &ledger, &BTreeSet::new());
    let unknown = left.unknown && !granted.is_everywhere();
    let withdrawn = left
        .places
        .iter()
        .filter(|place| !granted.covers(place.app.tenant));
    let steps: Vec<CoreStep> = withdrawn.map(Leftover::removal).collect();
    let became = Became::of(world);
    let done = !unknown && steps.iter().all(|step| became.is_done(step));
    let known = &world.itself.ledger;
    Some(Wanted {
        ledger: if done {
            granted.rest_of(known)
        } else {
            known.clone()
        },
        wishes: (unknown || !steps.is_empty()).then(|| CoreWishes {
            key: core.key.clone(),
            steps,
            interest: interest(&ledger, Interest::default()),
            drifts: Drifts::default(),
        }),
    })
}

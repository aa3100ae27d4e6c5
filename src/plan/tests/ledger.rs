//! What is done about a ledger that may be somebody else's word.

use std::sync::Arc;

use super::{absent, ledger, plan_of, present, steps};
use crate::api::names::FINALIZER;
use crate::observe::fixture::URL;
use crate::observe::ledger::Ledger;
use crate::observe::ledger_mark::Standing;
use crate::observe::world::World;

/// The core has no key yet, or its place is taken.
fn without_key(mut world: World) -> World {
    let core = world.core.as_mut().unwrap();
    let mut entry = core.entry.as_ref().clone();
    entry.ledger_key = None;
    core.entry = Arc::new(entry);
    world
}

fn standing(mut world: World, standing: Standing) -> World {
    world.itself.ledger_standing = standing;
    world
}

#[test]
fn without_a_key_nothing_is_begun_in_the_core_and_no_ledger_is_written() {
    for world in [World::reachable(), World::healthy()] {
        let plan = plan_of(&without_key(world));
        assert!(plan.core.is_none() && plan.account.wish.is_none() && plan.metadata.is_none());
    }
    let fresh = plan_of(&without_key(World::just_applied())).metadata.unwrap();
    assert_eq!(
        (fresh.finalizers, fresh.ledger),
        (vec![FINALIZER.to_owned()], None)
    );
}

#[test]
fn an_unmarked_ledger_is_written_anew_whatever_it_says() {
    let world = standing(World::healthy(), Standing::Unmarked { dropped: 0 });
    assert_eq!(ledger(&plan_of(&world)), Some(vec![URL.to_owned()]));
    let mut empty = standing(World::just_applied(), Standing::Unmarked { dropped: 1 });
    empty.itself.finalizers = vec![FINALIZER.to_owned()];
    let change = plan_of(&empty).metadata.unwrap();
    assert!(change.ledger.unwrap().ui.is_empty(), "a stranger's word goes");
    let marked = plan_of(&World::healthy());
    assert_eq!((marked.metadata.clone(), steps(&marked)), (None, present(URL)));
}

#[test]
fn a_deletion_waits_until_it_is_known_what_a_ledger_is_worth() {
    let mut world = standing(without_key(World::healthy()), Standing::Unknown { holds: true }).deleted();
    let plan = plan_of(&world);
    assert!(plan.metadata.is_none() && plan.core.is_none());
    world.itself.abandon = true;
    assert!(plan_of(&world).metadata.unwrap().release);
    // One that says of nothing that it stands in the core holds nothing up.
    let mut nothing = standing(
        without_key(World::reachable()),
        Standing::Unknown { holds: false },
    )
    .deleted();
    nothing.itself.ledger = Ledger::default();
    assert!(plan_of(&nothing).metadata.unwrap().release);
}

#[test]
fn the_status_attests_the_url_that_it_names_and_not_the_one_that_the_spec_names_since() {
    let mut world = World::healthy();
    world.itself.ledger = Ledger::default();
    let mut moved = world.clone().spec(|spec| {
        spec.expose.as_mut().unwrap().host = "stranger.example".to_owned();
    });
    moved.itself.before = world.itself.before.clone();
    let plan = plan_of(&moved.deleted());
    assert!(steps(&plan).is_empty() && plan.metadata.unwrap().release);
    assert_eq!(steps(&plan_of(&world.deleted())), absent(URL));
}

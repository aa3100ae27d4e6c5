//! Who keeps a URL in the core, and by what.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::core::facts::{CoreFacts, TenantsFact};
use crate::observe::fixture::{APPS, URL, pending_core_facts, tenant};
use crate::observe::world::World;

const ELSEWHERE: Uuid = Uuid::from_u128(0xe15e);

/// What a plugin, of this or of another WazoCore, claims.
fn claims(world: &World, same_core: bool) -> Claims {
    let mut claims = Claims::default();
    let claimant = Claimant {
        core: world.core.as_ref().unwrap(),
        same_core,
        allowance: world.allowance.as_ref().unwrap(),
        plugin: world.itself.plugin.clone().ok(),
        outcomes: world.outcomes.clone(),
        rows: &world.itself.before.registrations,
        lost: world.lost.clone(),
    };
    claimant.claim(&mut claims);
    claims
}

fn is_claimed_in(claims: &Claims, tenant: Uuid) -> bool {
    APPS.iter()
        .all(|name| claims.has(URL, &AppKey::of_tenant(tenant, *name)))
}

fn knows(mut world: World, change: impl FnOnce(&mut CoreFacts)) -> World {
    let core = world.core.as_mut().unwrap();
    change(Arc::make_mut(core.facts.as_mut().unwrap()));
    world
}

/// As after a restart: nothing was read yet, and the status tells what was.
fn recalled() -> World {
    let mut world = World::healthy().reported();
    world.outcomes.clear();
    world
}

/// For a user of whom nothing is known yet.
fn for_a_user(world: World) -> World {
    let audience = json!({"from": "Users", "users": [{"uuid": Uuid::from_u128(9)}]});
    let audience = serde_json::from_value(audience).unwrap();
    world.spec(|spec| spec.registrations.as_mut().unwrap().ui.as_mut().unwrap()[0].audience = Some(audience))
}

fn suspended(world: World) -> World {
    world.spec(|spec| spec.suspend = Some(true))
}

#[test]
fn what_was_read_there_with_its_session_is_claimed_there_and_nowhere_else() {
    for same_core in [true, false] {
        let claims = claims(&World::healthy(), same_core);
        assert!(is_claimed_in(&claims, tenant()) && !claims.waits());
        assert!(!is_claimed_in(&claims, ELSEWHERE));
    }
}

#[test]
fn what_only_its_author_says_is_claimed_nowhere() {
    let mut world = World::healthy();
    world.outcomes.clear();
    world.itself.before.registrations.clear();
    for world in [
        world.clone(),
        suspended(world.clone()),
        for_a_user(world.clone()),
        suspended(for_a_user(world)),
        World::healthy().outcome(StepState::Refused("a number".to_owned())),
    ] {
        for same_core in [true, false] {
            assert_eq!(claims(&world, same_core), Claims::default());
        }
    }
}

#[test]
fn a_status_is_believed_until_it_is_known_and_only_in_tenants_that_the_session_reaches() {
    assert!(is_claimed_in(&claims(&recalled(), false), tenant()));
    assert!(is_claimed_in(&claims(&suspended(recalled()), true), tenant()));
    // Its WazoCore names a tenant in which the account may not act.
    let refused = knows(recalled(), |facts| {
        facts.tenant = Some(ELSEWHERE);
        facts.tenant_refused = true;
    });
    assert_eq!(claims(&refused, false), Claims::default());
    let unasked = knows(refused.clone(), |facts| {
        (facts.tenant_refused, facts.missing_permissions) = (false, None);
    });
    assert_eq!(claims(&unasked, false), Claims::default());
    let seen = knows(refused, |facts| {
        facts.tenants = TenantsFact::Known([(ELSEWHERE, tenant())].into());
    });
    assert!(is_claimed_in(&claims(&seen, false), ELSEWHERE));
    // Nobody has logged in with the other core yet, or nobody ever will.
    let nobody = claims(&recalled().core_facts(Some(pending_core_facts())), false);
    assert!(nobody.waits() && !is_claimed_in(&nobody, tenant()));
    assert_eq!(claims(&recalled().core_facts(None), false), Claims::default());
}

#[test]
fn what_is_not_granted_any_more_or_lies_behind_a_lost_host_is_not_claimed() {
    let mut world = World::healthy();
    world.allowance = Some(Allowance::default());
    assert_eq!(claims(&world, true), Claims::default());
    let mut world = World::healthy();
    world.lost = vec![Lost {
        place: crate::observe::hosts::Place {
            host: "crm.example".to_owned(),
            path: "/".to_owned(),
        },
        holder: crate::observe::hosts::Holder::Namespace("other".to_owned()),
    }];
    assert_eq!(claims(&world, true), Claims::default());
}

#[test]
fn what_is_known_in_a_moment_is_waited_for_unless_nobody_will_look() {
    let world = for_a_user(recalled());
    assert!(claims(&world, true).is_waiting(URL, &AppKey::of_tenant(tenant(), APPS[0])));
    assert!(!claims(&suspended(world.clone()), true).waits());
    assert!(!claims(&world, false).waits());
    let begun = World::healthy().outcome(StepState::Pending);
    assert!(claims(&begun, false).is_waiting(URL, &AppKey::of_tenant(tenant(), APPS[0])));
    assert!(!claims(&begun, false).is_waiting(URL, &AppKey::of_tenant(ELSEWHERE, APPS[0])));
}

#[test]
fn one_whose_spec_is_not_usable_claims_what_it_has() {
    for mut world in [World::healthy(), recalled()] {
        let spec = serde_json::from_value(json!({"coreRef": {"name": "main"}})).unwrap();
        world.itself.plugin = Plugin::parse(spec);
        assert!(world.itself.plugin.is_err());
        assert!(is_claimed_in(&claims(&world, true), tenant()));
        world.allowance = Some(Allowance::default());
        assert_eq!(claims(&world, true), Claims::default());
    }
}

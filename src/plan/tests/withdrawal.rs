//! A grant that is withdrawn counts even where the plugin is suspended, or its spec not usable.

use serde_json::json;
use uuid::Uuid;

use super::accounts::{granted, with_account, without_users};
use super::{absent, did, plan_of, steps, with_metadata};
use crate::api::plugin::{RegistrationKind, RegistrationState};
use crate::core::account::{Act, Slot};
use crate::core::facts::{AppEdit, AppKey, CoreStep};
use crate::observe::fixture::{APPS, URL, tenant};
use crate::observe::world::World;
use crate::plan::Plan;
use crate::plan::registrations::account::SecretStep;
use crate::report::status;

const OTHER: Uuid = Uuid::from_u128(108);

/// The two ways in which an author keeps the operator from acting on his spec.
fn left_alone(world: &World) -> [World; 2] {
    [
        world.clone().spec(|spec| spec.suspend = Some(true)),
        world
            .clone()
            .spec(|spec| spec.workload.as_mut().unwrap().image = String::new()),
    ]
}

fn grants(mut world: World, grants: &serde_json::Value) -> World {
    world.allowance = granted(grants);
    world
}

/// The state of the row of a kind, as it would be reported now.
fn state(world: &World, kind: RegistrationKind) -> RegistrationState {
    let status = if world.itself.plugin.is_ok() {
        status::suspended(world, false)
    } else {
        status::compose(world, &crate::judge::assess(world))
    };
    let row = status.registrations.iter().find(|row| row.kind == kind);
    row.unwrap().state
}

fn keep_state(mut world: World, kind: RegistrationKind) -> World {
    let now = state(&world, kind);
    let rows = &mut world.itself.before.registrations;
    rows.iter_mut().find(|row| row.kind == kind).unwrap().state = now;
    world
}

fn touches_no_child(plan: &Plan) -> bool {
    plan.children.is_empty() && plan.rehearsal.is_none() && plan.probes.is_empty()
}

#[test]
fn what_is_not_granted_any_more_is_taken_out_and_nothing_else_is_done() {
    let kind = RegistrationKind::UiApplication;
    for world in left_alone(&World::healthy()) {
        let plan = plan_of(&world);
        assert!(
            plan.core.is_none() && plan.metadata.is_none(),
            "what is granted stays"
        );
        assert_eq!(state(&world, kind), RegistrationState::Registered);
        let world = grants(world, &json!([]));
        let plan = plan_of(&world);
        assert_eq!((plan.metadata.clone(), steps(&plan)), (None, absent(URL)));
        assert!(touches_no_child(&plan));
        let world = keep_state(world, kind);
        assert_eq!(state(&world, kind), RegistrationState::Deregistering);
        let world = did(world, absent(URL));
        let plan = plan_of(&world);
        let change = plan.metadata.as_ref().unwrap().ledger.clone().unwrap();
        assert!(change.ui.is_empty() && change.tenants.is_empty());
        assert_eq!(change.routes, world.itself.ledger.routes);
        let world = with_metadata(world, &plan);
        assert_eq!(state(&world, kind), RegistrationState::Refused);
        let plan = plan_of(&keep_state(world, kind));
        assert!(plan.core.is_none() && plan.metadata.is_none() && touches_no_child(&plan));
    }
}

#[test]
fn only_the_tenants_that_are_not_granted_any_more_are_left() {
    let mut both = World::healthy();
    both.itself.ledger.tenants.insert(OTHER);
    let out = APPS.map(|name| CoreStep {
        app: AppKey::of_tenant(OTHER, name),
        edit: AppEdit::Absent(URL.to_owned()),
    });
    for world in left_alone(&both) {
        let all = json!([{"tenants": {"from": "Descendants"}}]);
        assert!(
            plan_of(&grants(world.clone(), &all)).core.is_none(),
            "not known to be elsewhere"
        );
        let world = grants(world, &json!([{"tenants": {"from": "Core"}}]));
        let plan = plan_of(&world);
        assert_eq!((plan.metadata.clone(), steps(&plan)), (None, out.to_vec()));
        let world = did(world, out.to_vec());
        let plan = plan_of(&world);
        let ledger = plan.metadata.as_ref().unwrap().ledger.clone().unwrap();
        assert_eq!((ledger.tenants, ledger.ui.len()), ([tenant()].into(), 1));
        let plan = plan_of(&with_metadata(world, &plan));
        assert!(plan.core.is_none() && plan.metadata.is_none());
    }
}

#[test]
fn what_another_plugin_is_granted_too_is_left_to_it() {
    for world in left_alone(&World::healthy().shared(URL)) {
        let plan = plan_of(&grants(world, &json!([])));
        assert!(plan.core.is_none() && plan.metadata.is_some());
    }
}

fn act(plan: &Plan) -> Option<Act> {
    plan.account.wish.as_ref()?.1.act.clone()
}

#[test]
fn an_account_or_rights_that_are_not_granted_any_more_are_taken_out() {
    let kind = RegistrationKind::Account;
    let ui = || json!({"registrations": ["UiApplication"]});
    let less = json!([ui(), {"registrations": ["Account"], "acl": ["calld.#"]}]);
    let elsewhere = json!([ui(), {
        "registrations": ["Account"], "acl": ["confd.#"],
        "tenants": {"from": "List", "list": [{"uuid": OTHER}]},
    }]);
    for world in left_alone(&with_account().reported()) {
        let plan = plan_of(&world);
        assert_eq!(
            (act(&plan), plan.account.secret.clone()),
            (None, None),
            "what is granted stays"
        );
        assert!(plan.metadata.is_none() && steps(&plan).is_empty());
        for narrowed in [json!([ui()]), less.clone(), elsewhere.clone()] {
            let world = grants(world.clone(), &narrowed);
            let plan = plan_of(&world);
            let (slot, enabled) = (Slot::A, false);
            assert_eq!(act(&plan), Some(Act::Set { slot, enabled }), "{narrowed}");
            assert!(touches_no_child(&plan) && steps(&plan).is_empty() && plan.metadata.is_none());
            let world = without_users(keep_state(world, kind));
            assert_eq!(
                world.itself.before.registrations[1].state,
                RegistrationState::Deregistering
            );
            if narrowed == less {
                assert_eq!(state(&world, kind), RegistrationState::Refused);
                continue;
            }
            let plan = plan_of(&world);
            assert!(matches!(plan.account.secret, Some(SecretStep::Remove { .. })));
            let mut world = world;
            world.children.accounts.clear();
            let plan = plan_of(&world);
            let world = with_metadata(world, &plan);
            assert!(world.itself.ledger.accounts.is_empty());
            assert_eq!(state(&world, kind), RegistrationState::Refused);
            let plan = plan_of(&world);
            assert!(plan.account.wish.is_none() && plan.metadata.is_none());
        }
    }
}

#[test]
fn an_account_is_looked_at_while_its_plugin_is_suspended_and_nothing_else_is_asked() {
    let [suspended, _] = left_alone(&with_account().applied());
    let plan = plan_of(&suspended);
    assert!(plan.suspended && !plan.account.forget);
    let [nobody, _] = left_alone(&World::healthy());
    assert!(plan_of(&nobody).account.forget);
}

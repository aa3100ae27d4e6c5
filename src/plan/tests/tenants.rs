//! Many tenants, and audiences of users: what comes, what goes, in which order, and what is kept in mind of it.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::{did, plan_of, steps, with_metadata};
use crate::api::core::Grant;
use crate::api::plugin::RegistrationState;
use crate::core::error::CoreErrorKind;
use crate::core::facts::{
    AppEdit, AppFact, AppKey, CoreFacts, CoreStep, Daemon, StepState, TenantsFact, UserFact,
};
use crate::judge::{Assessment, assess};
use crate::observe::allowance::Allowance;
use crate::observe::fixture::{APPS, NOW, URL, at, core_error, core_facts, tenant};
use crate::observe::ledger::{Ledger, MOST_TENANTS};
use crate::observe::world::World;

fn other(number: u128) -> Uuid {
    Uuid::from_u128(100 + number)
}

fn user(number: u128) -> Uuid {
    Uuid::from_u128(1000 + number)
}

/// A core with so many tenants below its own.
fn with_tenants(count: u128) -> CoreFacts {
    let mut facts = core_facts();
    let mut parents: BTreeMap<Uuid, Uuid> = (0..count).map(|number| (other(number), tenant())).collect();
    parents.insert(tenant(), tenant());
    facts.tenants = TenantsFact::Known(parents);
    facts
}

/// All tenants below that of the core, itself included.
fn granted() -> Allowance {
    let grants: Vec<Grant> = serde_json::from_value(json!([
        {"tenants": {"from": "Descendants"}, "registrations": ["UiApplication"]},
    ]))
    .unwrap();
    Allowance::of("acme", Some(&grants), "acme", None).unwrap()
}

fn in_tenants(world: World, tenants: &serde_json::Value) -> World {
    let tenants = serde_json::from_value(tenants.clone()).unwrap();
    let mut world = world;
    world.allowance = Some(granted());
    world.spec(|spec| spec.tenants = Some(tenants)).applied()
}

fn descendants(world: World, count: u128) -> World {
    in_tenants(world, &json!({"from": "Descendants"})).core_facts(Some(with_tenants(count)))
}

fn list(world: World, tenants: &[Uuid]) -> World {
    let list: Vec<_> = tenants.iter().map(|uuid| json!({"uuid": uuid})).collect();
    in_tenants(world, &json!({"from": "List", "list": list}))
}

fn for_users(world: World, users: &[Uuid]) -> World {
    let users: Vec<_> = users.iter().map(|uuid| json!({"uuid": uuid})).collect();
    let audience = serde_json::from_value(json!({"from": "Users", "users": users})).unwrap();
    world
        .spec(|spec| {
            spec.registrations.as_mut().unwrap().ui.as_mut().unwrap()[0].audience = Some(audience);
        })
        .applied()
}

fn knows(mut world: World, change: impl FnOnce(&mut CoreFacts)) -> World {
    let core = world.core.as_mut().unwrap();
    change(std::sync::Arc::make_mut(core.facts.as_mut().unwrap()));
    world
}

fn both(app: impl Fn(&str) -> AppKey, edit: fn(String) -> AppEdit) -> Vec<CoreStep> {
    APPS.map(|name| CoreStep {
        app: app(name),
        edit: edit(URL.to_owned()),
    })
    .to_vec()
}

fn of_tenant(uuid: Uuid, edit: fn(String) -> AppEdit) -> Vec<CoreStep> {
    both(|name| AppKey::of_tenant(uuid, name), edit)
}

fn of_user(uuid: Uuid, edit: fn(String) -> AppEdit) -> Vec<CoreStep> {
    both(|name| AppKey::of_user(tenant(), uuid, name), edit)
}

/// Writes the ledger, and then carries out all that is wished for, until nothing is left to do; every wish on the way.
fn to_the_end(mut world: World) -> (World, Vec<CoreStep>) {
    let mut all = Vec::new();
    for _ in 0..20 {
        let plan = plan_of(&world);
        if plan.metadata.is_some() {
            world = with_metadata(world, &plan);
            continue;
        }
        let wished = steps(&plan);
        // What is wished for no more is forgotten, and begins anew if it comes again.
        world.outcomes.retain(|outcome| wished.contains(&outcome.step));
        let open: Vec<CoreStep> = wished
            .into_iter()
            .filter(|step| !world.outcomes.iter().any(|outcome| outcome.step == *step))
            .collect();
        if open.is_empty() {
            return (world.reported(), all);
        }
        for step in &open {
            let covered = may_hold(&world.itself.ledger, step);
            assert!(covered, "{step:?} is in no ledger: {:?}", world.itself.ledger);
        }
        all.extend(open.clone());
        world = carried_out(did(world, open.clone()), &open);
    }
    panic!("it does not come to an end");
}

fn may_hold(ledger: &Ledger, step: &CoreStep) -> bool {
    let CoreStep { app, .. } = step;
    ledger.may_hold(
        crate::api::ui_manifest::Product::App,
        app.tenant,
        app.user,
        &app.name,
    )
}

/// What was read back, too.
fn carried_out(world: World, steps: &[CoreStep]) -> World {
    knows(world, |facts| {
        for step in steps {
            let urls = match &step.edit {
                AppEdit::Present(url) => vec![url.clone()],
                AppEdit::Absent(_) => Vec::new(),
            };
            facts.apps.insert(step.app.clone(), AppFact { urls, at: at(NOW) });
        }
    })
}

fn row(assessment: &Assessment) -> &crate::api::plugin::RegistrationStatus {
    &assessment.registrations[0].status
}

#[test]
fn descendants_are_the_cores_tenant_and_all_below_it_and_no_others() {
    let facts = |world: World| {
        knows(world, |facts| {
            let TenantsFact::Known(parents) = &mut facts.tenants else {
                unreachable!()
            };
            parents.insert(other(50), other(1));
            parents.insert(other(60), other(61));
            parents.insert(other(61), other(60));
            parents.insert(other(70), other(70));
        })
    };
    let (world, wished) = to_the_end(facts(descendants(World::reachable(), 2)));
    let expected: Vec<CoreStep> = [tenant(), other(0), other(1), other(50)]
        .into_iter()
        .flat_map(|uuid| of_tenant(uuid, AppEdit::Present))
        .collect();
    assert_eq!(wished, expected);
    let assessment = assess(&world);
    assert_eq!((row(&assessment).desired, row(&assessment).current), (8, 8));
}

#[test]
fn before_the_tenants_are_known_they_are_asked_for_and_nothing_is_written() {
    let world = knows(descendants(World::reachable(), 0), |facts| {
        facts.tenants = TenantsFact::Unknown
    });
    let plan = plan_of(&world);
    assert!(plan.metadata.is_none() && steps(&plan).is_empty());
    assert!(plan.core.unwrap().interest.tenants);
    let right = CoreErrorKind::MissingPermission("auth.tenants.read".into());
    let world = knows(world, |facts| {
        facts.tenants = TenantsFact::Failed(core_error(Daemon::Auth, right));
    });
    let assessment = assess(&world);
    assert!(assessment.faults[0].message.contains("auth.tenants.read") && assessment.faults[0].blocking);
}

#[test]
fn tenants_that_are_too_many_to_name_are_found_again_by_what_they_hold() {
    let many = u128::try_from(MOST_TENANTS).unwrap() + 10;
    let (world, wished) = to_the_end(descendants(World::reachable(), many));
    assert_eq!(wished.len(), 2 * (MOST_TENANTS + 11));
    assert!(world.itself.ledger.everywhere && world.itself.ledger.tenants.is_empty());
    assert!(world.itself.ledger.write().unwrap().len() < 400);
    // The spec names one alone: it goes from all others, and nothing is forgotten before all was read.
    let world = list(world, &[other(3)]);
    let plan = plan_of(&world);
    assert!(plan.metadata.is_none(), "where else it stands is not known yet");
    let world = knows(world, |facts| facts.all_read = true);
    let (world, wished) = to_the_end(world);
    assert_eq!(wished.len(), 2 * (MOST_TENANTS + 10));
    assert!(
        wished
            .iter()
            .all(|step| matches!(step.edit, AppEdit::Absent(_)) && step.app.tenant != other(3))
    );
    assert_eq!(world.itself.ledger.tenants, [other(3)].into());
    assert!(!world.itself.ledger.everywhere);
}

#[test]
fn a_removed_tenant_is_cleaned_at_once_and_then_leaves_the_ledger() {
    let facts = || with_tenants(3);
    let world = list(World::reachable(), &[other(0), other(1)]).core_facts(Some(facts()));
    let (world, _) = to_the_end(world);
    let world = list(world, &[other(1)]);
    let mut crashing = world.clone().crashing(3);
    crashing.probe.manifests.clear();
    assert!(steps(&plan_of(&crashing)).ends_with(&of_tenant(other(0), AppEdit::Absent)));
    let (world, wished) = to_the_end(world);
    assert_eq!(wished, of_tenant(other(0), AppEdit::Absent));
    assert_eq!(world.itself.ledger.tenants, [other(1)].into());
}

#[test]
fn a_tenant_that_is_deleted_in_the_core_holds_nothing_and_is_no_fault_of_descendants() {
    let (world, _) = to_the_end(descendants(World::reachable(), 3));
    let world = world.core_facts(Some(with_tenants(2)));
    let (world, wished) = to_the_end(world);
    assert!(wished.is_empty(), "{wished:?}");
    assert!(!world.itself.ledger.tenants.contains(&other(2)));
    let assessment = assess(&world);
    assert_eq!((row(&assessment).desired, assessment.faults.len()), (6, 0));
}

#[test]
fn a_tenant_that_the_list_names_and_the_core_does_not_know_is_named_by_its_index() {
    let named = [other(0), other(9)];
    let world = list(World::reachable(), &named).core_facts(Some(with_tenants(1)));
    let (world, wished) = to_the_end(world);
    assert_eq!(
        wished,
        of_tenant(other(0), AppEdit::Present),
        "the others are not held up"
    );
    let assessment = assess(&world.clone().spec(|_| {}));
    let fault = &assessment.faults[0];
    assert_eq!(fault.reason.as_str(), "TenantNotFound");
    let field = fault.object.as_ref().and_then(|object| object.field_path.clone());
    assert_eq!(field.as_deref(), Some("spec.tenants.list[1].uuid"));
    assert!(
        fault.blocking,
        "a release is not done before it is where the spec names it"
    );
    let row = row(&assessment);
    assert_eq!((row.desired, row.current, row.not_registered.len()), (4, 2, 1));
    // What was in force and lost a tenant in the core stays in force.
    let (world, _) = to_the_end(list(World::reachable(), &named).core_facts(Some(with_tenants(10))));
    let assessment = assess(&world.core_facts(Some(with_tenants(1))));
    assert!(!assessment.faults[0].blocking);
    assert_eq!(assessment.phase, crate::judge::Phase::Ready);
}

#[test]
fn one_bad_tenant_holds_up_nobody_and_ten_are_named() {
    let mut world = descendants(World::reachable(), 30);
    for _ in 0..2 {
        world = with_metadata(world.clone(), &plan_of(&world));
    }
    let all = steps(&plan_of(&world));
    let bad = |step: &CoreStep| (0..12).any(|number| step.app.tenant == other(number));
    let failed = || StepState::Failed(core_error(Daemon::Confd, CoreErrorKind::ServerError(500)));
    let under_way = {
        let mut world = world.clone();
        for step in all.iter().filter(|step| bad(step)) {
            world = world.step_became(step.clone(), failed());
        }
        for step in all.iter().filter(|step| !bad(step)) {
            world = world.step_became(step.clone(), StepState::Pending);
        }
        world
    };
    let assessment = assess(&under_way);
    assert!(
        matches!(assessment.phase, crate::judge::Phase::Progressing { .. }),
        "{:?}",
        assessment.phase
    );
    assert!(!assessment.faults[0].blocking);
    let world = did(under_way, all.iter().filter(|step| !bad(step)).cloned().collect());
    let assessment = assess(&world);
    assert_eq!(assessment.phase, crate::judge::Phase::Ready);
    let row = row(&assessment);
    assert_eq!((row.desired, row.current, row.not_registered.len()), (62, 38, 10));
    assert_eq!(row.not_registered[0].reason, "CoreServerError");
    assert_eq!(row.state, RegistrationState::Registering);
    let mut nowhere = world;
    for step in all {
        nowhere = nowhere.step_became(step, failed());
    }
    assert!(assess(&nowhere).faults[0].blocking, "registered nowhere");
}

#[test]
fn an_old_url_goes_in_each_tenant_as_soon_as_the_new_one_stands_there() {
    let (world, _) =
        to_the_end(list(World::reachable(), &[other(0), other(1)]).core_facts(Some(with_tenants(2))));
    let world = world
        .spec(|spec| {
            spec.registrations.as_mut().unwrap().ui.as_mut().unwrap()[0].manifest = "/v2.json".to_owned();
        })
        .applied()
        .looked_at(crate::probe::Look::Good { warnings: Vec::new() }, None);
    let world = with_metadata(world.clone(), &plan_of(&world));
    let new: Vec<CoreStep> = steps(&plan_of(&world));
    assert_eq!(new.len(), 4);
    let of_first: Vec<CoreStep> = new
        .iter()
        .filter(|step| step.app.tenant == other(0))
        .cloned()
        .collect();
    let wished = steps(&plan_of(&did(world, of_first)));
    assert_eq!(wished[..4], new);
    assert_eq!(wished[4..], of_tenant(other(0), AppEdit::Absent));
}

#[test]
fn an_application_that_the_core_names_no_more_is_left_by_the_plugin() {
    let (world, _) = to_the_end(list(World::reachable(), &[other(0)]).core_facts(Some(with_tenants(1))));
    let mut world = world;
    let core = world.core.as_mut().unwrap();
    let mut entry = core.entry.as_ref().clone();
    let ui = json!({"applications": {"app": [APPS[0], "another"]}});
    entry.spec.as_mut().unwrap().ui = Some(serde_json::from_value(ui).unwrap());
    core.entry = std::sync::Arc::new(entry);
    let assessment = assess(&world);
    assert_eq!(
        (row(&assessment).desired, row(&assessment).current),
        (2, 1),
        "nothing is said before it was read"
    );
    let (world, wished) = to_the_end(world);
    let step = |name: &str, edit: fn(String) -> AppEdit| CoreStep {
        app: AppKey::of_tenant(other(0), name),
        edit: edit(URL.to_owned()),
    };
    assert_eq!(
        wished,
        [step("another", AppEdit::Present), step(APPS[1], AppEdit::Absent)]
    );
    let names: Vec<&String> = world.itself.ledger.apps.values().flatten().collect();
    assert_eq!(names, ["another", APPS[0]]);
}

#[test]
fn another_tenant_of_the_core_is_another_place_and_nothing_is_said_of_it_before_it_was_read() {
    let (world, _) = to_the_end(World::reachable());
    let world = knows(world, |facts| facts.tenant = Some(other(5)));
    let assessment = assess(&world);
    assert_eq!((row(&assessment).desired, row(&assessment).current), (2, 0));
    let (world, wished) = to_the_end(world);
    let expected = [
        of_tenant(other(5), AppEdit::Present),
        of_tenant(tenant(), AppEdit::Absent),
    ]
    .concat();
    assert_eq!(wished, expected);
    assert_eq!(world.itself.ledger.tenants, [other(5)].into());
}

#[test]
fn users_get_copies_of_their_own_and_those_of_other_tenants_do_not() {
    let world = for_users(World::reachable(), &[user(0), user(1), user(2), user(3)]);
    let plan = plan_of(&world);
    assert!(
        plan.metadata.is_none() && steps(&plan).is_empty(),
        "nobody was looked for yet"
    );
    assert_eq!(plan.core.unwrap().interest.users.len(), 4);
    let world = knows(world, |facts| {
        facts.users.insert(user(0), UserFact::In(tenant()));
        facts.users.insert(user(1), UserFact::In(other(1)));
        facts.users.insert(user(2), UserFact::NotFound);
        facts.users.insert(user(3), UserFact::In(tenant()));
    });
    let (world, wished) = to_the_end(world);
    let expected = [
        of_user(user(0), AppEdit::Present),
        of_user(user(3), AppEdit::Present),
    ]
    .concat();
    assert_eq!(wished, expected);
    let assessment = assess(&world);
    let row = row(&assessment);
    assert_eq!((row.desired, row.current), (8, 4));
    let reasons: Vec<&str> = row
        .not_registered
        .iter()
        .map(|place| place.reason.as_str())
        .collect();
    assert_eq!(reasons, ["UserNotInTenants", "UserNotFound"]);
    assert!(
        !format!("{row:?}").contains(&other(1).to_string()),
        "whose he is stays untold"
    );
}

#[test]
fn an_audience_widens_and_narrows_without_a_gap() {
    let known = |world: World| {
        knows(world, |facts| {
            facts.users.insert(user(0), UserFact::In(tenant()));
        })
    };
    let (narrow, _) = to_the_end(known(for_users(World::reachable(), &[user(0)])));
    let wide = narrow
        .clone()
        .spec(|spec| spec.registrations.as_mut().unwrap().ui.as_mut().unwrap()[0].audience = None)
        .applied();
    let (wide, wished) = to_the_end(wide);
    let expected = [
        of_tenant(tenant(), AppEdit::Present),
        of_user(user(0), AppEdit::Absent),
    ]
    .concat();
    assert_eq!(wished, expected, "the tenant's first");
    assert!(wide.itself.ledger.users.is_empty());
    let (again, wished) = to_the_end(known(for_users(wide, &[user(0)])));
    let expected = [
        of_user(user(0), AppEdit::Present),
        of_tenant(tenant(), AppEdit::Absent),
    ]
    .concat();
    assert_eq!(wished, expected, "the users' first");
    assert!(again.itself.ledger.tenants.is_empty());
    let unknown = knows(for_users(World::healthy(), &[user(0)]), |facts| {
        facts.users.clear()
    });
    assert!(
        steps(&plan_of(&unknown)).is_empty(),
        "who is who is not known yet"
    );
    assert_ne!(assess(&unknown).phase, crate::judge::Phase::Ready);
    let plan = plan_of(&again.deleted());
    assert_eq!(steps(&plan), of_user(user(0), AppEdit::Absent));
}

#[test]
fn more_users_than_the_ledger_may_name_wait_until_there_is_room() {
    let users: Vec<Uuid> = (0..100).map(user).collect();
    let others: Vec<Uuid> = (100..200).map(user).collect();
    let known = |world: World| {
        knows(world, |facts| {
            facts.users = (0..200)
                .map(|number| (user(number), UserFact::In(tenant())))
                .collect();
        })
    };
    let (world, _) = to_the_end(known(for_users(World::reachable(), &users)));
    let (world, wished) = to_the_end(known(for_users(world, &others)));
    assert_eq!(wished.len(), 400);
    let named = &world.itself.ledger.users[&tenant()];
    assert_eq!(named.iter().copied().collect::<Vec<_>>(), others);
    assert!(world.itself.ledger.write().unwrap().len() < 4096);
}

#[test]
fn what_another_plugin_claims_in_one_place_stays_there_alone() {
    let world = list(World::reachable(), &[other(0), other(1)]).core_facts(Some(with_tenants(2)));
    let (mut world, _) = to_the_end(world);
    world.shared.claim(URL, AppKey::of_tenant(other(0), APPS[0]));
    let plan = plan_of(&world.deleted());
    let expected = [
        of_tenant(other(0), AppEdit::Absent)[1..].to_vec(),
        of_tenant(other(1), AppEdit::Absent),
    ]
    .concat();
    let sorted = |mut steps: Vec<CoreStep>| {
        steps.sort();
        steps
    };
    assert_eq!(sorted(steps(&plan)), sorted(expected));
}

#[test]
fn five_hundred_tenants_are_found_again_at_the_end_and_only_when_all_was_read() {
    let (world, _) = to_the_end(descendants(World::reachable(), 500));
    let restarted = knows(world.deleted(), |facts| facts.apps.clear());
    let plan = plan_of(&restarted);
    assert!(plan.metadata.is_none(), "nothing was read yet");
    assert!(plan.core.unwrap().interest.tenants);
    let read = knows(restarted, |facts| {
        facts.all_read = true;
        for number in 0..500 {
            let fact = AppFact {
                urls: vec![URL.to_owned()],
                at: at(NOW),
            };
            facts.apps.insert(AppKey::of_tenant(other(number), APPS[0]), fact);
        }
    });
    let wished = steps(&plan_of(&read));
    assert_eq!(wished.len(), 500);
    let gone = carried_out(did(read, wished.clone()), &wished);
    assert!(plan_of(&gone).metadata.unwrap().release);
}

#[test]
fn what_is_not_granted_is_not_wanted_and_goes_where_it_stands() {
    let (world, _) =
        to_the_end(list(World::reachable(), &[other(0), other(1)]).core_facts(Some(with_tenants(2))));
    let mut world = world;
    let grants: Vec<Grant> = serde_json::from_value(json!([
        {"tenants": {"from": "List", "list": [{"uuid": other(1)}]}, "registrations": ["UiApplication"]},
    ]))
    .unwrap();
    world.allowance = Allowance::of("acme", Some(&grants), "acme", None);
    let (world, wished) = to_the_end(world);
    assert_eq!(wished, of_tenant(other(0), AppEdit::Absent));
    assert!(
        assess(&world)
            .faults
            .iter()
            .any(|fault| fault.reason.as_str() == "NotGranted")
    );
    let mut world = world;
    world.allowance = Allowance::of("acme", Some(&[]), "acme", None);
    let (world, wished) = to_the_end(world);
    // Before the status says otherwise, the core's own tenant is looked at, too.
    assert!(
        wished.starts_with(&of_tenant(other(1), AppEdit::Absent)),
        "{wished:?}"
    );
    assert!(wished.iter().all(|step| matches!(step.edit, AppEdit::Absent(_))));
    // It is routed all the same.
    let routes = world.itself.ledger.routes.clone();
    assert_eq!(
        world.itself.ledger,
        Ledger {
            routes,
            ..Ledger::default()
        }
    );
}

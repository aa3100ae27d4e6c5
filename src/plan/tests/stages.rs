use super::{absent, plan_of, steps, with_metadata};
use crate::api::core::Grant;
use crate::api::names::FINALIZER;
use crate::api::plugin::RegistrationKind;
use crate::core::account::{AccountFact, AccountSeen, PolicySeen, Slot, UserSeen};
use crate::observe::account_secret::{AccountSecret, Role, connection_hash, rights_hash};
use crate::observe::allowance::Allowance;
use crate::observe::facts::Identity;
use crate::observe::fixture::{NOW, START, URL, at, tenant};
use crate::observe::world::World;
use crate::plan::children::How;

#[test]
fn nothing_is_done_before_the_finalizer_stands() {
    let plan = plan_of(&World::just_applied());
    let change = plan.metadata.clone().unwrap();
    assert_eq!(change.finalizers, [FINALIZER]);
    let ledger = change.ledger.unwrap();
    assert!(ledger.ui.is_empty() && !change.release);
    assert!(plan.writes());
    assert!(steps(&plan).is_empty());
}

#[test]
fn the_finalizers_of_others_stay() {
    let mut world = World::just_applied();
    world.itself.finalizers = vec!["other.example/f".to_owned()];
    let change = plan_of(&world).metadata.unwrap();
    assert_eq!(change.finalizers, ["other.example/f", FINALIZER]);
    let mut world = World::reachable().deleted();
    world.itself.finalizers.push("other.example/f".to_owned());
    let change = plan_of(&world).metadata.unwrap();
    assert_eq!(
        (change.finalizers, change.release),
        (vec!["other.example/f".to_owned()], true)
    );
}

#[test]
fn a_healthy_plugin_needs_no_write() {
    let plan = plan_of(&World::healthy());
    assert!(!plan.writes() && plan.metadata.is_none());
    assert!(plan.children.iter().all(|want| want.how == How::Keep));
}

#[test]
fn a_restart_of_the_operator_writes_nothing() {
    let plan = plan_of(&World::healthy().restarted());
    assert!(!plan.writes());
    assert!(plan.children.iter().all(|want| want.how == How::Keep));
}

#[test]
fn a_suspended_plugin_is_not_written_probed_or_wished_for() {
    let quiet = World::healthy().spec(|spec| spec.suspend = Some(true)).applied();
    let plan = plan_of(&quiet);
    assert!(plan.suspended && !plan.pending && !plan.writes());
    assert!(plan.core.is_none() && plan.probes.is_empty() && plan.readiness.is_none());
    let changed =
        quiet.spec(|spec| spec.workload.as_mut().unwrap().image = "registry.example/crm-panel:2".to_owned());
    let plan = plan_of(&changed);
    assert!(plan.suspended && plan.pending && !plan.writes());
}

#[test]
fn a_plugin_that_is_suspended_from_the_start_waits_for_everything() {
    let plan = plan_of(&World::just_applied().spec(|spec| spec.suspend = Some(true)));
    assert!(plan.suspended && plan.pending && !plan.writes());
}

const RIGHTS: &str = "confd.users.read";

fn secret(world: &World, rights: &[String]) -> AccountSecret {
    AccountSecret {
        id: Identity {
            owner: Some(world.itself.uid.clone()),
            ..Identity::default()
        },
        role: Role::Current,
        slot: Some(Slot::A),
        tenant: Some(tenant()),
        made: Some(at(START)),
        rights: rights_hash(rights),
        rotate: None,
        stored: "stored".to_owned(),
        sound: true,
        connection: connection_hash("https://stack.example", &tenant().to_string(), ""),
        mounted: "mounted".to_owned(),
    }
}

/// A healthy plugin with an account that is as it was asked for, and is replaced in time.
fn with_account(rotate_every: &str) -> World {
    let grant = Grant {
        namespaces: None,
        tenants: None,
        registrations: Some(vec![RegistrationKind::UiApplication, RegistrationKind::Account]),
        acl: Some(vec!["confd.users.#".to_owned()]),
    };
    let account = serde_json::json!({"acl": [RIGHTS], "rotateEvery": rotate_every});
    let mut world = World::healthy().spec(|spec| {
        spec.registrations.as_mut().unwrap().account = Some(serde_json::from_value(account).unwrap());
    });
    world.allowance = Allowance::of("acme", Some(&[grant]), "acme", None);
    let (rights, policy) = (vec![RIGHTS.to_owned()], tenant());
    let secret = secret(&world, &rights);
    let name = format!("{}-core", world.itself.key.name);
    world.children.accounts.insert(name, secret);
    let user = UserSeen {
        tenant: tenant(),
        enabled: true,
        intact: true,
        policies: [policy].into(),
    };
    world.account = Some(AccountFact {
        seen: Some(AccountSeen {
            users: [Some(user), None],
            policies: [(
                tenant(),
                PolicySeen {
                    uuid: policy,
                    acl: rights,
                },
            )]
            .into(),
            missing: Vec::new(),
            at: at(NOW),
        }),
        ..AccountFact::default()
    });
    let world = world.applied();
    let plan = plan_of(&world);
    with_metadata(world, &plan)
}

#[test]
fn what_only_time_asks_for_is_no_change_of_the_spec() {
    for every in ["10h", "1h"] {
        let world = with_account(every);
        let plan = plan_of(&world);
        assert_eq!(plan.account.secret.is_some(), every == "1h", "{plan:#?}");
        let plan = plan_of(&world.spec(|spec| spec.suspend = Some(true)));
        assert!(plan.suspended && !plan.pending, "{every}");
    }
}

#[test]
fn an_account_that_is_asked_for_otherwise_waits_until_the_suspension_ends() {
    let suspended = || with_account("10h").spec(|spec| spec.suspend = Some(true));
    let other_rights = |world: World| {
        world.spec(|spec| {
            let registrations = spec.registrations.as_mut().unwrap();
            registrations.account.as_mut().unwrap().acl = Some(vec!["confd.users.*.read".to_owned()]);
        })
    };
    let no_account = |world: World| world.spec(|spec| spec.registrations.as_mut().unwrap().account = None);
    let on_demand = |mut world: World| {
        world.itself.rotate = Some("1".to_owned());
        world
    };
    let changes: [&dyn Fn(World) -> World; 3] = [&other_rights, &no_account, &on_demand];
    for (index, change) in changes.into_iter().enumerate() {
        for looked in [true, false] {
            let mut world = change(suspended());
            world.account = world.account.filter(|_| looked);
            assert!(
                plan_of(&world).pending,
                "{index}, the core was looked at: {looked}"
            );
        }
    }
}

#[test]
fn what_somebody_else_changes_meanwhile_is_no_change_of_the_spec() {
    let mut world = World::healthy().spec(|spec| spec.suspend = Some(true)).applied();
    world.children.service_account = None;
    let plan = plan_of(&world.clone().spec(|spec| spec.suspend = None));
    assert!(plan.writes(), "it is made again when the suspension ends");
    let plan = plan_of(&world);
    assert!(plan.suspended && !plan.pending);
}

#[test]
fn deletion_overrides_suspension() {
    let world = World::healthy().spec(|spec| spec.suspend = Some(true)).deleted();
    let plan = plan_of(&world);
    assert!(!plan.suspended);
    assert_eq!(steps(&plan), absent(URL));
}

#[test]
fn a_spec_that_is_not_usable_changes_nothing_but_the_finalizer() {
    let break_it = |world: World| world.spec(|spec| spec.workload.as_mut().unwrap().image = String::new());
    let plan = plan_of(&break_it(World::healthy()));
    assert!(!plan.writes() && plan.children.is_empty() && plan.core.is_none() && !plan.suspended);
    let plan = plan_of(&break_it(World::just_applied()));
    assert_eq!(plan.metadata.unwrap().finalizers, [FINALIZER]);
    assert!(plan.children.is_empty() && plan.core.is_none());
}

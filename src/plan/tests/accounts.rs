//! Accounts, and what a partner can write that looks like the operator's.

use serde_json::json;
use uuid::Uuid;

use super::plan_of;
use crate::api::core::Grant;
use crate::core::account::{AccountFact, AccountSeen, PolicySeen, Slot, UserSeen};
use crate::observe::account_secret::{AccountSecret, Role};
use crate::observe::allowance::Allowance;
use crate::observe::facts::Identity;
use crate::observe::fixture::tenant;
use crate::observe::ledger::MOST_TENANTS;
use crate::observe::world::World;
use crate::plan::registrations::account::SecretStep;

/// What the grants of a core in the namespace `acme` allow there.
pub(super) fn granted(grants: &serde_json::Value) -> Option<Allowance> {
    let grants: Vec<Grant> = serde_json::from_value(grants.clone()).unwrap();
    Allowance::of("acme", Some(&grants), "acme", None)
}

/// A healthy plugin with an account in the tenant of the core, which stands there.
pub(super) fn with_account() -> World {
    let mut world = World::healthy();
    world.allowance = granted(&json!([
        {"registrations": ["UiApplication", "Account"], "acl": ["confd.#"]},
    ]));
    let account = json!({"acl": ["confd.users.read"]});
    let mut world = world.spec(|spec| {
        let registrations = spec.registrations.as_mut().unwrap();
        registrations.account = serde_json::from_value(account.clone()).unwrap();
    });
    world.itself.ledger.accounts = [tenant()].into();
    let policy = Uuid::from_u128(70);
    world
        .children
        .accounts
        .insert("crm-panel-core".to_owned(), secret(Role::Current, tenant()));
    world.account = Some(AccountFact {
        seen: Some(AccountSeen {
            users: [
                Some(UserSeen {
                    tenant: tenant(),
                    enabled: true,
                    intact: true,
                    policies: [policy].into(),
                }),
                None,
            ],
            policies: [(
                tenant(),
                PolicySeen {
                    uuid: policy,
                    acl: vec!["confd.users.read".to_owned()],
                },
            )]
            .into(),
            missing: Vec::new(),
            at: world.now,
        }),
        ..AccountFact::default()
    });
    world.applied()
}

/// Nothing of the account stands in the core.
pub(super) fn without_users(mut world: World) -> World {
    let fact = world.account.as_mut().unwrap();
    let seen = fact.seen.as_mut().unwrap();
    seen.users = [None, None];
    seen.policies.clear();
    world
}

fn secret(role: Role, tenant: Uuid) -> AccountSecret {
    AccountSecret {
        id: Identity {
            uid: format!("uid-of-{tenant}"),
            owner: Some("uid-of-crm-panel".to_owned()),
            ..Identity::default()
        },
        role,
        slot: Some(Slot::A),
        tenant: Some(tenant),
        made: None,
        rights: String::new(),
        rotate: None,
        stored: tenant.to_string(),
        sound: true,
        connection: String::new(),
        mounted: String::new(),
    }
}

/// A partner wrote so many Secrets that look like the operator's, each of another tenant.
fn forged(mut world: World, count: u128) -> World {
    for number in 0..count {
        let name = format!("forged-{number}");
        let secret = secret(Role::Current, Uuid::from_u128(10_000 + number));
        world.children.accounts.insert(name, secret);
    }
    world
}

fn tenants_looked_at(world: &World) -> Vec<Uuid> {
    let plan = plan_of(world);
    plan.account
        .wish
        .map(|(_, wish)| wish.tenants)
        .unwrap_or_default()
}

#[test]
fn secrets_that_a_partner_wrote_send_the_operator_to_no_tenant() {
    assert_eq!(tenants_looked_at(&forged(with_account(), 500)), [tenant()]);
    // One under a name that the operator gives tells of its tenant: the ledger may be lost.
    let mut lost = with_account();
    lost.itself.ledger.accounts.clear();
    let old = Uuid::from_u128(9);
    lost.children
        .accounts
        .insert("crm-panel-core-next".to_owned(), secret(Role::Next, old));
    assert_eq!(tenants_looked_at(&lost), [tenant(), old]);
    // A ledger of strangers' tenants does not make a look any longer than this, either.
    let mut full = with_account();
    full.itself.ledger.accounts = (0..500).map(|number| Uuid::from_u128(20_000 + number)).collect();
    assert!(tenants_looked_at(&full).len() <= MOST_TENANTS + 1);
}

#[test]
fn secrets_that_a_partner_wrote_go_in_a_few_passes_and_no_look_comes_between() {
    let gone = |world: World| {
        let world = world.spec(|spec| spec.registrations.as_mut().unwrap().account = None);
        world.applied()
    };
    let mut world = forged(without_users(gone(with_account())), 500);
    let looked = tenants_looked_at(&world);
    let mut passes = 0;
    while let Some(step) = plan_of(&world).account.secret {
        assert_eq!(
            tenants_looked_at(&world),
            looked,
            "another list means another look"
        );
        let SecretStep::Remove { secrets } = step else {
            panic!("{step:?}");
        };
        world
            .children
            .accounts
            .retain(|name, _| !secrets.contains_key(name));
        passes += 1;
    }
    assert!(world.children.accounts.is_empty() && passes <= 11, "{passes}");
}

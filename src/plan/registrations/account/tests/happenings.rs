//! What strangers and users may do on the way, and the way's end all the same.

use std::time::Duration;

use proptest::prelude::*;

use super::super::Wanted;
use super::ground::{Ground, OTHER, TENANT, User, acl};
use crate::observe::account_secret::{AccountSecret, Role};

/// What may happen between any two steps.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Nothing,
    Restart,
    Check,
    UserGone(bool),
    UserDisabled(bool),
    UserUnlinked(bool),
    OtherPassword(bool),
    PolicyGone,
    PolicyEdited,
    SecretGone,
    SecretEdited,
    StoredGone,
    StoredEdited,
    Rotate(u8),
    Rights(bool),
    Tenant(bool),
    Name(bool),
    Later,
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    prop_oneof![
        6 => Just(Nothing),
        3 => Just(Restart),
        2 => Just(Check),
        1 => any::<bool>().prop_map(UserGone),
        1 => any::<bool>().prop_map(UserDisabled),
        1 => any::<bool>().prop_map(UserUnlinked),
        1 => any::<bool>().prop_map(OtherPassword),
        1 => Just(PolicyGone),
        1 => Just(PolicyEdited),
        1 => Just(SecretGone),
        1 => Just(SecretEdited),
        1 => Just(StoredGone),
        1 => Just(StoredEdited),
        1 => any::<u8>().prop_map(Rotate),
        1 => any::<bool>().prop_map(Rights),
        1 => any::<bool>().prop_map(Tenant),
        1 => any::<bool>().prop_map(Name),
        1 => Just(Later),
    ]
}

fn happen(ground: &mut Ground, what: Happening) {
    let user = |ground: &mut Ground, second: bool, edit: &dyn Fn(&mut User)| {
        if let Some(user) = &mut ground.users[usize::from(second)] {
            edit(user);
        }
    };
    let wanted = |ground: &mut Ground, edit: &dyn Fn(&mut Wanted)| ground.wanted.iter_mut().for_each(edit);
    let of_role = |ground: &mut Ground, role: Role, edit: Option<&dyn Fn(&mut AccountSecret)>| {
        ground.secrets.retain(|_, secret| {
            if secret.role == role {
                edit.map(|edit| edit(secret)).is_some()
            } else {
                true
            }
        });
    };
    let spoil = |secret: &mut AccountSecret| {
        secret.stored += "!";
        secret.sound = false;
    };
    match what {
        Happening::Nothing => {}
        Happening::Restart => (ground.last, ground.rejected) = (None, None),
        Happening::Check => ground.check_at = Some(ground.now),
        Happening::UserGone(second) => ground.users[usize::from(second)] = None,
        Happening::UserDisabled(second) => user(ground, second, &|user| user.seen.enabled = false),
        Happening::UserUnlinked(second) => user(ground, second, &|user| user.seen.policies.clear()),
        Happening::OtherPassword(second) => user(ground, second, &|user| user.password = "x".to_owned()),
        Happening::PolicyGone => {
            ground.policies.clear();
            (0..2).for_each(|slot| user(ground, slot == 1, &|user| user.seen.policies.clear()));
        }
        Happening::PolicyEdited => {
            for policy in ground.policies.values_mut() {
                policy.acl = acl(&["#"]);
            }
        }
        Happening::SecretGone => of_role(ground, Role::Current, None),
        Happening::SecretEdited => of_role(ground, Role::Current, Some(&spoil)),
        Happening::StoredGone => of_role(ground, Role::Next, None),
        Happening::StoredEdited => of_role(ground, Role::Next, Some(&spoil)),
        Happening::Rotate(number) => wanted(ground, &|wanted| wanted.rotate = Some(number.to_string())),
        Happening::Rights(more) => wanted(ground, &|wanted| {
            wanted.acl = acl(if more { &["a.read", "b.read"] } else { &["a.read"] });
        }),
        Happening::Tenant(other) => wanted(ground, &|wanted| {
            wanted.connection.tenant = if other { OTHER } else { TENANT };
        }),
        Happening::Name(other) => wanted(ground, &|wanted| {
            wanted.secret = if other { "other" } else { "crm-core" }.to_owned();
        }),
        Happening::Later => ground.now = ground.now.checked_add(Duration::from_secs(2000)).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_on_the_way_it_ends_as_wanted(happenings in prop::collection::vec(happening(), 0..25), gone in any::<bool>()) {
        let mut ground = Ground::bare();
        for what in happenings {
            ground.step();
            happen(&mut ground, what);
        }
        if gone {
            ground.wanted = None;
        }
        ground.go_on(&mut |_| {});
        // The password of a user in use is tried from time to time.
        ground.check_at = Some(ground.now);
        ground.go_on(&mut |_| {});
        prop_assert!(ground.is_as_wanted(), "{ground:#?}");
    }
}

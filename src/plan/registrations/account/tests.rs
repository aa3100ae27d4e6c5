//! The way from every state to the end, on a core and a cluster in memory: whatever is lost on the way.

mod ground;
mod happenings;

use std::time::Duration;

use self::ground::{Ground, OTHER, TENANT, acl};
use super::steps::Step;
use crate::core::account::{Act, Slot};

#[test]
fn an_account_is_made_proved_and_published_in_this_order() {
    let mut ground = Ground::bare();
    let mut steps = Vec::new();
    loop {
        let step = ground.next();
        let word = format!("{step:?}")
            .split([' ', '('])
            .take(2)
            .collect::<Vec<_>>()
            .join(" ");
        steps.push(word);
        if !ground.step() {
            break;
        }
    }
    assert_eq!(
        steps,
        [
            "Act Policy",
            "Secret Store",
            "Act Make",
            "Act Link",
            "Act Prove",
            "Secret Publish",
            "Secret Remove",
            "Settled"
        ]
    );
    assert!(ground.is_as_wanted(), "{ground:#?}");
}

/// Whether the pods and the Secret let one in, at every moment from here to the end.
fn replaced_without_a_gap(mut ground: Ground) -> Ground {
    assert!(ground.pods_work() && ground.secret_works());
    let made = ground.passwords;
    ground.go_on(&mut |now| assert!(now.pods_work() && now.secret_works(), "{now:#?}"));
    assert!(ground.is_as_wanted(), "{ground:#?}");
    assert_eq!(ground.passwords, made + 1, "one new password");
    ground
}

#[test]
fn credentials_are_replaced_in_time_on_demand_and_for_other_rights_and_another_tenant_without_a_gap() {
    let change = |change: &dyn Fn(&mut Ground)| {
        let mut ground = Ground::settled();
        change(&mut ground);
        replaced_without_a_gap(ground)
    };
    change(&|ground| ground.now = ground.now.checked_add(Duration::from_secs(3600)).unwrap());
    change(&|ground| ground.wanted.as_mut().unwrap().rotate = Some("1".to_owned()));
    change(&|ground| ground.wanted.as_mut().unwrap().acl = acl(&["a.read", "b.read"]));
    let moved = change(&|ground| ground.wanted.as_mut().unwrap().connection.tenant = OTHER);
    assert_eq!(moved.users.iter().flatten().next().unwrap().seen.tenant, OTHER);
    let twice = replaced_without_a_gap({
        let mut ground = change(&|ground| ground.wanted.as_mut().unwrap().rotate = Some("1".to_owned()));
        ground.wanted.as_mut().unwrap().rotate = Some("2".to_owned());
        ground
    });
    assert_eq!(
        twice.current().unwrap().slot,
        Some(Slot::A),
        "the slots take turns"
    );
}

#[test]
fn another_name_for_the_secret_means_other_credentials_and_the_old_ones_stay_until_the_pods_are_rolled() {
    let mut ground = Ground::settled();
    ground.wanted.as_mut().unwrap().secret = "other".to_owned();
    ground.go_on(&mut |now| assert!(now.pods_work(), "{now:#?}"));
    assert!(ground.is_as_wanted(), "{ground:#?}");
}

#[test]
fn an_old_user_stays_until_the_pods_are_rolled() {
    let mut ground = Ground::settled();
    ground.wanted.as_mut().unwrap().rotate = Some("1".to_owned());
    while ground.next() != Step::Wait {
        assert!(ground.step());
    }
    assert_eq!(ground.users.iter().flatten().count(), 2);
    assert_eq!(ground.next(), Step::Wait, "asked again");
    ground.pods = ground.current().map(|current| current.mounted.clone());
    assert_eq!(
        ground.next(),
        Step::Act(Act::Set {
            slot: Slot::A,
            enabled: false
        })
    );
    ground.step();
    assert_eq!(ground.next(), Step::Act(Act::Delete { slot: Slot::A }));
}

#[test]
fn the_users_go_before_the_policy_and_are_kept_out_first() {
    let mut ground = Ground::settled();
    (ground.wanted, ground.pods) = (None, None);
    let mut acts = Vec::new();
    while let Step::Act(act) = ground.next() {
        acts.push(act);
        ground.step();
    }
    assert_eq!(
        acts,
        [
            Act::Set {
                slot: Slot::A,
                enabled: false
            },
            Act::Delete { slot: Slot::A },
            Act::DeletePolicy { tenant: TENANT }
        ]
    );
}

#[test]
fn credentials_that_do_not_let_in_any_more_are_replaced_and_tried_only_in_their_time() {
    let mut ground = Ground::settled();
    ground.users[0].as_mut().expect("there is one").password = "of a stranger".to_owned();
    assert_eq!(ground.next(), Step::Settled, "not tried before its time");
    ground.check_at = Some(ground.now);
    assert!(matches!(
        ground.next(),
        Step::Act(Act::Prove { slot: Slot::A, .. })
    ));
    ground.go_on(&mut |_| {});
    assert!(ground.is_as_wanted(), "{ground:#?}");
    assert_eq!(ground.current().expect("there is one").slot, Some(Slot::B));
}

#[test]
fn where_drift_is_only_reported_nothing_but_the_credentials_is_tried() {
    let mut ground = Ground::settled();
    ground.hands_off = true;
    ground.users[0].as_mut().expect("there is one").seen.enabled = false;
    ground.check_at = Some(ground.now);
    assert_eq!(ground.next(), Step::Settled);
    ground.users[0].as_mut().expect("there is one").seen.enabled = true;
    assert!(matches!(ground.next(), Step::Act(Act::Prove { .. })));
    let stored = ground.current().expect("there is one").stored.clone();
    (ground.rejected, ground.check_at) = (Some(stored), None);
    assert_eq!(ground.next(), Step::Settled, "no other credentials are made");
}

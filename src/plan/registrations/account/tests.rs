//! The way from every state to the end, on a core and a cluster in memory: whatever is lost on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::steps::{Step, next};
use super::{Connection, SecretStep, Situation, Wanted};
use crate::core::account::{AccountFact, AccountSeen, Act, ActState, PolicySeen, Slot, Subject, UserSeen};
use crate::keys::PluginKey;
use crate::observe::account_secret::{AccountSecret, Role, rights_hash};
use crate::observe::facts::Identity;

const TENANT: Uuid = Uuid::from_u128(7);
const OTHER: Uuid = Uuid::from_u128(8);

/// A user with the password that he was made with.
#[derive(Clone, Debug, PartialEq)]
struct User {
    seen: UserSeen,
    password: String,
}

/// What there is.
#[derive(Clone, Debug)]
struct Ground {
    users: [Option<User>; 2],
    policies: BTreeMap<Uuid, PolicySeen>,
    secrets: BTreeMap<String, AccountSecret>,
    last: Option<(Act, ActState)>,
    check_at: Option<Timestamp>,
    rejected: Option<String>,
    /// What the pods that run have: the hash of the credentials that they mount.
    pods: Option<String>,
    wanted: Option<Wanted>,
    now: Timestamp,
    passwords: u32,
}

fn acl(rights: &[&str]) -> Vec<String> {
    rights.iter().map(ToString::to_string).collect()
}

fn wanted() -> Wanted {
    Wanted {
        connection: Connection {
            url: "https://stack.example".to_owned(),
            tenant: TENANT,
            ca: String::new(),
        },
        acl: acl(&["a.read"]),
        secret: "crm-core".to_owned(),
        every: Some(Duration::from_secs(3600)),
        rotate: None,
    }
}

impl Ground {
    fn bare() -> Self {
        Self {
            users: [None, None],
            policies: BTreeMap::new(),
            secrets: BTreeMap::new(),
            last: None,
            check_at: None,
            rejected: None,
            pods: None,
            wanted: Some(wanted()),
            now: Timestamp::from_second(1_000_000).unwrap(),
            passwords: 0,
        }
    }

    /// An account in use.
    fn settled() -> Self {
        let mut ground = Self::bare();
        ground.go_on(&mut |_| {});
        ground
    }

    fn current(&self) -> Option<&AccountSecret> {
        self.secrets.get(&self.wanted.as_ref()?.secret)
    }

    /// What is next, as an operator sees it that may have just begun.
    fn next(&self) -> Step {
        let mut users = [None, None];
        for (to, from) in users.iter_mut().zip(&self.users) {
            *to = from.as_ref().map(|user| user.seen.clone());
        }
        let fact = AccountFact {
            seen: Some(AccountSeen {
                users,
                policies: self.policies.clone(),
                missing: Vec::new(),
                at: self.now,
            }),
            last: self.last.clone(),
            check_at: self.check_at,
            rejected: self.rejected.clone(),
            ..AccountFact::default()
        };
        let mounted = self.current().map(|current| current.mounted.clone());
        next(&Situation {
            wanted: self.wanted.clone(),
            subject: Subject::new(Uuid::nil(), "owner", &PluginKey::new("acme", "crm")),
            secrets: self.secrets.iter().collect(),
            fact: Some(&fact),
            rolled: self.pods == mounted,
            hands_off: false,
            now: self.now,
        })
    }

    /// Whether what the pods have lets them in.
    fn pods_work(&self) -> bool {
        self.works(self.pods.as_deref())
    }

    /// Whether what the Secret says lets one in.
    fn secret_works(&self) -> bool {
        self.works(self.current().map(|current| current.stored.as_str()))
    }

    fn works(&self, stored: Option<&str>) -> bool {
        self.users.iter().flatten().any(|user| {
            let has = self
                .policies
                .get(&user.seen.tenant)
                .is_some_and(|policy| user.seen.policies.contains(&policy.uuid));
            Some(user.password.as_str()) == stored && user.seen.enabled && has
        })
    }

    /// Does one thing; true where there was one.
    fn step(&mut self) -> bool {
        match self.next() {
            Step::Look => unreachable!("it was looked"),
            // Pods are rolled whether or not anything waits for them.
            Step::Settled => {
                self.pods = self.current().map(|current| current.mounted.clone());
                return false;
            }
            // The Deployment's controller does its part.
            Step::Wait => self.pods = self.current().map(|current| current.mounted.clone()),
            Step::Act(act) => {
                let state = self.act(&act);
                self.last = Some((act, state));
            }
            Step::Secret(step) => self.secret(step),
        }
        true
    }

    fn act(&mut self, act: &Act) -> ActState {
        match act {
            Act::Policy { tenant, acl } => {
                let uuid = self
                    .policies
                    .get(tenant)
                    .map_or_else(Uuid::new_v4, |policy| policy.uuid);
                let acl = acl.clone();
                self.policies.insert(*tenant, PolicySeen { uuid, acl });
            }
            Act::Make { slot, tenant, stored } => {
                let user = &mut self.users[*slot as usize];
                assert!(user.is_none(), "made over one that is there");
                *user = Some(User {
                    seen: UserSeen {
                        tenant: *tenant,
                        enabled: true,
                        intact: true,
                        policies: BTreeSet::new(),
                    },
                    password: stored.clone(),
                });
            }
            Act::Link { slot, tenant } => {
                let uuid = self.policies[tenant].uuid;
                let user = self.users[*slot as usize].as_mut().expect("there is one");
                user.seen.policies.insert(uuid);
            }
            Act::Prove { slot, stored, .. } => {
                let user = self.users[*slot as usize].as_ref().expect("there is one");
                self.check_at = None;
                if user.password != *stored {
                    self.rejected = Some(stored.clone());
                    return ActState::PasswordUnknown;
                }
                self.rejected = None;
            }
            Act::Set { slot, enabled } => {
                let user = self.users[*slot as usize].as_mut().expect("there is one");
                (user.seen.enabled, user.seen.intact) = (*enabled, true);
            }
            Act::Delete { slot } => self.users[*slot as usize] = None,
            Act::DeletePolicy { tenant } => {
                let gone = self.policies.remove(tenant).expect("there is one").uuid;
                for user in self.users.iter_mut().flatten() {
                    user.seen.policies.remove(&gone);
                }
            }
        }
        ActState::Done
    }

    fn secret(&mut self, step: SecretStep) {
        match step {
            SecretStep::Store { name, slot, .. } => {
                self.passwords += 1;
                let stored = format!("password {}", self.passwords);
                let known = self
                    .secrets
                    .insert(name, secret(Role::Next, slot, stored, self.now));
                assert!(known.is_none(), "a stored password was lost");
            }
            SecretStep::Publish {
                name,
                from,
                connection,
                rights,
                rotate,
            } => {
                let next = self.secrets[&from].clone();
                let begun = next.stored.clone();
                let current = AccountSecret {
                    role: Role::Current,
                    tenant: Some(connection.tenant),
                    connection: connection.hash(),
                    rights,
                    rotate,
                    ..next
                };
                self.secrets.insert(name, current);
                // Pods that wait for it begin.
                self.pods.get_or_insert(begun);
            }
            SecretStep::Reconnect { name, connection } => {
                let current = self.secrets.get_mut(&name).expect("there is one");
                current.connection = connection.hash();
            }
            SecretStep::Remove { name, .. } => drop(self.secrets.remove(&name)),
        }
    }

    /// Goes on until nothing is left to do; between any two steps something may happen.
    fn go_on(&mut self, between: &mut dyn FnMut(&mut Self)) {
        for _ in 0..60 {
            if !self.step() {
                return;
            }
            between(self);
        }
        panic!("it does not come to an end: {:?}\n{self:#?}", self.next());
    }

    fn is_as_wanted(&self) -> bool {
        let Some(wanted) = &self.wanted else {
            return self.users.iter().all(Option::is_none)
                && self.policies.is_empty()
                && self.secrets.is_empty();
        };
        let policies: Vec<_> = self
            .policies
            .iter()
            .map(|(tenant, policy)| (*tenant, policy.acl.clone()))
            .collect();
        self.users.iter().flatten().count() == 1
            && policies == [(wanted.connection.tenant, wanted.acl.clone())]
            && self.secrets.keys().eq([&wanted.secret])
            && self.current().is_some_and(|current| {
                current.sound && current.rights == rights_hash(&wanted.acl) && current.rotate == wanted.rotate
            })
            && self.pods_work()
            && self.secret_works()
    }
}

fn secret(role: Role, slot: Slot, stored: String, made: Timestamp) -> AccountSecret {
    AccountSecret {
        id: Identity::default(),
        role,
        slot: Some(slot),
        tenant: None,
        made: Some(made),
        rights: String::new(),
        rotate: None,
        mounted: stored.clone(),
        stored,
        sound: true,
        connection: String::new(),
    }
}

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

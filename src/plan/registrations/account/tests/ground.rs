//! A core and a cluster in memory, with one account.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::super::steps::{Step, next};
use super::super::{Connection, SecretStep, Situation, Wanted};
use crate::core::account::{AccountFact, AccountSeen, Act, ActState, PolicySeen, Slot, Subject, UserSeen};
use crate::keys::PluginKey;
use crate::observe::account_secret::{AccountSecret, Role, rights_hash};
use crate::observe::facts::Identity;

pub(super) const TENANT: Uuid = Uuid::from_u128(7);
pub(super) const OTHER: Uuid = Uuid::from_u128(8);

/// A user with the password that he was made with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct User {
    pub(super) seen: UserSeen,
    pub(super) password: String,
}

/// What there is.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) users: [Option<User>; 2],
    pub(super) policies: BTreeMap<Uuid, PolicySeen>,
    pub(super) secrets: BTreeMap<String, AccountSecret>,
    pub(super) last: Option<(Act, ActState)>,
    pub(super) hands_off: bool,
    pub(super) check_at: Option<Timestamp>,
    pub(super) rejected: Option<String>,
    /// What the pods that run have: the hash of the credentials that they mount.
    pub(super) pods: Option<String>,
    pub(super) wanted: Option<Wanted>,
    pub(super) now: Timestamp,
    pub(super) passwords: u32,
}

pub(super) fn acl(rights: &[&str]) -> Vec<String> {
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
    pub(super) fn bare() -> Self {
        Self {
            users: [None, None],
            policies: BTreeMap::new(),
            secrets: BTreeMap::new(),
            last: None,
            hands_off: false,
            check_at: None,
            rejected: None,
            pods: None,
            wanted: Some(wanted()),
            now: Timestamp::from_second(1_000_000).unwrap(),
            passwords: 0,
        }
    }

    /// An account in use.
    pub(super) fn settled() -> Self {
        let mut ground = Self::bare();
        ground.go_on(&mut |_| {});
        ground
    }

    pub(super) fn current(&self) -> Option<&AccountSecret> {
        self.secrets.get(&self.wanted.as_ref()?.secret)
    }

    /// What is next, as an operator sees it that may have just begun.
    pub(super) fn next(&self) -> Step {
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
            hands_off: self.hands_off,
            now: self.now,
        })
    }

    /// Whether what the pods have lets them in.
    pub(super) fn pods_work(&self) -> bool {
        self.works(self.pods.as_deref())
    }

    /// Whether what the Secret says lets one in.
    pub(super) fn secret_works(&self) -> bool {
        self.works(self.current().map(|current| current.stored.as_str()))
    }

    pub(super) fn works(&self, stored: Option<&str>) -> bool {
        self.users.iter().flatten().any(|user| {
            let has = self
                .policies
                .get(&user.seen.tenant)
                .is_some_and(|policy| user.seen.policies.contains(&policy.uuid));
            Some(user.password.as_str()) == stored && user.seen.enabled && has
        })
    }

    /// Does one thing; true where there was one.
    pub(super) fn step(&mut self) -> bool {
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

    pub(super) fn act(&mut self, act: &Act) -> ActState {
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

    pub(super) fn secret(&mut self, step: SecretStep) {
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
            SecretStep::Remove { secrets } => self.secrets.retain(|name, _| !secrets.contains_key(name)),
        }
    }

    /// Goes on until nothing is left to do; between any two steps something may happen.
    pub(super) fn go_on(&mut self, between: &mut dyn FnMut(&mut Self)) {
        for _ in 0..60 {
            if !self.step() {
                return;
            }
            between(self);
        }
        panic!("it does not come to an end: {:?}\n{self:#?}", self.next());
    }

    pub(super) fn is_as_wanted(&self) -> bool {
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

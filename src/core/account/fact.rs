//! What is known of an account.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Act, Slot};
use crate::core::error::CoreError;

/// What is known of an account, and what became of the last act.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AccountFact {
    /// What the core holds; `None`: not looked yet, as this account.
    pub seen: Option<AccountSeen>,
    /// The last act, and what became of it.
    pub last: Option<(Act, ActState)>,
    /// Why the core cannot be read.
    pub blind: Option<CoreError>,
    /// When the credentials in use are to be tried next; `None`: it is not said yet.
    pub check_at: Option<Timestamp>,
    /// The hash of credentials that did not let their user in, although he may log in.
    pub rejected: Option<String>,
    /// Rights that its token lacks although its policy names them, in ACL notation: another policy refuses them.
    #[serde(default)]
    pub lacking: Vec<String>,
}

/// What the core holds of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSeen {
    /// The users by slot.
    pub users: [Option<UserSeen>; 2],
    /// The policies by tenant.
    pub policies: BTreeMap<Uuid, PolicySeen>,
    /// Rights that the operator's account lacks for this account, in ACL notation.
    pub missing: Vec<String>,
    /// When it was read.
    pub at: Timestamp,
}

impl AccountSeen {
    /// The user in a slot.
    #[must_use]
    pub const fn user(&self, slot: Slot) -> Option<&UserSeen> {
        self.users[slot as usize].as_ref()
    }

    /// Whether the core holds nothing of the account.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.users.iter().all(Option::is_none) && self.policies.is_empty()
    }

    /// Whether a reader sees no difference.
    fn shows_like(&self, other: &Self) -> bool {
        Self {
            at: other.at,
            ..self.clone()
        } == *other
    }
}

/// A user of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSeen {
    /// His tenant.
    pub tenant: Uuid,
    /// Whether he may log in.
    pub enabled: bool,
    /// Whether name and purpose are as they were made.
    pub intact: bool,
    /// The policies that he has.
    pub policies: BTreeSet<Uuid>,
}

/// The policy of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySeen {
    /// Its uuid.
    pub uuid: Uuid,
    /// Its rights, sorted.
    pub acl: Vec<String>,
}

/// What became of an act.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ActState {
    /// Not done yet.
    Pending,
    /// It holds.
    Done,
    /// The user does not have the password that is stored: nobody knows his.
    PasswordUnknown,
    /// The user gets in, and his token lacks rights although his policy names them.
    RightsMissing(Vec<String>),
    /// The core did not do it; it is tried again.
    Failed(CoreError),
}

impl ActState {
    /// Whether a reader sees no difference.
    fn shows_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pending, Self::Pending)
            | (Self::Done, Self::Done)
            | (Self::PasswordUnknown, Self::PasswordUnknown) => true,
            (Self::RightsMissing(one), Self::RightsMissing(two)) => one == two,
            (Self::Failed(one), Self::Failed(two)) => one.is_like(two),
            _ => false,
        }
    }
}

impl AccountFact {
    /// Whether a reader sees no difference: moments and traces aside.
    pub(super) fn shows_like(&self, other: &Self) -> bool {
        let seen = match (&self.seen, &other.seen) {
            (None, None) => true,
            (Some(one), Some(two)) => one.shows_like(two),
            _ => false,
        };
        let last = match (&self.last, &other.last) {
            (None, None) => true,
            (Some((act, state)), Some((other_act, other_state))) => {
                act == other_act && state.shows_like(other_state)
            }
            _ => false,
        };
        let blind = match (&self.blind, &other.blind) {
            (None, None) => true,
            (Some(one), Some(two)) => one.is_like(two),
            _ => false,
        };
        seen && last && blind && self.rejected == other.rejected && self.lacking == other.lacking
    }

    /// Whether the credentials in use are to be tried now.
    #[must_use]
    pub fn is_check_due(&self, now: Timestamp) -> bool {
        self.check_at.is_some_and(|at| at <= now)
    }

    /// Whether nothing more comes of an act: a proof is made again in its time.
    #[must_use]
    pub fn is_over(&self, act: &Act, now: Timestamp) -> bool {
        let over = matches!(
            self.state_of(act),
            Some(ActState::Done | ActState::PasswordUnknown | ActState::RightsMissing(_))
        );
        over && !(matches!(act, Act::Prove { .. }) && self.is_check_due(now))
    }

    /// What became of an act, where it is the last one.
    #[must_use]
    pub fn state_of(&self, act: &Act) -> Option<&ActState> {
        let (last, state) = self.last.as_ref()?;
        (last == act).then_some(state)
    }
}

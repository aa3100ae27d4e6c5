//! Service accounts of plugins in wazo-auth: two slots for users, so that one can be replaced while the other works,
//! and a policy for both. A plugin says who its account is and what is to be done next; the actor does one thing at a
//! time, and tells what it saw.

mod act;
mod book;
mod bulk;
mod fact;
mod look;
mod prove;
mod subject;
mod trust;
mod work;

pub(super) mod route;

pub(super) use book::AccountBook;
pub use fact::{AccountFact, AccountSeen, ActState, PolicySeen, UserSeen};
pub use subject::{Slot, Subject};
pub(super) use work::work;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::secret::Secret;

/// Who the account is, and what is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountWish {
    /// Who it is.
    pub subject: Subject,
    /// The tenants in which its policy may stand; the first one is that which it is to be in.
    pub tenants: Vec<Uuid>,
    /// What the operator's own account must hold to give and take the rights that are asked for.
    pub held: Vec<String>,
    /// What is to be done next; `None`: to look is all.
    pub act: Option<Act>,
    /// The password that the act needs.
    pub password: Option<Secret>,
}

impl AccountWish {
    /// Whether the same is wanted of the same account, whatever is known of passwords.
    fn is_like(&self, other: &Self) -> bool {
        self.subject == other.subject
            && self.tenants == other.tenants
            && self.held == other.held
            && self.act == other.act
    }
}

impl Act {
    /// The hash of the stored credentials that it needs.
    #[must_use]
    pub fn stored(&self) -> Option<&str> {
        match self {
            Self::Make { stored, .. } | Self::Prove { stored, .. } => Some(stored),
            _ => None,
        }
    }

    fn needs_password(&self) -> bool {
        self.stored().is_some()
    }
}

/// One thing to do. All are idempotent: what holds already is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// The policy stands in the tenant with these rights.
    Policy {
        /// The tenant.
        tenant: Uuid,
        /// The rights, sorted.
        acl: Vec<String>,
    },
    /// There is a user in the slot, made with the password of the stored credentials; one that is there stays.
    Make {
        /// The slot.
        slot: Slot,
        /// The tenant.
        tenant: Uuid,
        /// Which credentials: their hash.
        stored: String,
    },
    /// The user of the slot has the policy of the tenant.
    Link {
        /// The slot.
        slot: Slot,
        /// The tenant.
        tenant: Uuid,
    },
    /// The stored credentials let the user of the slot in, and he has the rights. His token is deleted again.
    Prove {
        /// The slot.
        slot: Slot,
        /// The tenant.
        tenant: Uuid,
        /// Which credentials: their hash.
        stored: String,
        /// The rights, sorted.
        acl: Vec<String>,
    },
    /// The user of the slot is as he was made, and may log in or may not: a user who may not has no token that works.
    Set {
        /// The slot.
        slot: Slot,
        /// Whether he may log in.
        enabled: bool,
    },
    /// There is no user in the slot.
    Delete {
        /// The slot.
        slot: Slot,
    },
    /// There is no policy in the tenant.
    DeletePolicy {
        /// The tenant.
        tenant: Uuid,
    },
}

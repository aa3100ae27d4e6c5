//! Who a plugin's account is: names that anybody can derive who knows the stack, the owner and the plugin.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::PluginKey;

/// What the names of all users and policies of plugins begin with.
pub(super) const PREFIX: &str = "wazo-plugin-";

/// One of the two places for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Its name: what its uuid is derived from.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The slot of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.name() == name)
    }
}

/// The names of one plugin's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    users: [Uuid; 2],
    policy: String,
}

impl Subject {
    /// The names of the account of `plugin`, of the owner `owner`, at the stack `stack`.
    #[must_use]
    pub fn new(stack: Uuid, owner: &str, plugin: &PluginKey) -> Self {
        let derived = |part: &str| Uuid::new_v5(&stack, format!("{owner}/{plugin}/{part}").as_bytes());
        Self {
            users: Slot::ALL.map(|slot| derived(slot.name())),
            policy: format!("{PREFIX}{}", derived("policy")),
        }
    }

    /// The uuid of the user in a slot.
    #[must_use]
    pub const fn user(&self, slot: Slot) -> Uuid {
        self.users[slot as usize]
    }

    /// The user's name. Lower case: wazo-auth compares names without regard to case, and filters with.
    #[must_use]
    pub fn username(&self, slot: Slot) -> String {
        format!("{PREFIX}{}", self.user(slot))
    }

    /// The slug of the policy, which is its name, too.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }
}

#[cfg(test)]
mod tests {
    use super::{Slot, Subject};
    use crate::keys::PluginKey;
    use uuid::Uuid;

    #[test]
    fn the_names_are_the_same_for_ever_and_others_for_another_plugin_owner_or_stack() {
        let (stack, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let key = PluginKey::new("acme", "crm");
        let subject = Subject::new(stack, "owner", &key);
        assert_eq!(
            subject.username(Slot::A),
            format!("wazo-plugin-{}", Uuid::new_v5(&stack, b"owner/acme/crm/a"))
        );
        assert_eq!(subject, Subject::new(stack, "owner", &key));
        let others = [
            Subject::new(other, "owner", &key),
            Subject::new(stack, "other", &key),
            Subject::new(stack, "owner", &PluginKey::new("acme", "other")),
        ];
        for other in others {
            assert_ne!(other.user(Slot::A), subject.user(Slot::A));
            assert_ne!(other.policy(), subject.policy());
        }
        assert_ne!(subject.user(Slot::A), subject.user(Slot::B));
        assert!(subject.policy().len() <= 80, "the longest slug");
    }
}

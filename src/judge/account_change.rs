//! What somebody else changed of an account that was made: whether it is put right or only told of is what the spec says.

use super::World;
use crate::api::account::Account;
use crate::api::parse::Plugin;
use crate::api::plugin::Drift as Mode;
use crate::observe::account_secret::{self, AccountSecret, rights_hash};
use crate::observe::memory::Drift;

/// What somebody else changed in the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The user is gone.
    UserDeleted,
    /// The user may not log in.
    UserDisabled,
    /// The user has another name or purpose, or is in another tenant.
    UserChanged,
    /// The policy is gone.
    PolicyDeleted,
    /// The user does not have the policy.
    PolicyUnlinked,
    /// The policy has other rights.
    RightsChanged,
    /// The user does not get in with the password that the pods have.
    PasswordChanged,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::UserDeleted,
        Self::UserDisabled,
        Self::UserChanged,
        Self::PolicyDeleted,
        Self::PolicyUnlinked,
        Self::RightsChanged,
        Self::PasswordChanged,
    ];

    /// The reason of the row while it is put right.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UserDeleted => "AccountUserDeleted",
            Self::UserDisabled => "AccountUserDisabled",
            Self::UserChanged => "AccountUserChanged",
            Self::PolicyDeleted => "AccountPolicyDeleted",
            Self::PolicyUnlinked => "AccountPolicyUnlinked",
            Self::RightsChanged => "AccountRightsChanged",
            Self::PasswordChanged => "AccountPasswordChanged",
        }
    }

    /// The change that a row tells of.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.word() == word)
    }

    /// What is another than it was, for a person.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::UserDeleted => "its user was deleted",
            Self::UserDisabled => "its user was disabled",
            Self::UserChanged => "its user was changed",
            Self::PolicyDeleted => "its policy was deleted",
            Self::PolicyUnlinked => "its policy was taken off its user",
            Self::RightsChanged => "the rights of its policy were changed",
            Self::PasswordChanged => "the password of its user was changed",
        }
    }

    /// Whether the pods get in all the same.
    #[must_use]
    pub const fn lets_in(self) -> bool {
        matches!(self, Self::RightsChanged)
    }
}

/// What somebody else changed, as far as it was seen. Nothing is a change while the account is on its way to be another,
/// or nothing is known of it.
#[must_use]
pub fn changed(world: &World, plugin: &Plugin) -> Option<Change> {
    let account = plugin.account.as_ref()?;
    let secret = account_secret::mounted(world, plugin)?.1;
    let tenant = account.tenant.or(world.core.as_ref()?.tenant())?;
    let as_published = secret.sound
        && secret.tenant == Some(tenant)
        && secret.rights == rights_hash(&account.acl.texts())
        && !is_asked_anew(world, secret);
    as_published.then(|| difference(world, account, secret)).flatten()
}

fn is_asked_anew(world: &World, secret: &AccountSecret) -> bool {
    let asked = &world.itself.rotate;
    asked.is_some() && *asked != secret.rotate
}

fn difference(world: &World, account: &Account, secret: &AccountSecret) -> Option<Change> {
    let fact = world.account.as_ref()?;
    let seen = fact.seen.as_ref()?;
    let Some(user) = seen.user(secret.slot?) else {
        return Some(Change::UserDeleted);
    };
    let policy = secret.tenant.and_then(|tenant| seen.policies.get(&tenant));
    if !user.enabled {
        return Some(Change::UserDisabled);
    }
    if !user.intact || Some(user.tenant) != secret.tenant {
        return Some(Change::UserChanged);
    }
    let Some(policy) = policy else {
        return Some(Change::PolicyDeleted);
    };
    if !user.policies.contains(&policy.uuid) {
        return Some(Change::PolicyUnlinked);
    }
    if policy.acl != account.acl.texts() {
        return Some(Change::RightsChanged);
    }
    let rejected = fact.rejected.as_ref() == Some(&secret.stored);
    rejected.then_some(Change::PasswordChanged)
}

/// What is left as somebody else made it, since the spec asks for no more than a report.
#[must_use]
pub fn reported(world: &World, plugin: &Plugin) -> Option<Change> {
    (plugin.spec.drift() == Mode::Report)
        .then(|| changed(world, plugin))
        .flatten()
}

/// The same, as `Drifted` tells of it.
#[must_use]
pub fn drift(world: &World) -> Option<Drift> {
    let change = reported(world, world.itself.plugin.as_ref().ok()?)?;
    Some(Drift {
        kind: "Account".into(),
        name: world.itself.key.name.clone(),
        fields: vec![change.word().to_owned()],
        by: None,
        stopped: None,
    })
}

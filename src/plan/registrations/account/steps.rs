//! The next thing to do about an account: total, one thing for every situation.

use super::{AT_ONCE, SecretStep, Situation, Wanted};
use crate::core::account::{AccountSeen, Act, ActState, Slot};
use crate::observe::account_secret::{AccountSecret, Role};

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The core has to be looked at first.
    Look,
    /// Something at the core.
    Act(Act),
    /// Something with a Secret.
    Secret(SecretStep),
    /// Nothing, until pods are rolled.
    Wait,
    /// Nothing: all is as wanted.
    Settled,
}

pub(super) fn next(situation: &Situation<'_>) -> Step {
    let Some(seen) = situation.seen() else {
        return Step::Look;
    };
    let Some(wanted) = &situation.wanted else {
        return removal(situation, seen);
    };
    if situation.hands_off {
        return check(situation, wanted, seen).unwrap_or(Step::Settled);
    }
    policy(wanted, seen)
        .or_else(|| coming(situation, wanted, seen))
        .or_else(|| standing(situation, wanted, seen))
        .or_else(|| check(situation, wanted, seen))
        .or_else(|| leaving(situation, wanted, seen))
        .unwrap_or(Step::Settled)
}

fn policy(wanted: &Wanted, seen: &AccountSeen) -> Option<Step> {
    let tenant = wanted.connection.tenant;
    let stands = seen
        .policies
        .get(&tenant)
        .is_some_and(|policy| policy.acl == wanted.acl);
    (!stands).then(|| {
        Step::Act(Act::Policy {
            tenant,
            acl: wanted.acl.clone(),
        })
    })
}

/// New credentials on their way, or about to be.
fn coming(situation: &Situation<'_>, wanted: &Wanted, seen: &AccountSeen) -> Option<Step> {
    let current = situation.current().filter(|current| current.sound);
    let name = situation.next_name()?;
    let Some(next) = situation.next() else {
        if !is_due(situation, wanted) {
            return None;
        }
        let slot = free_slot(situation, seen);
        // A slot whose user may still be in use is cleared first.
        if current.is_some() && seen.user(slot).is_some() {
            return None;
        }
        return Some(Step::Secret(SecretStep::Store {
            name,
            slot,
            username: situation.subject.username(slot),
        }));
    };
    let published = current.is_some_and(|current| current.stored == next.stored);
    let in_the_way = current.is_some_and(|current| current.slot == next.slot);
    let Some(slot) = next.slot.filter(|_| next.sound && !published && !in_the_way) else {
        return Some(gone([(&name, next)]));
    };
    Some(prepare(situation, wanted, seen, next, slot))
}

impl Situation<'_> {
    /// Whether the Secret in use is another than is asked for, or is not there. The core need not be looked at for that.
    pub(super) fn differs(&self) -> bool {
        match (&self.wanted, self.current()) {
            (None, _) => !self.secrets.is_empty(),
            (Some(_), None) => true,
            (Some(wanted), Some(current)) => {
                self.asks_for_others(wanted, current) || current.connection != wanted.connection.hash()
            }
        }
    }

    /// Whether other credentials are asked for: in another tenant, with other rights, or by the annotation.
    fn asks_for_others(&self, wanted: &Wanted, current: &AccountSecret) -> bool {
        let asked = wanted.rotate.is_some() && wanted.rotate != current.rotate;
        asked || current.tenant != Some(wanted.connection.tenant) || current.rights != self.rights()
    }
}

/// Whether the credentials are to be replaced.
fn is_due(situation: &Situation<'_>, wanted: &Wanted) -> bool {
    let Some(current) = situation.current().filter(|current| current.sound) else {
        return true;
    };
    let rejected = situation.fact.and_then(|fact| fact.rejected.as_ref());
    current.slot.is_none()
        || rejected == Some(&current.stored)
        || situation.asks_for_others(wanted, current)
        || situation.due().is_some_and(|due| due <= situation.now)
}

/// The slot for new credentials: the one that the credentials in use are not of. Where nobody knows those in use, a
/// slot without a user.
fn free_slot(situation: &Situation<'_>, seen: &AccountSeen) -> Slot {
    let in_use = |secret: &AccountSecret| {
        secret
            .slot
            .filter(|_| secret.sound && secret.role == Role::Current)
    };
    let current = situation.current().and_then(in_use);
    let other = situation.stale().find_map(|(_, secret)| in_use(secret));
    match current.or(other) {
        Some(slot) => slot.other(),
        None if seen.user(Slot::A).is_some() && seen.user(Slot::B).is_none() => Slot::B,
        None => Slot::A,
    }
}

/// From a stored password to published credentials.
fn prepare(
    situation: &Situation<'_>,
    wanted: &Wanted,
    seen: &AccountSeen,
    next: &AccountSecret,
    slot: Slot,
) -> Step {
    if let Some(act) = user(wanted, seen, slot, &next.stored) {
        return Step::Act(act);
    }
    let proof = Act::Prove {
        slot,
        tenant: wanted.connection.tenant,
        stored: next.stored.clone(),
        acl: wanted.acl.clone(),
    };
    match situation.fact.and_then(|fact| fact.state_of(&proof)) {
        Some(ActState::Done) => Step::Secret(SecretStep::Publish {
            name: wanted.secret.clone(),
            from: situation.next_name().unwrap_or_default(),
            connection: wanted.connection.clone(),
            rights: situation.rights(),
            rotate: wanted.rotate.clone(),
        }),
        // Nobody knows his password: he is made again.
        Some(ActState::PasswordUnknown) => Step::Act(Act::Delete { slot }),
        Some(ActState::Pending | ActState::RightsMissing(_) | ActState::Failed(_)) | None => Step::Act(proof),
    }
}

/// What the user of a slot lacks.
fn user(wanted: &Wanted, seen: &AccountSeen, slot: Slot, stored: &str) -> Option<Act> {
    let tenant = wanted.connection.tenant;
    let Some(user) = seen.user(slot) else {
        return Some(Act::Make {
            slot,
            tenant,
            stored: stored.to_owned(),
        });
    };
    if user.tenant != tenant {
        return Some(Act::Delete { slot });
    }
    if !user.enabled || !user.intact {
        return Some(Act::Set { slot, enabled: true });
    }
    let policy = seen.policies.get(&tenant)?;
    (!user.policies.contains(&policy.uuid)).then_some(Act::Link { slot, tenant })
}

/// The credentials in use stay good, whatever strangers do.
fn standing(situation: &Situation<'_>, wanted: &Wanted, seen: &AccountSeen) -> Option<Step> {
    // Those of another tenant go as they are, when the new ones are in use.
    let current = situation
        .current()
        .filter(|current| current.sound && current.tenant == Some(wanted.connection.tenant))?;
    if let Some(slot) = current.slot
        && let Some(act) = user(wanted, seen, slot, &current.stored)
    {
        return Some(Step::Act(act));
    }
    (current.connection != wanted.connection.hash()).then(|| {
        Step::Secret(SecretStep::Reconnect {
            name: wanted.secret.clone(),
            connection: wanted.connection.clone(),
        })
    })
}

/// From time to time the credentials in use are tried, as long as nothing else is known to be wrong with their user.
fn check(situation: &Situation<'_>, wanted: &Wanted, seen: &AccountSeen) -> Option<Step> {
    let fact = situation.fact?;
    let current = situation.current().filter(|current| current.sound)?;
    let slot = current.slot?;
    let tenant = wanted.connection.tenant;
    let proof = Act::Prove {
        slot,
        tenant,
        stored: current.stored.clone(),
        acl: wanted.acl.clone(),
    };
    let begun = matches!(fact.state_of(&proof), Some(ActState::Failed(_)));
    let due = begun || fact.is_check_due(situation.now) && !fact.is_over(&proof, situation.now);
    let stands = current.tenant == Some(tenant)
        && user(wanted, seen, slot, &current.stored).is_none()
        && policy(wanted, seen).is_none();
    (due && stands).then_some(Step::Act(proof))
}

/// What is not in use any more goes when the pods are rolled.
fn leaving(situation: &Situation<'_>, wanted: &Wanted, seen: &AccountSeen) -> Option<Step> {
    let old = situation.current().and_then(|current| current.slot)?.other();
    let mut others = seen.policies.keys();
    let policy = others.find(|tenant| **tenant != wanted.connection.tenant);
    let mut secrets = situation.stale().peekable();
    if seen.user(old).is_none() && policy.is_none() && secrets.peek().is_none() {
        return None;
    }
    if !situation.rolled {
        return Some(Step::Wait);
    }
    if let Some(act) = user_out(seen, old) {
        return Some(Step::Act(act));
    }
    if let Some(tenant) = policy {
        return Some(Step::Act(Act::DeletePolicy { tenant: *tenant }));
    }
    secrets.peek().is_some().then(|| gone(secrets))
}

fn gone<'a>(secrets: impl IntoIterator<Item = (&'a String, &'a AccountSecret)>) -> Step {
    let secrets = secrets.into_iter().take(AT_ONCE);
    let secrets = secrets.map(|(name, secret)| (name.clone(), secret.id.uid.clone()));
    Step::Secret(SecretStep::Remove {
        secrets: secrets.collect(),
    })
}

/// A user is kept out first, which ends his tokens; deleting him would not.
fn user_out(seen: &AccountSeen, slot: Slot) -> Option<Act> {
    let user = seen.user(slot)?;
    Some(if user.enabled {
        Act::Set { slot, enabled: false }
    } else {
        Act::Delete { slot }
    })
}

/// Nothing of it is to stay.
fn removal(situation: &Situation<'_>, seen: &AccountSeen) -> Step {
    if !situation.rolled {
        return Step::Wait;
    }
    if let Some(act) = Slot::ALL.into_iter().find_map(|slot| user_out(seen, slot)) {
        return Step::Act(act);
    }
    if let Some(tenant) = seen.policies.keys().next() {
        return Step::Act(Act::DeletePolicy { tenant: *tenant });
    }
    if situation.secrets.is_empty() {
        return Step::Settled;
    }
    gone(situation.secrets.iter().copied())
}

//! The row of the account: whether the core holds it, and the pods have its credentials.

use super::World;
use super::account_change::{self, Change};
use super::acl_grant;
use super::candidate::Candidate;
use super::core::from_error;
use super::grant::{self, Standing};
use super::registration::Row;
use super::state::State;
use crate::api::account::Account;
use crate::api::fault::{ObjectReference, Resolution};
use crate::api::parse::Plugin;
use crate::api::plugin::{RegistrationKind, RegistrationState, RegistrationStatus};
use crate::api::reason::Reason;
use crate::core::account::{AccountSeen, ActState, Subject};
use crate::core::error::CoreError;
use crate::observe::account_secret::{self, AccountSecret};

/// The name of the row: there is one account.
const NAME: &str = "account";

/// Whether the status says that the account stands in the core, or may.
#[must_use]
pub fn stood(world: &World) -> bool {
    let rows = &world.itself.before.registrations;
    let mut rows = rows.iter().filter(|row| row.kind == RegistrationKind::Account);
    rows.any(|row| !matches!(row.state, RegistrationState::Held | RegistrationState::Pending))
}

fn registered_before(world: &World) -> bool {
    let rows = &world.itself.before.registrations;
    let mut rows = rows.iter().filter(|row| row.kind == RegistrationKind::Account);
    rows.any(|row| row.state == RegistrationState::Registered)
}

/// Why the account must not be written; `None`: it may be.
#[must_use]
pub fn refusal(world: &World, plugin: &Plugin) -> Option<Candidate> {
    acl_grant::judge(world, plugin, plugin.account.as_ref()?)
}

/// The seconds after which time alone asks for new credentials, or for a login with those in use.
#[must_use]
pub fn due_in(world: &World, plugin: &Plugin) -> Option<i64> {
    let every = plugin.account.as_ref()?.rotate_every;
    let made = account_secret::mounted(world, plugin)?.1.made;
    let replaced = every
        .zip(made)
        .and_then(|(every, made)| made.checked_add(every).ok());
    let tried = world.account.as_ref().and_then(|fact| fact.check_at);
    let due = [replaced, tried].into_iter().flatten().min()?;
    Some((due.as_second() - world.now.as_second()).max(1))
}

/// Judges the account, where one is asked for.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Option<Row> {
    let account = plugin.account.as_ref()?;
    match grant::standing(world, RegistrationKind::Account) {
        Standing::Open => {}
        Standing::Refused => return Some(not_granted(world)),
        // What stands goes on standing.
        Standing::Unknown if registered_before(world) => {
            return Some(row(RegistrationState::Registered, State::Good));
        }
        Standing::Unknown => {
            let waits = State::waiting("CorePending", "the core has not been reached yet");
            return Some(row(RegistrationState::Pending, waits));
        }
    }
    if let Some(candidate) = refusal(world, plugin) {
        return Some(row(RegistrationState::Refused, State::bad(candidate)));
    }
    let secret = account_secret::mounted(world, plugin).map(|(_, secret)| secret);
    let works = works(world, account, secret);
    if let Some(candidate) = taken(world, account) {
        return Some(row(RegistrationState::Refused, State::bad(candidate)));
    }
    if let Some(mut candidate) = failure(world) {
        // What stands goes on working while its replacement fails.
        candidate.fault.blocking = !works;
        let state = if works {
            RegistrationState::Registered
        } else {
            RegistrationState::Registering
        };
        return Some(row(state, State::bad(candidate)));
    }
    if let Some(candidate) = lacking(world, secret) {
        return Some(if works {
            row(
                RegistrationState::Registered,
                State::bad(candidate.not_blocking()),
            )
        } else {
            row(RegistrationState::Registering, State::bad(candidate))
        });
    }
    if works {
        return Some(row(RegistrationState::Registered, State::Good));
    }
    if let Some(change) = account_change::changed(world, plugin) {
        return Some(changed(world, plugin, change));
    }
    let (state, word, told) = if world.account.is_none() {
        (
            RegistrationState::Pending,
            "CorePending",
            "the core has not been reached yet",
        )
    } else {
        (
            RegistrationState::Registering,
            "AccountPending",
            "the account is being made in the core",
        )
    };
    Some(row(state, State::waiting(word, told)))
}

/// Somebody else changed the account in the core: it is put right, or, where the spec asks for it, told of.
fn changed(world: &World, plugin: &Plugin, change: Change) -> Row {
    if account_change::reported(world, plugin).is_none() {
        let waits = State::waiting(change.word(), change.told());
        let mut row = row(RegistrationState::Registering, waits);
        row.partial = Some(Box::new(in_core(world, change)));
        return row;
    }
    let told = format!(
        "the account in the core is another than it was made: {}",
        change.told()
    );
    let mut candidate = Candidate::new(Reason::AccountChangedInCore, world.now, told.clone())
        .evidence("operator→core", told, None)
        .field(crate::api::account::PATH);
    candidate.fault.blocking = !change.lets_in();
    let state = if change.lets_in() {
        RegistrationState::Registered
    } else {
        RegistrationState::Registering
    };
    row(state, State::bad(candidate))
}

/// What worked with the Secret as it is does not any more: the change was made in the core. It is put right meanwhile.
fn in_core(world: &World, change: Change) -> Candidate {
    let reason = match change {
        Change::UserDeleted | Change::UserDisabled | Change::UserChanged | Change::PasswordChanged => {
            Reason::CredentialsChangedInCore
        }
        Change::PolicyDeleted | Change::PolicyUnlinked | Change::RightsChanged => {
            Reason::PermissionChangedInCore
        }
    };
    let told = format!("the plugin's account was changed in the core: {}", change.told());
    let mut candidate = Candidate::new(reason, world.now, told.clone())
        .evidence("operator→core", told, None)
        .resolution(Resolution::Retry)
        .action("Nothing is to be done: the operator puts it right. Find out who changes accounts of plugins in the core");
    candidate.fault.blocking = !change.lets_in();
    of_user(world, candidate)
}

/// The plugin's token lacks rights that its policy names.
fn lacking(world: &World, secret: Option<&AccountSecret>) -> Option<Candidate> {
    let fact = world.account.as_ref()?;
    if fact.lacking.is_empty() {
        return None;
    }
    let reason = if secret.is_some() && registered_before(world) {
        Reason::PermissionChangedInCore
    } else {
        Reason::CoreForbidden
    };
    let lacking = fact.lacking.join(", ");
    let told = format!("the plugin's account gets in, and its token lacks {lacking}");
    let seen = format!("a login as the plugin: scopes/check denies {lacking}");
    let candidate = Candidate::new(reason, world.now, told)
        .evidence("operator→core", seen, None)
        .action("Find the policy in the core that refuses the plugin's account what the message names (an entry with !)");
    Some(of_user(world, candidate))
}

/// The user of the account in the core is what to look at.
fn of_user(world: &World, candidate: Candidate) -> Candidate {
    let core = world.core.as_ref();
    let named = core.and_then(|core| {
        let subject = Subject::new(core.stack()?, core.owner_id()?, &world.itself.key);
        let plugin = world.itself.plugin.as_ref().ok()?;
        let slot = account_secret::mounted(world, plugin)?.1.slot?;
        Some(subject.username(slot))
    });
    match named {
        Some(name) => {
            let mut candidate = candidate;
            candidate.fault.object = Some(ObjectReference {
                kind: Some("User".to_owned()),
                name: Some(name),
                ..ObjectReference::default()
            });
            candidate
        }
        None => candidate.field(crate::api::account::PATH),
    }
}

/// What the core does not grant: it is taken out where it stands there.
fn not_granted(world: &World) -> Row {
    let word = if grant::is_withheld(world) {
        Reason::CoreNotGranted.as_str()
    } else {
        Reason::NotGranted.as_str()
    };
    if world.itself.ledger.accounts.is_empty() || world.core.is_none() {
        let waits = State::waiting(word, "the WazoCore grants no account here");
        return row(RegistrationState::Refused, waits);
    }
    let told = "an account that the WazoCore does not grant any more is being taken out";
    row(RegistrationState::Deregistering, State::waiting(word, told))
}

fn row(state: RegistrationState, layer: State) -> Row {
    let reason = match &layer {
        State::Good => None,
        State::Waiting { reason, .. } => Some((*reason).to_owned()),
        State::Bad(candidate) => Some(candidate.fault.reason.to_string()),
    };
    Row {
        status: RegistrationStatus {
            kind: RegistrationKind::Account,
            name: NAME.to_owned(),
            desired: 1,
            current: i32::from(state == RegistrationState::Registered),
            state,
            reason,
            url: None,
            not_registered: Vec::new(),
        },
        state: layer,
        partial: None,
    }
}

/// Whether the pods have credentials that work. A core that cannot be asked takes nothing away.
fn works(world: &World, account: &Account, secret: Option<&AccountSecret>) -> bool {
    let Some(secret) = secret.filter(|secret| secret.sound) else {
        return false;
    };
    let fact = world.account.as_ref();
    if fact.is_some_and(|fact| fact.rejected.as_ref() == Some(&secret.stored)) {
        return false;
    }
    match fact.and_then(|fact| fact.seen.as_ref()) {
        None => registered_before(world),
        Some(seen) => is_as_asked(world, account, secret, seen),
    }
}

fn is_as_asked(world: &World, account: &Account, secret: &AccountSecret, seen: &AccountSeen) -> bool {
    let Some(user) = secret.slot.and_then(|slot| seen.user(slot)) else {
        return false;
    };
    let tenant = account
        .tenant
        .or_else(|| world.core.as_ref().and_then(|core| core.tenant()));
    let Some((tenant, policy)) = tenant.and_then(|tenant| Some((tenant, seen.policies.get(&tenant)?))) else {
        return false;
    };
    user.enabled
        && user.tenant == tenant
        && secret.tenant == Some(tenant)
        && user.policies.contains(&policy.uuid)
        && policy.acl == account.acl.texts()
}

/// Somebody else's Secret has the name.
fn taken(world: &World, account: &Account) -> Option<Candidate> {
    let refusal = world.account_refusal.as_ref()?;
    let key = &world.itself.key;
    let name = account.secret(&key.name);
    let told = format!("Secret \"{name}\": {}", refusal.message);
    Some(
        Candidate::new(refusal.reason, refusal.since, told.clone())
            .evidence("API server", told, Some(format!("Secret/{name}")))
            .object("v1", "Secret", &key.namespace, &name)
            .field(format!("{}.secretName", crate::api::account::PATH)),
    )
}

/// Why the core does not do what is wished for.
fn failure(world: &World) -> Option<Candidate> {
    let fact = world.account.as_ref()?;
    let error: &CoreError = match (&fact.blind, &fact.last) {
        (Some(error), _) | (None, Some((_, ActState::Failed(error)))) => error,
        _ => return None,
    };
    let core = world.core.as_ref()?;
    let worked = core.facts.as_ref().is_some_and(|facts| facts.last_good.is_some());
    let mut candidate = from_error(error, worked && !of_rights(error));
    candidate.fault.caused_by = Some(ObjectReference {
        api_version: Some("plugins.wazo.io/v1alpha1".to_owned()),
        kind: Some("WazoCore".to_owned()),
        namespace: Some(core.key.namespace.clone()),
        name: Some(core.key.name.clone()),
        field_path: None,
    });
    Some(candidate)
}

/// That the core worked for something else says nothing of a right that was never needed before.
fn of_rights(error: &CoreError) -> bool {
    let named = from_error(error, false).fault.reason;
    named == Reason::CoreForbidden
}

//! The rows of a plugin that is left alone: as they were, but for what the core does not grant any more.

use crate::api::condition::{ConditionType, Truth, Wanted};
use crate::api::plugin::{RegistrationKind, RegistrationState, RegistrationStatus};
use crate::api::reason::Reason;
use crate::judge::grant;
use crate::judge::withdrawal::{Granted, is_account_withdrawn};
use crate::observe::ledger::Ledger;
use crate::observe::world::World;

/// The rows of the status before, with what is taken out, or was.
#[must_use]
pub fn rows(world: &World) -> Vec<RegistrationStatus> {
    use RegistrationState::{Deregistering, Registered, Registering};
    let mut rows = world.itself.before.registrations.clone();
    for row in &mut rows {
        if !matches!(row.state, Registered | Registering | Deregistering) {
            continue;
        }
        let core = world.core.as_ref();
        let granted = core.and_then(|core| Granted::of(core, world.allowance.as_ref(), row.kind));
        let Some(granted) = granted else { continue };
        let state = match row.kind {
            RegistrationKind::UiApplication => of_ui(world, row, &granted),
            RegistrationKind::Account => of_account(world, row, &granted),
        };
        if let Some(state) = state {
            row.state = state;
            row.current = 0;
            row.reason = Some(word(world, row.kind, &granted).to_string());
            row.not_registered.clear();
        } else if row.kind == RegistrationKind::UiApplication {
            lower(row, &granted.rest_of(&world.itself.ledger));
        }
    }
    rows
}

/// Puts what is not true any more into the conditions of a suspended plugin, whose conditions stay otherwise.
pub fn tell(conditions: &mut [Wanted], rows: &[RegistrationStatus]) {
    use RegistrationState::{Deregistering, Refused};
    let mut ended = rows
        .iter()
        .filter(|row| matches!(row.state, Deregistering | Refused));
    let Some(reason) = ended.find_map(|row| row.reason.clone()) else {
        return;
    };
    let message = "the core does not grant any more what was registered";
    for condition in conditions {
        let kind = condition.kind;
        let tells = matches!(kind, ConditionType::Ready | ConditionType::Registered);
        if tells && condition.truth == Truth::True {
            *condition = Wanted::new(kind, Truth::False, reason.clone(), message);
        }
    }
}

fn of_ui(world: &World, row: &RegistrationStatus, granted: &Granted) -> Option<RegistrationState> {
    let ledger = &world.itself.ledger;
    if ledger.urls().any(|url| Some(url.as_str()) == row.url.as_deref()) {
        let rest = granted.rest_of(ledger);
        return rest.ui.is_empty().then_some(RegistrationState::Deregistering);
    }
    let ended = granted.is_nothing() || row.state == RegistrationState::Deregistering;
    ended.then_some(RegistrationState::Refused)
}

fn of_account(world: &World, row: &RegistrationStatus, granted: &Granted) -> Option<RegistrationState> {
    let ledger = &world.itself.ledger.accounts;
    let begun = row.state == RegistrationState::Deregistering;
    if ledger.is_empty() {
        return (granted.is_nothing() || begun).then_some(RegistrationState::Refused);
    }
    if is_account_withdrawn(world, ledger) {
        return Some(RegistrationState::Deregistering);
    }
    let seen = world.account.as_ref().and_then(|fact| fact.seen.as_ref());
    let gone = seen.is_some_and(|seen| seen.policies.is_empty() && seen.users.iter().all(Option::is_none));
    (begun && gone).then_some(RegistrationState::Refused)
}

fn word(world: &World, kind: RegistrationKind, granted: &Granted) -> Reason {
    let accounts = &world.itself.ledger.accounts;
    if grant::is_withheld(world) {
        Reason::CoreNotGranted
    } else if kind == RegistrationKind::Account && accounts.iter().any(|tenant| granted.covers(*tenant)) {
        Reason::AclNotGranted
    } else {
        Reason::NotGranted
    }
}

/// No more applications are counted than are granted by a ledger that names them.
fn lower(row: &mut RegistrationStatus, rest: &Ledger) {
    let ours = rest
        .ui
        .iter()
        .filter(|entry| Some(entry.url.as_str()) == row.url.as_deref());
    let names: Option<Vec<usize>> = ours
        .map(|entry| rest.apps.get(&entry.product).map(std::collections::BTreeSet::len))
        .collect();
    let names = names
        .map(|names| names.into_iter().sum::<usize>())
        .unwrap_or_default();
    if rest.everywhere || names == 0 {
        return;
    }
    let users: usize = rest.users.values().map(std::collections::BTreeSet::len).sum();
    let places = i32::try_from((rest.tenants.len() + users) * names).unwrap_or(i32::MAX);
    let fewer = (row.current - places).max(0);
    row.current -= fewer;
    row.desired -= fewer;
}

//! Layer Registration: whether the core holds what the spec asks for.

use jiff::Timestamp;

use super::World;
use super::candidate::Candidate;
use super::core::from_error;
use super::grant::{self, Standing};
use super::state::State;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{RegistrationKind, RegistrationState, RegistrationStatus};
use crate::api::reason::Reason;
use crate::core::facts::{AppEdit, AppKey, CoreStep, StepState};
use crate::observe::ledger::LedgerEntry;
use crate::observe::world::CoreView;

/// One declared entry with how far it is, and what is wrong where something is.
#[derive(Clone, Debug)]
pub struct Row {
    /// The row of the status.
    pub status: RegistrationStatus,
    /// Its state as a layer.
    pub state: State,
}

/// The reason of an entry that must not be registered yet.
const HELD: &str = "RegistrationHeld";

/// Judges every entry.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Vec<Row> {
    let ui = plugin.ui.iter().map(|entry| judge_entry(world, entry));
    ui.chain(super::account::judge(world, plugin)).collect()
}

fn judge_entry(world: &World, entry: &UiEntry) -> Row {
    let url = entry.manifest_url.as_str();
    let row =
        |desired: usize, current: usize, state: RegistrationState, reason: Option<&str>| RegistrationStatus {
            kind: RegistrationKind::UiApplication,
            name: entry.entry.name.clone(),
            desired: i32::try_from(desired).unwrap_or(i32::MAX),
            current: i32::try_from(current).unwrap_or(i32::MAX),
            state,
            reason: reason.map(ToOwned::to_owned),
            url: Some(url.to_owned()),
            not_registered: Vec::new(),
        };
    let before = world
        .itself
        .before
        .registrations
        .iter()
        .find(|row| row.name == entry.entry.name && row.url.as_deref() == Some(url));
    let registered_before = before.is_some_and(|row| row.state == RegistrationState::Registered);
    if grant::standing(world, RegistrationKind::UiApplication) == Standing::Refused {
        let stands = world.itself.ledger.ui.contains(&LedgerEntry {
            product: entry.entry.product,
            url: entry.manifest_url.clone(),
        });
        let mut removal = world
            .outcomes
            .iter()
            .filter(|outcome| outcome.step.edit == AppEdit::Absent(url.to_owned()))
            .peekable();
        let taken_out = removal.peek().is_some()
            && removal.all(|outcome| matches!(outcome.state, StepState::Done { .. }));
        return refused(world, stands && !taken_out, before, &row);
    }
    let Some(core) = &world.core else {
        return Row {
            status: row(1, 0, RegistrationState::Held, Some("CoreNotFound")),
            state: State::waiting("CoreNotFound", "the WazoCore does not exist"),
        };
    };
    let names = core.applications(entry.entry.product);
    let desired = names.len().max(1);
    // Once registered, a core that cannot be asked takes nothing away: the entry is there until a read shows otherwise.
    let kept = || {
        let known = before.and_then(|row| usize::try_from(row.desired).ok());
        let desired = if names.is_empty() {
            known.unwrap_or(desired)
        } else {
            desired
        };
        Row {
            status: row(desired, desired, RegistrationState::Registered, None),
            state: State::Good,
        }
    };
    let Some(tenant) = core.tenant() else {
        if registered_before {
            return kept();
        }
        if before.is_some_and(|row| row.reason.as_deref() == Some(HELD)) {
            let (state, waits) = held();
            return Row {
                status: row(desired, 0, state, Some(HELD)),
                state: waits,
            };
        }
        return Row {
            status: row(desired, 0, RegistrationState::Pending, Some("CorePending")),
            state: State::waiting("RegistrationPending", "the core has not been reached yet"),
        };
    };
    if names.is_empty() {
        const WORD: &str = "NoApplication";
        return Row {
            status: row(desired, 0, RegistrationState::Held, Some(WORD)),
            state: State::waiting(WORD, "the WazoCore names no application for the product"),
        };
    }
    let mut current = 0;
    let mut worst = (RegistrationState::Registered, State::Good);
    for name in names {
        let app = AppKey { tenant, name };
        let step = CoreStep {
            app: app.clone(),
            edit: AppEdit::Present(url.to_owned()),
        };
        let outcome = world.outcomes.iter().find(|outcome| outcome.step == step);
        let outcome = outcome.map(|outcome| &outcome.state);
        let refused = matches!(outcome, Some(StepState::Refused(_)));
        let holds = registered_before && !refused && !known_missing(core, &app, url);
        if holds || matches!(outcome, Some(StepState::Done { .. })) {
            current += 1;
            continue;
        }
        let found = not_held(core, &app, outcome, world.now);
        if weight(&found.1) > weight(&worst.1) {
            worst = found;
        }
    }
    let (state, worst) = worst;
    let reason = match &worst {
        State::Waiting { reason, .. } => Some(*reason),
        State::Bad(candidate) => Some(candidate.fault.reason.as_str()),
        State::Good => None,
    };
    Row {
        status: row(desired, current, state, reason),
        state: worst,
    }
}

/// What the core does not grant: it is taken out where it stands there.
fn refused(
    world: &World,
    stands: bool,
    before: Option<&RegistrationStatus>,
    row: &impl Fn(usize, usize, RegistrationState, Option<&str>) -> RegistrationStatus,
) -> Row {
    let word = if grant::is_withheld(world) {
        Reason::CoreNotGranted.as_str()
    } else {
        Reason::NotGranted.as_str()
    };
    let desired = before
        .and_then(|row| usize::try_from(row.desired).ok())
        .unwrap_or(1);
    if stands && world.core.is_some() {
        return Row {
            status: row(desired, 0, RegistrationState::Deregistering, Some(word)),
            state: State::waiting(word, "what the core does not grant any more is being taken out"),
        };
    }
    Row {
        status: row(desired, 0, RegistrationState::Refused, Some(word)),
        state: State::waiting(word, "the core does not grant it"),
    }
}

/// Why an application does not hold the URL.
fn not_held(
    core: &CoreView,
    app: &AppKey,
    outcome: Option<&StepState>,
    now: Timestamp,
) -> (RegistrationState, State) {
    match outcome {
        Some(StepState::Refused(why)) => {
            let told = format!("application \"{}\": {why}", app.name);
            let object = Some(format!("application {}", app.name));
            let candidate = Candidate::new(Reason::CoreConflict, now, told.clone());
            let candidate = candidate.evidence("operator→core", told, object);
            (RegistrationState::Refused, State::bad(candidate))
        }
        Some(StepState::Failed(_)) if core.excused().is_some() => {
            let told = core.excused().map(|excused| excused.told.clone());
            (
                RegistrationState::Registering,
                State::waiting("Maintenance", told.unwrap_or_default()),
            )
        }
        Some(StepState::Failed(error)) => {
            let worked = core.facts.as_ref().is_some_and(|facts| facts.last_good.is_some());
            (
                RegistrationState::Registering,
                State::bad(from_error(error, worked)),
            )
        }
        Some(StepState::Pending | StepState::Done { .. }) => (
            RegistrationState::Registering,
            State::waiting("Registering", "the plugin is being registered with the core"),
        ),
        None => held(),
    }
}

/// Nothing is wished for at the core yet.
fn held() -> (RegistrationState, State) {
    (
        RegistrationState::Held,
        State::waiting(HELD, "the registration waits for the plugin to be reachable"),
    )
}

/// What counts most is told: a refusal, then a failure, then work that goes on, then work that waits.
fn weight(state: &State) -> u8 {
    match state {
        State::Bad(candidate) if candidate.fault.reason == Reason::CoreConflict => 4,
        State::Bad(_) => 3,
        State::Waiting { reason, .. } if *reason == "Registering" => 2,
        State::Waiting { .. } => 1,
        State::Good => 0,
    }
}

/// Whether a read of this process shows that the URL is not there.
fn known_missing(core: &CoreView, app: &AppKey, url: &str) -> bool {
    core.facts
        .as_ref()
        .and_then(|facts| facts.apps.get(app))
        .is_some_and(|fact| !fact.urls.iter().any(|known| known == url))
}

//! Layer Registration: whether the core holds what the spec asks for.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::World;
use super::candidate::Candidate;
use super::core::from_error;
use super::grant::{self, Standing};
use super::partial::Counted;
use super::places::{self, Absentee, Places, Scope};
use super::state::State;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{NotRegistered, RegistrationKind, RegistrationState, RegistrationStatus};
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
    /// What is wrong in some tenants or for some users, while it is registered for others: told, and no reason to hold
    /// the others up.
    pub partial: Option<Box<Candidate>>,
}

/// The reason of an entry that must not be registered yet.
const HELD: &str = "RegistrationHeld";
/// The reason of an entry that is being registered.
pub(super) const REGISTERING: &str = "Registering";

/// Judges every entry.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> Vec<Row> {
    let outcomes: Outcomes<'_> = world
        .outcomes
        .iter()
        .map(|outcome| (&outcome.step, &outcome.state))
        .collect();
    let entries = plugin.ui.iter();
    entries
        .map(|entry| Entry::of(world, entry).judge(plugin, &outcomes))
        .chain(super::account::judge(world, plugin))
        .collect()
}

/// Whether an entry stood in an application of a tenant when the status was written, `places` being in how many it is
/// wanted now.
#[must_use]
pub fn stood(world: &World, entry: &UiEntry, app: &AppKey, places: usize) -> bool {
    let of = Entry::of(world, entry);
    let ledger = &world.itself.ledger;
    let registered = |row: &&RegistrationStatus| row.state == RegistrationState::Registered;
    let Some(row) = of.before.filter(registered) else {
        return false;
    };
    // One that is found by what it holds may be newer than the status.
    let as_many = usize::try_from(row.desired) == Ok(places);
    app.user.is_none()
        && (as_many || !ledger.everywhere)
        && !of.was_refused_in(app)
        && ledger.may_hold(entry.entry.product, app.tenant, None, &app.name)
}

type Outcomes<'a> = HashMap<&'a CoreStep, &'a StepState>;

/// An entry with what the status says of it.
pub(super) struct Entry<'a> {
    pub(super) world: &'a World,
    pub(super) entry: &'a UiEntry,
    before: Option<&'a RegistrationStatus>,
}

impl<'a> Entry<'a> {
    fn of(world: &'a World, entry: &'a UiEntry) -> Self {
        let url = entry.manifest_url.as_str();
        let mut rows = world.itself.before.registrations.iter();
        Self {
            world,
            entry,
            before: rows.find(|row| row.name == entry.entry.name && row.url.as_deref() == Some(url)),
        }
    }

    /// Whether it was registered when it was last reported on, or in part with nothing left to do.
    fn was_registered(&self) -> bool {
        let ended = |row: &RegistrationStatus| row.reason.as_deref().is_some_and(|word| word != REGISTERING);
        self.before.is_some_and(|row| {
            row.state == RegistrationState::Registered
                || (row.current > 0 && ended(row) && !row.not_registered.is_empty())
        })
    }

    pub(super) fn row(&self, desired: usize, current: usize, state: RegistrationState, layer: State) -> Row {
        let reason = match &layer {
            State::Waiting { reason, .. } => Some((*reason).to_owned()),
            State::Bad(candidate) => Some(candidate.fault.reason.to_string()),
            State::Good => None,
        };
        Row {
            status: RegistrationStatus {
                kind: RegistrationKind::UiApplication,
                name: self.entry.entry.name.clone(),
                desired: i32::try_from(desired).unwrap_or(i32::MAX),
                current: i32::try_from(current).unwrap_or(i32::MAX),
                state,
                reason,
                url: Some(self.entry.manifest_url.to_string()),
                not_registered: Vec::new(),
            },
            state: layer,
            partial: None,
        }
    }

    /// What the core does not grant: it is taken out where it stands there.
    fn refused(&self) -> Row {
        let world = self.world;
        let word = if grant::is_withheld(world) {
            Reason::CoreNotGranted.as_str()
        } else {
            Reason::NotGranted.as_str()
        };
        let absent = AppEdit::Absent(self.entry.manifest_url.to_string());
        let mut removal = world
            .outcomes
            .iter()
            .filter(|outcome| outcome.step.edit == absent)
            .peekable();
        let taken_out = removal.peek().is_some()
            && removal.all(|outcome| matches!(outcome.state, StepState::Done { .. }));
        let ours = |known: &&LedgerEntry| known.url == self.entry.manifest_url;
        let stands = world.itself.ledger.ui.iter().any(|known| ours(&known)) && !taken_out;
        let (state, told) = if stands && world.core.is_some() {
            let told = "what the core does not grant any more is being taken out";
            (RegistrationState::Deregistering, told)
        } else {
            (RegistrationState::Refused, "the core does not grant it")
        };
        self.row(self.desired(1), 0, state, State::waiting(word, told))
    }

    fn judge(&self, plugin: &Plugin, outcomes: &Outcomes<'_>) -> Row {
        if grant::standing(self.world, RegistrationKind::UiApplication) == Standing::Refused {
            return self.refused();
        }
        let Some(core) = &self.world.core else {
            let state = State::waiting("CoreNotFound", "the WazoCore does not exist");
            return self.row(1, 0, RegistrationState::Held, state);
        };
        let names = core.applications(self.entry.entry.product);
        match places::scope(core, self.world.allowance.as_ref(), plugin, self.entry) {
            None | Some(Scope::Pending) => self.unknown(names.len()),
            Some(Scope::Failed(candidate)) if self.was_registered() => {
                let mut row = self.kept(names.len());
                row.partial = Some(Box::new(candidate.not_blocking()));
                row
            }
            Some(Scope::Failed(candidate)) => {
                let state = State::Bad(candidate);
                self.row(self.desired(names.len()), 0, RegistrationState::Held, state)
            }
            Some(Scope::Known(_)) if names.is_empty() => {
                let told = "the WazoCore names no application for the product";
                let state = State::waiting("NoApplication", told);
                self.row(self.desired(0), 0, RegistrationState::Held, state)
            }
            Some(Scope::Known(places)) => {
                let counted = self.count(core, outcomes, places, names.len());
                self.weigh(plugin, counted)
            }
        }
    }

    /// As many as were wanted when that was last known.
    fn desired(&self, names: usize) -> usize {
        let known = self.before.and_then(|row| usize::try_from(row.desired).ok());
        known.unwrap_or(names).max(1)
    }

    /// Once registered, a core that cannot be asked takes nothing away: the entry is there until a read shows otherwise.
    fn kept(&self, names: usize) -> Row {
        let desired = self.desired(names);
        let current = self.before.and_then(|row| usize::try_from(row.current).ok());
        let current = current.unwrap_or(desired).min(desired);
        let mut row = self.row(desired, current, RegistrationState::Registered, State::Good);
        if let Some(before) = self.before {
            row.status.state = before.state;
            row.status.reason.clone_from(&before.reason);
            row.status.not_registered.clone_from(&before.not_registered);
        }
        row
    }

    /// Where it is wanted is not known yet.
    fn unknown(&self, names: usize) -> Row {
        if self.was_registered() {
            return self.kept(names);
        }
        let desired = self.desired(names);
        if self.before.is_some_and(|row| row.reason.as_deref() == Some(HELD)) {
            let (state, waits) = held();
            return self.row(desired, 0, state, waits);
        }
        // One text for what is known step by step: the steps are no news.
        let told = "the core has not told yet where the plugin belongs";
        let mut row = self.row(
            desired,
            0,
            RegistrationState::Pending,
            State::waiting("RegistrationPending", told),
        );
        row.status.reason = Some("CorePending".to_owned());
        row
    }

    fn count(&self, core: &CoreView, outcomes: &Outcomes<'_>, places: Places, names: usize) -> Counted {
        let url = self.entry.manifest_url.as_str();
        let mut tenants: Vec<Uuid> = places.apps.iter().map(|app| app.tenant).collect();
        tenants.dedup();
        let of_users = places::users(self.entry).is_some();
        let mut counted = Counted {
            wide: of_users || tenants.len() > 1 || !places.absent.is_empty(),
            desired: places.apps.len() + places.pending + places.absent.len() * names,
            pending: places.pending,
            ..Counted::default()
        };
        if places.pending > 0 {
            let told = "the core has not told yet where the plugin belongs";
            let layer = State::waiting("RegistrationPending", told);
            counted.worst = Some((RegistrationState::Pending, layer));
        }
        for app in places.apps {
            let step = CoreStep {
                app,
                edit: AppEdit::Present(url.to_owned()),
            };
            let outcome = outcomes.get(&step).copied();
            if self.is_left(&step.app, outcome) {
                counted.left += 1;
                continue;
            }
            if self.holds(core, &step.app, outcome) {
                counted.current += 1;
                continue;
            }
            let (state, layer) = not_held(core, &step.app, outcome, self.world.now);
            counted.add(step.app, state, layer);
        }
        for absentee in places.absent {
            counted.absent.push(self.absent(core, absentee));
        }
        counted
    }

    /// Whether an application holds it, as far as is known. What the status says counts where it may stand by the ledger
    /// and this process has not read otherwise.
    fn holds(&self, core: &CoreView, app: &AppKey, outcome: Option<&StepState>) -> bool {
        match outcome {
            Some(StepState::Done { .. }) => return true,
            Some(StepState::Refused(_) | StepState::Drifted) => return false,
            _ => {}
        }
        let product = self.entry.entry.product;
        let ledger = &self.world.itself.ledger;
        let facts = core.facts.as_ref();
        let read = facts.and_then(|facts| facts.apps.get(app));
        let url = self.entry.manifest_url.as_str();
        let shown = match read {
            Some(fact) => fact.urls.iter().any(|known| known == url),
            // Everything was read, and this one was not: it is newer than what the status tells of.
            None => !(app.user.is_none() && facts.is_some_and(|facts| facts.all_read)),
        };
        self.was_registered()
            && !self.was_refused_in(app)
            && shown
            && ledger.may_hold(product, app.tenant, app.user, &app.name)
    }

    /// Whether somebody else took it out of an application, and it is left so: `Drifted` tells of that.
    fn is_left(&self, app: &AppKey, outcome: Option<&StepState>) -> bool {
        let fight = self.world.fights.get(app);
        let looked_at = !matches!(outcome, None | Some(StepState::Pending | StepState::Drifted));
        !looked_at && self.was_registered() && fight.is_some_and(|fight| fight.drift.is_some())
    }

    fn was_refused_in(&self, app: &AppKey) -> bool {
        let tenant = app.tenant.to_string();
        let user = app.user.map(|user| user.to_string());
        self.before.is_some_and(|row| {
            row.not_registered
                .iter()
                .any(|place| place.tenant == tenant && place.user == user)
        })
    }

    /// What is wrong with a tenant or user that the spec names.
    fn absent(&self, core: &CoreView, absentee: Absentee) -> (NotRegistered, Candidate) {
        let key = &self.world.itself.key;
        let place = NotRegistered {
            tenant: absentee.tenant.to_string(),
            user: absentee.user.map(|user| user.to_string()),
            reason: absentee.reason.to_owned(),
        };
        if let Some(error) = &absentee.error {
            let worked = core.facts.as_ref().is_some_and(|facts| facts.last_good.is_some());
            return (place, from_error(error, worked));
        }
        let (reason, told) = match absentee.reason {
            "TenantNotFound" => (
                Reason::TenantNotFound,
                format!(
                    "there is no tenant {} that the core account sees",
                    absentee.tenant
                ),
            ),
            "UserNotInTenants" => (
                Reason::UserNotFound,
                format!(
                    "user {} is in none of the plugin's tenants",
                    place.user.as_deref().unwrap_or_default()
                ),
            ),
            _ => (
                Reason::UserNotFound,
                format!("there is no user {}", place.user.as_deref().unwrap_or_default()),
            ),
        };
        let candidate = Candidate::new(reason, self.world.now, told.clone())
            .evidence("operator→core", told, Some(format!("WazoPlugin/{}", key.name)))
            .object(
                "plugins.wazo.io/v1alpha1",
                "WazoPlugin",
                &key.namespace,
                &key.name,
            )
            .field(absentee.field);
        (place, candidate)
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
        Some(StepState::Pending | StepState::Drifted | StepState::Done { .. }) => (
            RegistrationState::Registering,
            State::waiting(REGISTERING, "the plugin is being registered with the core"),
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

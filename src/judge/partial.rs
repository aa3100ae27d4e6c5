//! An entry that is registered in some places and not in others.

use super::candidate::Candidate;
use super::places;
use super::registration::{Entry, REGISTERING, Row};
use super::state::State;
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::{NotRegistered, RegistrationState, TenantsFrom};
use crate::api::reason::Reason;
use crate::core::facts::AppKey;

/// As many tenants and users are named where an entry is not registered.
const MOST_NAMED: usize = 10;

/// The reason of an entry that somebody else took out of an application, and that is left so.
const DRIFTED: &str = "Drifted";

impl Entry<'_> {
    /// What the counts come to. What fails in some places holds up no others, and takes `Ready` from a plugin only if it
    /// stands nowhere, or if the spec names that very place and this generation was never in force.
    pub(super) fn weigh(&self, plugin: &Plugin, counted: Counted) -> Row {
        let Counted {
            wide,
            desired,
            current,
            left,
            pending,
            worst,
            not_registered,
            absent,
        } = counted;
        let (state, worst) = worst.unwrap_or((RegistrationState::Registered, State::Good));
        let by_name: Option<Candidate> = absent.first().map(|(_, candidate)| candidate.clone());
        let mut named: Vec<NotRegistered> = absent
            .into_iter()
            .map(|(place, _)| place)
            .chain(not_registered)
            .collect();
        named.sort_by(|a, b| (&a.tenant, &a.user, &a.reason).cmp(&(&b.tenant, &b.user, &b.reason)));
        named.dedup_by(|a, b| a.tenant == b.tenant && a.user == b.user);
        named.truncate(MOST_NAMED);
        let failed = match &worst {
            State::Bad(candidate) => Some(candidate.as_ref().clone()),
            _ => None,
        };
        let fault = by_name.or(failed);
        let mut row = match fault {
            // A single place is as it is.
            None => self.row(desired, current, state, worst),
            Some(_) if !wide => self.row(desired, current, state, worst),
            Some(fault) if pending > 0 => {
                let told = "the plugin is being registered with the core";
                let layer = State::waiting(REGISTERING, told);
                let mut row = self.row(desired, current, RegistrationState::Registering, layer);
                row.partial = Some(Box::new(fault.not_blocking()));
                row
            }
            Some(fault)
                if current == 0 || (names_each(plugin, self.entry) && !super::settled(self.world)) =>
            {
                let state = if failed_by_form(&fault) {
                    RegistrationState::Refused
                } else {
                    RegistrationState::Registering
                };
                self.row(desired, current, state, State::bad(fault))
            }
            Some(fault) => {
                let mut row = self.row(desired, current, RegistrationState::Registering, State::Good);
                row.status.reason = Some(fault.fault.reason.to_string());
                row.partial = Some(Box::new(fault.not_blocking()));
                row
            }
        };
        if left > 0 && row.state.is_good() && row.status.reason.is_none() {
            row.status.reason = Some(DRIFTED.to_owned());
        }
        if wide {
            row.status.not_registered = named;
        }
        row
    }
}

/// Whether the spec names each place by itself.
fn names_each(plugin: &Plugin, entry: &UiEntry) -> bool {
    let list = plugin
        .spec
        .tenants
        .as_ref()
        .is_some_and(|tenants| tenants.from == TenantsFrom::List);
    list || places::users(entry).is_some()
}

fn failed_by_form(candidate: &Candidate) -> bool {
    candidate.fault.reason == Reason::CoreConflict
}

/// How far an entry is, place by place.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) desired: usize,
    pub(super) current: usize,
    /// Somebody else took it out in so many places, and it is left so.
    pub(super) left: usize,
    /// Work goes on in so many places, or is to begin.
    pub(super) pending: usize,
    pub(super) worst: Option<(RegistrationState, State)>,
    pub(super) not_registered: Vec<NotRegistered>,
    pub(super) absent: Vec<(NotRegistered, Candidate)>,
    /// Whether it is about more than one tenant, or about users.
    pub(super) wide: bool,
}

impl Counted {
    pub(super) fn add(&mut self, app: AppKey, state: RegistrationState, layer: State) {
        match &layer {
            State::Bad(candidate) => self.not_registered.push(NotRegistered {
                tenant: app.tenant.to_string(),
                user: app.user.map(|user| user.to_string()),
                reason: candidate.fault.reason.to_string(),
            }),
            _ => self.pending += 1,
        }
        let heavier = match &self.worst {
            None => true,
            Some((_, worst)) => weight(&layer) > weight(worst),
        };
        if heavier {
            self.worst = Some((state, layer));
        }
    }
}

/// What counts most is told: a refusal, then a failure, then work that goes on, then work that waits.
fn weight(state: &State) -> u8 {
    match state {
        State::Bad(candidate) if candidate.fault.reason == Reason::CoreConflict => 4,
        State::Bad(_) => 3,
        State::Waiting { reason, .. } if *reason == REGISTERING => 2,
        State::Waiting { .. } => 1,
        State::Good => 0,
    }
}

//! Pure: from the [`World`] of a plugin to what is true of it and whose fault it is. One file per layer of rules.
//!
//! Two chains of causes are judged apart: the plugin's own (children, pods, route, manifest) and the core's. Within a
//! chain only the first broken layer counts, since it explains those behind it.

pub mod candidate;
pub mod clock;
pub mod container;
pub mod core;
pub mod image;
pub mod manifest;
pub mod registration;
pub mod route;
pub mod state;
pub mod workload;

use crate::api::condition::{ConditionType, find};
use crate::api::fault::{Fault, ObjectReference, Resolution};
use crate::api::parse::{Invalid, Plugin};
use crate::api::plugin::RolloutClock;
use crate::api::reason::Reason;
use crate::observe::world::World;
use candidate::{Candidate, settle};
use registration::Row;
use state::State;

/// How long a signal that is not decisive must last before it counts against something that worked.
const CONFIRM_SECONDS: i64 = 10;
/// As many faults as are reported beside the first.
const OTHER_FAULTS: usize = 3;

/// What is true of a plugin.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// Whether the spec is usable.
    pub invalid: Option<Invalid>,
    /// Layers up to the pods.
    pub workload: State,
    /// Whether any pod serves.
    pub available: State,
    /// Gateway and route.
    pub route: State,
    /// The manifest at its public address.
    pub manifest: State,
    /// One row per declared registration.
    pub registrations: Vec<Row>,
    /// What is wrong, the first one first; at most four.
    pub faults: Vec<Fault>,
    /// How the whole is doing.
    pub phase: Phase,
    /// The clock of the rollout.
    pub clock: Option<RolloutClock>,
    /// Seconds after which time alone may change the assessment.
    pub again: Option<i64>,
}

/// How the whole is doing: what the conditions `Ready`, `Reconciling` and `Stalled` are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The spec is in force and works.
    Ready,
    /// Work goes on, and nothing is wrong.
    Progressing {
        /// A stable CamelCase word.
        reason: String,
        /// For a person.
        message: String,
    },
    /// Something is wrong, and work goes on that may succeed by itself.
    Retrying(Reason),
    /// Somebody must act: the spec must change, or the rollout took too long.
    Stalled {
        /// A stable CamelCase word.
        reason: String,
        /// For a person.
        message: String,
    },
    /// Nothing is left to do, but the plugin is ill.
    Ill(Reason),
}

/// Whether this generation was in force before: what breaks now breaks at run time, not in a rollout.
#[must_use]
pub fn settled(world: &World) -> bool {
    let before = &world.itself.before;
    before.observed_generation == world.itself.generation && before.rollout.is_none()
}

/// Whether the plugin was `Ready` when it was last reported on.
#[must_use]
pub fn was_ready(world: &World) -> bool {
    find(&world.itself.before.conditions, ConditionType::Ready).is_some_and(|ready| ready.status == "True")
}

/// Judges a plugin.
#[must_use]
pub fn assess(world: &World) -> Assessment {
    match &world.itself.plugin {
        Err(invalid) => unusable(world, invalid),
        Ok(plugin) => judge_plugin(world, plugin),
    }
}

fn unusable(world: &World, invalid: &Invalid) -> Assessment {
    let key = &world.itself.key;
    let candidate = Candidate::new(Reason::InvalidSpec, world.now, invalid.to_string())
        .evidence(
            "API server",
            invalid.to_string(),
            Some(format!("WazoPlugin/{}", key.name)),
        )
        .object(
            "plugins.wazo.io/v1alpha1",
            "WazoPlugin",
            &key.namespace,
            &key.name,
        )
        .field(invalid.path.clone());
    let held = || State::waiting("InvalidSpec", "the spec is not usable");
    Assessment {
        invalid: Some(invalid.clone()),
        workload: held(),
        available: workload::available(world),
        route: held(),
        manifest: held(),
        registrations: Vec::new(),
        faults: settled_faults(world, vec![candidate.fault]),
        phase: Phase::Stalled {
            reason: Reason::InvalidSpec.to_string(),
            message: invalid.to_string(),
        },
        clock: None,
        again: None,
    }
}

fn judge_plugin(world: &World, plugin: &Plugin) -> Assessment {
    let workload = confirm(workload::judge(world, plugin), world);
    let route = confirm(route::judge(world, plugin), world);
    let manifest = match (&workload, &route) {
        // Pods that are not all new yet serve the manifest all the same; a broken route explains everything behind it.
        (_, State::Good) => confirm(manifest::judge(world, plugin), world),
        _ => State::waiting(
            "ManifestPending",
            "the manifest is looked at when the Gateway takes the route",
        ),
    };
    let registrations = registration::judge(world, plugin);
    let own = [&workload, &route, &manifest].into_iter().find_map(candidate_of);
    let registered = registrations.iter().all(|row| row.state.is_good());
    let core = core_fault(world, plugin, registered);
    let refused = registrations.iter().find_map(|row| candidate_of(&row.state));
    // A core that is away explains every call to it that failed.
    let refused = if core.is_some() { None } else { refused };
    let mut faults: Vec<Fault> = [own, refused]
        .into_iter()
        .flatten()
        .map(|candidate| candidate.fault.clone())
        .collect();
    faults.extend(core);
    let faults = settled_faults(world, faults);
    let waiting = [&workload, &route, &manifest]
        .into_iter()
        .chain(registrations.iter().map(|row| &row.state))
        .find_map(|state| match state {
            State::Waiting { reason, message, .. } => Some((*reason, message.clone())),
            _ => None,
        });
    let again = [&workload, &route, &manifest]
        .into_iter()
        .filter_map(|state| match state {
            State::Waiting { again, .. } => *again,
            _ => None,
        })
        .min();
    let done = waiting.is_none() && !faults.iter().any(|fault| fault.blocking);
    let clock = if done {
        None
    } else {
        clock::tick(world, faults.first())
    };
    let expired = clock.as_ref().is_some_and(|clock| clock::expired(clock, world));
    let phase = phase(world, waiting, faults.first(), done, expired);
    let deadline = clock.as_ref().and_then(|clock| clock::left(clock, world));
    Assessment {
        invalid: None,
        available: workload::available(world),
        workload,
        route,
        manifest,
        registrations,
        faults,
        phase,
        clock,
        again: [again, deadline].into_iter().flatten().min(),
    }
}

fn candidate_of(state: &State) -> Option<&Candidate> {
    match state {
        State::Bad(candidate) => Some(candidate),
        _ => None,
    }
}

/// A signal that is not decisive must last before it counts against something that worked.
fn confirm(state: State, world: &World) -> State {
    let State::Bad(candidate) = &state else {
        return state;
    };
    let age = world.now.as_second() - candidate.fault.since.0.as_second();
    let reported = world
        .itself
        .before
        .fault
        .as_ref()
        .is_some_and(|fault| fault.reason == candidate.fault.reason);
    if candidate.decisive || reported || age >= CONFIRM_SECONDS {
        return state;
    }
    if was_ready(world) {
        // Nothing is taken away on a first doubtful sign; it is looked at again.
        return State::Good;
    }
    State::for_now(
        "Confirming",
        "something does not answer; it is looked at again",
        CONFIRM_SECONDS - age,
    )
}

/// The core's own verdict, as this plugin refers to it.
fn core_fault(world: &World, plugin: &Plugin, registered: bool) -> Option<Fault> {
    if plugin.ui.is_empty() && world.core.is_some() {
        return None;
    }
    let key = &world.itself.key;
    let Some(core) = &world.core else {
        let name = &plugin.spec.core_ref.name;
        let message = format!("there is no WazoCore \"{name}\" in this namespace");
        return Some(
            Candidate::new(Reason::CoreNotFound, world.now, message.clone())
                .evidence("API server", message, Some(format!("WazoCore/{name}")))
                .object(
                    "plugins.wazo.io/v1alpha1",
                    "WazoPlugin",
                    &key.namespace,
                    &key.name,
                )
                .field("spec.coreRef.name")
                .fault,
        );
    };
    let caused_by = ObjectReference {
        api_version: Some("plugins.wazo.io/v1alpha1".to_owned()),
        kind: Some("WazoCore".to_owned()),
        namespace: Some(core.key.namespace.clone()),
        name: Some(core.key.name.clone()),
        field_path: None,
    };
    if core.suspended() {
        if registered {
            return None;
        }
        let mut fault = Candidate::new(
            Reason::CoreSuspended,
            world.now,
            "the WazoCore is suspended, and the registration is not done",
        )
        .fault;
        fault.caused_by = Some(caused_by);
        return Some(fault);
    }
    let mut fault = core.fault()?.clone();
    fault.blocking = !registered && fault.blocking;
    fault.caused_by = Some(caused_by);
    Some(fault)
}

/// The first fault first: a blocking one, then the earlier one. Each keeps the times under which it is known.
fn settled_faults(world: &World, faults: Vec<Fault>) -> Vec<Fault> {
    let before = &world.itself.before;
    let known: Vec<&Fault> = before.fault.iter().chain(&before.other_faults).collect();
    let mut faults: Vec<Fault> = faults.into_iter().map(|fault| settle(fault, &known)).collect();
    faults.sort_by_key(|fault| (!fault.blocking, fault.since.0));
    faults.truncate(1 + OTHER_FAULTS);
    faults
}

fn phase(
    world: &World,
    waiting: Option<(&'static str, String)>,
    first: Option<&Fault>,
    done: bool,
    expired: bool,
) -> Phase {
    if done {
        return Phase::Ready;
    }
    let Some(fault) = first.filter(|fault| fault.blocking) else {
        let (reason, message) = waiting.unwrap_or(("Progressing", "work goes on".to_owned()));
        if expired {
            return Phase::Stalled {
                reason: Reason::RolloutDeadlineExceeded.to_string(),
                message,
            };
        }
        return Phase::Progressing {
            reason: reason.to_owned(),
            message,
        };
    };
    let stalled = || Phase::Stalled {
        reason: fault.reason.to_string(),
        message: fault.message.clone(),
    };
    // What the core's account lacks comes back by itself, so the plugin goes on trying; the WazoCore is Stalled.
    let own = fault.caused_by.is_none();
    if own && (fault.resolution == Resolution::SpecChange || expired) {
        return stalled();
    }
    // A core that is away leaves work to do; a plugin that broke at run time leaves none.
    if own && settled(world) && waiting.is_none() {
        Phase::Ill(fault.reason)
    } else {
        Phase::Retrying(fault.reason)
    }
}

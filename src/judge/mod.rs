//! Pure: from the [`World`] of a plugin to what is true of it and whose fault it is. One file per layer of rules.
//!
//! Two chains of causes are judged apart: the plugin's own (children, pods, route, manifest) and the core's. Within a
//! chain only the first broken layer counts, since it explains those behind it.

pub mod account;
pub mod account_change;
pub mod acl_grant;
pub mod candidate;
pub mod certificate;
pub mod clock;
pub mod container;
pub mod core;
pub mod daemons;
pub mod drift;
pub mod expiry;
pub mod exposure;
pub mod grant;
pub mod host;
pub mod image;
mod in_cluster;
pub mod ingress;
pub mod manifest;
mod partial;
pub mod places;
pub mod registration;
pub mod route;
pub mod service;
pub mod source;
pub mod state;
#[cfg(test)]
mod tests;
pub mod withdrawal;
pub mod workload;

use crate::api::condition::{ConditionType, find};
use crate::api::fault::{Confidence, Fault, ObjectReference, Party, Resolution, Suspicion};
use crate::api::parse::{Invalid, Plugin};
use crate::api::plugin::RolloutClock;
use crate::api::reason::Reason;
use crate::keys::CoreKey;
use crate::observe::memory::Drift;
use crate::observe::world::World;
use candidate::{Candidate, settle};
use expiry::Expiry;
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
    /// The Secret of the Ingress's certificate.
    pub certificate: State,
    /// The manifest where it is verified.
    pub manifest: State,
    /// When certificates end.
    pub expiry: Expiry,
    /// One row per declared registration.
    pub registrations: Vec<Row>,
    /// What somebody else changed and is left so.
    pub drifted: Vec<Drift>,
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
    was(world, ConditionType::Ready)
}

/// Whether a condition was true when the plugin was last reported on.
fn was(world: &World, kind: ConditionType) -> bool {
    find(&world.itself.before.conditions, kind).is_some_and(|condition| condition.status == "True")
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
        available: source::available(world),
        route: held(),
        certificate: held(),
        manifest: held(),
        expiry: Expiry::unknown(world),
        registrations: Vec::new(),
        drifted: drift::standing(world),
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
    let (workload, pods_again) = source::judge(world, plugin);
    let (workload, workload_again) = confirm(workload, world);
    let (route, route_again) = confirm(route::judge(world, plugin), world);
    let (certificate, certificate_again) = confirm(certificate::judge(world, plugin), world);
    let expiry = expiry::judge(world, plugin);
    let doubted = workload.is_good() && workload_again.is_some();
    // Pods that are not all new yet serve the manifest all the same; a broken route explains everything behind it.
    let (manifest, manifest_again) = if !route.is_good() {
        (State::waiting("ManifestPending", manifest::PENDING), None)
    } else if doubted {
        // Pods in doubt explain a manifest that cannot be had; nothing is taken away before that is settled.
        (State::Good, None)
    } else {
        confirm(manifest::judge(world, plugin), world)
    };
    let registrations = registration::judge(world, plugin);
    let chain = unmasked([&workload, &route, &certificate, &manifest]);
    let registered = registrations.iter().all(|row| row.state.is_good());
    let core = core_fault(world, plugin, registered);
    let refused = registrations.iter().find_map(|row| candidate_of(&row.state));
    let partial = registrations.iter().filter_map(|row| row.partial.as_deref());
    let refused = refused.into_iter().chain(partial);
    // A core that is away explains every call to it that failed.
    let excused = world.core.as_ref().and_then(|core| core.excused());
    let refused = refused.filter(|_| core.is_none() && excused.is_none());
    let mut faults: Vec<Fault> = chain
        .iter()
        .filter_map(|state| candidate_of(state))
        .chain(refused)
        .map(|candidate| candidate.fault.clone())
        .collect();
    faults.extend(core);
    faults.extend(daemons::judge(world, plugin));
    let refused = grant::refusals(world, plugin);
    faults.extend(refused.into_iter().map(|candidate| candidate.fault));
    let mut faults = settled_faults(world, faults);
    let waiting = chain
        .iter()
        .copied()
        .chain(registrations.iter().map(|row| &row.state))
        .find_map(|state| match state {
            State::Waiting { reason, message, .. } => Some((*reason, message.clone())),
            _ => None,
        });
    let done = waiting.is_none() && !faults.iter().any(|fault| fault.blocking);
    let clock = if done {
        None
    } else {
        clock::tick(world, faults.first())
    };
    let expired = clock.as_ref().is_some_and(|clock| clock::expired(clock, world));
    if expired && !faults.iter().any(|fault| fault.blocking) {
        faults.push(too_late(world, waiting.as_ref()));
        faults = settled_faults(world, faults);
    }
    let phase = phase(world, waiting, faults.first(), done, expired);
    let deadline = clock.as_ref().and_then(|clock| clock::left(clock, world));
    let drifted = drift::standing(world);
    let put_back = drift::tried_again(&drifted, world);
    Assessment {
        invalid: None,
        available: source::available(world),
        workload,
        route,
        certificate,
        manifest,
        registrations,
        drifted,
        faults,
        phase,
        clock,
        again: [
            pods_again,
            workload_again,
            route_again,
            certificate_again,
            expiry.again,
            manifest_again,
            deadline,
            put_back,
            account::due_in(world, plugin),
        ]
        .into_iter()
        .flatten()
        .min(),
        expiry,
    }
}

/// The layers of a chain up to the first one that is broken: it explains those behind it.
fn unmasked(chain: [&State; 4]) -> Vec<&State> {
    let blocks = |state: &State| candidate_of(state).is_some_and(|candidate| candidate.fault.blocking);
    let end = chain
        .iter()
        .position(|state| blocks(state))
        .unwrap_or(chain.len());
    chain.into_iter().take(end + 1).collect()
}

/// The rollout took too long, and nobody is known to be at fault.
fn too_late(world: &World, waiting: Option<&(&'static str, String)>) -> Fault {
    let last = waiting.map_or("work goes on", |(_, message)| message.as_str());
    let told = format!("the rollout did not end in time: {last}");
    Candidate::new(Reason::RolloutDeadlineExceeded, world.now, told)
        .evidence(
            "operator",
            last,
            Some(format!("WazoPlugin/{}", world.itself.key.name)),
        )
        .indirect("a signal that tells what the rollout waits for")
        .fault
}

fn candidate_of(state: &State) -> Option<&Candidate> {
    match state {
        State::Bad(candidate) => Some(candidate),
        _ => None,
    }
}

/// The faults that the status tells of.
fn known_faults(world: &World) -> impl Iterator<Item = &Fault> {
    let before = &world.itself.before;
    before.fault.iter().chain(&before.other_faults)
}

/// A signal that is not decisive must last before it counts against something that worked. Also: the seconds after
/// which time alone may change the state.
fn confirm(state: State, world: &World) -> (State, Option<i64>) {
    let State::Bad(candidate) = &state else {
        let again = state.again();
        return (state, again);
    };
    let left = CONFIRM_SECONDS - (world.now.as_second() - candidate.fault.since.0.as_second());
    let reported = known_faults(world).any(|fault| fault.reason == candidate.fault.reason);
    if candidate.decisive || reported || left <= 0 {
        let again = state.again();
        return (state, again);
    }
    if was_ready(world) {
        // Nothing is taken away on a first doubtful sign; it is looked at again.
        return (State::Good, Some(left));
    }
    let told = "something does not answer; it is looked at again";
    (State::for_now("Confirming", told, left), Some(left))
}

/// The core's own verdict, as this plugin refers to it.
fn core_fault(world: &World, plugin: &Plugin, registered: bool) -> Option<Fault> {
    if plugin.ui.is_empty() && plugin.account.is_none() && world.core.is_some() {
        return None;
    }
    if let Some(candidate) = grant::no_core(world) {
        return Some(candidate.fault);
    }
    let core = world.core.as_ref()?;
    let caused_by = core_object(&core.key);
    if core.suspended() {
        if registered && !world.itself.deleting {
            return None;
        }
        let told = "the WazoCore is suspended while work is pending";
        let mut fault = Candidate::new(Reason::CoreSuspended, world.now, told)
            .evidence(
                "API server",
                "spec.suspend is true",
                Some(format!("WazoCore/{}", core.key.name)),
            )
            .fault;
        fault.caused_by = Some(caused_by);
        return Some(fault);
    }
    let mut fault = core
        .fault()
        .filter(|fault| daemons::concerns(core, plugin, fault))?
        .clone();
    // A plugin that is being deleted has work to do in the core.
    fault.blocking = fault.blocking && (!registered || world.itself.deleting);
    fault.caused_by = Some(caused_by);
    Some(fault)
}

/// The WazoCore, as the object that a fault follows from.
fn core_object(key: &CoreKey) -> ObjectReference {
    ObjectReference {
        api_version: Some("plugins.wazo.io/v1alpha1".to_owned()),
        kind: Some("WazoCore".to_owned()),
        namespace: Some(key.namespace.clone()),
        name: Some(key.name.clone()),
        field_path: None,
    }
}

/// The first fault first: a blocking one, then the earlier one. Each keeps the times under which it is known.
fn settled_faults(world: &World, faults: Vec<Fault>) -> Vec<Fault> {
    let known: Vec<&Fault> = known_faults(world).collect();
    let mut faults: Vec<Fault> = faults
        .into_iter()
        .map(|fault| with_the_core_in_mind(settle(fault, &known), world))
        .collect();
    faults.sort_by_key(|fault| (!fault.blocking, fault.since.0));
    faults.truncate(1 + OTHER_FAULTS);
    faults
}

/// A process that began to fail while the core was away may have died of that: nobody is blamed, the core is suspected.
fn with_the_core_in_mind(mut fault: Fault, world: &World) -> Fault {
    let seen = world.core.as_ref().filter(|_| !grant::is_withheld(world));
    let excused = seen.and_then(|core| core.excused());
    let fault_of_core = seen
        .and_then(|core| core.fault())
        .or(excused.map(|excused| &excused.fault));
    let away = fault_of_core.filter(|core| {
        core.blocking && matches!(core.party, Party::Core | Party::Path) && core.since.0 <= fault.since.0
    });
    let of_the_process = matches!(
        fault.reason,
        Reason::ProcessExited | Reason::ProcessCrashed | Reason::ProcessCompleted | Reason::ReportsUnhealthy
    );
    let Some(core) = away.filter(|_| of_the_process) else {
        return fault;
    };
    fault.party = Party::Unknown;
    fault.confidence = Confidence::Low;
    fault.suspected = excused.is_none().then_some(Suspicion {
        party: core.party,
        reason: core.reason,
    });
    fault.contradicting = vec![format!("it began while the core was away ({})", core.reason)];
    fault.missing = vec!["a start of the process while the core answers".to_owned()];
    fault
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
    // A core that is away leaves work to do, and so do errors of our own; a plugin that broke at run time leaves none.
    if own && fault.party != Party::Operator && settled(world) && waiting.is_none() {
        Phase::Ill(fault.reason)
    } else {
        Phase::Retrying(fault.reason)
    }
}

//! Pure: from the [`World`] of a plugin to what is true of it and whose fault it is. One file per layer of rules.
//!
//! [`rules`] give candidates → the [`graph`] of layers masks what others explain → change and neighbours [`weigh`] on
//! the confidence, and on nothing else → who is below the [`threshold`] blames nobody → [`hysteresis`] says when a
//! verdict is told, and when it goes. A [`Reckoning`] keeps what each step did.

pub mod account;
pub mod account_change;
pub mod acl_grant;
mod admission;
mod around;
pub mod candidate;
pub mod case;
pub mod certificate;
pub mod clock;
pub mod container;
pub mod core;
pub mod daemons;
pub mod dns;
pub mod drift;
pub mod endpoints;
pub mod expiry;
pub mod exposure;
pub mod grant;
pub mod graph;
pub mod host;
pub mod hysteresis;
pub mod image;
mod in_cluster;
pub mod ingress;
mod killed;
pub mod manifest;
pub mod network_policy;
pub mod node;
mod of_core;
pub mod origin;
mod partial;
pub mod phase;
pub mod places;
pub mod reckoning;
pub mod registration;
pub mod route;
pub mod rules;
pub mod sandbox;
mod scheduling;
pub mod service;
pub mod source;
pub mod state;
mod tag;
#[cfg(test)]
mod tests;
pub mod threshold;
mod trial;
pub mod volume;
pub mod weigh;
pub mod withdrawal;
pub mod workload;

use crate::api::condition::{ConditionType, find};
use crate::api::fault::Fault;
use crate::api::parse::{Invalid, Plugin};
use crate::api::plugin::RolloutClock;
use crate::api::reason::Reason;
use crate::observe::memory::Drift;
use crate::observe::verdicts::Verdicts;
use crate::observe::world::World;
use candidate::Candidate;
use case::{Aspect, Case};
use expiry::Expiry;
pub use phase::Phase;
pub use reckoning::Reckoning;
use registration::Row;
use rules::Layers;
use state::State;
use trial::Trial;

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
    /// What is to be remembered of the verdicts until the next judgement.
    pub verdicts: Verdicts,
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
    reckon(world).assessment
}

/// Judges a plugin, and says how the verdict came about.
#[must_use]
pub fn reckon(world: &World) -> Reckoning {
    match &world.itself.plugin {
        Err(invalid) => unusable(world, invalid),
        Ok(plugin) => usable(world, plugin),
    }
}

fn unusable(world: &World, invalid: &Invalid) -> Reckoning {
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
    let trial = Trial::of(world, vec![Case::new(Aspect::Workload, candidate)], None);
    let held = || State::waiting("InvalidSpec", "the spec is not usable");
    let assessment = Assessment {
        invalid: Some(invalid.clone()),
        workload: held(),
        available: source::available(world),
        route: held(),
        certificate: held(),
        manifest: held(),
        expiry: Expiry::unknown(world),
        registrations: Vec::new(),
        drifted: drift::standing(world),
        faults: trial.verdicts(),
        phase: Phase::Stalled {
            reason: Reason::InvalidSpec.to_string(),
            message: invalid.to_string(),
        },
        clock: None,
        again: trial.again(),
        verdicts: trial.remember(world),
    };
    trial.reckoning(assessment)
}

fn usable(world: &World, plugin: &Plugin) -> Reckoning {
    let layers = Layers::of(world, plugin);
    let cases = rules::candidates(world, plugin, &layers);
    let mut trial = Trial::of(world, cases, Some(&layers));
    let (workload, workload_again) = trial.shown(world, Aspect::Workload, &layers.workload);
    let (route, route_again) = trial.shown(world, Aspect::Route, &layers.route);
    let (certificate, certificate_again) = trial.shown(world, Aspect::Certificate, &layers.certificate);
    let (manifest, manifest_again) = trial.shown(world, Aspect::Manifest, &layers.manifest);
    let verdicts = trial.remember(world);
    let mut faults = trial.verdicts();
    let waiting = phase::waiting(
        [&workload, &route, &certificate, &manifest],
        &layers.registrations,
    );
    let done = waiting.is_none() && !faults.iter().any(|fault| fault.blocking);
    let clock = if done {
        None
    } else {
        clock::tick(world, faults.first())
    };
    let expired = clock.as_ref().is_some_and(|clock| clock::expired(clock, world));
    if expired && !faults.iter().any(|fault| fault.blocking) {
        trial.add(world, phase::too_late(world, waiting.as_ref()));
        faults = trial.verdicts();
    }
    let phase = phase::phase(world, waiting, faults.first(), done, expired);
    let deadline = clock.as_ref().and_then(|clock| clock::left(clock, world));
    let drifted = drift::standing(world);
    let expiry = expiry::judge(world, plugin);
    let again = [
        layers.pods_again,
        workload_again,
        route_again,
        certificate_again,
        manifest_again,
        trial.again(),
        expiry.again,
        deadline,
        drift::tried_again(&drifted, world),
        account::due_in(world, plugin),
    ];
    let assessment = Assessment {
        invalid: None,
        available: source::available(world),
        workload,
        route,
        certificate,
        manifest,
        registrations: layers.registrations,
        drifted,
        faults,
        phase,
        clock,
        again: again.into_iter().flatten().min(),
        expiry,
        verdicts,
    };
    trial.reckoning(assessment)
}

/// The faults that the status tells of.
fn known_faults(world: &World) -> impl Iterator<Item = &Fault> {
    let before = &world.itself.before;
    before.fault.iter().chain(&before.other_faults)
}

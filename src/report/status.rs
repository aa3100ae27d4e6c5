//! The status of a plugin, from what is true of it. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::condition::{ConditionType, Truth, Wanted, settle};
use crate::api::fault::Fault;
use crate::api::names::PLUGIN_LABEL;
use crate::api::parse::{Plugin, image_tag};
use crate::api::plugin::{Registered, RegistrationState, WazoPluginStatus};
use crate::api::reason::Reason;
use crate::judge::state::State;
use crate::judge::workload::newest_pods;
use crate::judge::{Assessment, Phase, drift};
use crate::judge::{expiry, grant};
use crate::observe::drift_status;
use crate::observe::world::World;
use crate::plan::Plan;
use crate::report::source_words::{self, SourceWords};
use crate::report::told::with_next_step;
use crate::report::withdrawn;

/// The status of a plugin for which this is planned.
#[must_use]
pub fn of(world: &World, assessment: &Assessment, plan: &Plan) -> WazoPluginStatus {
    if world.itself.deleting {
        deleting(world, assessment)
    } else if plan.suspended {
        suspended(world, plan.pending)
    } else {
        compose(world, assessment)
    }
}

/// The status of a plugin that is to stay.
#[must_use]
pub fn compose(world: &World, assessment: &Assessment) -> WazoPluginStatus {
    let before = &world.itself.before;
    let plugin = world.itself.plugin.as_ref().ok();
    let deployment = world.children.deployment.as_ref();
    let registrations: Vec<_> = assessment
        .registrations
        .iter()
        .map(|row| row.status.clone())
        .collect();
    let registrations = if plugin.is_some() {
        registrations
    } else {
        withdrawn::rows(world)
    };
    let mut faults = assessment.faults.clone().into_iter();
    WazoPluginStatus {
        observed_generation: world.itself.generation,
        url: plugin.map_or_else(
            || before.url.clone(),
            |plugin| {
                plugin
                    .url
                    .as_ref()
                    .map(|url| url.as_str().trim_end_matches('/').to_owned())
            },
        ),
        version: version(world, plugin),
        image: image(world),
        replicas: deployment.map(|deployment| deployment.replicas),
        ready_replicas: deployment.map(|deployment| deployment.ready),
        selector: deployment.map(|_| format!("{PLUGIN_LABEL}={}", world.itself.key.name)),
        registered: Some(registered(&registrations)),
        conditions: settle(
            conditions(assessment, plugin),
            &before.conditions,
            world.itself.generation,
            world.now,
        ),
        fault: faults.next(),
        other_faults: faults.collect(),
        impaired_seconds: before.impaired_seconds.clone(),
        impaired_since: before.impaired_since.clone(),
        registrations,
        rollout: assessment.clock.clone(),
        drift: drift_status::rows(world),
        last_handled_reconcile_at: world.itself.requested_at.clone(),
    }
}

/// The status of a plugin that is being deleted: why it is still there.
#[must_use]
pub fn deleting(world: &World, assessment: &Assessment) -> WazoPluginStatus {
    let before = &world.itself.before;
    let no_core = |reason| matches!(reason, Reason::CoreNotFound | Reason::CoreNotGranted);
    let of_the_core = |fault: &&Fault| fault.blocking && (fault.caused_by.is_some() || no_core(fault.reason));
    // A spec that is not usable is judged alone; the core may be away all the same.
    let by_core = world.core.as_ref().and_then(|core| core.fault());
    let by_core = by_core.filter(|fault| fault.blocking);
    let blocked = assessment.faults.iter().find(of_the_core).or(by_core);
    // Of a core that grants nothing here no more is told than whether it holds the deletion up.
    let in_the_way = by_core.is_some() || world.core.is_none();
    let blocked = blocked.filter(|_| in_the_way || !grant::is_withheld(world));
    let suspended = world.core.as_ref().is_some_and(|core| core.suspended());
    let (reason, message) = match blocked {
        None if suspended => (
            "DeregistrationBlocked",
            "the registrations cannot be taken out of the core while the WazoCore is suspended".to_owned(),
        ),
        Some(fault) => (
            "DeregistrationBlocked",
            format!(
                "the registrations cannot be taken out of the core: {}",
                with_next_step(fault)
            ),
        ),
        None => (
            "Deleting",
            world.core.as_ref().and_then(|core| core.excused()).map_or_else(
                || "the registrations are being taken out of the core".to_owned(),
                |excused| format!("the registrations cannot be taken out yet: {}", excused.told),
            ),
        ),
    };
    let mut conditions: Vec<Wanted> = before
        .conditions
        .iter()
        .filter_map(kept)
        .filter(|condition| !is_phase(condition.kind) && condition.kind != ConditionType::Degraded)
        .collect();
    conditions.push(Wanted::new(ConditionType::Ready, Truth::False, reason, message));
    let mut registrations = before.registrations.clone();
    for row in &mut registrations {
        if row.state == RegistrationState::Registered {
            row.state = RegistrationState::Deregistering;
        }
    }
    WazoPluginStatus {
        registrations,
        observed_generation: world.itself.generation,
        conditions: settle(conditions, &before.conditions, world.itself.generation, world.now),
        fault: blocked.map(|fault| Fault {
            blocking: true,
            ..fault.clone()
        }),
        other_faults: Vec::new(),
        rollout: None,
        ..before.clone()
    }
}

/// The status of a suspended plugin: what was true stays, and whether a change waits is said.
#[must_use]
pub fn suspended(world: &World, pending: bool) -> WazoPluginStatus {
    let before = &world.itself.before;
    let mut conditions: Vec<Wanted> = before.conditions.iter().filter_map(kept).collect();
    if pending {
        conditions.retain(|condition| !is_phase(condition.kind));
        conditions.push(Wanted::new(
            ConditionType::Ready,
            Truth::False,
            "SuspendedWithChanges",
            "the spec differs from what runs, and spec.suspend stops every write",
        ));
    } else if !conditions
        .iter()
        .any(|condition| condition.kind == ConditionType::Ready)
    {
        conditions.push(Wanted::new(
            ConditionType::Ready,
            Truth::False,
            "Suspended",
            "spec.suspend stops every write",
        ));
    }
    conditions.retain(|condition| condition.kind != ConditionType::Suspended);
    conditions.push(Wanted::new(
        ConditionType::Suspended,
        Truth::True,
        "Suspended",
        "spec.suspend is true",
    ));
    let registrations = withdrawn::rows(world);
    withdrawn::tell(&mut conditions, &registrations);
    WazoPluginStatus {
        registered: if registrations == before.registrations {
            before.registered.clone()
        } else {
            Some(registered(&registrations))
        },
        registrations,
        observed_generation: world.itself.generation,
        conditions: settle(conditions, &before.conditions, world.itself.generation, world.now),
        fault: None,
        other_faults: Vec::new(),
        ..before.clone()
    }
}

pub(super) const fn is_phase(kind: ConditionType) -> bool {
    matches!(
        kind,
        ConditionType::Ready | ConditionType::Reconciling | ConditionType::Stalled
    )
}

/// A condition that stands in the status, where it is one of ours.
pub(super) fn kept(condition: &Condition) -> Option<Wanted> {
    let truth = match condition.status.as_str() {
        "True" => Truth::True,
        "False" => Truth::False,
        _ => Truth::Unknown,
    };
    let kind = ConditionType::ALL
        .iter()
        .find(|kind| kind.as_str() == condition.type_)?;
    Some(Wanted::new(
        *kind,
        truth,
        condition.reason.clone(),
        condition.message.clone(),
    ))
}

fn conditions(assessment: &Assessment, plugin: Option<&Plugin>) -> Vec<Wanted> {
    let words = SourceWords::of(plugin);
    let mut conditions = phase(assessment);
    conditions.push(aspect(
        ConditionType::WorkloadReady,
        &assessment.workload,
        words.runs.0,
        words.runs.1,
    ));
    conditions.push(source_words::available(&assessment.available, &words));
    let exposed = if !assessment.route.is_good() {
        &assessment.route
    } else if assessment.certificate.holds_up_nothing() {
        &assessment.manifest
    } else {
        &assessment.certificate
    };
    conditions.push(aspect(
        ConditionType::Exposed,
        exposed,
        words.reachable.0,
        words.reachable.1,
    ));
    if let Some(warning) = &assessment.expiry.warning {
        let word = expiry::EXPIRES_SOON;
        let kind = ConditionType::CertificateExpiring;
        conditions.push(Wanted::new(kind, Truth::True, word, warning.clone()));
    }
    if let Some((reason, message)) = drift::told(&assessment.drifted) {
        conditions.push(Wanted::new(ConditionType::Drifted, Truth::True, reason, message));
    }
    conditions.push(registered_condition(assessment));
    if let Some(fault) = assessment.faults.iter().find(|fault| !fault.blocking) {
        conditions.push(Wanted::new(
            ConditionType::Degraded,
            Truth::True,
            fault.reason.as_str(),
            with_next_step(fault),
        ));
    }
    conditions
}

fn phase(assessment: &Assessment) -> Vec<Wanted> {
    use ConditionType::{Ready, Reconciling, Stalled};
    let told = |reason: &str| {
        assessment
            .faults
            .iter()
            .find(|fault| fault.reason.as_str() == reason)
            .map(with_next_step)
    };
    match &assessment.phase {
        Phase::Ready => vec![Wanted::new(
            Ready,
            Truth::True,
            "Ready",
            "the plugin runs, is reachable and is registered",
        )],
        Phase::Progressing { reason, message } => {
            let rolling = matches!(assessment.workload, State::Waiting { .. });
            let word = if rolling {
                "RolloutInProgress"
            } else {
                "Progressing"
            };
            vec![
                Wanted::new(Reconciling, Truth::True, word, message.clone()),
                Wanted::new(Ready, Truth::Unknown, reason.clone(), message.clone()),
            ]
        }
        Phase::Retrying(reason) => {
            let message = told(reason.as_str()).unwrap_or_default();
            vec![
                Wanted::new(Reconciling, Truth::True, "ProgressingWithRetry", message.clone()),
                Wanted::new(Ready, Truth::False, reason.as_str(), message),
            ]
        }
        Phase::Stalled { reason, message } => {
            let message = told(reason).unwrap_or_else(|| message.clone());
            vec![
                Wanted::new(Stalled, Truth::True, reason.clone(), message.clone()),
                Wanted::new(Ready, Truth::False, reason.clone(), message),
            ]
        }
        Phase::Ill(reason) => {
            vec![Wanted::new(
                Ready,
                Truth::False,
                reason.as_str(),
                told(reason.as_str()).unwrap_or_default(),
            )]
        }
    }
}

fn aspect(kind: ConditionType, state: &State, good: &str, message: &str) -> Wanted {
    match state {
        State::Good => Wanted::new(kind, Truth::True, good, message),
        State::Waiting { reason, message, .. } => Wanted::new(kind, Truth::Unknown, *reason, message.clone()),
        State::Bad(candidate) if !candidate.fault.blocking => Wanted::new(kind, Truth::True, good, message),
        State::Bad(candidate) => Wanted::new(
            kind,
            Truth::False,
            candidate.fault.reason.as_str(),
            candidate.fault.message.clone(),
        ),
    }
}

fn registered_condition(assessment: &Assessment) -> Wanted {
    if assessment.invalid.is_some() {
        let told = "the spec is not usable";
        return Wanted::new(ConditionType::Registered, Truth::Unknown, "InvalidSpec", told);
    }
    let first = assessment.registrations.iter().find(|row| !row.state.is_good());
    match first {
        None if assessment.registrations.iter().any(|row| row.partial.is_some()) => Wanted::new(
            ConditionType::Registered,
            Truth::True,
            "RegisteredInPart",
            "the core holds what the spec asks for, except where status.registrations says otherwise",
        ),
        None => Wanted::new(
            ConditionType::Registered,
            Truth::True,
            "Registered",
            "the core holds what the spec asks for",
        ),
        Some(row) => match &row.state {
            State::Bad(candidate) => Wanted::new(
                ConditionType::Registered,
                Truth::False,
                candidate.fault.reason.as_str(),
                candidate.fault.message.clone(),
            ),
            State::Waiting { reason, message, .. } => {
                Wanted::new(ConditionType::Registered, Truth::False, *reason, message.clone())
            }
            State::Good => Wanted::new(ConditionType::Registered, Truth::True, "Registered", "registered"),
        },
    }
}

fn registered(rows: &[crate::api::plugin::RegistrationStatus]) -> Registered {
    let desired: i32 = rows.iter().map(|row| row.desired).sum();
    let current: i32 = rows.iter().map(|row| row.current).sum();
    Registered {
        desired,
        current,
        summary: format!("{current}/{desired}"),
    }
}

/// The manifest tells the version; until it was read, the image's tag does.
fn version(world: &World, plugin: Option<&Plugin>) -> Option<String> {
    let Some(plugin) = plugin else {
        return world.itself.before.version.clone();
    };
    let read = world
        .probe
        .manifests
        .iter()
        .find_map(|fact| fact.manifest.as_ref());
    if let Some(manifest) = read {
        return Some(manifest.version.clone());
    }
    let before = &world.itself.before;
    let same = before.observed_generation == world.itself.generation || plugin.is_scaled_to_zero();
    if same && before.version.is_some() {
        return before.version.clone();
    }
    plugin
        .workload()
        .and_then(|workload| image_tag(&workload.image))
        .map(ToOwned::to_owned)
}

/// The image by digest, of the newest revision's pods, where all of them tell the same.
fn image(world: &World) -> Option<String> {
    let mut ids = newest_pods(world)
        .into_iter()
        .filter_map(|pod| pod.container.image_id.clone());
    let first = ids.next()?;
    ids.all(|other| other == first).then_some(first)
}

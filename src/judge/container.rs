//! Layers Container, References and Probe: why a pod's container does not run, or runs and is not ready.

use jiff::Timestamp;

use super::candidate::Candidate;
use super::origin::Origin;
use super::state::State;
use super::{image, killed, scheduling};
use crate::api::fault::{Party, Resolution};
use crate::api::reason::Reason;
use crate::observe::facts::{ContainerState, PodFact, Termination};
use crate::observe::surroundings::{Part, Surroundings};
use crate::probe::{ReadinessFact, ReadinessLook};

/// How long a started process may take before it is held against it that it is not ready.
pub const STARTUP_SECONDS: i64 = 30;

/// The exit code after SIGILL: an instruction that the CPU does not have.
const ILLEGAL_INSTRUCTION: i32 = 132;

/// What is known beside the pod itself.
pub struct Context<'a> {
    /// The Deployment, as `Deployment/name`: evidence names the owner, not the pod.
    pub owner: String,
    /// The image that was asked for.
    pub image: &'a str,
    /// The port that was asked for.
    pub port: i32,
    /// Whether this revision was ready before.
    pub worked: bool,
    /// Seconds that a started process may take before it is held against it that it is not ready.
    pub startup: i64,
    /// What the prober saw at the pods.
    pub readiness: Option<&'a ReadinessFact>,
    /// What was read of the plugin's surroundings.
    pub surroundings: &'a Surroundings,
    /// The plugin's namespace.
    pub namespace: String,
    /// Whether the spec sets the container's memory limit.
    pub limit_of_spec: bool,
    /// Whether the spec sets the container's command or its arguments.
    pub overridden: bool,
    /// Whether the spec sets a probe for whose failures the kubelet ends the container.
    pub killable: bool,
    /// What this revision came with.
    pub origin: Origin,
    /// The name of the Secret that the operator makes for the plugin's account.
    pub own_secret: Option<String>,
    /// The moment.
    pub now: Timestamp,
}

impl Context<'_> {
    /// Whether the events were read after a run ended.
    fn knows_events_since(&self, run: &Termination) -> bool {
        let around = self.surroundings;
        around.knows(Part::Events) && around.checked_at >= run.finished
    }
}

/// Judges a pod that is not ready.
#[must_use]
pub fn judge(pod: &PodFact, context: &Context<'_>) -> State {
    let since = pod.ready_since.or(pod.created).unwrap_or(context.now);
    if let Some(disruption) = &pod.disruption {
        return State::bad(killed::evicted(disruption, &pod.disruption_words, context, since));
    }
    if let Some(unschedulable) = &pod.unschedulable {
        let around = scheduling::Around {
            owner: context.owner.clone(),
            surroundings: context.surroundings,
            now: context.now,
        };
        let since = unschedulable.since.unwrap_or(since);
        return scheduling::judge(pod, unschedulable, since, &around);
    }
    match &pod.container.state {
        ContainerState::Waiting { reason, message } if image::is_image_reason(reason) => State::bad(
            image::judge(reason, message, context.image, since, context.worked),
        ),
        ContainerState::Waiting { reason, message } => waiting(reason, message, pod, context, since),
        ContainerState::Terminated(termination) => State::bad(ended(termination, pod, context, since)),
        ContainerState::Running { since: started } => running(pod, started.unwrap_or(since), context),
        ContainerState::Unknown => State::waiting("RolloutInProgress", super::workload::ROLLING),
    }
}

fn waiting(reason: &str, message: &str, pod: &PodFact, context: &Context<'_>, since: Timestamp) -> State {
    let said = |text: &str| Some(text.to_owned());
    match reason {
        "CrashLoopBackOff" => match &pod.container.last {
            Some(last) => State::bad(ended(last, pod, context, since)),
            None => State::waiting("RolloutInProgress", "the container is being started again"),
        },
        "CreateContainerConfigError"
            if message.contains("runAsNonRoot") || message.contains("run as root") =>
        {
            State::bad(
                Candidate::new(
                    Reason::ImageRunsAsRoot,
                    since,
                    "the image runs as root, which the pod's security context forbids",
                )
                .evidence(
                    "kubelet",
                    "container has runAsNonRoot and image will run as root",
                    Some(context.owner.clone()),
                ),
            )
        }
        "CreateContainerConfigError" => {
            let candidate = Candidate::new(
                Reason::ReferenceMissing,
                since,
                format!("the container refers to something that does not exist: {message}"),
            )
            .evidence("kubelet", message, said(&context.owner));
            let own = context.own_secret.as_ref();
            let is_own = own.is_some_and(|own| message.contains(&format!("secret \"{own}\"")));
            State::bad(if is_own {
                candidate.party(Party::Operator)
            } else {
                candidate
            })
        }
        "RunContainerError" | "CreateContainerError" | "ContainerCannotRun" | "StartError" => {
            State::bad(not_started(message, context, since))
        }
        _ => State::waiting("RolloutInProgress", super::workload::ROLLING),
    }
}

fn not_started(message: &str, context: &Context<'_>, since: Timestamp) -> Candidate {
    if message.contains("exec format error") {
        return Candidate::new(
            Reason::ArchitectureUnsupported,
            since,
            "the image's program is for another architecture than the node's",
        )
        .evidence("kubelet", "exec format error", Some(context.owner.clone()));
    }
    let told = runtime_words(message);
    let candidate = Candidate::new(
        Reason::CommandNotStarted,
        since,
        format!("the container's command cannot be started: {told}"),
    )
    .evidence("kubelet", told, Some(context.owner.clone()));
    asked_for(candidate, context)
}

/// What the image would run is not known where the spec says what is run.
fn asked_for(candidate: Candidate, context: &Context<'_>) -> Candidate {
    if context.overridden {
        candidate.party(Party::Config).field("spec.workload.command")
    } else {
        candidate
    }
}

/// Whether nobody saw how the run ended: the node was started anew, or is gone.
fn is_lost(run: &Termination) -> bool {
    matches!(run.reason.as_str(), "Unknown" | "ContainerStatusUnknown")
}

/// The candidate for a container whose run ended.
fn ended(run: &Termination, pod: &PodFact, context: &Context<'_>, fallback: Timestamp) -> Candidate {
    let since = run.finished.unwrap_or(fallback);
    let owner = Some(context.owner.clone());
    if is_lost(run) {
        let told = "the node does not know how the container ended";
        return Candidate::new(Reason::PodsEvicted, since, told).evidence(
            "kubelet",
            run.reason.clone(),
            owner,
        );
    }
    if let Some(candidate) = killed::judge(run, pod, context, since) {
        return candidate;
    }
    let candidate = by_itself(run, context, since, owner);
    if context.killable && !context.knows_events_since(run) {
        candidate
            .field("spec.workload")
            .indirect("the events of the pods since it ended: whether the kubelet ended it for a probe")
    } else {
        candidate
    }
}

/// The candidate for a run that nobody ended, as far as is known.
fn by_itself(run: &Termination, context: &Context<'_>, since: Timestamp, owner: Option<String>) -> Candidate {
    match (run.reason.as_str(), run.exit_code) {
        ("StartError" | "ContainerCannotRun", _) | (_, 126 | 127) => {
            not_started(&run.message, context, since)
        }
        (_, 0) => asked_for(
            Candidate::new(
                Reason::ProcessCompleted,
                since,
                "the container's process ended by itself, without an error",
            )
            .evidence("kubelet", "exit code 0", owner),
            context,
        ),
        (_, 132) => Candidate::new(
            Reason::ProcessCrashed,
            since,
            "the container's process met an instruction that the CPU does not know (signal 4)",
        )
        .evidence("kubelet", "exit code 132", owner)
        .party(Party::Cluster)
        .indirect("a run of the same image on another kind of CPU")
        .doubtful("a program that is damaged ends with the same signal"),
        (_, code @ (134 | 135 | 136 | 139)) => Candidate::new(
            Reason::ProcessCrashed,
            since,
            format!("the container's process crashed with signal {}", code - 128),
        )
        .evidence("kubelet", format!("exit code {code}"), owner)
        .unless(
            code == ILLEGAL_INSTRUCTION,
            "whether the nodes' CPUs have what the image was built for",
        ),
        (_, code) => {
            let told = format!("the container's process exits with code {code}");
            let candidate = Candidate::new(Reason::ProcessExited, since, told)
                .evidence("kubelet", format!("exit code {code}"), owner)
                .resolution(Resolution::External);
            if context.overridden {
                candidate.field("spec.workload.command")
            } else {
                candidate
            }
        }
    }
}

/// A container that runs and is not ready: the prober's look at the pod tells why, once the process had time to start.
fn running(pod: &PodFact, started: Timestamp, context: &Context<'_>) -> State {
    let age = context.now.as_second() - started.as_second();
    // Between two crashes the verdict stays; a run that was ended from outside says nothing of the process.
    if pod.container.restarts > 0
        && let Some(last) = &pod.container.last
        && (last.reason == "OOMKilled" || !matches!(last.exit_code, 137 | 143) && !is_lost(last))
        && age < STARTUP_SECONDS
    {
        return State::bad(ended(last, pod, context, started).again(STARTUP_SECONDS - age));
    }
    if age < context.startup {
        let left = context.startup - age;
        return State::for_now(
            "RolloutInProgress",
            "the pods have started and are not ready yet",
            left,
        );
    }
    let since = pod.ready_since.unwrap_or(started);
    let owner = Some(context.owner.clone());
    // A look at an earlier run of the process says nothing of this one.
    let fresh = context.readiness.filter(|fact| fact.checked_at >= started);
    match fresh.map(|fact| fact.look) {
        Some(ReadinessLook::NotListening) => State::bad(not_listening(context, since)),
        Some(ReadinessLook::ListensElsewhere(port)) => State::bad(elsewhere(port, pod, context, since)),
        Some(ReadinessLook::Status(code)) => State::bad(unhealthy(code, pod, context, since)),
        Some(ReadinessLook::TimedOut | ReadinessLook::Broken) => State::bad(
            Candidate::new(
                Reason::ProbeTimeout,
                since,
                "the readiness path does not answer in time",
            )
            .evidence("operator→pod", "no answer", owner)
            .indirect("whether other pods of the same nodes answer"),
        ),
        Some(ReadinessLook::Good) | None => State::bad(
            Candidate::new(Reason::NotReady, since, "the pods run but are not ready")
                .evidence("kubelet", "Ready=False", owner)
                .indirect("an answer of the pods to the operator"),
        ),
    }
}

fn not_listening(context: &Context<'_>, since: Timestamp) -> Candidate {
    let port = context.port;
    let told = format!("nothing listens on port {port} in the running container");
    Candidate::new(Reason::NotListening, since, told)
        .evidence("operator→pod", "connection refused", Some(context.owner.clone()))
        .field("spec.workload.port")
        .unless(
            context.origin == Origin::First,
            "the port that the image listens on: nothing of it was ever ready",
        )
}

/// What never worked and listens on another port was asked for wrongly, rather than built wrongly; but where a proxy
/// stands beside the plugin, it may be that which listens.
fn elsewhere(port: u16, pod: &PodFact, context: &Context<'_>, since: Timestamp) -> Candidate {
    let candidate = not_listening(context, since);
    if context.origin != Origin::First || pod.sidecars {
        return candidate;
    }
    let owner = Some(context.owner.clone());
    candidate
        .party(Party::Config)
        .resolution(Resolution::SpecChange)
        .evidence("operator→pod", format!("port {port} accepts connections"), owner)
        .action("Set spec.workload.port to the port that the image listens on, or let it listen on this one")
}

fn unhealthy(code: u16, pod: &PodFact, context: &Context<'_>, since: Timestamp) -> Candidate {
    let told = format!("the readiness path answers {code}");
    let candidate = Candidate::new(Reason::ReportsUnhealthy, since, told)
        .evidence(
            "operator→pod",
            format!("HTTP {code}"),
            Some(context.owner.clone()),
        )
        .unless(
            pod.sidecars,
            "which container of the pod answers: a proxy beside the plugin may do it",
        );
    let at_path = candidate.clone().field("spec.workload.readiness.path");
    match (code, context.origin) {
        // The path is always the spec's.
        (404, Origin::First) => at_path
            .party(Party::Config)
            .resolution(Resolution::SpecChange)
            .indirect("whether the image serves that path: nothing of it was ever ready")
            .action(
                "Set spec.workload.readiness.path to a path that the image serves, or leave spec.workload.readiness out",
            ),
        (404, _) => at_path,
        _ => candidate,
    }
}

/// The last part of the runtime's chain of errors: the rest names containers and paths of the node.
fn runtime_words(message: &str) -> String {
    let known = [
        "no such file or directory",
        "executable file not found",
        "permission denied",
        "is a directory",
    ];
    known
        .iter()
        .find(|words| message.contains(*words))
        .map_or_else(|| "the runtime refuses it".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::facts::ContainerFact;

    fn context(readiness: Option<&ReadinessFact>, now: i64) -> Context<'_> {
        Context {
            owner: "Deployment/p".to_owned(),
            image: "r.test/p:1",
            startup: STARTUP_SECONDS,
            port: 8080,
            worked: false,
            readiness,
            surroundings: Box::leak(Box::default()),
            namespace: "acme".to_owned(),
            limit_of_spec: false,
            overridden: false,
            killable: false,
            origin: Origin::InForce,
            own_secret: None,
            now: Timestamp::from_second(now).unwrap(),
        }
    }

    fn pod(state: ContainerState, last: Option<Termination>) -> PodFact {
        PodFact {
            container: ContainerFact {
                state,
                restarts: i32::from(last.is_some()),
                last,
                image_id: None,
            },
            ..Default::default()
        }
    }

    fn waiting(reason: &str, message: &str) -> ContainerState {
        ContainerState::Waiting {
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    fn exit(code: i32, reason: &str) -> Option<Termination> {
        Some(Termination {
            exit_code: code,
            reason: reason.to_owned(),
            ..Default::default()
        })
    }

    #[test]
    fn how_a_container_ended_tells_the_reason() {
        for (last, expected) in [
            (exit(3, "Error"), Reason::ProcessExited),
            (exit(0, "Completed"), Reason::ProcessCompleted),
            (exit(137, "OOMKilled"), Reason::OutOfMemory),
            (exit(139, "Error"), Reason::ProcessCrashed),
            (exit(127, "Error"), Reason::CommandNotStarted),
        ] {
            let State::Bad(candidate) = judge(
                &pod(
                    super::super::container::tests::waiting("CrashLoopBackOff", ""),
                    last,
                ),
                &context(None, 100),
            ) else {
                panic!("{expected} is a fault");
            };
            assert_eq!(
                (candidate.fault.reason, candidate.fault.party),
                (expected, Party::Partner)
            );
        }
    }

    #[test]
    fn a_process_has_time_to_start_before_anybody_is_blamed() {
        let started = ContainerState::Running {
            since: Some(Timestamp::from_second(100).unwrap()),
        };
        assert!(matches!(
            judge(&pod(started.clone(), None), &context(None, 110)),
            State::Waiting { again: Some(20), .. }
        ));
        let fact = ReadinessFact {
            look: ReadinessLook::NotListening,
            at: Timestamp::from_second(101).unwrap(),
            checked_at: Timestamp::from_second(101).unwrap(),
        };
        let State::Bad(candidate) = judge(&pod(started, None), &context(Some(&fact), 140)) else {
            panic!("nothing listens");
        };
        assert_eq!(candidate.fault.reason, Reason::NotListening);
    }
}

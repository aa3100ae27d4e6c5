//! Layers DNS, Certificate, Route and Manifest: whether browsers get what they need from the public address, and if
//! not, on which side of the Gateway that is.
//!
//! Which address answered decides who is meant; headers never do, since they can be forged.

use super::candidate::Candidate;
use super::state::State;
use super::workload::newest_pods;
use super::{World, certificate, in_cluster, known_faults, route, settled, source, was};
use crate::api::condition::ConditionType;
use crate::api::fault::{Layer, Party};
use crate::api::parse::{Plugin, UiEntry};
use crate::api::plugin::Verify;
use crate::api::reason::Reason;
use crate::probe::{CertificateFlaw, Look, LookError, ManifestFact};

/// One text for every cause: after a restart of the operator another cause is no news.
pub(super) const PENDING: &str = "the manifest of this revision has not been looked at yet";
/// The prober looks again after 1 to 15 seconds at what is bad; that it saw the same is not told.
const LOOK_SECONDS: i64 = 5;
/// How long a Gateway and kube-proxy may take to know of pods that became ready, and a Gateway to do what it says of itself.
pub(super) const SETTLE_SECONDS: i64 = 10;
const PODS: &str = "operator→pod";
const PUBLIC: &str = "operator→public";

/// Judges every UI entry; the first that is not good counts.
#[must_use]
pub fn judge(world: &World, plugin: &Plugin) -> State {
    if plugin.spec.verify() == Verify::None {
        return State::Good;
    }
    // Nothing can be looked at, and what is registered stays.
    if plugin.is_scaled_to_zero() {
        return State::Good;
    }
    let mut waiting = State::Good;
    for entry in &plugin.ui {
        match judge_entry(world, entry) {
            State::Good => {}
            State::Bad(candidate) => return State::Bad(candidate),
            later @ State::Waiting { .. } if waiting.is_good() || later.again().is_some() => waiting = later,
            State::Waiting { .. } => {}
        }
    }
    waiting
}

/// What the prober saw of an entry at its current URL.
#[must_use]
pub fn fact<'a>(world: &'a World, entry: &UiEntry) -> Option<&'a ManifestFact> {
    world
        .probe
        .manifests
        .iter()
        .find(|fact| fact.name == entry.entry.name && fact.url == entry.manifest_url)
}

/// Judges one entry.
#[must_use]
pub fn judge_entry(world: &World, entry: &UiEntry) -> State {
    let Some(fact) = fact(world, entry) else {
        return not_looked_at(world);
    };
    let in_cluster = verifies_in_cluster(world);
    let look = if in_cluster { &fact.service } else { &fact.public };
    match look {
        None => State::waiting("ManifestPending", PENDING),
        Some(Look::Good { .. }) if fact.revision == source::revision(world) => State::Good,
        Some(Look::Good { .. }) => State::waiting("ManifestPending", PENDING),
        Some(Look::Bad(error)) if needs_pods(error) && !source::may_answer(world) => {
            State::waiting("ManifestPending", PENDING)
        }
        Some(Look::Bad(error)) if needs_pods(error) && fact.checked_at < source::serving_since(world) => {
            State::for_now("ManifestPending", PENDING, LOOK_SECONDS)
        }
        Some(Look::Bad(error)) => {
            let pod = fact.pod.as_ref();
            // What the pods themselves do wrong is not the way's, however new that is.
            let of_the_way = !matches!(pod, Some(Look::Bad(_))) && is_of_the_gateway(error);
            let settling = route::settling(world, fact.checked_at).filter(|_| of_the_way);
            let pending = endpoints_pending(world, fact, error).max(settling);
            if let Some(left) = pending.filter(|_| !super::was_ready(world)) {
                return State::for_now("ManifestPending", PENDING, left);
            }
            let candidate = if in_cluster {
                weighed(in_cluster::classify(error, pod, fact), pod, fact)
            } else {
                weighed(classify(error, pod, fact), pod, fact)
            };
            // Nothing is taken from what was Ready for that.
            let candidate = candidate.unless(
                pending.is_some(),
                "whether the Gateway serves by now what it took a moment ago",
            );
            let candidate = candidate.unless(
                may_be_of_a_proxy(world, pod),
                "which container of the pod answers: a proxy beside the plugin may do it",
            );
            let candidate = candidate
                .object(
                    "plugins.wazo.io/v1alpha1",
                    "WazoPlugin",
                    &world.itself.key.namespace,
                    &world.itself.key.name,
                )
                .field(format!("spec.registrations.ui[{}]", entry.entry.name));
            State::bad(match error {
                LookError::Certificate { seen, .. } => {
                    certificate::attribute(world, candidate, seen.as_deref())
                }
                LookError::TlsFailed => certificate::attribute(world, candidate, None),
                _ => candidate,
            })
        }
    }
}

/// Seconds in which the way to the pods may still have to learn of them: they answer, and had not been ready for long when
/// it was looked; how long ago that was makes no difference.
/// Gateways and kube-proxy follow the EndpointSlices, which follow the kubelet.
fn endpoints_pending(world: &World, fact: &ManifestFact, error: &LookError) -> Option<i64> {
    let reported = known_faults(world).any(|fault| fault.caused_by.is_none() && fault.layer == Layer::Route);
    let serving = source::serving_since(world);
    let known = fact.last_good.is_some_and(|good| good >= serving);
    if reported || known || !needs_pods(error) || !matches!(fact.pod, Some(Look::Good { .. })) {
        return None;
    }
    let left = SETTLE_SECONDS - (fact.checked_at.as_second().saturating_sub(serving.as_second()));
    (left > 0).then_some(left.min(SETTLE_SECONDS))
}

/// Whether a pod answers with an error of a server, and has containers beside the plugin's: that of a mesh may answer so.
fn may_be_of_a_proxy(world: &World, pod: Option<&Look>) -> bool {
    let failed = matches!(pod, Some(Look::Bad(LookError::Status { code: 500.., .. })));
    failed && newest_pods(world).iter().any(|pod| pod.sidecars)
}

fn verifies_in_cluster(world: &World) -> bool {
    let plugin = world.itself.plugin.as_ref().ok();
    plugin.is_some_and(|plugin| plugin.spec.verify() == Verify::Service)
}

/// Whether a Gateway that has not caught up yet may make it: no name resolves otherwise for that, and no certificate ends.
const fn is_of_the_gateway(error: &LookError) -> bool {
    !matches!(
        error,
        LookError::NotResolving
            | LookError::ResolverFailed
            | LookError::Certificate {
                why: CertificateFlaw::Expired,
                ..
            }
    )
}

/// Whether it can only be had, or be said, while pods serve: without any, it says nothing of the plugin or the way.
const fn needs_pods(error: &LookError) -> bool {
    !matches!(
        error,
        LookError::NotResolving
            | LookError::ResolverFailed
            | LookError::AddressRefused { .. }
            | LookError::Certificate { .. }
            | LookError::TlsFailed
    )
}

/// Before the first look of this process: what the status says of a generation that was in force goes on to hold.
fn not_looked_at(world: &World) -> State {
    let known = known_faults(world).find(|fault| {
        fault.caused_by.is_none()
            && !certificate::is_of_secret(fault.reason)
            && (fault.reason == Reason::ServiceUnreachable
                || matches!(
                    fault.layer,
                    Layer::DNS | Layer::Certificate | Layer::Route | Layer::Manifest
                ))
    });
    match known {
        Some(fault) if settled(world) => State::bad(Candidate::recalled(fault.clone())),
        _ if settled(world) && was(world, ConditionType::Exposed) => State::Good,
        _ => State::waiting("ManifestPending", PENDING),
    }
}

fn classify(error: &LookError, pod: Option<&Look>, fact: &ManifestFact) -> Candidate {
    match error {
        LookError::NotResolving => new(Reason::HostNotResolving, fact, error),
        LookError::ResolverFailed => new(Reason::HostNotResolving, fact, error)
            .party(Party::Cluster)
            .indirect("whether the cluster's DNS resolves other names"),
        LookError::AddressRefused { .. } => new(Reason::AddressRefused, fact, error),
        LookError::Certificate {
            why,
            seen: Some(seen),
        } => {
            let told = certificate::told(*why, seen);
            Candidate::new(
                Reason::PublicCertificateInvalid,
                fact.at,
                format!("{}: {told}", fact.url),
            )
            .evidence(PUBLIC, told, None)
        }
        LookError::Certificate { .. } | LookError::TlsFailed => {
            new(Reason::PublicCertificateInvalid, fact, error)
        }
        LookError::Refused | LookError::Unreachable | LookError::TimedOut | LookError::Broken => {
            let candidate = new(Reason::PublicAddressUnreachable, fact, error);
            match pod {
                Some(Look::Good { .. }) => candidate,
                Some(Look::Bad(own)) => at_pods(own, fact, error),
                None => candidate.indirect("an answer of the pods to the operator"),
            }
        }
        LookError::Status { .. }
        | LookError::NotFound
        | LookError::TooManyRedirects
        | LookError::RedirectRefused { .. }
        | LookError::TooLarge
        | LookError::Invalid(_)
        | LookError::CorsMissing
        | LookError::FramingForbidden { .. } => match pod {
            Some(Look::Bad(own)) => at_pods(own, fact, error),
            // The pods answer well, so it is made on the way.
            Some(Look::Good { .. }) if *error == LookError::CorsMissing => {
                new(Reason::CorsLostOnTheWay, fact, error)
            }
            Some(Look::Good { .. }) => new(Reason::GatewayError, fact, error),
            None => new(plugin_reason(error), fact, error).indirect("an answer of the pods to the operator"),
        },
    }
}

/// With what the pods answer, and what is known of before.
fn weighed(candidate: Candidate, pod: Option<&Look>, fact: &ManifestFact) -> Candidate {
    let candidate = match pod {
        Some(Look::Good { .. }) => candidate.evidence(PODS, "answers well", None),
        Some(Look::Bad(error)) => candidate.evidence(PODS, error.to_string(), None),
        None => candidate,
    };
    // What never worked there is more likely asked for wrongly than broken.
    let candidate = if candidate.fault.reason == Reason::ManifestNotFound && fact.last_good.is_some() {
        candidate.party(Party::Partner)
    } else {
        candidate
    };
    candidate.last_good(fact.last_good)
}

/// The public address answers badly.
fn new(reason: Reason, fact: &ManifestFact, error: &LookError) -> Candidate {
    Candidate::new(reason, fact.at, format!("{}: {error}", fact.url)).evidence(
        PUBLIC,
        error.to_string(),
        None,
    )
}

/// The pods themselves answer badly, and with them the public address.
fn at_pods(own: &LookError, fact: &ManifestFact, public: &LookError) -> Candidate {
    let told = format!("{}: the plugin itself: {own}", fact.url);
    Candidate::new(plugin_reason(own), fact.at, told).evidence(PUBLIC, public.to_string(), None)
}

pub(super) const fn plugin_reason(error: &LookError) -> Reason {
    match error {
        LookError::NotFound => Reason::ManifestNotFound,
        LookError::TooManyRedirects | LookError::RedirectRefused { .. } => Reason::ManifestRedirects,
        LookError::TooLarge => Reason::ManifestTooLarge,
        LookError::Invalid(_) => Reason::ManifestInvalid,
        LookError::CorsMissing => Reason::CorsMissing,
        LookError::FramingForbidden { .. } => Reason::FramingForbidden,
        LookError::Refused => Reason::NotListening,
        LookError::NotResolving
        | LookError::ResolverFailed
        | LookError::AddressRefused { .. }
        | LookError::Unreachable
        | LookError::TimedOut
        | LookError::Certificate { .. }
        | LookError::TlsFailed
        | LookError::Broken
        | LookError::Status { .. } => Reason::ManifestUnavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fault::Confidence;
    use jiff::Timestamp;
    use url::Url;

    fn judged(public: LookError, pod: Option<Look>, worked: bool) -> Candidate {
        let now = Timestamp::from_second(100).unwrap();
        let fact = ManifestFact {
            name: "panel".to_owned(),
            url: Url::parse("https://crm.example/m.json").unwrap(),
            revision: "1".to_owned(),
            at: now,
            last_good: worked.then_some(now),
            public: None,
            service: None,
            validity: None,
            pod: None,
            control: Default::default(),
            manifest: None,
            checked_at: now,
        };
        weighed(classify(&public, pod.as_ref(), &fact), pod.as_ref(), &fact)
    }

    fn good() -> Option<Look> {
        Some(Look::Good { warnings: Vec::new() })
    }

    #[test]
    fn the_side_of_the_gateway_that_fails_is_the_one_that_is_blamed() {
        let status = || LookError::Status {
            code: 500,
            from_html: false,
        };
        for (public, pod, party, reason) in [
            (status(), good(), Party::Cluster, Reason::GatewayError),
            (
                status(),
                Some(Look::Bad(status())),
                Party::Partner,
                Reason::ManifestUnavailable,
            ),
            (
                LookError::Refused,
                good(),
                Party::Cluster,
                Reason::PublicAddressUnreachable,
            ),
            (
                LookError::Refused,
                Some(Look::Bad(LookError::Refused)),
                Party::Partner,
                Reason::NotListening,
            ),
            (
                LookError::CorsMissing,
                good(),
                Party::Cluster,
                Reason::CorsLostOnTheWay,
            ),
            (
                LookError::CorsMissing,
                Some(Look::Bad(LookError::CorsMissing)),
                Party::Partner,
                Reason::CorsMissing,
            ),
            (
                LookError::NotFound,
                Some(Look::Bad(LookError::NotFound)),
                Party::Config,
                Reason::ManifestNotFound,
            ),
        ] {
            let candidate = judged(public.clone(), pod, false);
            assert_eq!(
                (candidate.fault.party, candidate.fault.reason),
                (party, reason),
                "{public}"
            );
            assert_eq!(candidate.fault.confidence, Confidence::High, "{public}");
        }
    }

    #[test]
    fn a_manifest_that_was_there_before_was_taken_away_by_the_partner() {
        let gone = judged(LookError::NotFound, Some(Look::Bad(LookError::NotFound)), true);
        assert_eq!(
            (gone.fault.party, gone.fault.reason),
            (Party::Partner, Reason::ManifestNotFound)
        );
    }

    #[test]
    fn without_a_look_at_the_pods_nobody_is_blamed_with_high_confidence() {
        let candidate = judged(LookError::TimedOut, None, true);
        assert_eq!(candidate.fault.confidence, Confidence::Medium);
        assert!(!candidate.fault.missing.is_empty() && !candidate.decisive);
    }
}

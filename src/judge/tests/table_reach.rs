use super::{Doing, Row, check};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::api::ui_manifest::Violation;
use crate::observe::facts::{GatewayFact, RouteParentFact};
use crate::observe::fixture::{NOW, at, condition};
use crate::observe::world::{GatewayView, World};
use crate::probe::{CertificateFlaw, FramingHeader, Look, LookError, RedirectFlaw};
use Confidence::{High, Low, Medium};
use Layer::{Certificate, DNS, Manifest, Probe, Route, Service};
use Party::{Cluster, Config, Operator, Partner, Unknown};

fn good() -> Option<Look> {
    Some(Look::Good { warnings: Vec::new() })
}

fn pods(error: LookError) -> Option<Look> {
    Some(Look::Bad(error))
}

fn status(code: u16) -> LookError {
    LookError::Status {
        code,
        from_html: false,
    }
}

fn invalid() -> LookError {
    LookError::Invalid(Vec::<Violation>::new())
}

#[test]
fn what_the_public_address_and_the_pods_answer_tells_whose_fault_it_is() {
    let expired = LookError::Certificate {
        why: CertificateFlaw::Expired,
        seen: None,
    };
    let private = LookError::AddressRefused {
        addr: [127, 0, 0, 1].into(),
    };
    let away = LookError::RedirectRefused {
        why: RedirectFlaw::Insecure,
    };
    let framed = LookError::FramingForbidden {
        header: FramingHeader::XFrameOptions,
    };
    let both = |error: LookError| (error.clone(), pods(error));
    for (error, pod, party, layer, reason, confidence) in [
        (
            LookError::NotResolving,
            None,
            Config,
            DNS,
            Reason::HostNotResolving,
            High,
        ),
        (
            LookError::ResolverFailed,
            good(),
            Cluster,
            DNS,
            Reason::HostNotResolving,
            Medium,
        ),
        (private, good(), Config, DNS, Reason::AddressRefused, High),
        (
            expired,
            good(),
            Cluster,
            Certificate,
            Reason::PublicCertificateInvalid,
            High,
        ),
        (
            LookError::TlsFailed,
            good(),
            Cluster,
            Certificate,
            Reason::PublicCertificateInvalid,
            High,
        ),
        (
            LookError::Refused,
            good(),
            Cluster,
            Route,
            Reason::PublicAddressUnreachable,
            High,
        ),
        (
            LookError::TimedOut,
            None,
            Cluster,
            Route,
            Reason::PublicAddressUnreachable,
            Medium,
        ),
        (
            LookError::TimedOut,
            pods(LookError::Refused),
            Partner,
            Probe,
            Reason::NotListening,
            High,
        ),
        (status(502), good(), Cluster, Route, Reason::GatewayError, High),
        (
            status(502),
            pods(status(500)),
            Partner,
            Manifest,
            Reason::ManifestUnavailable,
            High,
        ),
        (
            // Nothing was seen of the container itself.
            status(502),
            None,
            Unknown,
            Manifest,
            Reason::ManifestUnavailable,
            Low,
        ),
        (
            LookError::CorsMissing,
            good(),
            Cluster,
            Route,
            Reason::CorsLostOnTheWay,
            High,
        ),
        (
            LookError::NotFound,
            good(),
            Cluster,
            Route,
            Reason::GatewayError,
            High,
        ),
    ]
    .into_iter()
    .chain(
        [
            (LookError::TooManyRedirects, Reason::ManifestRedirects),
            (away, Reason::ManifestRedirects),
            (LookError::TooLarge, Reason::ManifestTooLarge),
            (invalid(), Reason::ManifestInvalid),
            (LookError::CorsMissing, Reason::CorsMissing),
            (framed, Reason::FramingForbidden),
            // It was there: it did not vanish by a mistyped path.
            (LookError::NotFound, Reason::ManifestNotFound),
        ]
        .map(|(error, reason)| {
            let (public, pod) = both(error);
            (public, pod, Partner, Manifest, reason, High)
        }),
    ) {
        check([Row {
            what: reason.as_str(),
            // Long enough ago for what is not decisive, too.
            world: World::healthy().public(error, pod),
            party,
            layer,
            reason,
            confidence,
            doing: Doing::Ill,
        }]);
    }
}

#[test]
fn a_manifest_that_never_was_where_the_spec_says_is_a_mistake_in_the_spec() {
    let mut world = World::reachable();
    world.probe.manifests[0].last_good = None;
    check([Row {
        what: "never there",
        world: world.public(LookError::NotFound, pods(LookError::NotFound)),
        party: Config,
        layer: Manifest,
        reason: Reason::ManifestNotFound,
        confidence: High,
        doing: Doing::Retrying,
    }]);
}

fn route(accepted: (&str, &str), resolved: (&str, &str)) -> World {
    World::healthy().route(|route| {
        route.parents = vec![RouteParentFact {
            controller: "gateway.example/controller".to_owned(),
            observed_generation: 1,
            accepted: Some(condition(accepted.0, accepted.1, "")),
            resolved: Some(condition(resolved.0, resolved.1, "")),
        }];
    })
}

fn gateway(view: GatewayView) -> World {
    let mut world = World::healthy();
    world.gateway = view;
    world
}

#[test]
fn what_gateway_and_route_say_tells_whose_fault_it_is() {
    let off = GatewayFact {
        addresses: Vec::new(),
        unresolved: Vec::new(),
        programmed: Some(condition("False", "NoResources", "no address is left")),
    };
    let (yes, no_backend) = (("True", "Accepted"), ("False", "BackendNotFound"));
    for (world, party, layer, reason) in [
        (
            gateway(GatewayView::ApiMissing),
            Cluster,
            Route,
            Reason::GatewayApiMissing,
        ),
        (
            gateway(GatewayView::NotFound),
            Config,
            Route,
            Reason::GatewayNotFound,
        ),
        (
            gateway(GatewayView::Found(off)),
            Cluster,
            Route,
            Reason::GatewayNotProgrammed,
        ),
        (
            route(("False", "NoMatchingListenerHostname"), ("True", "")),
            Config,
            Route,
            Reason::RouteNotAccepted,
        ),
        (
            route(yes, ("False", "RefNotPermitted")),
            Cluster,
            Route,
            Reason::RouteNotAccepted,
        ),
        (
            route(yes, no_backend),
            Operator,
            Service,
            Reason::RouteBackendNotFound,
        ),
        (
            World::healthy().route(|route| route.parents.clear()),
            Cluster,
            Route,
            Reason::NoRouteController,
        ),
    ] {
        check([Row {
            what: reason.as_str(),
            world,
            party,
            layer,
            reason,
            confidence: High,
            // A route that breaks leaves nothing to do here: what lies behind it is not work, it is a symptom. Our own
            // errors are work.
            doing: if party == Operator {
                Doing::Retrying
            } else {
                Doing::Ill
            },
        }]);
    }
}

#[test]
fn a_gateway_gets_time_to_look_at_a_new_route_and_its_service() {
    let young = World::reachable().route(|route| {
        route.parents.clear();
        route.created = Some(at(NOW - 10));
    });
    let assessment = super::assess(&young);
    assert_eq!(super::doing(&assessment), Doing::Progressing);
    assert_eq!(assessment.again, Some(20));
    let mut world = route(("True", "Accepted"), ("False", "BackendNotFound"));
    world.itself.before = World::just_applied().itself.before;
    let parent = &mut world.children.route.as_mut().unwrap().parents[0];
    parent.resolved.as_mut().unwrap().since = Some(at(NOW - 5));
    let assessment = super::assess(&world);
    assert_eq!(
        (super::doing(&assessment), assessment.again),
        (Doing::Progressing, Some(10))
    );
}

#[test]
fn a_controller_that_has_seen_the_route_before_is_waited_for_without_looking_every_second() {
    let world = World::reachable().route(|route| route.id.generation = 2);
    let assessment = super::assess(&world);
    assert!(
        !assessment.route.is_good(),
        "what it said of the route as it was says nothing of this one"
    );
    assert_eq!(super::doing(&assessment), Doing::Progressing);
    assert_eq!(
        assessment.again,
        Some(240),
        "only the deadline is a matter of time"
    );
}

#[test]
fn an_address_behind_which_nothing_serves_blames_nobody() {
    let refused = || LookError::Refused;
    let replaced = World::healthy()
        .public(status(503), pods(refused()))
        .pods(|pod| pod.deleting = true)
        .deployment(|deployment| deployment.available = 0);
    let assessment = super::assess(&replaced);
    assert_eq!(
        (super::doing(&assessment), super::reasons(&assessment)),
        (Doing::Progressing, vec![])
    );
    // A pod serves again, and the look is from before.
    let mut back = World::healthy()
        .public(status(503), pods(refused()))
        .pods(|pod| pod.ready_since = Some(at(NOW - 1)));
    back.probe.manifests[0].checked_at = at(NOW - 4);
    let assessment = super::assess(&back);
    assert_eq!(
        (super::doing(&assessment), super::reasons(&assessment)),
        (Doing::Progressing, vec![])
    );
    assert_eq!(assessment.again, Some(5));
    back.probe.manifests[0].checked_at = at(NOW);
    assert_eq!(super::reasons(&super::assess(&back)), [Reason::NotListening]);
    let unresolved = replaced.public(LookError::NotResolving, None);
    assert_eq!(
        super::reasons(&super::assess(&unresolved)),
        [Reason::HostNotResolving]
    );
}

#[test]
fn pods_in_doubt_explain_a_manifest_that_cannot_be_had() {
    let world = World::healthy()
        .unready(Some(crate::probe::ReadinessLook::TimedOut))
        .pods(|pod| pod.ready_since = Some(at(NOW - 3)))
        .public(status(503), pods(LookError::TimedOut));
    let assessment = super::assess(&world);
    assert_eq!(
        (super::doing(&assessment), super::reasons(&assessment)),
        (Doing::Ready, vec![])
    );
    let confirmed = super::assess(&world.later(7));
    assert_eq!(super::reasons(&confirmed), [Reason::ProbeTimeout]);
}

#[test]
fn a_gateway_gets_time_to_learn_of_pods_that_became_ready() {
    let ready = |seconds| {
        World::reachable()
            .pods(move |pod| pod.ready_since = Some(at(NOW - seconds)))
            .public(status(502), good())
    };
    let assessment = crate::judge::assess(&ready(3));
    assert_eq!(assessment.faults, Vec::new());
    assert_eq!(assessment.again, Some(7));
    let reason = |world: &World| {
        crate::judge::assess(world)
            .faults
            .first()
            .map(|fault| fault.reason)
    };
    assert_eq!(reason(&ready(10)), Some(Reason::GatewayError));
    let told = ready(10).reported().pods(|pod| pod.ready_since = Some(at(NOW)));
    assert_eq!(
        reason(&told),
        Some(Reason::GatewayError),
        "what is told is not taken back for that"
    );
    let own = ready(3).public(status(500), pods(status(500)));
    assert_eq!(reason(&own), Some(Reason::ManifestUnavailable));
}

//! What control probes show while the manifest cannot be had: the part of the way that fails.

use super::{Doing, check, reasons, rows, verdicts};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::judge::assess;
use crate::observe::fixture::{NOW, at};
use crate::observe::surroundings::{EndpointsFact, Part, Surroundings};
use crate::observe::world::World;
use crate::probe::{ControlFact, Knock, Look, LookError, Resolver};
use Confidence::High;
use Doing::{Ill, Retrying};
use Party::{Cluster, Config, Operator, Partner};

impl World {
    fn control(mut self, control: ControlFact) -> Self {
        for fact in &mut self.probe.manifests {
            fact.control = control;
        }
        self
    }
}

fn good() -> Option<Look> {
    Some(Look::Good { warnings: Vec::new() })
}

#[test]
fn control_probes_tell_the_part_of_the_way_that_fails() {
    let endpoints = |selects: bool| {
        move |around: &mut Surroundings| {
            around.read.insert(Part::Endpoints);
            around.endpoints = Some(EndpointsFact {
                found: true,
                selects,
                port_fits: true,
                ..EndpointsFact::default()
            });
        }
    };
    let service = ControlFact {
        service: Some(Knock::TimedOut),
        ..ControlFact::default()
    };
    let pod = ControlFact {
        pod: Some(Knock::TimedOut),
        ..ControlFact::default()
    };
    let resolver = ControlFact {
        resolver: Some(Resolver::Silent),
        ..ControlFact::default()
    };
    let silent = Some(Look::Bad(LookError::TimedOut));
    check(rows(vec![
        (
            "the Service's address",
            World::healthy()
                .public(LookError::TimedOut, good())
                .control(service)
                .around(endpoints(true)),
            Cluster,
            Layer::Service,
            Reason::ServiceUnreachable,
            High,
            Ill,
        ),
        (
            "the Service's selector",
            World::healthy()
                .public(LookError::TimedOut, good())
                .control(service)
                .around(endpoints(false)),
            Operator,
            Layer::Service,
            Reason::SelectorMismatch,
            High,
            Retrying,
        ),
        (
            "the way to the pods",
            World::healthy()
                .public(LookError::TimedOut, silent.clone())
                .control(pod),
            Cluster,
            Layer::NetworkPolicy,
            Reason::NetworkBlocked,
            High,
            Ill,
        ),
        (
            "the resolver",
            World::healthy()
                .public(LookError::ResolverFailed, None)
                .control(resolver),
            Cluster,
            Layer::DNS,
            Reason::ClusterDnsDown,
            High,
            Ill,
        ),
    ]));
    let hangs = ControlFact {
        pod: Some(Knock::Taken),
        ..ControlFact::default()
    };
    let hanging = World::healthy()
        .public(LookError::TimedOut, silent)
        .control(hangs);
    assert_eq!(
        verdicts(&assess(&hanging))[0].0,
        Partner,
        "a process that takes connections and does not answer: {:?}",
        verdicts(&assess(&hanging))
    );
    let endpoints_changed = |around: &mut Surroundings| {
        endpoints(false)(around);
        around.endpoints.get_or_insert_default().changed = true;
    };
    let changed = World::healthy()
        .public(LookError::TimedOut, good())
        .control(service)
        .around(endpoints_changed);
    assert_eq!(
        verdicts(&assess(&changed))[0].0,
        Config,
        "somebody else set the selector"
    );
}

/// The Gateway took the route so many seconds ago, and what it answers is bad; the pods as told.
fn taken(seconds: i64, public: LookError, pod: Option<Look>) -> World {
    let mut world = World::healthy().reported().public(public, pod).later(60);
    for fact in &mut world.probe.manifests {
        fact.checked_at = at(NOW + 60);
    }
    for condition in &mut world.itself.before.conditions {
        if condition.type_ == "Exposed" {
            condition.status = "Unknown".to_owned();
            condition.last_transition_time.0 = at(NOW + 60 - seconds);
        } else if condition.type_ == "Ready" {
            condition.status = "False".to_owned();
        }
    }
    world
}

#[test]
fn a_gateway_has_some_seconds_to_do_what_it_says_that_it_does() {
    for (public, reason) in [
        (LookError::NotFound, Reason::GatewayError),
        (LookError::Refused, Reason::PublicAddressUnreachable),
        (LookError::TlsFailed, Reason::PublicCertificateInvalid),
    ] {
        assert!(
            assess(&taken(3, public.clone(), good())).faults.is_empty(),
            "{reason}"
        );
        assert_eq!(reasons(&assess(&taken(30, public, good()))), [reason]);
    }
    let mut stale = taken(30, LookError::NotFound, good());
    for fact in &mut stale.probe.manifests {
        fact.checked_at = at(NOW + 35);
    }
    assert!(
        assess(&stale).faults.is_empty(),
        "a look of the first seconds proves nothing later either"
    );
    // What the way does wrong with a route that was taken is told of, and goes on to be.
    let told = World::healthy().public(LookError::CorsMissing, good()).reported();
    assert_eq!(reasons(&assess(&told)), [Reason::CorsLostOnTheWay]);
    assert_eq!(
        reasons(&assess(&told.later(20).reported())),
        [Reason::CorsLostOnTheWay]
    );
    assert_eq!(
        reasons(&assess(&taken(3, LookError::NotResolving, good()))),
        [Reason::HostNotResolving],
        "no Gateway makes a name"
    );
    let own = Some(Look::Bad(LookError::CorsMissing));
    assert_eq!(
        reasons(&assess(&taken(3, LookError::CorsMissing, own))),
        [Reason::CorsMissing],
        "what the pods do wrong needs no time"
    );
}

#[test]
fn a_service_is_not_blamed_for_pods_that_became_ready_a_moment_ago() {
    let behind = |seconds: i64| {
        World::healthy()
            .public(LookError::TimedOut, good())
            .control(ControlFact {
                service: Some(Knock::TimedOut),
                ..ControlFact::default()
            })
            .pods(|pod| pod.ready_since = Some(at(NOW - seconds)))
    };
    let blamed = |world: &World| reasons(&assess(world)).contains(&Reason::ServiceUnreachable);
    assert!(!blamed(&behind(3)));
    assert!(blamed(&behind(30)));
    let mut worked = behind(3);
    for fact in &mut worked.probe.manifests {
        fact.last_good = Some(at(NOW - 2));
    }
    assert!(blamed(&worked), "it led to these pods already");
}

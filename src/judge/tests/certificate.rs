//! The Secret of an Ingress's certificate, and whose it is what is presented.

use super::{Doing, assess, doing};
use crate::api::condition::{ConditionType, find};
use crate::api::fault::{Fault, Layer, Party};
use crate::api::plugin::{IngressTls, Verify, WazoPluginStatus};
use crate::api::reason::Reason;
use crate::certificate::{Certificate, Validity};
use crate::judge::state::State;
use crate::observe::fixture::{NOW, START, at, condition};
use crate::observe::memory::ChildKind;
use crate::observe::tls_secret::{TlsSecretFact, TlsSecretView};
use crate::observe::world::{GatewayView, World};
use crate::plan::{children, plan};
use crate::probe::{CertificateFlaw, LookError, Presented};
use crate::report::status;

pub(super) const DAY: i64 = 24 * 3600;

fn names_a_secret(world: World) -> World {
    let generation = world.itself.generation;
    let mut world = world.with_ingress().spec(|spec| {
        let ingress = spec.expose.as_mut().unwrap().ingress.as_mut().unwrap();
        ingress.tls = Some(IngressTls {
            secret_name: "crm-tls".to_owned(),
        });
    });
    world.itself.generation = generation;
    world.applied()
}

pub(super) fn certificate(not_before: i64, not_after: i64) -> Certificate {
    Certificate {
        validity: Validity {
            not_before: at(not_before),
            not_after: at(not_after),
        },
        issuer: "CN=an issuer".to_owned(),
        names: vec!["crm.example".to_owned()],
        more: 0,
    }
}

pub(super) fn holds(certificate: Certificate, fits: bool) -> TlsSecretView {
    TlsSecretView::Found(TlsSecretFact::Certificate { certificate, fits })
}

fn good() -> TlsSecretView {
    holds(certificate(START - DAY, NOW + 90 * DAY), true)
}

fn found(fact: TlsSecretFact) -> TlsSecretView {
    TlsSecretView::Found(fact)
}

pub(super) fn with(world: World, view: TlsSecretView) -> World {
    let mut world = names_a_secret(world);
    world.certificate = view;
    world
}

/// The public address presents something that is refused.
pub(super) fn presents(world: World, why: CertificateFlaw, certificate: Certificate) -> World {
    let seen = Some(Box::new(Presented {
        host: "crm.example".to_owned(),
        certificate,
    }));
    world.public(LookError::Certificate { why, seen }, None)
}

fn unanswered(world: World) -> World {
    world.public(LookError::TlsFailed, None)
}

fn field(fault: &Fault) -> Option<&str> {
    fault.object.as_ref()?.field_path.as_deref()
}

pub(super) fn told(world: &World) -> WazoPluginStatus {
    status::compose(world, &assess(world))
}

#[test]
fn a_good_secret_is_no_news() {
    let world = with(World::healthy(), good()).reported();
    let assessment = assess(&world);
    assert!(assessment.faults.is_empty(), "{:?}", assessment.faults);
    assert_eq!(doing(&assessment), Doing::Ready);
    let unreadable = with(World::healthy(), TlsSecretView::Forbidden).reported();
    assert!(
        assess(&unreadable).faults.is_empty(),
        "what may not be read is not judged"
    );
}

#[test]
fn what_is_wrong_with_the_secret_is_named_by_its_field_and_is_the_specs_fault() {
    let absent = TlsSecretView::NotFound { since: at(NOW - 11) };
    let past = certificate(START - DAY, NOW - 60);
    let future = certificate(NOW + 60, NOW + DAY);
    for (view, reason, words) in [
        (
            absent,
            Reason::CertificateSecretNotFound,
            "there is no Secret \"crm-tls\"",
        ),
        (
            found(TlsSecretFact::OtherType("Opaque".to_owned())),
            Reason::CertificateSecretUnusable,
            "is of type Opaque: it must be kubernetes.io/tls",
        ),
        (
            found(TlsSecretFact::NoCertificate),
            Reason::CertificateSecretUnusable,
            "has no tls.crt",
        ),
        (
            found(TlsSecretFact::NotReadable),
            Reason::CertificateSecretUnusable,
            "has no PEM certificate",
        ),
        (
            found(TlsSecretFact::Credentials),
            Reason::CertificateSecretUnusable,
            "holds credentials",
        ),
        (
            holds(past, true),
            Reason::CertificateSecretInvalid,
            "is expired; expected for crm.example; notBefore",
        ),
        (
            holds(future, true),
            Reason::CertificateSecretInvalid,
            "is not yet valid",
        ),
        (
            holds(certificate(START, NOW + DAY), false),
            Reason::CertificateSecretInvalid,
            "is not valid for the host name",
        ),
    ] {
        let world = unanswered(with(World::reachable(), view));
        let assessment = assess(&world);
        assert_eq!(
            assessment.faults.len(),
            1,
            "{words}: it explains what is presented"
        );
        let fault = &assessment.faults[0];
        assert_eq!(
            (fault.party, fault.layer),
            (Party::Config, Layer::Certificate),
            "{words}"
        );
        assert_eq!((fault.reason, fault.blocking), (reason, true), "{words}");
        assert_eq!(field(fault), Some("spec.expose.ingress.tls.secretName"));
        assert!(fault.message.contains(words), "{}", fault.message);
        assert_eq!(fault.evidence[0].object.as_deref(), Some("Secret/crm-tls"));
        assert_eq!(
            doing(&assessment),
            Doing::Retrying,
            "it heals when the Secret does"
        );
    }
}

#[test]
fn where_a_good_certificate_is_presented_all_the_same_the_secret_takes_nothing_away() {
    let world = with(World::healthy(), found(TlsSecretFact::NoCertificate));
    let assessment = assess(&world);
    assert_eq!(doing(&assessment), Doing::Ready);
    let fault = &assessment.faults[0];
    assert_eq!(
        (fault.reason, fault.blocking),
        (Reason::CertificateSecretUnusable, false)
    );
    let status = told(&world);
    let truth = |kind| find(&status.conditions, kind).map(|condition| condition.status.clone());
    assert_eq!(truth(ConditionType::Exposed).as_deref(), Some("True"));
    assert_eq!(truth(ConditionType::Degraded).as_deref(), Some("True"));
    assert!(
        !plan(&world, &assessment).probes.is_empty(),
        "it goes on being looked at"
    );
}

#[test]
fn nothing_is_registered_at_an_address_whose_certificate_is_not_there() {
    for verify in [Verify::Service, Verify::None] {
        let world = |view| {
            let mut world = with(World::reachable(), view)
                .spec(|spec| spec.expose.as_mut().unwrap().verify = Some(verify));
            world.itself.generation -= 1;
            let fact = &mut world.probe.manifests[0];
            (fact.service, fact.public) = (fact.public.take(), None);
            world
        };
        let absent = world(TlsSecretView::NotFound { since: at(NOW - 11) });
        let assessment = assess(&absent);
        assert_eq!(assessment.faults[0].reason, Reason::CertificateSecretNotFound);
        assert_eq!(plan(&absent, &assessment).metadata, None, "{verify:?}");
        let present = world(good());
        assert!(plan(&present, &assess(&present)).metadata.is_some(), "{verify:?}");
    }
}

#[test]
fn a_secret_that_an_issuer_makes_is_waited_for() {
    let absent = |seconds: i64| {
        let view = TlsSecretView::NotFound {
            since: at(NOW - seconds),
        };
        unanswered(with(World::reachable(), view))
    };
    let pending = |world: &World| match &assess(world).certificate {
        State::Waiting { reason, again, .. } => (*reason == "CertificatePending").then_some(*again),
        _ => None,
    };
    assert_eq!(pending(&absent(3)), Some(Some(7)), "what is applied together");
    assert_eq!(pending(&absent(10)), None);
    let issued = |seconds| {
        absent(seconds).spec(|spec| {
            let metadata = serde_json::json!({"annotations": {"cert-manager.io/cluster-issuer": "acme"}});
            spec.expose.as_mut().unwrap().metadata = Some(serde_json::from_value(metadata).unwrap());
        })
    };
    assert!(pending(&issued(100)).is_some());
    assert_eq!(
        assess(&issued(120)).faults[0].reason,
        Reason::CertificateSecretNotFound
    );
    let gone = with(World::healthy(), TlsSecretView::NotFound { since: at(NOW) });
    assert_eq!(
        assess(&gone).faults[0].reason,
        Reason::CertificateSecretNotFound,
        "one that was there is not waited for"
    );
}

#[test]
fn before_the_secret_was_looked_at_nothing_new_is_said() {
    let fresh = with(World::reachable(), TlsSecretView::Unknown);
    assert!(matches!(
        assess(&unanswered(fresh)).certificate,
        State::Waiting {
            reason: "CertificatePending",
            ..
        }
    ));
    for world in [
        with(World::healthy(), good()),
        with(World::healthy(), found(TlsSecretFact::NoCertificate)),
        unanswered(with(World::healthy(), found(TlsSecretFact::NoCertificate))),
    ] {
        let world = world.reported().reported();
        let restarted = world.clone().later(100).restarted();
        assert_eq!(restarted.certificate, TlsSecretView::Unknown);
        assert_eq!(told(&restarted), world.itself.before);
    }
}

#[test]
fn whose_the_presented_certificate_is_decides_who_is_asked() {
    let shown = certificate(START - DAY, NOW + DAY);
    let stranger = CertificateFlaw::UnknownIssuer;
    let at_gateway = presents(World::healthy(), stranger, shown.clone());
    let fault = assess(&at_gateway).faults.remove(0);
    assert_eq!(
        (fault.party, fault.reason),
        (Party::Cluster, Reason::PublicCertificateInvalid)
    );
    let evidence = &fault.evidence[0];
    assert_eq!(evidence.vantage, "operator→public");
    assert!(
        evidence.observed.starts_with(
            "the certificate is not signed by a known authority; expected for crm.example; notBefore 19"
        ) && evidence
            .observed
            .ends_with("issuer \"CN=an issuer\", for crm.example"),
        "{}",
        evidence.observed
    );
    let mut unresolved = at_gateway.clone();
    if let GatewayView::Found(gateway) = &mut unresolved.gateway {
        let said = condition("False", "InvalidCertificateRef", "there is no Secret");
        gateway.unresolved = vec![("https".to_owned(), said)];
    }
    let fault = assess(&unresolved).faults.remove(0);
    assert_eq!(fault.party, Party::Cluster);
    let evidence = fault.evidence.last().unwrap();
    assert_eq!(
        (evidence.vantage.as_str(), evidence.observed.as_str()),
        (
            "gateway",
            "listener \"https\": InvalidCertificateRef: there is no Secret"
        )
    );
    let of_secret = presents(
        with(World::healthy(), holds(shown.clone(), true)),
        stranger,
        shown.clone(),
    );
    let fault = assess(&of_secret).faults.remove(0);
    assert_eq!(
        (fault.party, fault.reason),
        (Party::Config, Reason::PublicCertificateInvalid)
    );
    assert_eq!(field(&fault), Some("spec.expose.ingress.tls.secretName"));
    let of_controller = presents(with(World::healthy(), good()), stranger, shown.clone());
    let fault = assess(&of_controller).faults.remove(0);
    assert_eq!(fault.party, Party::Cluster);
    assert!(fault.evidence.iter().any(|evidence| {
        evidence
            .observed
            .starts_with("another certificate stands in the Secret")
            && evidence.object.as_deref() == Some("Secret/crm-tls")
    }));
    let elsewhere = presents(World::healthy_elsewhere(), stranger, shown);
    assert_eq!(assess(&elsewhere).faults[0].party, Party::Partner);
}

#[test]
fn the_credentials_of_a_core_are_no_certificate_and_no_ingress_gets_them() {
    let mut world = names_a_secret(World::reachable());
    world.children.ingress = None;
    world.core_secrets = ["crm-tls".to_owned()].into();
    let assessment = assess(&world);
    let fault = &assessment.faults[0];
    assert_eq!(
        (fault.party, fault.reason),
        (Party::Config, Reason::CoreCredentialsExposed)
    );
    assert_eq!(field(fault), Some("spec.expose.ingress.tls.secretName"));
    assert_eq!(doing(&assessment), Doing::Stalled);
    let made = |world: &World| {
        let wants = children::all(world, world.itself.plugin.as_ref().unwrap());
        wants.iter().any(|want| want.kind == ChildKind::Ingress)
    };
    assert!(!made(&world), "such an Ingress is not made");
    assert_eq!(
        plan(&world, &assessment).certificate,
        None,
        "and the Secret is not read"
    );
    world.core_secrets.clear();
    assert!(made(&world));
    assert!(plan(&world, &assess(&world)).certificate.is_some());
}

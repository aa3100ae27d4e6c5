//! The Secret of an Ingress's certificate, what is presented, and when it ends.

use jiff::Timestamp;

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
use crate::probe::{CertificateFlaw, Look, LookError, Presented};
use crate::report::{events, status};

const DAY: i64 = 24 * 3600;

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

fn certificate(not_before: i64, not_after: i64) -> Certificate {
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

fn holds(certificate: Certificate, fits: bool) -> TlsSecretView {
    TlsSecretView::Found(TlsSecretFact::Certificate { certificate, fits })
}

fn good() -> TlsSecretView {
    holds(certificate(START - DAY, NOW + 90 * DAY), true)
}

fn found(fact: TlsSecretFact) -> TlsSecretView {
    TlsSecretView::Found(fact)
}

fn with(world: World, view: TlsSecretView) -> World {
    let mut world = names_a_secret(world);
    world.certificate = view;
    world
}

/// The public address presents something that is refused.
fn presents(world: World, why: CertificateFlaw, certificate: Certificate) -> World {
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

fn told(world: &World) -> WazoPluginStatus {
    status::compose(world, &assess(world))
}

fn warning(world: &World) -> Option<String> {
    let status = told(world);
    let condition = find(&status.conditions, ConditionType::CertificateExpiring)?;
    assert_eq!(
        (condition.status.as_str(), condition.reason.as_str()),
        ("True", "CertificateExpiresSoon")
    );
    Some(condition.message.clone())
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

fn ends(world: World, not_after: i64) -> World {
    let mut world = world;
    world.probe.manifests[0].validity = Some(certificate(START - 300 * DAY, not_after).validity);
    world
}

#[test]
fn an_end_that_is_near_is_a_warning_by_its_date_and_no_fault() {
    let end = NOW + 15 * DAY;
    let far = ends(World::healthy(), end);
    assert_eq!(warning(&far), None);
    assert_eq!(
        assess(&far).expiry.again,
        Some(DAY),
        "it is looked at again when it is due"
    );
    let near = far.clone().later(DAY);
    let date = at(end);
    assert_eq!(
        warning(&near).unwrap(),
        format!("the certificate for crm.example expires at {date}")
    );
    assert_eq!(
        warning(&near),
        warning(&near.clone().later(3 * DAY)),
        "the text stays"
    );
    let assessment = assess(&near);
    assert!(assessment.faults.is_empty());
    assert_eq!(doing(&assessment), Doing::Ready);
    assert_eq!(assessment.expiry.not_after, Some(date));
    let restarted = near.clone().reported().later(60).restarted();
    assert_eq!(
        warning(&restarted),
        warning(&near),
        "a restart takes no warning back"
    );
    let host = |host: &str| {
        let host = host.to_owned();
        let world = near.clone().reported();
        let mut world = world.spec(|spec| spec.expose.as_mut().unwrap().host = host);
        world.probe.manifests.clear();
        warning(&world)
    };
    assert_eq!(host("crm.example"), warning(&near), "an edit takes none back");
    assert_eq!(host("new.example"), None, "another host has another certificate");
    let mut unverified = near.clone().reported();
    unverified.probe.manifests.clear();
    let unverified = unverified.spec(|spec| spec.expose.as_mut().unwrap().verify = Some(Verify::None));
    assert_eq!(warning(&unverified), None, "nobody looks at it any more");
    let refused = presents(near, CertificateFlaw::Expired, certificate(START, NOW));
    assert_eq!(warning(&refused), None, "what is refused is a fault");
}

#[test]
fn the_certificate_in_the_secret_is_warned_of_where_nothing_is_presented() {
    let end = NOW + 2 * DAY;
    let stored = holds(certificate(START - 300 * DAY, end), true);
    let world = with(World::healthy(), stored).spec(|spec| {
        spec.expose.as_mut().unwrap().verify = Some(Verify::None);
    });
    let text = warning(&world).unwrap();
    assert_eq!(
        text,
        format!(
            "the certificate for crm.example in Secret \"crm-tls\" expires at {}",
            at(end)
        )
    );
    assert_eq!(assess(&world).expiry.again, Some(2 * DAY), "then it is a fault");
    let over = world.later(2 * DAY);
    assert_eq!(warning(&over), None);
    assert_eq!(assess(&over).faults[0].reason, Reason::CertificateSecretInvalid);
}

#[test]
fn the_earlier_end_counts() {
    let stored = holds(certificate(START - 300 * DAY, NOW + 60 * DAY), true);
    let world = ends(with(World::healthy(), stored), NOW + 5 * DAY);
    assert_eq!(assess(&world).expiry.not_after, Some(at(NOW + 5 * DAY)));
    let text = warning(&world).unwrap();
    assert!(
        !text.contains("Secret"),
        "the Secret is renewed, what is presented is not: {text}"
    );
}

#[test]
fn an_end_that_is_near_is_told_once_and_so_is_that_it_is_not_any_more() {
    let between = |before: &World, after: &World| -> Vec<&'static str> {
        let notes = events::transitions(&told(before), &told(after), &Default::default());
        notes.into_iter().map(|note| note.reason).collect()
    };
    let far = ends(World::healthy(), NOW + 90 * DAY);
    let near = ends(World::healthy(), NOW + DAY);
    assert_eq!(between(&far, &near), ["CertificateExpiresSoon"]);
    assert_eq!(between(&near, &near.clone().later(3600)), [""; 0]);
    assert_eq!(between(&near, &far), ["CertificateRenewed"]);
    let over = presents(near.clone(), CertificateFlaw::Expired, certificate(START, NOW));
    assert_eq!(between(&near, &over), ["FaultAttributed"]);
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

#[test]
fn a_far_end_is_no_reason_to_look_again_before_time_began() {
    let mut world = ends(World::healthy(), NOW);
    world.probe.manifests[0].validity = Some(Validity {
        not_before: at(START),
        not_after: Timestamp::MAX,
    });
    assert_eq!(warning(&world), None);
    assert!(assess(&world).expiry.again.is_some_and(|again| again > 0));
    assert!(
        world.probe.manifests[0]
            .public
            .as_ref()
            .is_some_and(Look::is_good)
    );
}

//! The end of certificates.

use jiff::Timestamp;

use super::certificate::{DAY, certificate, holds, presents, told, with};
use super::{Doing, assess, doing};
use crate::api::condition::{ConditionType, find};
use crate::api::plugin::Verify;
use crate::api::reason::Reason;
use crate::certificate::Validity;
use crate::observe::fixture::{NOW, START, at};
use crate::observe::world::World;
use crate::probe::{CertificateFlaw, Look};
use crate::report::events;

fn warning(world: &World) -> Option<String> {
    let status = told(world);
    let condition = find(&status.conditions, ConditionType::CertificateExpiring)?;
    assert_eq!(
        (condition.status.as_str(), condition.reason.as_str()),
        ("True", "CertificateExpiresSoon")
    );
    Some(condition.message.clone())
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
    let refused = ends(
        presents(near.reported(), CertificateFlaw::Expired, certificate(START, NOW)),
        end,
    );
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
        let notes = events::transitions(&told(before), &told(after));
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

//! The verdict on a core: every way in which a call can fail, before and after it worked once.

use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::core::error::CoreErrorKind;
use crate::core::facts::{CoreFacts, Daemon, ServiceFact, ServiceState, SessionFact};
use crate::judge::candidate::Candidate;
use crate::judge::core::judge;
use crate::observe::facts::Unusable;
use crate::observe::fixture::{NOW, at, core_error, core_facts, core_key, pending_core_facts};
use Confidence::{High, Low, Medium};
use Layer::{CoreAPI, CoreAuth, CoreTransport, DNS, References, Registration};
use Party::{Cluster, Config, Core, Operator, Path, Unknown};

pub(super) type Verdict = (Party, Layer, Reason, Confidence);

/// The verdicts on a kind of failure of a login: it never worked, it worked before.
fn verdicts(kind: &CoreErrorKind) -> (Verdict, Verdict) {
    let same = |verdict: Verdict| (verdict, verdict);
    match kind {
        CoreErrorKind::NameNotResolved => (
            (Config, CoreTransport, Reason::CoreUrlWrong, High),
            (Cluster, DNS, Reason::CoreNameNotResolving, Medium),
        ),
        // A firewall may refuse, and break, in the core's name.
        CoreErrorKind::Refused | CoreErrorKind::Broken => {
            same((Core, CoreTransport, Reason::CoreUnreachable, Medium))
        }
        CoreErrorKind::TimedOut { .. } => (
            (Unknown, CoreTransport, Reason::CorePathTimeout, Low),
            (Path, CoreTransport, Reason::CorePathTimeout, Medium),
        ),
        CoreErrorKind::Silent { .. } => same((Core, CoreAuth, Reason::CoreAuthDown, Medium)),
        CoreErrorKind::CertificateExpired => {
            same((Core, CoreTransport, Reason::CoreCertificateInvalid, High))
        }
        CoreErrorKind::CertificateUnknownIssuer => (
            (Config, References, Reason::CaBundleMissing, High),
            (Core, CoreTransport, Reason::CertificateChangedInCore, High),
        ),
        CoreErrorKind::CertificateWrongName => (
            (Config, CoreTransport, Reason::CoreUrlWrong, High),
            (Core, CoreTransport, Reason::CertificateChangedInCore, High),
        ),
        CoreErrorKind::Tls(_) => same((Core, CoreTransport, Reason::CoreUnreachable, Medium)),
        CoreErrorKind::NotWazo { .. } => (
            (Config, CoreTransport, Reason::CoreUrlWrong, High),
            (Core, CoreAPI, Reason::CoreServerError, High),
        ),
        CoreErrorKind::DaemonDown(_)
        | CoreErrorKind::AuthUnreachable
        | CoreErrorKind::ServerError(_)
        | CoreErrorKind::TokenRefused => same((Core, CoreAuth, Reason::CoreAuthDown, High)),
        CoreErrorKind::Throttled => same((Operator, CoreAPI, Reason::CoreThrottled, High)),
        CoreErrorKind::TooManySessions => same((Operator, CoreAuth, Reason::CoreSessionsExhausted, High)),
        CoreErrorKind::CredentialsRejected => (
            (Config, CoreAuth, Reason::CoreCredentialsRejected, High),
            (Config, CoreAuth, Reason::CredentialsChangedInCore, High),
        ),
        CoreErrorKind::MissingPermission(_) => (
            (Config, CoreAuth, Reason::CoreForbidden, High),
            (Config, CoreAuth, Reason::PermissionChangedInCore, High),
        ),
        CoreErrorKind::MayNotGive(_) => same((Config, CoreAuth, Reason::CoreForbidden, High)),
        CoreErrorKind::TenantRefused => same((Config, CoreAuth, Reason::TenantNotAllowed, High)),
        CoreErrorKind::Rejected(_) => same((Operator, Registration, Reason::RequestRejected, High)),
        CoreErrorKind::UnexpectedShape(_) => same((Core, CoreAPI, Reason::CoreServerError, High)),
    }
}

fn every_kind() -> Vec<CoreErrorKind> {
    vec![
        CoreErrorKind::NameNotResolved,
        CoreErrorKind::Refused,
        CoreErrorKind::Broken,
        CoreErrorKind::TimedOut { seconds: 10 },
        CoreErrorKind::CertificateExpired,
        CoreErrorKind::CertificateUnknownIssuer,
        CoreErrorKind::CertificateWrongName,
        CoreErrorKind::Tls("alert".to_owned()),
        CoreErrorKind::NotWazo {
            status: 200,
            content_type: "text/html".to_owned(),
        },
        CoreErrorKind::DaemonDown(502),
        CoreErrorKind::AuthUnreachable,
        CoreErrorKind::ServerError(500),
        CoreErrorKind::Throttled,
        CoreErrorKind::TooManySessions,
        CoreErrorKind::CredentialsRejected,
        CoreErrorKind::MissingPermission("confd.external.apps.read".into()),
        CoreErrorKind::MayNotGive("confd.users.read".to_owned()),
        CoreErrorKind::TenantRefused,
        CoreErrorKind::TokenRefused,
        CoreErrorKind::Rejected(400),
        CoreErrorKind::UnexpectedShape("xivo_uuid: a text".to_owned()),
    ]
}

pub(super) fn told(candidate: &Candidate) -> Verdict {
    let fault = &candidate.fault;
    (fault.party, fault.layer, fault.reason, fault.confidence)
}

pub(super) fn judged(facts: &CoreFacts, worked: bool) -> Option<Candidate> {
    judge(&core_key(), None, Some(facts), worked, at(NOW))
}

/// No login succeeds; `last_good` says nothing of an earlier one.
pub(super) fn no_login(kind: CoreErrorKind) -> CoreFacts {
    CoreFacts {
        session: SessionFact::Failed(core_error(Daemon::Auth, kind)),
        ..pending_core_facts()
    }
}

pub(super) fn confd(state: ServiceState, error: Option<CoreErrorKind>) -> CoreFacts {
    let mut facts = core_facts();
    let service = ServiceFact {
        state,
        error: error.map(|kind| core_error(Daemon::Confd, kind)),
        failing: vec!["bus_consumer".to_owned()],
        since: at(NOW - 60),
        last_good: None,
        gray: false,
        slow: None,
    };
    facts.services.insert(Daemon::Confd, service);
    facts
}

#[test]
fn every_way_in_which_a_login_fails_has_its_verdict() {
    for kind in every_kind() {
        let (never, worked) = verdicts(&kind);
        let facts = no_login(kind.clone());
        assert_eq!(
            told(&judged(&facts, false).unwrap()),
            never,
            "{kind}, never worked"
        );
        let candidate = judged(&facts, true).unwrap();
        assert_eq!(told(&candidate), worked, "{kind}, worked before");
        let fault = candidate.fault;
        assert_eq!(fault.since.0, at(NOW - 60), "{kind}");
        assert_eq!(
            fault.evidence[0].trace_id.as_deref(),
            Some("0af7651916cd43dd8448eb211c80319c")
        );
        let object = fault.object.unwrap();
        assert_eq!(
            (object.kind.as_deref(), object.name.as_deref()),
            (Some("WazoCore"), Some("main")),
            "{kind}"
        );
    }
}

#[test]
fn a_daemon_that_is_down_is_judged_as_something_that_worked_where_the_core_did() {
    for (kind, expected) in [
        (
            CoreErrorKind::DaemonDown(502),
            (Core, CoreAPI, Reason::CoreServiceDown, High),
        ),
        (
            CoreErrorKind::ServerError(500),
            (Core, CoreAPI, Reason::CoreServerError, High),
        ),
        (
            CoreErrorKind::AuthUnreachable,
            (Core, CoreAuth, Reason::CoreAuthDown, High),
        ),
        (
            // Another daemon answers later.
            CoreErrorKind::TimedOut { seconds: 10 },
            (Core, CoreAPI, Reason::CoreServiceDown, High),
        ),
    ] {
        let facts = confd(ServiceState::Down, Some(kind.clone()));
        assert_eq!(told(&judged(&facts, true).unwrap()), expected, "{kind}");
    }
    let silent = judged(&confd(ServiceState::Down, None), true).unwrap();
    assert_eq!(silent.fault.reason, Reason::CoreServiceDown);
    assert!(!silent.fault.evidence.is_empty());
}

#[test]
fn a_daemon_that_reports_a_part_as_failing_degrades_and_does_not_block() {
    let candidate = judged(&confd(ServiceState::Degraded, None), true).unwrap();
    assert_eq!(candidate.fault.reason, Reason::CoreEventsDegraded);
    assert!(!candidate.fault.blocking);
    assert!(candidate.fault.message.contains("bus_consumer"));
}

#[test]
fn rights_that_are_missing_are_named() {
    for (worked, reason) in [
        (false, Reason::CoreForbidden),
        (true, Reason::PermissionChangedInCore),
    ] {
        let facts = CoreFacts {
            missing_permissions: Some(vec!["confd.external.apps.update".to_owned()]),
            last_good: None,
            ..core_facts()
        };
        let fault = judged(&facts, worked).unwrap().fault;
        assert_eq!(fault.reason, reason);
        assert!(fault.message.contains("confd.external.apps.update"));
    }
}

#[test]
fn a_tenant_in_which_the_account_may_not_act_is_named_by_its_field() {
    let facts = CoreFacts {
        tenant_refused: true,
        ..core_facts()
    };
    let fault = judged(&facts, true).unwrap().fault;
    assert_eq!((fault.party, fault.reason), (Config, Reason::TenantNotAllowed));
    let object = fault.object.unwrap();
    assert_eq!(object.field_path.as_deref(), Some("spec.tenant"));
    assert_eq!(object.name.as_deref(), Some("main"));
}

#[test]
fn a_core_that_works_or_was_not_asked_yet_has_no_fault() {
    assert!(judged(&core_facts(), false).is_none());
    assert!(judged(&pending_core_facts(), false).is_none());
    assert!(judge(&core_key(), None, None, true, at(NOW)).is_none());
}

#[test]
fn what_the_object_refers_to_comes_before_everything_that_the_core_says() {
    let unusable = Unusable {
        reason: Reason::CredentialsMissing,
        message: "there is no Secret \"main\" in this namespace".to_owned(),
        field: "spec.credentials.secretName".into(),
    };
    let facts = no_login(CoreErrorKind::Refused);
    let fault = judge(&core_key(), Some(&unusable), Some(&facts), true, at(NOW))
        .unwrap()
        .fault;
    assert_eq!((fault.party, fault.reason), (Config, Reason::CredentialsMissing));
    assert_eq!(
        fault.object.unwrap().field_path.as_deref(),
        Some("spec.credentials.secretName")
    );
}

#[test]
fn a_failed_login_comes_before_a_daemon_that_is_down_and_that_before_a_missing_right() {
    let mut facts = confd(ServiceState::Down, Some(CoreErrorKind::DaemonDown(502)));
    facts.missing_permissions = Some(vec!["x".to_owned()]);
    assert_eq!(
        judged(&facts, true).unwrap().fault.reason,
        Reason::CoreServiceDown
    );
    facts.session = SessionFact::Failed(core_error(Daemon::Auth, CoreErrorKind::Refused));
    assert_eq!(
        judged(&facts, true).unwrap().fault.reason,
        Reason::CoreUnreachable
    );
}

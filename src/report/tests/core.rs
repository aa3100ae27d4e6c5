//! The conditions of a WazoCore for each class of fault.

use super::rules::conditions;
use crate::api::condition::{ConditionType, find};
use crate::api::core::{PluginCount, ServiceStateStatus, WazoCoreStatus};
use crate::api::fault::Fault;
use crate::api::reason::Reason;
use crate::core::error::CoreErrorKind;
use crate::core::facts::{CoreFacts, Daemon, ServiceFact, ServiceState, SessionFact};
use crate::judge::core::judge;
use crate::observe::facts::Unusable;
use crate::observe::fixture::{NOW, at, core_error, core_facts, core_key, pending_core_facts};
use crate::report::core_status::{CoreReport, compose, known, unchanged, works};
use ConditionType::{Authenticated, Authorized, Degraded, Reachable, Ready, Reconciling, Stalled, Suspended};

/// What is written, the verdict included.
struct Told {
    facts: Option<CoreFacts>,
    fault: Option<Fault>,
    before: WazoCoreStatus,
    suspended: bool,
    deleting: bool,
    now: i64,
}

impl Told {
    fn of(facts: CoreFacts) -> Self {
        Self::judged(facts, false)
    }

    fn judged(facts: CoreFacts, worked: bool) -> Self {
        let fault = judge(&core_key(), None, Some(&facts), worked, at(NOW)).map(|found| found.fault);
        Self {
            facts: Some(facts),
            fault,
            before: WazoCoreStatus::default(),
            suspended: false,
            deleting: false,
            now: NOW,
        }
    }

    fn unusable(reason: Reason) -> Self {
        let why = Unusable {
            reason,
            message: "cannot be used".to_owned(),
            field: "spec".into(),
        };
        let fault = judge(&core_key(), Some(&why), None, false, at(NOW)).map(|found| found.fault);
        Self {
            facts: None,
            fault,
            ..Self::of(pending_core_facts())
        }
    }

    fn no_login(kind: CoreErrorKind) -> Self {
        Self::of(CoreFacts {
            session: SessionFact::Failed(core_error(Daemon::Auth, kind)),
            ..pending_core_facts()
        })
    }

    fn report(&self) -> CoreReport<'_> {
        CoreReport {
            generation: 4,
            before: &self.before,
            facts: self.facts.as_ref(),
            owner_id: Some("5d1f1f0e"),
            excused: None,
            fault: self.fault.clone(),
            plugins: PluginCount {
                total: 3,
                impaired: 1,
            },
            suspended: self.suspended,
            deleting: self.deleting,
            now: at(self.now),
        }
    }

    /// The status, which keeps the rules.
    fn status(&self) -> WazoCoreStatus {
        let status = compose(&self.report());
        assert_eq!(
            conditions(&status.conditions, status.observed_generation, 4),
            [""; 0]
        );
        assert_eq!(status.observed_generation, 4);
        status
    }
}

fn condition(status: &WazoCoreStatus, kind: ConditionType) -> Option<(&str, &str)> {
    find(&status.conditions, kind).map(|found| (found.status.as_str(), found.reason.as_str()))
}

/// One letter for each of Reachable, Authenticated and Authorized: True, False, Unknown.
fn stages(status: &WazoCoreStatus) -> String {
    [Reachable, Authenticated, Authorized]
        .map(|kind| condition(status, kind).map_or("-", |(truth, _)| &truth[..1]))
        .concat()
}

fn confd(state: ServiceState, error: Option<CoreErrorKind>) -> CoreFacts {
    let mut facts = core_facts();
    let service = ServiceFact {
        state,
        error: error.map(|kind| core_error(Daemon::Confd, kind)),
        failing: vec!["bus_consumer".to_owned()],
        since: at(NOW - 60),
        last_good: Some(at(NOW - 90)),
        gray: false,
        slow: None,
    };
    facts.services.insert(Daemon::Confd, service);
    facts
}

#[test]
fn each_class_of_fault_has_its_conditions() {
    let lacking = CoreFacts {
        missing_permissions: Some(vec!["confd.users.read".to_owned()]),
        last_good: None,
        ..core_facts()
    };
    let refused = CoreFacts {
        tenant_refused: true,
        missing_permissions: None,
        ..core_facts()
    };
    for (told, reason, phase, expected) in [
        (
            Told::no_login(CoreErrorKind::Refused),
            "CoreUnreachable",
            Reconciling,
            "FUU",
        ),
        (
            Told::no_login(CoreErrorKind::NameNotResolved),
            "CoreUrlWrong",
            Stalled,
            "FUU",
        ),
        (
            Told::no_login(CoreErrorKind::CertificateUnknownIssuer),
            "CaBundleMissing",
            Stalled,
            "FUU",
        ),
        (
            Told::no_login(CoreErrorKind::CertificateExpired),
            "CoreCertificateInvalid",
            Reconciling,
            "FUU",
        ),
        (
            Told::no_login(CoreErrorKind::TimedOut { seconds: 10 }),
            "CorePathTimeout",
            Reconciling,
            "FUU",
        ),
        (
            Told::no_login(CoreErrorKind::DaemonDown(502)),
            "CoreAuthDown",
            Reconciling,
            "TFU",
        ),
        (
            Told::no_login(CoreErrorKind::CredentialsRejected),
            "CoreCredentialsRejected",
            Stalled,
            "TFU",
        ),
        (
            Told::no_login(CoreErrorKind::TooManySessions),
            "CoreSessionsExhausted",
            Reconciling,
            "TFU",
        ),
        (
            Told::no_login(CoreErrorKind::Throttled),
            "CoreThrottled",
            Reconciling,
            "FUU",
        ),
        (Told::unusable(Reason::InvalidSpec), "InvalidSpec", Stalled, "FUU"),
        (
            Told::unusable(Reason::CredentialsMissing),
            "CredentialsMissing",
            Stalled,
            "UFU",
        ),
        (
            Told::unusable(Reason::CaBundleInvalid),
            "CaBundleInvalid",
            Stalled,
            "FUU",
        ),
        (
            Told::unusable(Reason::OperatorForbidden),
            "OperatorForbidden",
            Reconciling,
            "UUU",
        ),
        (Told::of(lacking), "CoreForbidden", Stalled, "TTF"),
        (Told::of(refused), "TenantNotAllowed", Stalled, "TTF"),
        (
            Told::of(confd(ServiceState::Down, Some(CoreErrorKind::DaemonDown(502)))),
            "CoreServiceDown",
            Reconciling,
            "FTT",
        ),
    ] {
        let status = told.status();
        assert_eq!(condition(&status, Ready), Some(("False", reason)));
        let word = if phase == Stalled {
            reason
        } else {
            "ProgressingWithRetry"
        };
        assert_eq!(condition(&status, phase), Some(("True", word)));
        assert_eq!(stages(&status), expected, "{reason}");
        assert_eq!(status.fault.map(|fault| fault.reason.as_str()), Some(reason));
    }
}

#[test]
fn a_right_that_was_taken_away_stalls_and_is_listed() {
    let facts = CoreFacts {
        missing_permissions: Some(vec!["confd.users.read".to_owned()]),
        ..core_facts()
    };
    let status = Told::judged(facts, true).status();
    assert_eq!(
        condition(&status, Stalled),
        Some(("True", "PermissionChangedInCore"))
    );
    assert_eq!(status.missing_permissions, ["confd.users.read"]);
}

#[test]
fn a_core_that_works_is_ready_and_says_what_it_is() {
    let status = Told::of(core_facts()).status();
    assert_eq!(condition(&status, Ready), Some(("True", "Ready")));
    assert_eq!((stages(&status).as_str(), status.fault), ("TTT", None));
    let stack = status.stack.unwrap();
    assert_eq!(stack.version.as_deref(), Some("26.08"));
    assert_eq!(
        status.plugins.unwrap(),
        PluginCount {
            total: 3,
            impaired: 1
        }
    );
    assert_eq!(status.services.len(), 2);
    assert!(works(&core_facts()) && !works(&pending_core_facts()));
}

#[test]
fn a_part_that_fails_degrades_and_keeps_ready() {
    let told = Told::of(confd(ServiceState::Degraded, None));
    let status = told.status();
    assert_eq!(condition(&status, Ready), Some(("True", "Ready")));
    assert_eq!(condition(&status, Degraded), Some(("True", "CoreEventsDegraded")));
    let confd = status
        .services
        .iter()
        .find(|service| service.name == "confd")
        .unwrap();
    assert_eq!(confd.state, ServiceStateStatus::Degraded);
    assert!(confd.message.as_ref().unwrap().contains("bus_consumer"));
}

#[test]
fn a_core_that_is_being_asked_is_progress() {
    let status = Told::of(pending_core_facts()).status();
    assert_eq!(condition(&status, Ready), Some(("Unknown", "Progressing")));
    assert_eq!(condition(&status, Reconciling), Some(("True", "Progressing")));
    assert_eq!(stages(&status), "UUU");
}

#[test]
fn a_suspended_core_says_so_and_nothing_else() {
    let mut told = Told::of(core_facts());
    told.suspended = true;
    let status = told.status();
    assert_eq!(condition(&status, Ready), Some(("False", "Suspended")));
    assert_eq!(condition(&status, Suspended), Some(("True", "Suspended")));
    assert_eq!(stages(&status), "---");
}

#[test]
fn a_core_that_is_deleted_waits_for_its_plugins() {
    for mut told in [Told::of(core_facts()), Told::no_login(CoreErrorKind::Refused)] {
        told.deleting = true;
        assert_eq!(condition(&told.status(), Ready), Some(("False", "InUse")));
    }
}

#[test]
fn time_alone_changes_nothing() {
    for mut told in [
        Told::of(core_facts()),
        Told::of(pending_core_facts()),
        Told::no_login(CoreErrorKind::Refused),
        Told::of(confd(ServiceState::Down, Some(CoreErrorKind::ServerError(500)))),
        Told::unusable(Reason::CredentialsMissing),
    ] {
        let first = told.status();
        told.before = first.clone();
        told.now += 3600;
        assert_eq!(told.status(), first);
    }
}

#[test]
fn a_service_keeps_the_time_of_its_state_over_a_restart() {
    let mut told = Told::of(confd(ServiceState::Down, Some(CoreErrorKind::DaemonDown(502))));
    let first = told.status();
    let facts = told.facts.as_mut().unwrap();
    for service in facts.services.values_mut() {
        service.since = at(NOW + 100);
    }
    told.before = first.clone();
    assert_eq!(told.status().services, first.services);
}

#[test]
fn a_new_process_knows_a_core_when_all_was_asked_or_something_failed() {
    assert!(known(&core_facts()));
    assert!(!known(&pending_core_facts()));
    let failed = Told::no_login(CoreErrorKind::Refused).facts.unwrap();
    assert!(known(&failed));
    let mut half = core_facts();
    half.missing_permissions = None;
    assert!(!known(&half));
    assert!(!known(&confd(ServiceState::Unknown, None)));
    let mut down = confd(ServiceState::Down, None);
    down.missing_permissions = None;
    assert!(known(&down));
    let mut told = Told::of(core_facts());
    told.before = told.status();
    told.facts = None;
    assert_eq!(unchanged(&told.report()), told.before);
}

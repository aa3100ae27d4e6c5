//! What is told apart on the core's side beyond the kind of failure: what lies between, what else answers, which daemon it
//! is, how fast it is.

use super::core::{confd, judged, no_login, told};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::core::error::CoreErrorKind;
use crate::core::facts::{CoreFacts, Daemon, Elsewhere, ServiceFact, ServiceState, SlowFact};
use crate::judge::core::judge_others;
use crate::observe::fixture::{NOW, at, core_error, core_facts, core_key};
use Confidence::{High, Low, Medium};
use Layer::{CoreAPI, CoreAuth, CoreTransport, DNS};
use Party::{Cluster, Config, Core, Path, Unknown};

fn not_wazo(status: u16) -> CoreErrorKind {
    CoreErrorKind::NotWazo {
        status,
        content_type: "text/html".to_owned(),
    }
}

#[test]
fn a_proxy_that_asks_for_credentials_is_the_clusters_and_a_page_over_the_cores_certificate_the_cores() {
    for worked in [false, true] {
        let asks = judged(&no_login(not_wazo(407)), worked).unwrap();
        assert_eq!(told(&asks), (Cluster, CoreTransport, Reason::EgressProxy, High));
    }
    for status in [200, 302] {
        let portal = judged(&no_login(not_wazo(status)), true).unwrap();
        assert_eq!(
            told(&portal),
            (Core, CoreAPI, Reason::CoreServerError, High),
            "{status}"
        );
        let never = judged(&no_login(not_wazo(status)), false).unwrap();
        assert_eq!(never.fault.reason, Reason::CoreUrlWrong, "{status}");
    }
}

#[test]
fn a_page_that_is_not_found_is_a_wrong_url_a_core_too_old_or_a_core_that_broke() {
    let no_stack = judged(&no_login(not_wazo(404)), false).unwrap();
    assert_eq!(
        told(&no_stack),
        (Config, CoreTransport, Reason::CoreUrlWrong, High)
    );
    let facts = confd(ServiceState::Down, Some(not_wazo(404)));
    assert_eq!(
        told(&judged(&facts, false).unwrap()),
        (Config, CoreAPI, Reason::CoreVersionUnsupported, High),
        "wazo-auth answers, so it is a stack"
    );
    assert_eq!(
        told(&judged(&facts, true).unwrap()),
        (Core, CoreAPI, Reason::CoreServerError, High)
    );
}

#[test]
fn the_path_is_blamed_where_the_core_answered_before_or_another_address_answers_now() {
    let silent = |elsewhere: Elsewhere| CoreFacts {
        elsewhere,
        ..no_login(CoreErrorKind::TimedOut { seconds: 5 })
    };
    let nothing = judged(&silent(Elsewhere::default()), false).unwrap();
    assert_eq!(
        told(&nothing),
        (Unknown, CoreTransport, Reason::CorePathTimeout, Low)
    );
    assert_eq!(nothing.fault.suspected.unwrap().party, Path);
    let open = Elsewhere {
        answers: true,
        resolves: false,
    };
    let found = judged(&silent(open), false).unwrap();
    assert_eq!(
        told(&found),
        (Path, CoreTransport, Reason::CorePathTimeout, Medium)
    );
    assert!(found.fault.missing.is_empty());
    let vantages = found.fault.evidence.iter().map(|seen| seen.vantage.as_str());
    assert!(vantages.eq(["operator→core", "operator→outside"]));
}

#[test]
fn a_name_that_is_lost_while_others_resolve_is_the_cores_and_else_the_clusters() {
    let lost = |resolves: bool| CoreFacts {
        elsewhere: Elsewhere {
            answers: resolves,
            resolves,
        },
        ..no_login(CoreErrorKind::NameNotResolved)
    };
    let core = judged(&lost(true), true).unwrap();
    assert_eq!(told(&core), (Core, DNS, Reason::CoreNameNotResolving, Medium));
    assert!(core.fault.action.contains("DNS records"));
    let cluster = judged(&lost(false), true).unwrap();
    assert_eq!(
        told(&cluster),
        (Cluster, DNS, Reason::CoreNameNotResolving, Medium)
    );
}

#[test]
fn a_daemon_that_says_that_it_is_up_while_its_reads_fail_has_that_in_its_evidence() {
    let mut facts = confd(ServiceState::Down, Some(CoreErrorKind::ServerError(500)));
    let plain = judged(&facts, true).unwrap();
    facts.services.get_mut(&Daemon::Confd).unwrap().gray = true;
    let gray = judged(&facts, true).unwrap();
    assert_eq!(told(&plain), told(&gray));
    assert_eq!(gray.fault.evidence.len(), plain.fault.evidence.len() + 1);
    assert!(gray.fault.evidence[1].observed.contains("says that it is up"));
}

#[test]
fn a_daemon_that_became_slow_is_told_of_and_blocks_nothing() {
    let mut facts = core_facts();
    facts.services.get_mut(&Daemon::Confd).unwrap().slow = Some(SlowFact {
        now: 4200,
        before: 35,
        since: at(NOW - 30),
    });
    let slow = judged(&facts, true).unwrap();
    assert_eq!(told(&slow), (Core, CoreAPI, Reason::CoreSlow, Medium));
    assert!(!slow.fault.blocking);
    assert!(
        slow.fault.evidence[0]
            .observed
            .contains("4200 ms (median), 35 ms before")
    );
}

fn with(daemon: Daemon, state: ServiceState, kind: Option<CoreErrorKind>) -> CoreFacts {
    let mut facts = confd(state, None);
    let service = ServiceFact {
        error: kind.map(|kind| core_error(daemon, kind)),
        ..facts.services.remove(&Daemon::Confd).unwrap()
    };
    facts.services = [(Daemon::Confd, core_facts().services[&Daemon::Confd].clone())].into();
    facts
        .services
        .insert(Daemon::Auth, core_facts().services[&Daemon::Auth].clone());
    facts.services.insert(daemon, service);
    facts
}

#[test]
fn a_daemon_that_only_plugins_use_is_no_fault_of_the_core_as_the_operator_needs_it() {
    for (kind, expected) in [
        (
            CoreErrorKind::DaemonDown(502),
            (Core, CoreAPI, Reason::CoreServiceDown, High),
        ),
        (
            CoreErrorKind::AuthUnreachable,
            (Core, CoreAuth, Reason::CoreAuthDown, High),
        ),
        (
            not_wazo(404),
            (Config, CoreAPI, Reason::CoreVersionUnsupported, High),
        ),
    ] {
        let facts = with(Daemon::Calld, ServiceState::Down, Some(kind.clone()));
        assert!(judged(&facts, true).is_none(), "{kind}");
        let others = judge_others(&core_key(), &facts);
        assert_eq!(told(&others[&Daemon::Calld]), expected, "{kind}");
        assert!(!others[&Daemon::Calld].fault.blocking);
    }
    let parts = judge_others(&core_key(), &with(Daemon::Dird, ServiceState::Degraded, None));
    assert_eq!(parts[&Daemon::Dird].fault.reason, Reason::CoreEventsDegraded);
}

#[test]
fn wazo_auth_that_is_down_explains_the_other_daemons() {
    let mut facts = with(
        Daemon::Calld,
        ServiceState::Down,
        Some(CoreErrorKind::AuthUnreachable),
    );
    let auth = facts.services.get_mut(&Daemon::Auth).unwrap();
    auth.state = ServiceState::Down;
    assert!(judge_others(&core_key(), &facts).is_empty());
}

#[test]
fn a_daemon_that_hangs_while_another_answers_is_the_cores_and_not_the_paths() {
    let hangs = |beside: Option<i64>| {
        let mut facts = core_facts();
        let confd = facts.services.get_mut(&Daemon::Confd).unwrap();
        confd.state = ServiceState::Down;
        confd.error = Some(core_error(Daemon::Confd, CoreErrorKind::TimedOut { seconds: 15 }));
        let failed = confd.error.as_ref().unwrap().at.as_second();
        let auth = facts.services.get_mut(&Daemon::Auth).unwrap();
        auth.last_good = beside.map(|seconds| at(failed + seconds));
        told(&judged(&facts, true).unwrap())
    };
    assert_eq!(hangs(Some(1)), (Core, CoreAPI, Reason::CoreServiceDown, High));
    for beside in [None, Some(-1)] {
        assert_eq!(hangs(beside).0, Path, "{beside:?}");
    }
}

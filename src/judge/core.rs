//! The chain of the core: transport, wazo-auth, the other daemons, rights. One verdict per core; plugins refer to it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::candidate::Candidate;
use crate::api::fault::{Fault, Layer, Party, Resolution};
use crate::api::reason::Reason;
use crate::core::error::{CoreError, CoreErrorKind};
use crate::core::facts::{CoreFacts, Daemon, Elsewhere, ServiceFact, ServiceState, SessionFact};
use crate::keys::CoreKey;
use crate::observe::facts::Unusable;

/// Judges one core. `worked`: it worked before with the same url, certificate authority and credentials, perhaps under
/// an earlier process. `None`: nothing is wrong, as far as is known.
#[must_use]
pub fn judge(
    key: &CoreKey,
    unusable: Option<&Unusable>,
    facts: Option<&CoreFacts>,
    worked: bool,
    now: Timestamp,
) -> Option<Candidate> {
    let here = |candidate| of_core(candidate, key);
    if let Some(unusable) = unusable {
        let candidate = Candidate::new(unusable.reason, now, unusable.message.clone())
            .evidence("API server", unusable.message.clone(), None)
            .field(unusable.field.clone());
        return Some(here(candidate));
    }
    let facts = facts?;
    if let SessionFact::Failed(error) = &facts.session {
        let candidate = from_error_beside(error, worked, facts.elsewhere);
        let auth = facts.services.get(&Daemon::Auth);
        return Some(here(gray(candidate, auth).last_good(facts.last_good)));
    }
    if let Some(change) = &facts.stack_changed {
        let told = format!(
            "another stack ({}) answers at spec.url than the known one ({}): nothing is written to it",
            change.is, change.was
        );
        let candidate = Candidate::new(Reason::StackChanged, now, told)
            .evidence(
                "operator→core",
                format!("the stack says that it is {}", change.is),
                None,
            )
            .field("spec.url")
            .last_good(facts.last_good);
        return Some(here(candidate));
    }
    let mut main = facts.main_services();
    if let Some((daemon, service)) = main.find(|(_, service)| service.state == ServiceState::Down) {
        return Some(here(down(daemon, service, worked, facts)));
    }
    if let Some(since) = facts.throttled {
        let told = "every request is refused for coming too fast";
        let candidate = Candidate::new(Reason::CoreThrottled, since, told)
            .evidence("operator→core", "429 to every request", None)
            .last_good(facts.last_good);
        return Some(here(candidate));
    }
    if facts.tenant_refused {
        return Some(here(
            Candidate::new(
                Reason::TenantNotAllowed,
                now,
                "the account may not act in spec.tenant",
            )
            .evidence("operator→core", "scopes/check answers 403 for the tenant", None)
            .field("spec.tenant"),
        ));
    }
    if let Some(missing) = facts
        .missing_permissions
        .as_ref()
        .filter(|missing| !missing.is_empty())
    {
        let reason = if worked {
            Reason::PermissionChangedInCore
        } else {
            Reason::CoreForbidden
        };
        return Some(here(
            Candidate::new(
                reason,
                now,
                format!("the account lacks rights: {}", missing.join(", ")),
            )
            .evidence(
                "operator→core",
                format!("scopes/check denies {}", missing.join(", ")),
                None,
            )
            .last_good(facts.last_good),
        ));
    }
    let mut degraded = facts
        .main_services()
        .filter_map(|(daemon, service)| degraded(daemon, service));
    let slow = || {
        facts
            .main_services()
            .find_map(|(daemon, service)| slow(daemon, service))
    };
    degraded.next().or_else(slow).map(here)
}

/// Judges the daemons that only plugins use, where wazo-auth and the way to the core are well: what is wrong with those
/// explains the rest. None of them blocks anything that the operator does.
#[must_use]
pub fn judge_others(key: &CoreKey, facts: &CoreFacts) -> BTreeMap<Daemon, Candidate> {
    let auth_is_well = facts
        .services
        .get(&Daemon::Auth)
        .is_some_and(|auth| auth.state != ServiceState::Down);
    if !matches!(facts.session, SessionFact::LoggedIn(_)) || facts.stack_changed.is_some() || !auth_is_well {
        return BTreeMap::new();
    }
    let others = facts.services.iter().filter(|(daemon, _)| !daemon.is_main());
    let candidate = |(daemon, service): (&Daemon, &ServiceFact)| {
        let found = match service.state {
            ServiceState::Down => {
                let worked = service.last_good.is_some();
                Some(down(*daemon, service, worked, facts))
            }
            _ => degraded(*daemon, service).or_else(|| slow(*daemon, service)),
        };
        Some((*daemon, of_core(found?.not_blocking(), key)))
    };
    others.filter_map(candidate).collect()
}

fn of_core(candidate: Candidate, key: &CoreKey) -> Candidate {
    let field = candidate
        .fault
        .object
        .clone()
        .and_then(|object| object.field_path);
    let candidate = candidate.object("plugins.wazo.io/v1alpha1", "WazoCore", &key.namespace, &key.name);
    match field {
        Some(field) => candidate.field(field),
        None => candidate,
    }
}

fn degraded(daemon: Daemon, service: &ServiceFact) -> Option<Candidate> {
    if service.state != ServiceState::Degraded {
        return None;
    }
    let parts = service.failing.join(", ");
    let told = format!("{} reports as failing: {parts}", daemon.name());
    Some(
        Candidate::new(Reason::CoreEventsDegraded, service.since, told)
            .evidence(
                "operator→core",
                format!("{} status: {parts} fail", daemon.name()),
                None,
            )
            .last_good(service.last_good)
            .not_blocking(),
    )
}

/// A daemon that answers far slower than it did: nothing fails, so nothing is blocked.
fn slow(daemon: Daemon, service: &ServiceFact) -> Option<Candidate> {
    let slow = service.slow.as_ref()?;
    let name = daemon.name();
    let told = format!("{name} answers far slower than it did, without errors");
    let seen = format!(
        "{name}: reads take {} ms (median), {} ms before",
        slow.now, slow.before
    );
    Some(
        Candidate::new(Reason::CoreSlow, slow.since, told)
            .evidence("operator→core", seen, Some(format!("daemon {name}")))
            .indirect("the load of the daemon's machine")
            .last_good(Some(slow.since))
            .not_blocking(),
    )
}

/// Reads that fail while the process says that it is up: its word proves no more than a process.
fn gray(candidate: Candidate, service: Option<&ServiceFact>) -> Candidate {
    if service.is_none_or(|service| !service.gray) {
        return candidate;
    }
    let seen =
        "its status says that it is up, while its reads fail: the process runs, what is behind it does not";
    candidate.evidence("operator→core", seen, None)
}

/// Whether only a person can end a core's fault: that stalls; what may end by itself is tried again.
#[must_use]
pub fn needs_a_person(fault: &Fault) -> bool {
    fault.resolution == Resolution::SpecChange
        || matches!(
            fault.reason,
            Reason::CoreForbidden
                | Reason::PermissionChangedInCore
                | Reason::TenantNotAllowed
                | Reason::CredentialsMissing
                | Reason::StackChanged
                | Reason::CaBundleMissing
                | Reason::CaBundleInvalid
                | Reason::CoreCredentialsRejected
                | Reason::CredentialsChangedInCore
        )
}

fn down(daemon: Daemon, service: &ServiceFact, worked: bool, facts: &CoreFacts) -> Candidate {
    let candidate = match &service.error {
        Some(error) if hangs(daemon, error, facts) => hanging(daemon, error),
        Some(error) => gray(from_error_beside(error, worked, facts.elsewhere), Some(service)),
        None => {
            let told = format!("{} does not work", daemon.name());
            Candidate::new(Reason::CoreServiceDown, service.since, told.clone()).evidence(
                "operator→core",
                told,
                None,
            )
        }
    };
    candidate.last_good(service.last_good)
}

/// Whether a daemon does not answer in time while another one behind the same front does, asked later: the way there is
/// the same. What answered before may have been in time for a way that is closed now.
fn hangs(daemon: Daemon, error: &CoreError, facts: &CoreFacts) -> bool {
    let later = |service: &ServiceFact| service.last_good.is_some_and(|good| good > error.at);
    let answers = |(other, service): (&Daemon, &ServiceFact)| {
        *other != daemon && service.state == ServiceState::Up && later(service)
    };
    error.kind.is_late() && facts.services.iter().any(answers)
}

fn hanging(daemon: Daemon, error: &CoreError) -> Candidate {
    let name = daemon.name();
    let told = format!(
        "{name}: {}, while another daemon behind the same front answers",
        error.kind
    );
    Candidate::new(Reason::CoreServiceDown, error.at, told)
        .evidence(
            "operator→core",
            format!("{}: {}", error.operation, error.kind),
            Some(format!("daemon {name}")),
        )
        .traced(&error.trace_id)
}

/// The candidate for a call to the core that failed. `worked`: the same thing worked before.
#[must_use]
pub fn from_error(error: &CoreError, worked: bool) -> Candidate {
    from_error_beside(error, worked, Elsewhere::default())
}

/// The same, with what else answers outside of the cluster.
fn from_error_beside(error: &CoreError, worked: bool, elsewhere: Elsewhere) -> Candidate {
    let (reason, decisive) = reason_of(error, worked);
    let kind = &error.kind;
    let candidate = Candidate::new(reason, error.at, format!("{}: {kind}", error.daemon.name()))
        .evidence(
            "operator→core",
            format!("{}: {kind}", error.operation),
            Some(format!("daemon {}", error.daemon.name())),
        )
        .traced(&error.trace_id);
    let candidate = if decisive {
        candidate
    } else {
        candidate.indirect("an answer from another address outside of the cluster")
    };
    match reason {
        Reason::CoreUrlWrong => candidate.field("spec.url"),
        Reason::CaBundleMissing => candidate.field("spec.caBundle"),
        Reason::CoreCredentialsRejected | Reason::CredentialsChangedInCore => {
            candidate.field("spec.credentials")
        }
        // The path is blamed only where the core answered before; otherwise it is only suspected.
        Reason::CorePathTimeout if elsewhere.answers => {
            let seen = "another address outside of the cluster answers now";
            without_missing(candidate).evidence("operator→outside", seen, None)
        }
        Reason::CorePathTimeout if !worked => candidate.doubtful("the core never answered from here"),
        Reason::CoreNameNotResolving if elsewhere.resolves => {
            let seen = "other names outside of the cluster resolve now";
            without_missing(candidate)
                .evidence("operator→outside", seen, None)
                .party(Party::Core)
                .action("Ask who runs the core to look at the DNS records of its name: other names resolve")
        }
        Reason::CoreNameNotResolving => candidate.layer(Layer::DNS).party(Party::Cluster),
        Reason::RequestRejected => candidate.resolution(Resolution::Retry),
        _ => candidate,
    }
}

fn without_missing(mut candidate: Candidate) -> Candidate {
    candidate.fault.missing.clear();
    candidate
}

/// The reason, and whether the signal decides alone.
fn reason_of(error: &CoreError, worked: bool) -> (Reason, bool) {
    let auth = error.daemon == Daemon::Auth;
    match &error.kind {
        // A proxy that asks for credentials says so.
        CoreErrorKind::NotWazo {
            status: 407 | 511, ..
        } => (Reason::EgressProxy, true),
        // Where wazo-auth answers, this is a stack: it has no such daemon, or not this version of its API.
        CoreErrorKind::NotWazo { status: 404, .. } if !auth && !worked => {
            (Reason::CoreVersionUnsupported, true)
        }
        // Something that answered as Wazo before is not another server now; and a portal on the way cannot show the core's
        // certificate, over which alone it is spoken with.
        CoreErrorKind::NotWazo { .. } if worked => (Reason::CoreServerError, true),
        CoreErrorKind::NameNotResolved if worked => (Reason::CoreNameNotResolving, false),
        CoreErrorKind::NameNotResolved => (Reason::CoreUrlWrong, true),
        // A firewall may refuse, and break, in the core's name.
        CoreErrorKind::Refused | CoreErrorKind::Broken => (Reason::CoreUnreachable, false),
        CoreErrorKind::TimedOut { .. } => (Reason::CorePathTimeout, false),
        // Something on the way may still swallow what is larger than a handshake.
        CoreErrorKind::Silent { .. } if auth => (Reason::CoreAuthDown, false),
        CoreErrorKind::Silent { .. } => (Reason::CoreServiceDown, false),
        CoreErrorKind::CertificateExpired => (Reason::CoreCertificateInvalid, true),
        CoreErrorKind::CertificateUnknownIssuer if worked => (Reason::CertificateChangedInCore, true),
        CoreErrorKind::CertificateUnknownIssuer => (Reason::CaBundleMissing, true),
        CoreErrorKind::CertificateWrongName if worked => (Reason::CertificateChangedInCore, true),
        CoreErrorKind::CertificateWrongName | CoreErrorKind::NotWazo { .. } => (Reason::CoreUrlWrong, true),
        CoreErrorKind::Tls(_) => (Reason::CoreUnreachable, false),
        CoreErrorKind::DaemonDown(_) if auth => (Reason::CoreAuthDown, true),
        CoreErrorKind::DaemonDown(_) => (Reason::CoreServiceDown, true),
        CoreErrorKind::AuthUnreachable => (Reason::CoreAuthDown, true),
        CoreErrorKind::ServerError(_) if auth => (Reason::CoreAuthDown, true),
        CoreErrorKind::ServerError(_) | CoreErrorKind::UnexpectedShape(_) => (Reason::CoreServerError, true),
        CoreErrorKind::Throttled => (Reason::CoreThrottled, true),
        CoreErrorKind::TooManySessions => (Reason::CoreSessionsExhausted, true),
        CoreErrorKind::CredentialsRejected if worked => (Reason::CredentialsChangedInCore, true),
        CoreErrorKind::CredentialsRejected => (Reason::CoreCredentialsRejected, true),
        CoreErrorKind::MissingPermission(_) if worked => (Reason::PermissionChangedInCore, true),
        CoreErrorKind::MissingPermission(_) | CoreErrorKind::MayNotGive(_) => (Reason::CoreForbidden, true),
        CoreErrorKind::TenantRefused => (Reason::TenantNotAllowed, true),
        CoreErrorKind::TokenRefused => (Reason::CoreAuthDown, true),
        CoreErrorKind::Rejected(_) => (Reason::RequestRejected, true),
    }
}

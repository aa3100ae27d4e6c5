//! The chain of the core: transport, wazo-auth, the other daemons, rights. One verdict per core; plugins refer to it.

use jiff::Timestamp;

use super::candidate::Candidate;
use crate::api::fault::{Fault, Layer, Party, Resolution};
use crate::api::reason::Reason;
use crate::core::error::{CoreError, CoreErrorKind};
use crate::core::facts::{CoreFacts, Daemon, ServiceFact, ServiceState, SessionFact};
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
    let here = |candidate: Candidate| {
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
    };
    if let Some(unusable) = unusable {
        let candidate = Candidate::new(unusable.reason, now, unusable.message.clone())
            .evidence("API server", unusable.message.clone(), None)
            .field(unusable.field.clone());
        return Some(here(candidate));
    }
    let facts = facts?;
    if let SessionFact::Failed(error) = &facts.session {
        return Some(here(from_error(error, worked).last_good(facts.last_good)));
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
    if let Some((daemon, service)) = facts
        .services
        .iter()
        .find(|(_, service)| service.state == ServiceState::Down)
    {
        return Some(here(down(*daemon, service, worked)));
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
    let degraded = facts
        .services
        .iter()
        .find(|(_, service)| service.state == ServiceState::Degraded);
    degraded.map(|(daemon, service)| {
        let parts = service.failing.join(", ");
        here(
            Candidate::new(
                Reason::CoreEventsDegraded,
                service.since,
                format!("{} reports as failing: {parts}", daemon.name()),
            )
            .evidence(
                "operator→core",
                format!("{} status: {parts} fail", daemon.name()),
                None,
            )
            .last_good(service.last_good)
            .not_blocking(),
        )
    })
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

fn down(daemon: Daemon, service: &ServiceFact, worked: bool) -> Candidate {
    let candidate = match &service.error {
        Some(error) => from_error(error, worked),
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

/// The candidate for a call to the core that failed. `worked`: the same thing worked before.
#[must_use]
pub fn from_error(error: &CoreError, worked: bool) -> Candidate {
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
        Reason::CorePathTimeout if !worked => candidate.doubtful("the core never answered from here"),
        Reason::CoreNameNotResolving => candidate.layer(Layer::DNS).party(Party::Cluster),
        Reason::RequestRejected => candidate.resolution(Resolution::Retry),
        _ => candidate,
    }
}

/// The reason, and whether the signal decides alone.
fn reason_of(error: &CoreError, worked: bool) -> (Reason, bool) {
    let auth = error.daemon == Daemon::Auth;
    match &error.kind {
        // Something that answered as Wazo before is not another server now.
        CoreErrorKind::NotWazo { .. } if worked => (Reason::CoreServerError, true),
        CoreErrorKind::NameNotResolved if worked => (Reason::CoreNameNotResolving, false),
        CoreErrorKind::NameNotResolved => (Reason::CoreUrlWrong, true),
        CoreErrorKind::Refused | CoreErrorKind::Broken => (Reason::CoreUnreachable, worked),
        CoreErrorKind::TimedOut { .. } => (Reason::CorePathTimeout, false),
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

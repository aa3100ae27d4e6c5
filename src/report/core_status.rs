//! The status of a core, from what its actor knows and the verdict on it. Pure.

use jiff::Timestamp;

use crate::api::condition::{ConditionType, Truth, Wanted, find, seconds, settle};
use crate::api::core::{
    AccountStatus, PluginCount, ServiceStateStatus, ServiceStatus, StackStatus, WazoCoreStatus,
};
use crate::api::fault::{Fault, Layer};
use crate::api::reason::Reason;
use crate::core::facts::{CoreFacts, ServiceState, SessionFact};
use crate::judge::core::needs_a_person;
use crate::observe::directory::Excused;
use crate::report::told::with_next_step;

/// What the status of a core is made of.
#[derive(Clone, Debug)]
pub struct CoreReport<'a> {
    /// The generation of the spec.
    pub generation: i64,
    /// The status that we wrote last.
    pub before: &'a WazoCoreStatus,
    /// What its actor knows.
    pub facts: Option<&'a CoreFacts>,
    /// Who the operator is to it, once settled.
    pub owner_id: Option<&'a str>,
    /// The verdict.
    pub fault: Option<Fault>,
    /// What is wrong with it during an announced maintenance.
    pub excused: Option<Excused>,
    /// The plugins that refer to it.
    pub plugins: PluginCount,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Whether it is being deleted, and only waits for its plugins to go.
    pub deleting: bool,
    /// The moment.
    pub now: Timestamp,
}

/// The status of a core.
#[must_use]
pub fn compose(report: &CoreReport<'_>) -> WazoCoreStatus {
    let before = report.before;
    let account = report.facts.and_then(|facts| match &facts.session {
        // What another stack says is not put in the place of what is known of ours.
        SessionFact::LoggedIn(account) if facts.stack_changed.is_none() => Some((account, facts)),
        _ => None,
    });
    WazoCoreStatus {
        observed_generation: report.generation,
        stack: account.map_or_else(
            || before.stack.clone(),
            |(account, facts)| {
                let version = facts
                    .version
                    .clone()
                    .or_else(|| before.stack.as_ref()?.version.clone());
                Some(StackStatus {
                    uuid: account.stack.to_string(),
                    version,
                })
            },
        ),
        owner_id: owner_id(report),
        account: account.map_or_else(
            || before.account.clone(),
            |(account, facts)| {
                let tenant = facts.tenant.unwrap_or(account.tenant);
                Some(AccountStatus {
                    uuid: account.uuid.to_string(),
                    tenant: tenant.to_string(),
                })
            },
        ),
        services: services(report),
        missing_permissions: report
            .facts
            .and_then(|facts| {
                let mut missing = facts.missing_permissions.clone()?;
                for others in [&facts.missing_for_accounts, &facts.missing_for_places] {
                    missing.extend(others.iter().cloned());
                }
                Some(missing)
            })
            .unwrap_or_else(|| before.missing_permissions.clone()),
        plugins: Some(report.plugins.clone()),
        conditions: settle(
            conditions(report),
            &before.conditions,
            report.generation,
            report.now,
        ),
        fault: report.fault.clone(),
    }
}

/// The status that was written last, with what needs no answer of the core: for the first moments of a process.
#[must_use]
pub fn unchanged(report: &CoreReport<'_>) -> WazoCoreStatus {
    WazoCoreStatus {
        plugins: Some(report.plugins.clone()),
        owner_id: owner_id(report),
        ..report.before.clone()
    }
}

fn owner_id(report: &CoreReport<'_>) -> Option<String> {
    let known = report.owner_id.map(ToOwned::to_owned);
    known.or_else(|| report.before.owner_id.clone())
}

/// Whether this process knows how the core is: everything was asked, or something that was asked failed.
#[must_use]
pub fn known(facts: &CoreFacts) -> bool {
    let is = |state| facts.main_services().any(|(_, service)| service.state == state);
    match facts.session {
        SessionFact::Pending => false,
        SessionFact::Failed(_) => true,
        SessionFact::LoggedIn(_) => {
            facts.tenant_refused
                || facts.stack_changed.is_some()
                || is(ServiceState::Down)
                || facts.missing_permissions.is_some() && !is(ServiceState::Unknown)
        }
    }
}

/// Whether the core is known to work: logged in, rights there, every daemon answers.
#[must_use]
pub fn works(facts: &CoreFacts) -> bool {
    matches!(facts.session, SessionFact::LoggedIn(_))
        && facts.missing_permissions.as_ref().is_some_and(Vec::is_empty)
        && !facts.tenant_refused
        && facts.stack_changed.is_none()
        && facts
            .main_services()
            .all(|(_, service)| matches!(service.state, ServiceState::Up | ServiceState::Degraded))
}

fn services(report: &CoreReport<'_>) -> Vec<ServiceStatus> {
    let Some(facts) = report.facts else {
        return report.before.services.clone();
    };
    facts
        .services
        .iter()
        .map(|(daemon, service)| {
            let name = daemon.name();
            let state = match service.state {
                ServiceState::Up => ServiceStateStatus::Up,
                ServiceState::Degraded => ServiceStateStatus::Degraded,
                ServiceState::Down => ServiceStateStatus::Down,
                ServiceState::Unknown => ServiceStateStatus::Unknown,
            };
            let known = report
                .before
                .services
                .iter()
                .find(|known| known.name == name && known.state == state);
            let error = service
                .error
                .as_ref()
                .filter(|_| service.state == ServiceState::Down);
            ServiceStatus {
                name: name.to_owned(),
                state,
                reason: match service.state {
                    ServiceState::Down => error.map(|error| {
                        crate::judge::core::from_error(error, true)
                            .fault
                            .reason
                            .to_string()
                    }),
                    ServiceState::Degraded => Some(Reason::CoreEventsDegraded.to_string()),
                    ServiceState::Up | ServiceState::Unknown => None,
                },
                message: match service.state {
                    ServiceState::Down => error.map(|error| error.kind.to_string()),
                    ServiceState::Degraded => {
                        Some(format!("reports as failing: {}", service.failing.join(", ")))
                    }
                    ServiceState::Up | ServiceState::Unknown => None,
                },
                since: known.map_or_else(|| seconds(service.since), |known| known.since.clone()),
            }
        })
        .collect()
}

/// The reason of a core that is away for an announced maintenance.
const MAINTENANCE: &str = "Maintenance";
const UNKNOWN_MEANWHILE: &str = "not known during an announced maintenance";

fn conditions(report: &CoreReport<'_>) -> Vec<Wanted> {
    use ConditionType::{
        Authenticated, Authorized, Degraded, Reachable, Ready, Reconciling, Stalled, Suspended,
    };
    if report.suspended {
        return vec![
            Wanted::new(
                Ready,
                Truth::False,
                "Suspended",
                "spec.suspend stops every request to the core",
            ),
            Wanted::new(Suspended, Truth::True, "Suspended", "spec.suspend is true"),
        ];
    }
    let mut conditions = Vec::new();
    let blocking = report.fault.as_ref().filter(|fault| fault.blocking);
    let excused = report.excused.as_ref().filter(|excused| excused.fault.blocking);
    match blocking {
        _ if report.deleting => conditions.push(Wanted::new(
            Ready,
            Truth::False,
            "InUse",
            "the object stays until no WazoPlugin refers to it",
        )),
        Some(fault) => {
            let told = with_next_step(fault);
            conditions.push(if needs_a_person(fault) {
                Wanted::new(Stalled, Truth::True, fault.reason.as_str(), told.clone())
            } else {
                Wanted::new(Reconciling, Truth::True, "ProgressingWithRetry", told.clone())
            });
            conditions.push(Wanted::new(Ready, Truth::False, fault.reason.as_str(), told));
        }
        None if excused.is_some() => {
            let told = excused.map_or_else(String::new, |excused| {
                format!("{}; seen meanwhile: {}", excused.told, excused.fault.message)
            });
            conditions.push(Wanted::new(
                Reconciling,
                Truth::True,
                "ProgressingWithRetry",
                told.clone(),
            ));
            conditions.push(Wanted::new(Ready, Truth::False, MAINTENANCE, told));
        }
        None if report.facts.is_some_and(works) => {
            conditions.push(Wanted::new(
                Ready,
                Truth::True,
                "Ready",
                "the core answers, and the account has the rights that are needed",
            ));
        }
        None => {
            conditions.push(Wanted::new(
                Reconciling,
                Truth::True,
                "Progressing",
                "the core is being asked",
            ));
            conditions.push(Wanted::new(
                Ready,
                Truth::Unknown,
                "Progressing",
                "the core is being asked",
            ));
        }
    }
    if let Some(fault) = report.fault.as_ref().filter(|fault| !fault.blocking) {
        conditions.push(Wanted::new(
            Degraded,
            Truth::True,
            fault.reason.as_str(),
            with_next_step(fault),
        ));
    }
    let logged_in = report
        .facts
        .is_some_and(|facts| matches!(facts.session, SessionFact::LoggedIn(_)));
    let stood = |kind| {
        report.before.observed_generation == report.generation
            && find(&report.before.conditions, kind).is_some_and(|before| before.status == "True")
    };
    let stage = |kind, broken: bool, known: bool, good: &str, message: &str| match blocking {
        Some(fault) if broken => {
            Wanted::new(kind, Truth::False, fault.reason.as_str(), fault.message.clone())
        }
        _ if known => Wanted::new(kind, Truth::True, good, message),
        // What is in the way keeps a new process from asking: what was true stays.
        Some(_) if stood(kind) => Wanted::new(kind, Truth::True, good, message),
        _ if excused.is_some() => Wanted::new(kind, Truth::Unknown, MAINTENANCE, UNKNOWN_MEANWHILE),
        _ => Wanted::new(kind, Truth::Unknown, "NotAsked", "not asked yet"),
    };
    let is = |of: fn(&Fault) -> bool| blocking.is_some_and(of);
    let rights = is(|fault| {
        matches!(
            fault.reason,
            Reason::CoreForbidden | Reason::PermissionChangedInCore | Reason::TenantNotAllowed
        )
    });
    let way = is(|fault| {
        matches!(
            fault.layer,
            Layer::CoreTransport | Layer::DNS | Layer::CoreAPI | Layer::Spec
        ) || matches!(fault.reason, Reason::CaBundleMissing | Reason::CaBundleInvalid)
    });
    let login = is(|fault| fault.layer == Layer::CoreAuth || fault.reason == Reason::CredentialsMissing);
    conditions.push(stage(
        Reachable,
        way,
        // What wazo-auth, or the front before it, refuses was answered.
        logged_in || is(|fault| fault.layer == Layer::CoreAuth),
        "Answers",
        "the core answers over a verified connection",
    ));
    conditions.push(stage(
        Authenticated,
        login && !rights,
        logged_in || rights,
        "LoggedIn",
        "the core accepts the credentials",
    ));
    conditions.push(match blocking {
        Some(fault) if rights => Wanted::new(
            Authorized,
            Truth::False,
            fault.reason.as_str(),
            fault.message.clone(),
        ),
        _ if blocking.is_some() && stood(Authorized)
            || report
                .facts
                .is_some_and(|facts| facts.missing_permissions.as_ref().is_some_and(Vec::is_empty)) =>
        {
            Wanted::new(
                Authorized,
                Truth::True,
                "RightsPresent",
                "the account has the rights that are needed",
            )
        }
        _ if excused.is_some() => Wanted::new(Authorized, Truth::Unknown, MAINTENANCE, UNKNOWN_MEANWHILE),
        _ => Wanted::new(Authorized, Truth::Unknown, "NotAsked", "not asked yet"),
    });
    conditions
}

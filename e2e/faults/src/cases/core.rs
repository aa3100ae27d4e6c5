//! Wazo's core: its front, its daemons, its broker, its accounts.

use std::time::Duration;

use serde_json::json;
use wazo_simulated_core::{Daemon, Fault, OPERATOR_ACL, Presented, Tokens};

use super::helpers::core_fault;
use crate::case::{Act, Case, Signal, step};

const GROUP: &str = "core";
const CORE: &[&str] = &["Core"];
const CONFIG: &[&str] = &["Config"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = away();
    cases.extend(failing());
    cases.extend(rights());
    cases.extend(certificates());
    cases
}

pub(super) fn refuses() -> Act {
    core_fault(Fault::refuse_connections)
}

pub(super) fn down(daemon: Daemon) -> Act {
    core_fault(move || Fault::daemon_down(daemon))
}

fn away() -> Vec<Case> {
    let later = |name, act| Case::later(name, GROUP, act).window(30);
    let down_twice = |first: Contact, daemon: Daemon, name| match first {
        Contact::Later => later(name, down(daemon)).signal(Signal::Core),
        Contact::First => Case::first(name, GROUP, down(daemon))
            .window(15)
            .signal(Signal::Core),
    };
    vec![
        later("core-refuses", refuses()).truth(CORE, &["CoreTransport"], &["CoreUnreachable"]),
        Case::first("core-refuses-from-the-start", GROUP, refuses())
            .truth(CORE, &["CoreTransport"], &["CoreUnreachable"])
            .window(15),
        down_twice(Contact::Later, Daemon::Confd, "confd-down")
            .truth(CORE, &["CoreAPI"], &["CoreServiceDown"])
            .decisive(),
        down_twice(Contact::First, Daemon::Confd, "confd-down-from-the-start")
            .truth(CORE, &["CoreAPI"], &["CoreServiceDown"])
            .decisive(),
        down_twice(Contact::Later, Daemon::Auth, "auth-down")
            .truth(
                CORE,
                &["CoreAuth", "CoreAPI"],
                &["CoreAuthDown", "CoreServiceDown"],
            )
            .decisive(),
        down_twice(Contact::First, Daemon::Auth, "auth-down-from-the-start")
            .truth(
                CORE,
                &["CoreAuth", "CoreAPI"],
                &["CoreAuthDown", "CoreServiceDown"],
            )
            .decisive(),
    ]
}

#[derive(Clone, Copy)]
enum Contact {
    First,
    Later,
}

fn failing() -> Vec<Case> {
    let later = |name, act| {
        Case::later(name, GROUP, act)
            .signal(Signal::Core)
            .window(35)
            .truth(CORE, &["CoreTransport", "CoreAuth", "CoreAPI", "CoreEvents"], &[])
    };
    let page = |status| {
        core_fault(move || {
            let page = "<html><body><h1>Maintenance</h1><p>We are back soon.</p></body></html>";
            Fault::answer(status, "text/html", page)
        })
    };
    vec![
        later("database-of-the-core-down", core_fault(Fault::postgresql_down)).decisive(),
        later(
            "database-of-confd-down",
            core_fault(|| Fault::postgresql_down().of_daemon(Daemon::Confd)),
        ),
        later("broker-down", core_fault(|| Fault::rabbitmq_down(Duration::from_secs(3)))),
        Case::first(
            "broker-down-during-the-registration",
            GROUP,
            core_fault(|| Fault::rabbitmq_down(Duration::from_secs(3))),
        )
        .truth(CORE, &["CoreAPI", "CoreEvents", "CoreAuth", "Registration"], &[])
        .window(35),
        Case::first(
            "core-fails-every-write",
            GROUP,
            core_fault(|| {
                Fault::answer(500, "application/json", r#"{"message": "Internal Server Error"}"#)
                    .on("POST", "/api/confd/1.1/external/apps")
            }),
        )
        .truth(CORE, &["CoreAPI", "Registration"], &[])
        .window(25),
        later("confd-hangs", core_fault(|| Fault::hang().of_daemon(Daemon::Confd)))
            .outside()
            .window(55),
        later("core-is-slow-beyond-use", core_fault(|| Fault::latency(Duration::from_secs(25))))
            .outside()
            .window(55),
        later("core-breaks-connections-off", core_fault(Fault::reset_before_effect)).outside(),
        later("maintenance-page-with-503", page(503)).outside(),
        later("maintenance-page-with-200", page(200)).outside(),
        later(
            "confd-speaks-no-json",
            core_fault(|| Fault::answer(200, "application/json", "{\"items\": [").of_daemon(Daemon::Confd)),
        )
        .outside(),
        Case::later(
            "front-of-the-core-throttles",
            GROUP,
            core_fault(|| Fault::answer(429, "text/html", "<html><body><h1>429 Too Many Requests</h1></body></html>")),
        )
        .truth(&["Operator", "Core"], &["CoreAPI", "CoreTransport", "CoreAuth"], &[])
        .signal(Signal::Core)
        .window(35),
        Case::first(
            "sessions-of-the-account-used-up",
            GROUP,
            core_fault(|| {
                Fault::answer(
                    429,
                    "application/json",
                    r#"{"reason": ["The maximum number of active sessions (100) has been reached"], "status_code": 429}"#,
                )
                .on("POST", "/api/auth/0.1/token")
            }),
        )
        .truth(&["Operator", "Config"], &["CoreAuth"], &[])
        .window(20),
    ]
}

/// The password is changed in the core, and back.
pub(super) fn password_changed() -> Act {
    Act::doing(
        step(|stage| {
            Box::pin(async move {
                stage.core.faults().change_password("another-password");
                Ok(())
            })
        }),
        step(|stage| {
            Box::pin(async move {
                let (_, password) = stage.core.account();
                stage.core.faults().change_password(password);
                Ok(())
            })
        }),
    )
}

/// The account keeps the rights but those that begin so, and gets all back.
pub(super) fn rights_taken(prefix: &'static str) -> Act {
    Act::doing(
        step(move |stage| {
            Box::pin(async move {
                let left: Vec<&str> = OPERATOR_ACL
                    .into_iter()
                    .filter(|right| !right.starts_with(prefix))
                    .collect();
                stage.core.faults().set_rights(&left, Tokens::Drop);
                Ok(())
            })
        }),
        step(|stage| {
            Box::pin(async move {
                stage.core.faults().set_rights(&OPERATOR_ACL, Tokens::Drop);
                Ok(())
            })
        }),
    )
}

/// Another stack answers.
pub(super) fn stack_replaced() -> Act {
    Act::doing(
        step(|stage| {
            Box::pin(async move {
                stage.note("stack", json!(stage.core.stack_uuid()));
                let other = uuid::Uuid::new_v4().to_string();
                stage.core.faults().change_stack_uuid(&other);
                stage.core.faults().expire_tokens();
                Ok(())
            })
        }),
        step(|stage| {
            Box::pin(async move {
                let uuid = stage.noted("stack");
                stage
                    .core
                    .faults()
                    .change_stack_uuid(uuid.as_str().unwrap_or_default());
                Ok(())
            })
        }),
    )
}

fn rights() -> Vec<Case> {
    let later = |name, act| Case::later(name, GROUP, act).signal(Signal::Core).window(35);
    let disabled = Act::doing(
        step(|stage| {
            Box::pin(async move {
                stage.core.accounts().enable(stage.core.account_uuid(), false);
                Ok(())
            })
        }),
        step(|stage| {
            Box::pin(async move {
                stage.core.accounts().enable(stage.core.account_uuid(), true);
                Ok(())
            })
        }),
    );
    vec![
        later("password-changed-in-the-core", password_changed())
            .truth(CONFIG, &["CoreAuth"], &["CredentialsChangedInCore"])
            .clear_within(400)
            .decisive(),
        later("account-disabled-in-the-core", disabled)
            .truth(
                CONFIG,
                &["CoreAuth"],
                &["CredentialsChangedInCore", "CoreCredentialsRejected"],
            )
            .clear_within(400)
            .outside(),
        later(
            "right-taken-away-in-the-core",
            rights_taken("confd.external.apps.read"),
        )
        .truth(CONFIG, &["CoreAuth"], &["PermissionChangedInCore"])
        .decisive(),
        later("all-rights-taken-away-in-the-core", rights_taken(""))
            .truth(CONFIG, &["CoreAuth"], &["PermissionChangedInCore"])
            .outside()
            .decisive(),
        Case::first(
            "right-missing-from-the-start",
            GROUP,
            rights_taken("confd.external.apps"),
        )
        .truth(
            CONFIG,
            &["CoreAuth"],
            &["CoreForbidden", "PermissionChangedInCore"],
        )
        .window(15)
        .decisive(),
        Case::later("stack-replaced", GROUP, stack_replaced())
            .truth(CONFIG, &["CoreTransport"], &["StackChanged"])
            .signal(Signal::Core)
            .window(35)
            .decisive(),
    ]
}

/// The front gets another certificate and starts again, as after a renewal.
pub(super) fn presents(certificate: Presented) -> Act {
    fn restarted_with(certificate: Presented) -> crate::case::Step {
        step(move |stage| {
            Box::pin(async move {
                stage.core.present(certificate)?;
                let away = stage.core.faults().inject(Fault::refuse_connections()).await;
                stage.core.faults().clear(away).await;
                Ok(())
            })
        })
    }
    Act::doing(restarted_with(certificate), restarted_with(Presented::Good))
}

fn certificates() -> Vec<Case> {
    let later = |name, certificate| {
        Case::later(name, GROUP, presents(certificate))
            .signal(Signal::Handshake)
            .window(35)
            .decisive()
    };
    vec![
        later("certificate-of-the-core-expires", Presented::Expired).truth(
            CORE,
            &["CoreTransport"],
            &["CoreCertificateInvalid"],
        ),
        later(
            "certificate-of-the-core-of-a-new-authority",
            Presented::OfAnotherAuthority,
        )
        .truth(CORE, &["CoreTransport"], &["CertificateChangedInCore"]),
        later(
            "certificate-of-the-core-for-another-name",
            Presented::OfOtherNames,
        )
        .truth(CORE, &["CoreTransport"], &[])
        .outside(),
        Case::first(
            "certificate-of-the-core-expired-from-the-start",
            GROUP,
            presents(Presented::Expired),
        )
        .truth(CORE, &["CoreTransport"], &["CoreCertificateInvalid"])
        .signal(Signal::Handshake)
        .window(25)
        .decisive(),
    ]
}

//! What a plugin may do in the core with the account of its own, and the daemons that it calls with it.

use serde_json::{Value, json};
use wazo_simulated_core::{Daemon, Fault};

use super::core::down;
use super::helpers::{core_fault, spec, spec_base};
use crate::case::{Act, Case, Signal, Step, step};

const GROUP: &str = "account";
const CORE: &[&str] = &["Core"];
const CONFIG: &[&str] = &["Config"];

fn with_account(acl: &[&str]) -> Value {
    json!({"registrations": {"account": {"acl": acl}}})
}

/// The WazoCore lets plugins have accounts with such rights.
fn granting(acl: &'static [&'static str]) -> Step {
    step(move |stage| {
        Box::pin(async move {
            stage.note(
                "grants",
                json!([{"registrations": ["UiApplication", "Account"], "acl": acl}]),
            );
            Ok(())
        })
    })
}

pub(super) fn cases() -> Vec<Case> {
    let calls = |name, act: Act| {
        Case::later(name, GROUP, act)
            .prepared(granting(&["calld.#"]))
            .base(spec_base(with_account(&["calld.calls.read"])))
            .signal(Signal::Core)
            .window(65)
    };
    let asks = |name, acl: &'static [&'static str], granted| {
        Case::first(name, GROUP, spec(with_account(acl)))
            .prepared(granting(granted))
            .truth(CONFIG, &[], &[])
            .window(20)
    };
    vec![
        calls("daemon-that-the-plugin-calls-is-down", down(Daemon::Calld))
            .truth(CORE, &["CoreAPI"], &["CoreServiceDown"])
            .decisive(),
        calls(
            "daemon-that-the-plugin-calls-fails",
            core_fault(|| {
                Fault::answer(500, "application/json", r#"{"message": "Internal Server Error"}"#)
                    .of_daemon(Daemon::Calld)
            }),
        )
        .truth(CORE, &["CoreAPI"], &["CoreServerError"]),
        asks(
            "rights-beyond-what-the-core-grants",
            &["calld.calls.read"],
            &["confd.#"],
        ),
        asks("rights-beyond-what-the-account-has", &["dird.#"], &["#"]).outside(),
    ]
}

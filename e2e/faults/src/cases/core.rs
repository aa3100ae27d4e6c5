//! Wazo's core: its front, its daemons, its broker, its accounts.

use wazo_simulated_core::{Daemon, Fault};

use super::helpers::core_fault;
use crate::case::{Case, Signal};

const GROUP: &str = "core";
const CORE: &[&str] = &["Core"];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::later("core-refuses", GROUP, core_fault(Fault::refuse_connections))
            .truth(CORE, &["CoreTransport"], &["CoreUnreachable"])
            .window(30),
        Case::first(
            "core-refuses-from-the-start",
            GROUP,
            core_fault(Fault::refuse_connections),
        )
        .truth(CORE, &["CoreTransport"], &["CoreUnreachable"])
        .window(15),
        Case::later(
            "confd-down",
            GROUP,
            core_fault(|| Fault::daemon_down(Daemon::Confd)),
        )
        .truth(CORE, &["CoreAPI"], &["CoreServiceDown"])
        .signal(Signal::Core)
        .window(30)
        .decisive(),
    ]
}

//! What is printed when the demo fails: all that helps to understand why.

use std::process::Command;

use wazo_e2e_node::{Cluster, OPERATOR, run};

use crate::core::Core;
use crate::stage::{Stage, typed};
use crate::story::NAMESPACE;

/// How many of the core's last requests are printed.
const REQUESTS: usize = 20;

/// Prints the operator's log, our objects, pods, events and the core's last requests.
pub(crate) fn failure(stage: &Stage, cluster: &Cluster, core: Option<&Core>) {
    stage.act("What is known about the failure");
    let operator = format!("deployment/{OPERATOR}");
    for arguments in [
        ["logs", "--namespace", OPERATOR, &operator, "--tail=40"].as_slice(),
        &["get", "pods", "--all-namespaces", "--output", "wide"],
        &[
            "get",
            "events",
            "--namespace",
            OPERATOR,
            "--sort-by=.metadata.creationTimestamp",
        ],
        &[
            "get",
            "events",
            "--namespace",
            NAMESPACE,
            "--sort-by=.metadata.creationTimestamp",
        ],
        &[
            "get",
            "wazocores,wazoplugins,httproutes",
            "--namespace",
            NAMESPACE,
            "--output",
            "yaml",
        ],
    ] {
        show(stage, cluster.kubectl().args(arguments));
    }
    if let Some(journal) = core.and_then(|core| core.journal().ok()) {
        stage.say("the core's last requests:");
        let journal: serde_json::Value = serde_json::from_str(&journal).unwrap_or_default();
        let entries = journal["entries"].as_array().cloned().unwrap_or_default();
        for entry in entries.iter().rev().take(REQUESTS).rev() {
            stage.quote(&format!(
                "{} {} {} {} {}",
                entry["time"], entry["method"], entry["path"], entry["status"], entry["faults"]
            ));
        }
    }
}

/// A failure of the report is part of it.
fn show(stage: &Stage, command: &mut Command) {
    stage.say(&format!("$ {}", typed(command)));
    match run(command) {
        Ok(said) => stage.quote(&said),
        Err(error) => stage.quote(&error.to_string()),
    }
}

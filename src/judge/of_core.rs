//! What is wrong with the plugin's core, as the plugin refers to it: one outage is one verdict, told by its WazoCore.

use super::candidate::Candidate;
use super::case::{Aspect, Case};
use super::{World, daemons, grant};
use crate::api::fault::{Fault, ObjectReference};
use crate::api::parse::Plugin;
use crate::api::reason::Reason;
use crate::keys::CoreKey;

/// The core's own verdict. It blocks the plugin where that has work to do in the core.
pub(super) fn judge(world: &World, plugin: &Plugin, registered: bool) -> Option<Case> {
    if plugin.ui.is_empty() && plugin.account.is_none() && world.core.is_some() {
        return None;
    }
    if let Some(candidate) = grant::no_core(world) {
        return Some(Case::new(Aspect::Core, candidate));
    }
    let core = world.core.as_ref()?;
    let told = |fault: Fault| case(&core.key, fault);
    if core.suspended() {
        if registered && !world.itself.deleting {
            return None;
        }
        return Some(told(suspended(world, &core.key.name)));
    }
    let fault = core.fault();
    let mut case = told(
        fault
            .filter(|fault| daemons::concerns(core, plugin, fault))?
            .clone(),
    );
    // What went on before goes on; a plugin that is being deleted has work to do in the core.
    case.candidate.fault.blocking &= !registered || world.itself.deleting;
    Some(case)
}

/// What is wrong with the daemons that a plugin uses and the operator does not need.
pub(super) fn of_daemons(world: &World, plugin: &Plugin) -> Vec<Case> {
    let Some(core) = &world.core else {
        return Vec::new();
    };
    let faults = daemons::judge(world, plugin).into_iter();
    faults.map(|fault| case(&core.key, fault)).collect()
}

/// A fault of a core, as one that follows from it.
fn case(core: &CoreKey, fault: Fault) -> Case {
    let mut case = Case::new(Aspect::Core, Candidate::recalled(fault));
    case.candidate.fault.caused_by = Some(ObjectReference {
        api_version: Some("plugins.wazo.io/v1alpha1".to_owned()),
        kind: Some("WazoCore".to_owned()),
        namespace: Some(core.namespace.clone()),
        name: Some(core.name.clone()),
        field_path: None,
    });
    case
}

fn suspended(world: &World, core: &str) -> Fault {
    let told = "the WazoCore is suspended while work is pending";
    Candidate::new(Reason::CoreSuspended, world.now, told)
        .evidence(
            "API server",
            "spec.suspend is true",
            Some(format!("WazoCore/{core}")),
        )
        .fault
}

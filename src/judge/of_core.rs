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
    let caused_by = object(&core.key);
    let told = |fault: Fault| {
        let mut case = Case::new(Aspect::Core, Candidate::recalled(fault));
        case.candidate.fault.caused_by = Some(caused_by);
        case
    };
    if core.suspended() {
        if registered && !world.itself.deleting {
            return None;
        }
        return Some(told(suspended(world, &core.key.name)));
    }
    let fault = core
        .fault()
        .filter(|fault| daemons::concerns(core, plugin, fault));
    let mut case = told(fault?.clone());
    // What went on before goes on; a plugin that is being deleted has work to do in the core.
    case.candidate.fault.blocking &= !registered || world.itself.deleting;
    Some(case)
}

/// The WazoCore, as the object that a fault follows from.
pub(super) fn object(key: &CoreKey) -> ObjectReference {
    ObjectReference {
        api_version: Some("plugins.wazo.io/v1alpha1".to_owned()),
        kind: Some("WazoCore".to_owned()),
        namespace: Some(key.namespace.clone()),
        name: Some(key.name.clone()),
        field_path: None,
    }
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

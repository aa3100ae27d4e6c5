//! What began while the core was away.

use super::Weight;
use crate::api::fault::{Confidence, Party, Suspicion};
use crate::api::reason::Reason;
use crate::judge::case::{Case, Lean};
use crate::judge::{World, daemons, grant};

/// A process that began to fail while the core was away may have died of that: nobody is blamed, the core is suspected.
pub(super) fn judge(world: &World, case: &mut Case) -> Option<Weight> {
    let fault = &mut case.candidate.fault;
    let seen = world.core.as_ref().filter(|_| !grant::is_withheld(world))?;
    let excused = seen.excused();
    let whole = seen.fault().or(excused.map(|excused| &excused.fault));
    // A daemon that its own code calls may be away while the core lets the operator do all that it has to.
    let plugin = world.itself.plugin.as_ref().ok();
    let mut daemons = plugin
        .into_iter()
        .flat_map(|plugin| daemons::judge(world, plugin));
    let daemon =
        daemons.find(|fault| matches!(fault.reason, Reason::CoreServiceDown | Reason::CoreServerError));
    let core = whole.filter(|core| core.blocking).or(daemon.as_ref())?;
    let away = matches!(core.party, Party::Core | Party::Path) && core.since.0 <= fault.since.0;
    let of_the_process = matches!(
        fault.reason,
        Reason::ProcessExited | Reason::ProcessCrashed | Reason::ProcessCompleted | Reason::ReportsUnhealthy
    );
    if !away || !of_the_process || fault.caused_by.is_some() {
        return None;
    }
    fault.contradicting.clear();
    fault.missing = vec!["a start of the process while the core answers".to_owned()];
    case.lean = if excused.is_some() {
        Lean::Nobody
    } else {
        Lean::Toward(Suspicion {
            party: core.party,
            reason: core.reason,
        })
    };
    Some(Weight {
        to: Confidence::Low,
        told: format!("it began while the core was away ({})", core.reason),
        supports: false,
    })
}

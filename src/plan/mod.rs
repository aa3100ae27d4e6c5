//! Pure: from the [`World`] of a plugin and what is true of it to what is to be done. One file per child object below
//! [`children`], one per kind of registration below [`registrations`].

pub mod children;
pub mod finalizer;
pub mod outline;
pub mod places;
pub mod probes;
pub mod registrations;
#[cfg(test)]
mod tests;

use crate::core::facts::CoreStep;
use crate::judge::Assessment;
use crate::keys::CoreKey;
use crate::observe::world::World;
use crate::probe::{ProbeJob, ReadinessJob};
use children::Want;
use finalizer::MetadataChange;

/// What is to be done for one plugin.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What changes in the object's own metadata; it comes first, and nothing else is done in the same pass.
    pub metadata: Option<MetadataChange>,
    /// What becomes of each child.
    pub children: Vec<Want>,
    /// What is wished for at the core; `None` where there is no core to ask.
    pub core: Option<CoreWishes>,
    /// What the prober looks at.
    pub probes: Vec<ProbeJob>,
    /// What tells why pods are not ready.
    pub readiness: Option<ReadinessJob>,
    /// `spec.suspend` is set: nothing is written or probed, and wishes left before are taken back.
    pub suspended: bool,
    /// Writes are due that wait for `spec.suspend` to go.
    pub pending: bool,
}

/// What is wished for at one core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreWishes {
    /// The core.
    pub key: CoreKey,
    /// All steps, those that hold already included.
    pub steps: Vec<CoreStep>,
}

impl Plan {
    /// Whether carrying it out would write to the cluster.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.metadata.is_some() || self.children.iter().any(Want::writes)
    }
}

/// Plans for a plugin.
#[must_use]
pub fn plan(world: &World, assessment: &Assessment) -> Plan {
    if world.itself.deleting {
        return deletion(world);
    }
    let Ok(plugin) = &world.itself.plugin else {
        // Nothing is changed on the word of a spec that is not understood; what runs goes on running, and what is
        // registered stays registered.
        return Plan {
            metadata: finalizer::add(world),
            ..Plan::default()
        };
    };
    let mut wanted = registrations::wanted(world, plugin, assessment);
    wanted.ledger.routes = places::wanted(world, plugin, assessment, &wanted.ledger);
    let (probes, readiness) = probes::jobs(world, plugin, assessment);
    let children = children::all(world, plugin);
    let metadata = finalizer::keep(world, &wanted.ledger);
    if plugin.spec.suspended() {
        let pending = metadata.is_some() || children.iter().any(Want::writes);
        return Plan {
            suspended: true,
            pending,
            ..Plan::default()
        };
    }
    Plan {
        metadata,
        children,
        core: wanted.wishes,
        probes,
        readiness,
        ..Plan::default()
    }
}

/// Deletion: the registrations go first; the children stay until they are gone, and then go with the object.
fn deletion(world: &World) -> Plan {
    let removal = registrations::removal(world);
    let metadata = if removal.done {
        finalizer::release(world)
    } else {
        None
    };
    Plan {
        metadata,
        core: removal.wishes,
        ..Plan::default()
    }
}

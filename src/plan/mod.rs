//! Pure: from the [`World`] of a plugin and what is true of it to what is to be done. One file per child object below
//! [`children`], one per kind of registration below [`registrations`].

pub mod children;
pub mod drift;
pub mod finalizer;
pub mod outline;
pub mod places;
pub mod probes;
pub mod registrations;
pub mod surroundings;
#[cfg(test)]
mod tests;
pub mod withdrawal;

use crate::api::parse::Plugin;
use crate::api::plugin::{RegistrationKind, ServiceReference};
use crate::core::facts::{CoreStep, Interest};
use crate::inquiry::SurroundingsJob;
use crate::judge::{Assessment, exposure, grant};
use crate::keys::CoreKey;
use crate::observe::facts::{ContainerState, PodFact};
use crate::observe::memory::ChildKind;
use crate::observe::tls_secret::TlsReference;
use crate::observe::world::World;
use crate::probe::{ProbeJob, ReadinessJob};
use children::{How, Want};
use finalizer::MetadataChange;
use registrations::account::AccountPlan;
use registrations::drift::Drifts;

/// What is to be done for one plugin.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What changes in the object's own metadata; it comes first, and nothing else is done in the same pass.
    pub metadata: Option<MetadataChange>,
    /// What becomes of each child.
    pub children: Vec<Want>,
    /// The Deployment to be tried by a dry run before anything is written; one that waits for something is tried, too.
    pub rehearsal: Option<Want>,
    /// What is wished for at the core; `None` where there is no core to ask.
    pub core: Option<CoreWishes>,
    /// What is done about the account.
    pub account: AccountPlan,
    /// What the prober looks at.
    pub probes: Vec<ProbeJob>,
    /// The Service of the partner's that is watched.
    pub service: Option<ServiceReference>,
    /// The Secret of the Ingress's certificate that is watched.
    pub certificate: Option<TlsReference>,
    /// What tells why pods are not ready.
    pub readiness: Option<ReadinessJob>,
    /// What is read of its surroundings, because something is wrong with it.
    pub surroundings: Option<SurroundingsJob>,
    /// `spec.suspend` is set: nothing is written or probed, and wishes left before are taken back; what the core does not
    /// grant any more is taken out of it all the same.
    pub suspended: bool,
    /// What runs is not what the spec asks for, and that waits for `spec.suspend` to go.
    pub pending: bool,
}

/// What is wished for at one core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreWishes {
    /// The core.
    pub key: CoreKey,
    /// All steps, those that hold already included.
    pub steps: Vec<CoreStep>,
    /// What has to be known of the core.
    pub interest: Interest,
    /// What somebody else undid.
    pub drifts: Drifts,
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
        // Nothing is changed on the word of a spec that is not understood.
        return withdrawal::of_unusable(world);
    };
    let mut wanted = registrations::wanted(world, plugin, assessment);
    wanted.ledger.routes = places::wanted(world, plugin, assessment, &wanted.ledger);
    let (probes, readiness) = probes::jobs(world, plugin, assessment);
    let children = children::all(world, plugin);
    let account = accounts(world, plugin, &children);
    wanted.ledger.accounts.clone_from(&account.tenants);
    let metadata = finalizer::keep(world, &wanted.ledger);
    if plugin.spec.suspended() {
        // What somebody else changed, and what only time asks for, is no change of the spec.
        let pending = metadata.is_some() || children.iter().any(Want::is_asked) || account.differs;
        return withdrawal::of_suspended(world, pending);
    }
    Plan {
        metadata,
        rehearsal: children::rehearsal(world, plugin, &children),
        children,
        core: wanted.wishes,
        account,
        probes,
        service: plugin.spec.service_ref.clone(),
        certificate: TlsReference::of(plugin).filter(|_| exposure::of_ingress(world, plugin).is_none()),
        readiness,
        surroundings: surroundings::job(world, plugin, assessment),
        ..Plan::default()
    }
}

fn accounts(world: &World, plugin: &Plugin, children: &[Want]) -> AccountPlan {
    let standing = grant::standing(world, RegistrationKind::Account);
    registrations::account::plan(world, plugin, standing, rolled(world, children))
}

/// Whether the pods that run are those of the Deployment as it is wanted, and no others run. One that is to go and is
/// still there may use what it was given.
fn rolled(world: &World, children: &[Want]) -> bool {
    let deployment = children.iter().find(|want| want.kind == ChildKind::Deployment);
    let Some(known) = &world.children.deployment else {
        return deployment.is_none() && world.children.pods.is_empty();
    };
    let of_another = |pod: &PodFact| {
        pod.revision != known.template && !matches!(pod.container.state, ContainerState::Terminated(_))
    };
    deployment.is_some_and(|want| want.how == How::Keep)
        && known.rolled_out()
        && !world.children.pods.values().any(of_another)
}

/// Deletion: the registrations go first; the children stay until they are gone, and then go with the object.
fn deletion(world: &World) -> Plan {
    let removal = registrations::removal(world);
    let account = registrations::account::removal(world);
    let metadata = if removal.done && account.settled {
        finalizer::release(world)
    } else {
        None
    };
    Plan {
        metadata,
        core: removal.wishes,
        account,
        ..Plan::default()
    }
}

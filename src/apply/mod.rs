//! Carries a plan out: the object's metadata, the children by server-side apply, and wishes to the core's actor and
//! the prober.

mod account;
mod children;
mod failure;
mod hidden;
mod refusal;
mod rehearsal;

use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::api::names::{LEDGER_ANNOTATION, LEDGER_MARK_ANNOTATION};
use crate::api::object::Raw;
use crate::api::plugin::WazoPlugin;
use crate::core::Cores;
use crate::inquiry::Inquiry;
use crate::keys::PluginKey;
use crate::observe::memory::{ChildKind, Drift, Memory};
use crate::observe::service_watch::ServiceWatches;
use crate::observe::store::FactStore;
use crate::observe::tls_watch::TlsWatches;
use crate::observe::world::World;
use crate::plan::Plan;
use crate::plan::finalizer::MetadataChange;
use crate::probe::Prober;

pub use failure::{FailedRequest, Failure};
pub use refusal::ApplyError;
pub(crate) use refusal::of_secret as refused_secret;

/// What carries plans out.
#[derive(Clone)]
pub struct Applier {
    /// The API server.
    pub client: Client,
    /// Where the answers to our own writes go.
    pub store: FactStore,
    /// What we remember of our writes.
    pub memory: Memory,
    /// The cores' actors.
    pub cores: Cores,
    /// The prober.
    pub prober: Prober,
    /// What reads the surroundings of plugins with which something is wrong.
    pub inquiry: Inquiry,
    /// The watches on Services that plugins name.
    pub services: ServiceWatches,
    /// The watches on the Secrets of Ingresses' certificates.
    pub certificates: TlsWatches,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The object's metadata was changed: its next version is on its way, and the next pass goes on.
    pub metadata: bool,
    /// The object was let go.
    pub released: bool,
    /// Children that were made.
    pub created: Vec<ChildKind>,
    /// Children that were changed because the spec asks for it.
    pub changed: Vec<ChildKind>,
    /// Children that were put back after somebody else changed them.
    pub corrected: Vec<Drift>,
    /// Whether new credentials of the account were published.
    pub published: bool,
    /// Whether the API server refused a child.
    pub refused: bool,
}

impl Applier {
    /// Carries a plan out, as far as the API server lets it.
    ///
    /// # Errors
    /// When the API server cannot be asked, or somebody else was quicker; the next pass plans anew.
    pub async fn carry_out(&self, world: &World, plan: &Plan) -> Result<Applied, ApplyError> {
        let key = &world.itself.key;
        self.prober.want(key, plan.probes.clone(), plan.readiness.clone());
        self.inquiry.want(key, plan.surroundings.clone());
        self.services.want(key, plan.service.as_ref());
        self.certificates.want(key, plan.certificate.as_ref());
        if let Some(change) = &plan.metadata {
            self.metadata(world, change).await?;
            if change.release {
                self.forget(key);
            }
            return Ok(Applied {
                metadata: true,
                released: change.release,
                ..Applied::default()
            });
        }
        let mut applied = Applied::default();
        if !rehearsal::is_passed(self, world, plan, &mut applied).await? {
            return Ok(applied);
        }
        // Pods that mount the Secret come after it.
        account::carry_out(self, world, plan, &mut applied).await?;
        for want in &plan.children {
            children::carry_out(self, world, want, &mut applied).await?;
        }
        match &plan.core {
            Some(wishes) => {
                self.cores.attend(&wishes.key, key, wishes.interest.clone());
                let drifts = &wishes.drifts;
                self.cores
                    .wish(&wishes.key, key, wishes.steps.clone(), &drifts.stood);
                self.memory.fought(key, drifts.fights.clone());
                self.cores.put_back(&wishes.key, key, &drifts.put_back);
                applied.corrected.extend(drifts.corrected.iter().cloned());
            }
            None if plan.suspended || world.itself.deleting => self.cores.forget(key),
            None => {}
        }
        account::wish(self, world, plan).await?;
        Ok(applied)
    }

    /// Forgets a plugin that is gone.
    pub fn forget(&self, key: &PluginKey) {
        self.cores.forget(key);
        self.prober.forget(key);
        self.inquiry.want(key, None);
        self.services.want(key, None);
        self.certificates.want(key, None);
        self.memory.forget(key);
    }

    async fn metadata(&self, world: &World, change: &MetadataChange) -> Result<(), ApplyError> {
        let key = &world.itself.key;
        let api: Api<Raw<WazoPlugin>> = Api::namespaced(self.client.clone(), &key.namespace);
        let mut patch = json!({"metadata": {
            "resourceVersion": world.itself.resource_version,
            "finalizers": change.finalizers,
        }});
        if let Some((ledger, marker)) = change.ledger.as_ref().zip(world.marker()) {
            let text = ledger.write();
            let mark = text.as_deref().map(|text| marker.mark(text));
            patch["metadata"]["annotations"] = json!({LEDGER_ANNOTATION: text, LEDGER_MARK_ANNOTATION: mark});
        }
        match api
            .patch(&key.name, &PatchParams::default(), &Patch::Merge(patch))
            .await
        {
            Ok(_) => Ok(()),
            // Somebody else let it go.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(ApplyError::from(error)),
        }
    }
}

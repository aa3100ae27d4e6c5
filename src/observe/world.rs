//! All that is known about one plugin at one moment: the only thing that the judge and the plan look at.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::allowance::Allowance;
use super::changes::Changes;
use super::claims::Claims;
use super::directory::{CoreEntry, Excused};
use super::facts::GatewayFact;
use super::hosts::Lost;
use super::ledger::Ledger;
use super::ledger_mark::{Marker, Standing};
use super::memory::{ChildKind, ChildMemory, Fight, Refusal};
use super::neighbours::Neighbours;
use super::service_facts::BackendFact;
use super::store::ChildFacts;
use super::surroundings::Surroundings;
use super::tls_secret::TlsSecretView;
use super::verdicts::Verdicts;
use crate::api::fault::Fault;
use crate::api::parse::{Invalid, Plugin};
use crate::api::plugin::WazoPluginStatus;
use crate::api::ui_manifest::Product;
use crate::core::account::AccountFact;
use crate::core::facts::{AppKey, CoreFacts, StepOutcome};
use crate::keys::{CoreKey, PluginKey};
use crate::probe::ProbeFacts;

/// The WazoPlugin itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Itself {
    /// `namespace/name`.
    pub key: PluginKey,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.finalizers`.
    pub finalizers: Vec<String>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Our ledger annotation as far as it counts; made from the status where it is lost.
    pub ledger: Ledger,
    /// What the annotation is worth.
    pub ledger_standing: Standing,
    /// The annotation `plugins.wazo.io/abandon-registrations` is `true`.
    pub abandon: bool,
    /// The annotation `plugins.wazo.io/rotate`.
    pub rotate: Option<String>,
    /// The annotation `reconcile.plugins.wazo.io/requestedAt`.
    pub requested_at: Option<String>,
    /// The spec, or the first field of it that is not usable.
    pub plugin: Result<Plugin, Invalid>,
    /// The core that it refers to, even where the rest of the spec is not usable.
    pub core: Option<CoreKey>,
    /// The status that we wrote last.
    pub before: WazoPluginStatus,
}

/// The core that a plugin refers to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CoreView {
    /// Its key.
    pub key: CoreKey,
    /// Its entry in the directory.
    pub entry: Arc<CoreEntry>,
    /// What its actor knows.
    pub facts: Option<Arc<CoreFacts>>,
    /// The certificate authority of its stack, PEM, where it has one of its own.
    #[serde(skip)]
    pub ca_pem: Option<Arc<[u8]>>,
}

impl CoreView {
    /// The tenant that the operator acts in, once known. `None` also while its spec cannot be read: nobody knows then
    /// which applications are meant, and no application is not the same as every application without the URL.
    #[must_use]
    pub fn tenant(&self) -> Option<Uuid> {
        self.entry.spec.as_ref()?;
        let facts = self.facts.as_ref()?;
        // The tenants of another stack are not ours.
        facts.tenant.filter(|_| facts.stack_changed.is_none())
    }

    /// Who the operator is to the core, once settled: part of the name of all that it makes there.
    #[must_use]
    pub fn owner_id(&self) -> Option<&str> {
        self.entry.owner_id.as_deref()
    }

    /// The uuid of the stack, once known: part of the name of all that the operator makes there.
    #[must_use]
    pub fn stack(&self) -> Option<Uuid> {
        self.entry.stack
    }

    /// What marks the ledger of one of its plugins, once there is a key.
    #[must_use]
    pub fn marker<'a>(&'a self, plugin: &'a PluginKey) -> Option<Marker<'a>> {
        Some(Marker {
            key: self.entry.ledger_key.as_ref()?,
            owner: self.owner_id()?,
            core: &self.key,
            plugin,
        })
    }

    /// The external applications that hold plugins of a product.
    #[must_use]
    pub fn applications(&self, product: Product) -> Vec<String> {
        self.entry
            .spec
            .as_ref()
            .map(|spec| spec.applications(product))
            .unwrap_or_default()
    }

    /// What is wrong with it.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.entry.fault.as_ref()
    }

    /// What is wrong with it during an announced maintenance: nobody is blamed for it.
    #[must_use]
    pub fn excused(&self) -> Option<&Excused> {
        self.entry.excused.as_ref()
    }

    /// Whether its spec says that nothing is sent to it.
    #[must_use]
    pub fn suspended(&self) -> bool {
        self.entry
            .spec
            .as_ref()
            .is_some_and(|spec| spec.suspend == Some(true))
    }
}

/// The Gateway that a plugin names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatewayView {
    /// The plugin is not exposed.
    NotAsked,
    /// The cluster does not serve the Gateway API.
    ApiMissing,
    /// There is no such Gateway.
    NotFound,
    /// What is known of it.
    Found(GatewayFact),
}

/// The IngressClass of a plugin's Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IngressClassView {
    /// The plugin has no Ingress.
    NotAsked,
    /// There is no class of the name that the plugin gives.
    NotFound,
    /// The plugin names none, and the cluster has no default.
    NoDefault,
    /// It is there.
    Found,
}

/// All that is known about one plugin at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// The object itself.
    pub itself: Itself,
    /// Its core; `None`: there is none of that name, or it is one of another namespace that grants nothing to this one
    /// and holds nothing of the plugin.
    pub core: Option<CoreView>,
    /// What its core allows it; `None`: it cannot be told now.
    pub allowance: Option<Allowance>,
    /// Its children and pods.
    pub children: ChildFacts,
    /// What we remember of our writes to them.
    pub memory: BTreeMap<ChildKind, ChildMemory>,
    /// What we remember of the applications of the core that hold its URLs.
    pub fights: BTreeMap<AppKey, Fight>,
    /// The Service that it names in `spec.serviceRef`.
    pub backend: Option<BackendFact>,
    /// Its Gateway.
    pub gateway: GatewayView,
    /// The class of its Ingress.
    pub ingress_class: IngressClassView,
    /// The Secret of its Ingress's certificate.
    pub certificate: TlsSecretView,
    /// What the prober saw.
    pub probe: ProbeFacts,
    /// What was read of its surroundings, because something is wrong with it.
    #[serde(default)]
    pub surroundings: Surroundings,
    /// How other plugins do that share something with it.
    #[serde(default)]
    pub neighbours: Neighbours,
    /// What is remembered of earlier verdicts on it.
    #[serde(default)]
    pub verdicts: Verdicts,
    /// When what it depends on last became another.
    #[serde(default)]
    pub changes: Changes,
    /// What is known of its account at the core.
    pub account: Option<AccountFact>,
    /// Why a Secret of its account could not be written.
    pub account_refusal: Option<Refusal>,
    /// What became of its wishes at the core.
    pub outcomes: Vec<StepOutcome>,
    /// Places of its own that others had first.
    pub lost: Vec<Lost>,
    /// What other plugins of this cluster declare as theirs, too: it stays in the core when this one goes.
    pub shared: Claims,
    /// The names of Secrets of this namespace that hold the credentials of a WazoCore.
    pub core_secrets: BTreeSet<String>,
    /// How long a rollout may take.
    pub rollout_deadline: Duration,
    /// Within how long three corrections of one object are a fight.
    pub drift_window: Duration,
    /// The moment.
    pub now: Timestamp,
}

impl World {
    /// What marks the plugin's ledger; `None`: the core, or its key, is not known, and nothing can be written down.
    #[must_use]
    pub fn marker(&self) -> Option<Marker<'_>> {
        let core = self.core.as_ref()?;
        core.marker(&self.itself.key)
    }
}

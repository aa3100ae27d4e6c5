//! The `WazoPlugin`: what a partner asks for, and what the operator says of it.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

mod drift;
mod expose;
mod network;
mod registrations;
mod status;
mod tenants;
mod workload;

pub use drift::DriftStatus;
pub use expose::{Expose, ExposeMetadata, GatewayReference, IngressReference, IngressTls, Verify};
pub use network::{Network, NetworkMode};
pub use registrations::{
    AccountRegistration, Audience, AudienceFrom, Registrations, UiRegistration, UserReference,
};
pub use status::{
    NotRegistered, Registered, RegistrationKind, RegistrationState, RegistrationStatus, RolloutClock,
    WazoPluginStatus,
};
pub use tenants::{TenantReference, Tenants, TenantsFrom};
pub use workload::{PodTemplate, Readiness, Resources, Startup, Workload, WorkloadSecurityContext};

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::ui_manifest::Product;

/// A Wazo plugin: runs it in this cluster, makes it reachable, registers it with a Wazo core, and says whether it
/// works and, if not, whose fault that is.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "plugins.wazo.io",
    version = "v1alpha1",
    kind = "WazoPlugin",
    namespaced,
    status = "WazoPluginStatus",
    scale(
        spec_replicas_path = ".spec.workload.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    shortname = "wzp",
    category = "wazo",
    doc = "A plugin of the telephony platform Wazo: it runs in this cluster, is made reachable, is registered with a Wazo core, and says whether it works and, if not, whose fault that is.",
    printcolumn(name = "READY", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "REASON", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "FAULT", type_ = "string", json_path = ".status.fault.party"),
    printcolumn(name = "VERSION", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "REGISTERED", type_ = "string", json_path = ".status.registered.summary"),
    printcolumn(name = "URL", type_ = "string", priority = 1, json_path = ".status.url"),
    printcolumn(name = "MESSAGE", type_ = "string", priority = 1, json_path = r#".status.conditions[?(@.type=="Ready")].message"#),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".spec.coreRef.name",
    selectable = ".status.fault.party",
    selectable = ".status.fault.reason",
    validation = Rule::new("self.metadata.name.size() <= 52 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name must be a DNS-1035 label of at most 52 characters: lower case letters, digits and '-', starting with a letter")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.workload), has(self.serviceRef), has(self.url)].filter(source, source).size() == 1")
        .message("spec must have exactly one of workload, serviceRef and url: they say where the plugin runs"),
    validation = Rule::new("!has(self.url) || !has(self.expose)")
        .message("spec.expose is not for a plugin with spec.url: it is reached there already"),
    validation = Rule::new("!has(self.registrations) || !has(self.registrations.ui) || self.registrations.ui.size() == 0 || has(self.expose) || has(self.url)")
        .message("spec.expose is needed for registrations.ui: browsers load the plugin from there"),
    validation = Rule::new("!has(self.network) || has(self.workload)")
        .message("spec.network is for the pods of spec.workload"),
    validation = Rule::new("!has(self.registrations) || !has(self.registrations.account) || has(self.workload)")
        .message("spec.registrations.account needs spec.workload: its pods get the credentials"),
)]
pub struct WazoPluginSpec {
    /// The core that the plugin is registered with.
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("spec.coreRef is immutable: create another WazoPlugin for another core"))]
    pub core_ref: CoreReference,
    /// The tenants in which it is registered. Default: the tenant of the core's account.
    pub tenants: Option<Tenants>,
    /// What runs: the operator makes the pods. Exactly one of `workload`, `serviceRef` and `url` is given.
    pub workload: Option<Workload>,
    /// A Service of this namespace behind which the plugin runs already: the operator exposes, registers and watches it.
    pub service_ref: Option<ServiceReference>,
    /// Where the plugin is hosted already, outside of this cluster: the operator registers and watches it. The paths of
    /// the registrations join to it.
    #[schemars(length(min = 9, max = 1024), regex(pattern = r"^https://[^\s{}@?#]+$"))]
    pub url: Option<String>,
    /// How it is reached from outside. Needed for `registrations.ui`, unless `url` says where it is.
    pub expose: Option<Expose>,
    /// What it is to the core.
    pub registrations: Option<Registrations>,
    /// With whom the pods may speak. Default: `mode: Default`.
    pub network: Option<Network>,
    /// How long a rollout may take.
    pub rollout: Option<Rollout>,
    /// What happens to the registrations when this object is deleted. Default: `Deregister`.
    pub deletion_policy: Option<DeletionPolicy>,
    /// What happens where somebody else changes what the operator made. Default: `Correct`.
    pub drift: Option<Drift>,
    /// Stops every write. Deletion overrides it and still deregisters. Default: false.
    pub suspend: Option<bool>,
}

/// A reference to a `WazoCore`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct CoreReference {
    /// The name of the WazoCore.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// Its namespace; one of another namespace must grant its use (`spec.grants`). Default: the plugin's.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// A Service of the plugin's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ServiceReference {
    /// Its name.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The number of its port that speaks HTTP.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
}

/// How long a rollout may take.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Rollout {
    /// After this long the rollout has failed (`Stalled`), as in `4m`: 10 seconds to 24 hours. The clock stands still while the fault is the
    /// core's, the path's, a dependency's or the operator's. Default: `4m`.
    #[schemars(
        length(min = 2, max = 16),
        regex(pattern = "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$")
    )]
    pub deadline: Option<String>,
}

/// What happens where somebody else changes what the operator made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Drift {
    /// It is put back; after the third time within an hour it is only reported.
    Correct,
    /// It is reported: condition `Drifted`.
    Report,
}

/// What happens to the registrations when the WazoPlugin is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They are taken out of the core first.
    Deregister,
    /// They stay in the core.
    Retain,
}

impl WazoPluginSpec {
    /// Where the manifest is verified.
    #[must_use]
    pub fn verify(&self) -> Verify {
        self.expose
            .as_ref()
            .and_then(|expose| expose.verify)
            .unwrap_or(Verify::Public)
    }

    /// The account in the core, where one is asked for.
    #[must_use]
    pub fn account(&self) -> Option<&AccountRegistration> {
        self.registrations.as_ref()?.account.as_ref()
    }

    /// What happens where somebody else changes what the operator made.
    #[must_use]
    pub fn drift(&self) -> Drift {
        self.drift.unwrap_or(Drift::Correct)
    }

    /// What happens to the registrations at deletion.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or(DeletionPolicy::Deregister)
    }

    /// The UI registrations.
    #[must_use]
    pub fn ui(&self) -> &[UiRegistration] {
        self.registrations
            .as_ref()
            .and_then(|registrations| registrations.ui.as_deref())
            .unwrap_or_default()
    }

    /// Whether every write is stopped.
    #[must_use]
    pub fn suspended(&self) -> bool {
        self.suspend.unwrap_or(false)
    }
}

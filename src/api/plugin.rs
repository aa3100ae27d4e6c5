//! The `WazoPlugin`: what a partner asks for, and what the operator says of it.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvVar, LocalObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
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
#[x_kube(validation = Rule::new("!has(self.registrations) || !has(self.registrations.ui) || self.registrations.ui.size() == 0 || has(self.expose)")
    .message("spec.expose is needed for registrations.ui: browsers load the plugin from there"))]
pub struct WazoPluginSpec {
    /// The core that the plugin is registered with.
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("spec.coreRef is immutable: create another WazoPlugin for another core"))]
    pub core_ref: CoreReference,
    /// The tenants in which it is registered. Default: the tenant of the core's account.
    pub tenants: Option<Tenants>,
    /// What runs.
    pub workload: Workload,
    /// How it is reached from outside. Needed for `registrations.ui`.
    pub expose: Option<Expose>,
    /// What it is to the core.
    pub registrations: Option<Registrations>,
    /// What happens to the registrations when this object is deleted. Default: `Deregister`.
    pub deletion_policy: Option<DeletionPolicy>,
    /// Stops every write. Deletion overrides it and still deregisters. Default: false.
    pub suspend: Option<bool>,
}

/// A reference to a `WazoCore` of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct CoreReference {
    /// The name of the WazoCore.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// The tenants in which a plugin is registered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Tenants {
    /// `Core`: the tenant of the WazoCore.
    pub from: TenantsFrom,
}

/// Where the list of tenants comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TenantsFrom {
    /// The tenant of the WazoCore.
    Core,
}

/// The pods of a plugin.
#[derive(Clone, Debug, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// The image, as in a pod.
    #[schemars(length(min = 1, max = 1024))]
    pub image: String,
    /// The port on which the process listens with HTTP.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// How many pods. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: i32,
    /// Environment variables, as in a pod.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 100))]
    pub env: Option<Vec<EnvVar>>,
    /// Requests and limits, as in a pod.
    pub resources: Option<Resources>,
    /// How the kubelet tells whether a pod is ready. Default: the path of the first UI manifest, else a TCP connection.
    pub readiness: Option<Readiness>,
    /// Secrets of this namespace with credentials for the registry.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 10))]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
}

const fn one() -> i32 {
    1
}

/// Requests and limits of the container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Resources {
    /// What the scheduler sets aside.
    #[schemars(length(max = 20))]
    pub requests: Option<BTreeMap<String, IntOrString>>,
    /// What the container may use at the most.
    #[schemars(length(max = 20))]
    pub limits: Option<BTreeMap<String, IntOrString>>,
}

/// How the kubelet tells whether a pod is ready.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Readiness {
    /// A path that answers 200 to 399 when the pod can serve.
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^/"))]
    pub path: String,
}

/// How a plugin is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expose {
    /// The public host name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$")
    )]
    pub host: String,
    /// A prefix, passed through unrewritten; the paths of the registrations join to it. Default: `/`.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^/[-A-Za-z0-9._~/]*$"))]
    pub path: Option<String>,
    /// The Gateway (Gateway API) that serves the host.
    pub gateway: GatewayReference,
    /// The address by which users reach it, where that is another one than `https://` + host + path.
    #[schemars(length(min = 9, max = 1024), regex(pattern = r"^https://[^\s{}]+$"))]
    pub url: Option<String>,
    /// Whether the manifest is fetched and checked through the public address before its URL is registered. Default: `Public`.
    pub verify: Option<Verify>,
}

/// A listener of a Gateway (Gateway API).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayReference {
    /// The Gateway's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The Gateway's namespace. Default: the plugin's.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// The name of the listener. Default: all that take the host.
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}

/// Where the manifest is verified before it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Verify {
    /// Through the public address, as a browser would.
    Public,
    /// Not at all, for networks in which the cluster cannot reach its own public address.
    None,
}

/// What a plugin is to the core.
#[derive(Clone, Debug, Deserialize, Serialize, KubeSchema)]
pub struct Registrations {
    /// Pages in the Wazo applications.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 16))]
    pub ui: Option<Vec<UiRegistration>>,
}

/// A UI manifest, registered with an application of Wazo.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct UiRegistration {
    /// The name of the entry within this object.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The application: `App` (web and desktop) or `Mobile`.
    pub product: Product,
    /// The path of the manifest below the plugin's address.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^/[^\s{}?#,]*$"))]
    pub manifest: String,
    /// Who sees it. Default: everybody in the tenant.
    pub audience: Option<Audience>,
}

/// Who sees a registration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Audience {
    /// `Tenant`: everybody in the tenant.
    pub from: AudienceFrom,
}

/// Where the audience comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum AudienceFrom {
    /// Everybody in the tenant.
    Tenant,
}

/// What happens to the registrations when the WazoPlugin is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They are taken out of the core first.
    Deregister,
    /// They stay in the core.
    Retain,
}

/// What the operator says of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WazoPluginStatus {
    /// The generation of the spec that this status speaks of; -1: not looked at yet.
    pub observed_generation: i64,
    /// The public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The plugin's version: from its manifest, else the image's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The image that runs, by digest where the node tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Pods of the Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Those that are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// How many registrations are in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<Registered>,
    /// One row per declared entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<RegistrationStatus>,
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Whose fault it is; absent when nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Further faults that do not follow from the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub other_faults: Vec<Fault>,
    /// The clock of the rollout's deadline, kept over restarts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutClock>,
    /// The last value of the annotation `reconcile.plugins.wazo.io/requestedAt` that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// How many registrations are in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Registered {
    /// How many the spec asks for.
    pub desired: i32,
    /// How many the core holds.
    pub current: i32,
    /// `current/desired`.
    pub summary: String,
}

/// One declared registration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct RegistrationStatus {
    /// The kind of registration.
    pub kind: RegistrationKind,
    /// The name of the entry.
    pub name: String,
    /// How many objects of the core it needs.
    pub desired: i32,
    /// How many of them hold it.
    pub current: i32,
    /// How far it is.
    pub state: RegistrationState,
    /// Why it is not further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The URL that is registered, or will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The kinds of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum RegistrationKind {
    /// A UI manifest in an external application of a tenant.
    UiApplication,
}

/// How far a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum RegistrationState {
    /// Not begun.
    Pending,
    /// Waits for something else to be true first.
    Held,
    /// Being written.
    Registering,
    /// Read back from the core.
    Registered,
    /// Being taken out.
    Deregistering,
    /// The core, or the form of its object, refuses it.
    Refused,
}

/// The clock of the rollout's deadline: it stands still while the fault is the core's, the path's, a dependency's or
/// the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutClock {
    /// The generation that is being rolled out.
    pub revision: i64,
    /// Seconds that counted up to `since`.
    pub elapsed_seconds: i64,
    /// Since when the clock runs; absent while it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
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

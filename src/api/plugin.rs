//! The `WazoPlugin`: what a partner asks for, and what the operator says of it.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, LocalObjectReference};
use k8s_openapi::api::networking::v1::NetworkPolicyEgressRule;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime, Time};
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

/// The tenants in which a plugin is registered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.from == 'List') == has(self.list)")
    .message("spec.tenants.list is given with from: List, and only then"))]
pub struct Tenants {
    /// `Core`: the tenant of the WazoCore. `Descendants`: that one and all below it. `List`: those of `list`.
    pub from: TenantsFrom,
    /// The tenants, for `from: List`.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["uuid".into()]))]
    #[schemars(length(min = 1, max = 500))]
    pub list: Option<Vec<TenantReference>>,
}

/// Where the list of tenants comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TenantsFrom {
    /// The tenant of the WazoCore.
    Core,
    /// The tenant of the WazoCore and all below it.
    Descendants,
    /// Those of `list`.
    List,
}

/// A tenant of the core.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct TenantReference {
    /// Its uuid.
    #[schemars(
        length(min = 36, max = 36),
        regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    )]
    pub uuid: String,
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

/// With whom the pods may speak.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Network {
    /// `Default`: in on `port`; out to DNS, the core and public addresses, not to private ranges. `Isolated`: in on
    /// `port`; out to DNS and what `egress` allows. `Open`: no NetworkPolicy. Default: `Default`.
    pub mode: Option<NetworkMode>,
    /// What the pods may reach besides, as in a NetworkPolicy. Your network plugin must enforce NetworkPolicies.
    #[schemars(length(max = 20))]
    pub egress: Option<Vec<NetworkPolicyEgressRule>>,
}

/// How closed the network of the pods is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum NetworkMode {
    /// In on `port`; out to DNS, the core and public addresses.
    Default,
    /// In on `port`; out to DNS and what `egress` allows.
    Isolated,
    /// No NetworkPolicy.
    Open,
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

/// The pods of a plugin.
#[derive(Clone, Debug, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// The image, as in a pod.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^\S+$"))]
    pub image: String,
    /// The port on which the process listens with HTTP.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// How many pods. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: i32,
    /// The program and its first arguments, as in a pod. Default: the image's.
    #[schemars(length(max = 50))]
    pub command: Option<Vec<String>>,
    /// Arguments, as in a pod. Default: the image's.
    #[schemars(length(max = 100))]
    pub args: Option<Vec<String>>,
    /// Environment variables, as in a pod.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 100))]
    pub env: Option<Vec<EnvVar>>,
    /// ConfigMaps and Secrets whose keys become environment variables, as in a pod.
    #[schemars(length(max = 20))]
    pub env_from: Option<Vec<EnvFromSource>>,
    /// Requests and limits, as in a pod.
    pub resources: Option<Resources>,
    /// How the kubelet tells whether a pod is ready. Default: the path of the first UI manifest, else a TCP connection.
    pub readiness: Option<Readiness>,
    /// How long the process may take to start before the kubelet starts it again. Default: no limit of its own.
    pub startup: Option<Startup>,
    /// As whom the process runs. Default: as the image says, which must not be root.
    pub security_context: Option<WorkloadSecurityContext>,
    /// A ServiceAccount of this namespace for the pods. Default: one of the plugin's own, without rights.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub service_account_name: Option<String>,
    /// Secrets of this namespace with credentials for the registry.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 10))]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
    /// Anything else of a pod template: `metadata` and `spec`, merged over the operator's by the names of list items;
    /// the container `plugin` is the operator's to complete. Privileges beyond the Pod Security Standard `restricted`,
    /// host namespaces, host paths, node names, projected ServiceAccount tokens and system priority classes are refused.
    pub pod_template: Option<PodTemplate>,
}

/// Anything else of a pod template; free-form in the schema, decoded strictly by the operator.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PodTemplate(pub serde_json::Map<String, serde_json::Value>);

impl JsonSchema for PodTemplate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PodTemplate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
    }
}

/// How long the process may take to start.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Startup {
    /// As in `2m`: 10 seconds to 1 hour.
    #[schemars(
        length(min = 2, max = 16),
        regex(pattern = "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$")
    )]
    pub timeout: String,
}

/// As whom the process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSecurityContext {
    /// The user id of the process; not 0.
    #[schemars(range(min = 1, max = 2147483647))]
    pub run_as_user: Option<i64>,
    /// The group id of the process; not 0.
    #[schemars(range(min = 1, max = 2147483647))]
    pub run_as_group: Option<i64>,
    /// The group that owns the volumes.
    #[schemars(range(min = 1, max = 2147483647))]
    pub fs_group: Option<i64>,
    /// Whether the image's own files cannot be written; `/tmp` stays writable. Default: false.
    pub read_only_root_filesystem: Option<bool>,
}

const fn one() -> i32 {
    1
}

/// Requests and limits of the container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Resources {
    /// What the scheduler sets aside.
    #[schemars(extend("maxProperties" = 20))]
    pub requests: Option<BTreeMap<String, IntOrString>>,
    /// What the container may use at the most.
    #[schemars(extend("maxProperties" = 20))]
    pub limits: Option<BTreeMap<String, IntOrString>>,
}

/// How the kubelet tells whether a pod is ready.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Readiness {
    /// A path that answers 200 to 399 when the pod can serve.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^/\S*$"))]
    pub path: String,
}

/// How a plugin is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.gateway) != has(self.ingress)")
    .message("spec.expose must have exactly one of gateway and ingress"))]
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
    /// The Gateway (Gateway API) that serves the host. Exactly one of `gateway` and `ingress` is given.
    pub gateway: Option<GatewayReference>,
    /// The Ingress that serves the host.
    pub ingress: Option<IngressReference>,
    /// Labels and annotations for the HTTPRoute or Ingress, as external-dns or cert-manager read them.
    pub metadata: Option<ExposeMetadata>,
    /// The address by which users reach it, where that is another one than `https://` + host + path.
    #[schemars(length(min = 9, max = 1024), regex(pattern = r"^https://[^\s{}@?#]+$"))]
    pub url: Option<String>,
    /// Whether the manifest is fetched and checked through the public address before its URL is registered. Default: `Public`.
    pub verify: Option<Verify>,
}

/// A listener of a Gateway (Gateway API).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayReference {
    /// The Gateway's name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// The Gateway's namespace. Default: the plugin's.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// The name of the listener. Default: all that take the host.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub section_name: Option<String>,
}

/// How an Ingress is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressReference {
    /// The IngressClass. Default: the cluster's default class.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub class_name: Option<String>,
    /// The certificate. Default: the controller's own.
    pub tls: Option<IngressTls>,
}

/// The certificate of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressTls {
    /// A Secret of this namespace of type `kubernetes.io/tls`.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub secret_name: String,
}

/// Labels and annotations for the HTTPRoute or Ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ExposeMetadata {
    /// Labels; those of the operator win.
    #[schemars(extend("maxProperties" = 30))]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations; those of the operator win.
    #[schemars(extend("maxProperties" = 30))]
    pub annotations: Option<BTreeMap<String, String>>,
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
    /// A service account in the core for the plugin's pods.
    pub account: Option<AccountRegistration>,
}

/// A service account in the core. Its credentials are in a Secret that is mounted at `/var/run/wazo`, with the keys
/// `url`, `tenant`, `username`, `password` and `ca.crt`; the environment has `WAZO_URL`, `WAZO_TENANT` and
/// `WAZO_CREDENTIALS_DIR`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountRegistration {
    /// The tenant of the account. Default: the tenant of the WazoCore.
    #[schemars(
        length(min = 36, max = 36),
        regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    )]
    pub tenant: Option<String>,
    /// What the account may do, in Wazo's ACL notation, as in `confd.users.read`. The WazoCore must grant all of it.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    pub acl: Option<Vec<String>>,
    /// The name of the Secret. Default: the plugin's name with `-core` behind it.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub secret_name: Option<String>,
    /// After how long the credentials are replaced, as in `720h`: at least 1 hour. Default: never.
    #[schemars(
        length(min = 2, max = 16),
        regex(pattern = "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$")
    )]
    pub rotate_every: Option<String>,
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.from == 'Users') == has(self.users)")
    .message("audience.users is given with from: Users, and only then"))]
pub struct Audience {
    /// `Tenant`: everybody in the tenant. `Users`: those of `users`.
    pub from: AudienceFrom,
    /// The users, for `from: Users`.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["uuid".into()]))]
    #[schemars(length(min = 1, max = 100))]
    pub users: Option<Vec<UserReference>>,
}

/// A user of the core.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct UserReference {
    /// The user's uuid.
    #[schemars(
        length(min = 36, max = 36),
        regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    )]
    pub uuid: String,
}

/// Where the audience comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum AudienceFrom {
    /// Everybody in the tenant.
    Tenant,
    /// Some users.
    Users,
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
    /// The label selector of the pods, for the scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
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
    /// Objects that somebody else changes: how often they were put back, kept over restarts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub drift: Vec<DriftStatus>,
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
#[serde(rename_all = "camelCase")]
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
    /// Some of the tenants or users where it is not registered, and why: at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub not_registered: Vec<NotRegistered>,
}

/// An object that somebody else changes, and that was put back lately or is left so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// The kind of the object; `application` for one of the core.
    pub kind: String,
    /// The name of an application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The tenant of an application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When it was put back: at most the last three times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub corrected_at: Vec<MicroTime>,
    /// Since when it is left alone, after it was put back three times within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<MicroTime>,
    /// Whether an application is left as somebody else changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<bool>,
}

/// A tenant, or a user in it, where an entry is not registered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct NotRegistered {
    /// The tenant.
    pub tenant: String,
    /// The user, for an audience of users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Why not.
    pub reason: String,
}

/// The kinds of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum RegistrationKind {
    /// A UI manifest in an external application of a tenant.
    UiApplication,
    /// A service account.
    Account,
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

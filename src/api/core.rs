//! The `WazoCore`: a connection to one Wazo stack, as one account.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::plugin::{RegistrationKind, Tenants};
use super::ui_manifest::Product;

/// A connection to one Wazo stack, as one account.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[kube(
    group = "plugins.wazo.io",
    version = "v1alpha1",
    kind = "WazoCore",
    namespaced,
    status = "WazoCoreStatus",
    shortname = "wzc",
    category = "wazo",
    doc = "A connection to one Wazo stack, as one account: WazoPlugins are registered through it.",
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "REASON",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "FAULT", type_ = "string", json_path = ".status.fault.party"),
    printcolumn(name = "VERSION", type_ = "string", json_path = ".status.stack.version"),
    printcolumn(name = "PLUGINS", type_ = "integer", json_path = ".status.plugins.total"),
    printcolumn(name = "URL", type_ = "string", priority = 1, json_path = ".spec.url"),
    printcolumn(
        name = "MESSAGE",
        type_ = "string",
        priority = 1,
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#
    ),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".status.fault.party",
    selectable = ".status.fault.reason",
    validation = Rule::new("!has(self.spec.ownerId) || !has(self.status) || !has(self.status.ownerId) || self.spec.ownerId == self.status.ownerId")
        .message("spec.ownerId can only be set to status.ownerId: what stands in the core is known by it")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(oldSelf.ownerId) || (has(self.ownerId) && self.ownerId == oldSelf.ownerId)")
    .message("spec.ownerId is immutable once set: what stands in the core is known by it"))]
pub struct WazoCoreSpec {
    /// The stack, as in `https://stack.example`; its daemons are below `/api/<name>/<version>`.
    #[schemars(length(min = 9, max = 512))]
    #[x_kube(validation = Rule::new("self.startsWith('https://')")
        .message("spec.url must begin with https:// : credentials are sent to it"))]
    pub url: String,
    /// The certificate authority of the stack, where it is not a public one. Stacks ship a self-signed certificate.
    pub ca_bundle: Option<ConfigMapKey>,
    /// The account.
    pub credentials: Credentials,
    /// The tenant to act in. Default: the account's own.
    #[schemars(
        length(min = 36, max = 36),
        regex(pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
    )]
    pub tenant: Option<String>,
    /// Who the operator is to the core: the same in every cluster that a plugin moves between. Default: the uid of the
    /// namespace `kube-system`; `status.ownerId` tells it.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
    )]
    pub owner_id: Option<String>,
    /// Who may use this core for what; what no grant names is refused. Default: plugins of this namespace, in the
    /// tenant of the core, with `UiApplication` only.
    #[schemars(length(max = 32))]
    pub grants: Option<Vec<Grant>>,
    /// Which external applications of the core hold UI plugins, and how.
    pub ui: Option<UiSettings>,
    /// How many requests a second at the most. Default: 20; the core's front allows 25 on some paths.
    #[schemars(range(min = 1, max = 1000))]
    pub requests_per_second: Option<i32>,
    /// An announced maintenance of the core: until it ends nobody is blamed for the core's absence.
    pub maintenance: Option<Maintenance>,
    /// Stops every request to the core. Default: false.
    pub suspend: Option<bool>,
}

/// Who may use a core for what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The namespaces of the plugins. Default: this one.
    pub namespaces: Option<GrantedNamespaces>,
    /// The tenants in which they may be registered. Default: the tenant of the core.
    pub tenants: Option<Tenants>,
    /// The kinds of registration. Default: `UiApplication`.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 10))]
    pub registrations: Option<Vec<RegistrationKind>>,
    /// The most that an account may ask for, in Wazo's ACL notation. Default: nothing.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    pub acl: Option<Vec<String>>,
}

/// The namespaces that a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[x_kube(validation = Rule::new("(self.from == 'Selector') == has(self.selector)")
    .message("namespaces.selector is given with from: Selector, and only then"))]
pub struct GrantedNamespaces {
    /// `Same`: the namespace of the WazoCore. `All`: every one. `Selector`: those with the labels of `selector`.
    pub from: NamespacesFrom,
    /// Labels of namespaces, for `from: Selector`.
    pub selector: Option<NamespaceSelector>,
}

/// Which namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum NamespacesFrom {
    /// The namespace of the WazoCore.
    Same,
    /// Every namespace.
    All,
    /// Those with the labels of `selector`.
    Selector,
}

/// Labels that a namespace must have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// All of these labels with these values.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 10))]
    pub match_labels: BTreeMap<String, String>,
}

/// An announced maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Maintenance {
    /// When it ends.
    pub until: Time,
    /// Why, for people.
    #[schemars(length(max = 256))]
    pub reason: Option<String>,
}

impl Maintenance {
    /// What people are told while it lasts.
    #[must_use]
    pub fn told(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or_default();
        let colon = if reason.is_empty() { "" } else { ": " };
        format!(
            "the core is in an announced maintenance until {}{colon}{reason}",
            self.until.0
        )
    }
}

/// A key of a ConfigMap of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapKey {
    /// The ConfigMap's name.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub config_map_name: String,
    /// The key. Default: `ca.crt`.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub key: Option<String>,
}

impl ConfigMapKey {
    /// The key, or its default.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or("ca.crt")
    }
}

/// The account's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// A Secret of the same namespace with the keys `username` and `password`, and optionally `url`, which must then
    /// equal `spec.url`.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub secret_name: String,
}

/// Which external applications hold UI plugins, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct UiSettings {
    /// The names of the external applications per product.
    pub applications: Option<UiApplications>,
    /// The form of `manifest_urls` where the key does not exist yet; an existing form is kept. Default: `List`.
    pub manifest_urls: Option<ManifestUrls>,
}

/// The names of the external applications per product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, KubeSchema)]
pub struct UiApplications {
    /// For `App`. Default: `wazo-euc-application-desktop`, `wazo-euc-application-web`.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(
        length(max = 8),
        inner(length(min = 1, max = 128), regex(pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"))
    )]
    pub app: Option<Vec<String>>,
    /// For `Mobile`. Default: `wazo-euc-application-mobile`.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(
        length(max = 8),
        inner(length(min = 1, max = 128), regex(pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"))
    )]
    pub mobile: Option<Vec<String>>,
}

/// The form of `manifest_urls` where the key does not exist yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ManifestUrls {
    /// A JSON list of URLs.
    List,
    /// One text, separated by commas.
    Text,
}

/// What the operator says of a core.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WazoCoreStatus {
    /// The generation of the spec that this status speaks of; -1: not looked at yet.
    pub observed_generation: i64,
    /// The stack behind the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackStatus>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountStatus>,
    /// Who the operator is to the core; what stands there is known by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// One row per daemon in use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceStatus>,
    /// Rights that the operator needs and the account lacks, in Wazo's ACL notation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_permissions: Vec<String>,
    /// The plugins that refer to this core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<PluginCount>,
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Whose fault it is; absent when nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// The stack behind the URL.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct StackStatus {
    /// Its uuid (`xivo_uuid`).
    pub uuid: String,
    /// Its version, as in `26.08`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The account with which the operator logs in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct AccountStatus {
    /// Its uuid.
    pub uuid: String,
    /// The tenant that the operator acts in.
    pub tenant: String,
}

/// One daemon of the core.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ServiceStatus {
    /// Its name, as in `/api/<name>`.
    pub name: String,
    /// How it is.
    pub state: ServiceStateStatus,
    /// Why it is not `Up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when.
    pub since: Time,
}

/// How a daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ServiceStateStatus {
    /// It answers real reads and reports nothing as failing.
    Up,
    /// It answers, and reports a part of itself as failing.
    Degraded,
    /// It does not answer, or answers with server errors.
    Down,
    /// Not asked yet.
    Unknown,
}

/// The plugins that refer to a core.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct PluginCount {
    /// All of them.
    pub total: i32,
    /// Those with a fault.
    pub impaired: i32,
}

impl WazoCoreSpec {
    /// The announced maintenance, where it lasts still.
    #[must_use]
    pub fn maintenance_at(&self, now: Timestamp) -> Option<&Maintenance> {
        self.maintenance
            .as_ref()
            .filter(|maintenance| maintenance.until.0 > now)
    }

    /// The external applications that hold plugins of a product.
    #[must_use]
    pub fn applications(&self, product: Product) -> Vec<String> {
        let named = self.ui.as_ref().and_then(|ui| ui.applications.as_ref());
        let (given, defaults): (_, &[&str]) = match product {
            Product::App => (
                named.and_then(|names| names.app.as_ref()),
                &["wazo-euc-application-desktop", "wazo-euc-application-web"],
            ),
            Product::Mobile => (
                named.and_then(|names| names.mobile.as_ref()),
                &["wazo-euc-application-mobile"],
            ),
        };
        given
            .cloned()
            .unwrap_or_else(|| defaults.iter().map(ToString::to_string).collect())
    }

    /// The form of a new `manifest_urls`.
    #[must_use]
    pub fn new_list_form(&self) -> ManifestUrls {
        self.ui
            .as_ref()
            .and_then(|ui| ui.manifest_urls)
            .unwrap_or(ManifestUrls::List)
    }
}

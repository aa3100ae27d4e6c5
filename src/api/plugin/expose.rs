//! How a plugin is reached from outside.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Where the manifest is fetched and checked before its URL is registered. Default: `Public`.
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
    /// At the plugin's Service, for networks in which the cluster cannot reach its own public address: nothing is sent to
    /// it, and its name, its certificate and the way to it are not checked.
    Service,
    /// Not at all.
    None,
}

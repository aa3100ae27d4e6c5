//! What the controller wishes to know about a plugin.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use crate::api::ui_manifest::Product;

/// Where a manifest is verified: `spec.expose.verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// At the public address, as a browser would.
    Public,
    /// At the plugin's Service: nothing is sent to the public address.
    Service(SocketAddr),
}

impl Front {
    /// Whether both are the same side of the gateway.
    #[must_use]
    pub const fn is_like(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Public, Self::Public) | (Self::Service(_), Self::Service(_))
        )
    }
}

/// A UI manifest to look at: one entry of `registrations.ui`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeJob {
    /// The entry's name.
    pub name: String,
    /// The manifest's public URL; https.
    pub url: Url,
    /// The product that the manifest is registered for.
    pub product: Product,
    /// The addresses of the plugin's own Gateway: allowed although they are private.
    pub gateway_addresses: Vec<IpAddr>,
    /// The plugin's running pods: asked when the public address does not answer well.
    pub pods: Vec<SocketAddr>,
    /// Where it is verified.
    pub front: Front,
    /// What the plugin runs, in any form: a change is looked at once.
    pub revision: String,
    /// The operator's own Service in front of the pods: asked where the public address does not answer well.
    pub service: Option<SocketAddr>,
    /// Names that the cluster's resolver should know: asked for where the public host does not resolve.
    pub names: Vec<String>,
}

/// Pods that run and are not ready, to be asked why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadinessJob {
    /// The pods' addresses.
    pub pods: Vec<SocketAddr>,
    /// The path of the readiness probe; `None`: a TCP connection is enough.
    pub path: Option<String>,
}

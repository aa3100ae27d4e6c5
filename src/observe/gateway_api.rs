//! The parts of Gateway API's HTTPRoute and Gateway (`gateway.networking.k8s.io/v1`) that the operator reads.
//!
//! Types of our own: the published ones lag behind the client library, and a watch of these is small.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::Resource;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

macro_rules! kind {
    ($name:ident, $kind:literal, $plural:literal) => {
        impl Resource for $name {
            type DynamicType = ();
            type Scope = k8s_openapi::NamespaceResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                $kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                "gateway.networking.k8s.io".into()
            }

            fn version((): &()) -> Cow<'_, str> {
                "v1".into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

/// A route from a Gateway to a Service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpRoute {
    /// The metadata.
    pub metadata: ObjectMeta,
    /// What the controllers say of it.
    pub status: HttpRouteStatus,
}

/// The status of a route.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpRouteStatus {
    /// One row per controller and parent.
    pub parents: Vec<RouteParentStatus>,
}

/// What one controller says of a route.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteParentStatus {
    /// The controller's name.
    pub controller_name: String,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

kind!(HttpRoute, "HTTPRoute", "httproutes");

/// A Gateway.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Gateway {
    /// The metadata.
    pub metadata: ObjectMeta,
    /// What its controller says of it.
    pub status: GatewayStatus,
}

/// The status of a Gateway.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GatewayStatus {
    /// Where it is reached.
    pub addresses: Vec<GatewayAddress>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What it says of its listeners.
    pub listeners: Vec<ListenerStatus>,
}

/// The status of a listener.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

/// An address of a Gateway.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GatewayAddress {
    /// An IP address or a host name.
    pub value: String,
}

kind!(Gateway, "Gateway", "gateways");

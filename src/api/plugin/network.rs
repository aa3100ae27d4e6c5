//! With whom the pods of a plugin may speak.

use k8s_openapi::api::networking::v1::NetworkPolicyEgressRule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

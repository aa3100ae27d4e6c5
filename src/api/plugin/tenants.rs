//! The tenants in which a plugin is registered.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

//! What a plugin is to the core.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::ui_manifest::Product;

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

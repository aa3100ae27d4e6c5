//! What a simulated stack holds when it starts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The stack at its start; the default is one partner with one account for an operator.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The uuid that `/infos` and every token show.
    pub stack_uuid: String,
    /// The version that `/infos` shows.
    pub wazo_version: String,
    /// The uuid of the master tenant; it always exists.
    pub master_tenant: String,
    /// The tenants below it.
    pub tenants: Vec<SeedTenant>,
    /// The accounts; the first one of purpose `external_api` (or else the first) is the one that
    /// [`crate::SimulatedCore::account`] names.
    pub accounts: Vec<Account>,
    /// External apps that are there already.
    pub applications: Vec<Application>,
    /// Whether the stack's wizard was run, as confd's `/wizard` tells.
    pub configured: bool,
}

/// A tenant of the seed.
#[derive(Clone, Debug)]
pub struct SeedTenant {
    /// Its uuid.
    pub uuid: String,
    /// The tenant above; the master tenant if none.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// Its slug, 1-10 of `[a-zA-Z0-9_]`.
    pub slug: String,
}

/// An account of the seed.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its uuid.
    pub uuid: String,
    /// Its user name.
    pub username: String,
    /// Its password.
    pub password: String,
    /// The uuid of its tenant.
    pub tenant: String,
    /// `user`, `internal` or `external_api`.
    pub purpose: String,
    /// What it may do beside the default policy of every account.
    pub acl: Vec<String>,
}

/// An external app of a tenant, as confd keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// The uuid of its tenant.
    pub tenant: String,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Its label.
    #[serde(default)]
    pub label: Option<String>,
    /// A JSON object, or null.
    #[serde(default)]
    pub configuration: Value,
}

/// A user as confd keeps him: somebody with a telephone, not somebody who logs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhoneUser {
    /// Number in confd's database; never given twice.
    pub id: u64,
    /// His uuid; who logs in as him has the same one in wazo-auth.
    pub uuid: String,
    /// The uuid of his tenant.
    pub tenant: String,
    /// His first name.
    pub firstname: String,
    /// His last name.
    #[serde(default)]
    pub lastname: Option<String>,
    /// When he was made.
    pub created: jiff::Timestamp,
}

/// An external app of one user, as confd keeps it: it hides the tenant's whole app of the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserApplication {
    /// The uuid of its user.
    pub user: String,
    /// Its name, unique for the user.
    pub name: String,
    /// Its label.
    #[serde(default)]
    pub label: Option<String>,
    /// A JSON object, or null.
    #[serde(default)]
    pub configuration: Value,
}

/// What the operator's account needs beside [`OPERATOR_ACL`] to keep accounts for plugins (and it must hold
/// every right that it gives to one): users, policies and the links between them.
pub const ACCOUNT_ACL: [&str; 11] = [
    "auth.users.create",
    "auth.users.read",
    "auth.users.*.read",
    "auth.users.*.update",
    "auth.users.*.delete",
    "auth.users.*.policies.read",
    "auth.users.*.policies.*.create",
    "auth.users.*.policies.*.delete",
    "auth.policies.create",
    "auth.policies.read",
    "auth.policies.*.*",
];

/// What the operator's account needs beside [`OPERATOR_ACL`] to see the tenants below its own.
pub const TENANTS_ACL: [&str; 2] = ["auth.tenants.read", "auth.tenants.*.read"];

/// What the operator's account needs beside [`OPERATOR_ACL`] to keep external apps of single users.
pub const AUDIENCE_ACL: [&str; 4] = [
    "confd.users.read",
    "confd.users.*.read",
    "confd.users.*.external.apps.read",
    "confd.users.*.external.apps.*.*",
];

/// What an account for the operator may do: read, make and write external apps, and see whether confd is well.
pub const OPERATOR_ACL: [&str; 6] = [
    "confd.external.apps.read",
    "confd.external.apps.*.create",
    "confd.external.apps.*.read",
    "confd.external.apps.*.update",
    "confd.infos.read",
    "confd.status.read",
];

const MASTER: &str = "5d1c3d2e-0a9d-4d0c-8a42-5b6f8f1e0001";
const PARTNER: &str = "5d1c3d2e-0a9d-4d0c-8a42-5b6f8f1e0002";

impl Default for Seed {
    fn default() -> Self {
        let account =
            |number: u32, username: &str, password: &str, tenant: &str, purpose: &str, acl: &[&str]| {
                Account {
                    uuid: format!("7a3e9c54-6c1b-4f0e-9d27-3f40b2c1{number:04}"),
                    username: username.to_owned(),
                    password: password.to_owned(),
                    tenant: tenant.to_owned(),
                    purpose: purpose.to_owned(),
                    acl: acl.iter().map(ToString::to_string).collect(),
                }
            };
        Self {
            stack_uuid: "0b7c2f7e-52a5-4c0e-9f5b-1d3a7e600001".to_owned(),
            wazo_version: "26.08".to_owned(),
            master_tenant: MASTER.to_owned(),
            tenants: vec![SeedTenant {
                uuid: PARTNER.to_owned(),
                parent: None,
                name: "Partner".to_owned(),
                slug: "partner".to_owned(),
            }],
            accounts: vec![
                account(1, "root", "root-password", MASTER, "internal", &["#"]),
                account(
                    2,
                    "operator",
                    "operator-password",
                    PARTNER,
                    "external_api",
                    &OPERATOR_ACL,
                ),
            ],
            applications: Vec::new(),
            configured: true,
        }
    }
}

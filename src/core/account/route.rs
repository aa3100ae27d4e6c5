//! The requests about accounts: rows of the table of all requests.

use http::Method;

/// A request about users and policies of wazo-auth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::core) enum AccountRoute {
    ListUsers,
    ReadUser,
    CreateUser,
    ChangeUser,
    DeleteUser,
    ReadLinks,
    Link,
    ListPolicies,
    ReadPolicy,
    CreatePolicy,
    ChangePolicy,
    DeletePolicy,
}

impl AccountRoute {
    /// Those that every account needs. Without the lists they are looked at one by one.
    const NEEDED: [Self; 10] = [
        Self::ReadUser,
        Self::CreateUser,
        Self::ChangeUser,
        Self::DeleteUser,
        Self::ReadLinks,
        Self::Link,
        Self::ReadPolicy,
        Self::CreatePolicy,
        Self::ChangePolicy,
        Self::DeletePolicy,
    ];

    /// Method, route with placeholders, path below the daemon's prefix, right.
    pub(in crate::core) const fn row(self) -> (Method, &'static str, &'static [&'static str], &'static str) {
        match self {
            Self::ListUsers => (Method::GET, "GET /users", &["users"], "auth.users.read"),
            Self::ReadUser => (
                Method::GET,
                "GET /users/{user}",
                &["users", "{}"],
                "auth.users.*.read",
            ),
            Self::CreateUser => (Method::POST, "POST /users", &["users"], "auth.users.create"),
            Self::ChangeUser => (
                Method::PUT,
                "PUT /users/{user}",
                &["users", "{}"],
                "auth.users.*.update",
            ),
            Self::DeleteUser => (
                Method::DELETE,
                "DELETE /users/{user}",
                &["users", "{}"],
                "auth.users.*.delete",
            ),
            Self::ReadLinks => (
                Method::GET,
                "GET /users/{user}/policies",
                &["users", "{}", "policies"],
                "auth.users.*.policies.read",
            ),
            Self::Link => (
                Method::PUT,
                "PUT /users/{user}/policies/{policy}",
                &["users", "{}", "policies", "{}"],
                "auth.users.*.policies.*.create",
            ),
            Self::ListPolicies => (Method::GET, "GET /policies", &["policies"], "auth.policies.read"),
            Self::ReadPolicy => (
                Method::GET,
                "GET /policies/{policy}",
                &["policies", "{}"],
                "auth.policies.*.read",
            ),
            Self::CreatePolicy => (
                Method::POST,
                "POST /policies",
                &["policies"],
                "auth.policies.create",
            ),
            Self::ChangePolicy => (
                Method::PUT,
                "PUT /policies/{policy}",
                &["policies", "{}"],
                "auth.policies.*.update",
            ),
            Self::DeletePolicy => (
                Method::DELETE,
                "DELETE /policies/{policy}",
                &["policies", "{}"],
                "auth.policies.*.delete",
            ),
        }
    }

    /// Whether it gives or takes rights: whoever does must hold them himself.
    pub(in crate::core) const fn gives(self) -> bool {
        matches!(
            self,
            Self::CreatePolicy | Self::ChangePolicy | Self::DeletePolicy | Self::Link
        )
    }
}

/// Every right that accounts need beside those that they are given. Never that to set passwords: it takes over any user
/// of any tenant. A `*` is asked for as it stands; who holds all of them holds it.
pub(in crate::core) fn rights() -> Vec<String> {
    AccountRoute::NEEDED
        .map(|route| route.row().3.to_owned())
        .to_vec()
}

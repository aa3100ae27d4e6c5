//! Which rights the operator's account needs: what every core needs, and what single plugins do.

use std::collections::BTreeSet;

use super::facts::Interest;
use super::request::Route;

/// Every right that is needed to keep `applications`, in ACL notation, in the order of the table.
pub(super) fn rights(applications: &[String]) -> Vec<String> {
    let mut rights: Vec<String> = [Route::Status, Route::Infos, Route::ListApps]
        .into_iter()
        .filter_map(|route| route.right(""))
        .collect();
    for name in applications {
        for route in [Route::ReadApp, Route::CreateApp, Route::ChangeApp] {
            rights.extend(
                route
                    .right(name)
                    .filter(|right| !rights.contains(right))
                    .into_iter()
                    .collect::<Vec<_>>(),
            );
        }
    }
    rights
}

/// Every right that is needed to see what plugins have to know of tenants and users, and to keep applications of users.
pub(super) fn rights_for(interest: &Interest, applications: &[String]) -> Vec<String> {
    let mut rights = BTreeSet::new();
    if interest.everywhere {
        rights.extend(Route::ListTenants.right(""));
    }
    if interest.users.is_empty() {
        return rights.into_iter().collect();
    }
    rights.extend(Route::ReadUser.row().right.map(ToOwned::to_owned));
    for name in applications.iter().chain(&interest.names) {
        rights.extend(
            [
                Route::ReadUserApp,
                Route::CreateUserApp,
                Route::ChangeUserApp,
                Route::DeleteUserApp,
            ]
            .iter()
            .filter_map(|route| route.right_of_users(name)),
        );
    }
    rights.into_iter().collect()
}

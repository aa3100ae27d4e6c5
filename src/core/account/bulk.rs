//! Looking at all accounts of a core together: in two lists, whatever their number. What is as it was seen last is looked
//! at no further; what is not, or is not in the lists, is looked at by itself: absence from a list that may be narrowed
//! proves nothing. Which policies a user has is in no list: the next login with his credentials tells.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::look::{policy_of, user_of};
use super::route::{AccountRoute, rights};
use super::subject::PREFIX;
use super::{AccountSeen, AccountWish, PolicySeen, Slot, UserSeen};
use crate::core::auth::{Scopes, check};
use crate::core::classify::Answer;
use crate::core::error::CoreErrorKind;
use crate::core::link::{Aim, Link, Reply, Trouble};
use crate::core::request::{Ask, Route};
use crate::core::shape;

/// As many items are asked for at once.
const PAGE: usize = 1000;
/// More pages than this are not read: what is on them is looked at by itself.
const MOST_PAGES: usize = 20;

/// What the lists show.
struct Listed {
    users: BTreeMap<Uuid, Value>,
    policies: BTreeMap<(Uuid, String), PolicySeen>,
    missing: BTreeSet<String>,
}

/// Reads all accounts of which something is known and nothing is to be done. Returns whether it could.
pub(super) async fn read(link: &Link, aim: &Aim) -> bool {
    let accounts = link.state().accounts.calm();
    let held: BTreeSet<String> = accounts
        .iter()
        .flat_map(|(_, wish, _)| wish.held.iter().cloned())
        .chain(rights())
        .collect();
    let listed = match lists(link, aim, held.into_iter().collect()).await {
        Ok(listed) => listed,
        Err(trouble) => {
            if let Trouble::Failed(error) = trouble
                && !error.kind.is_absence()
            {
                tracing::info!(core = %link.key, %error, "the accounts are looked at one by one");
                link.state().accounts.one_by_one(link.intervals());
            }
            return false;
        }
    };
    let mut state = link.state();
    for (plugin, wish, seen) in accounts {
        if listed.shows(&wish, &seen) {
            state.accounts.confirm(&plugin, &wish, link.intervals());
        } else {
            state.accounts.doubt(&plugin);
        }
    }
    true
}

impl Listed {
    /// Whether an account is as it was seen last.
    fn shows(&self, wish: &AccountWish, seen: &AccountSeen) -> bool {
        let user = |slot: Slot| {
            let known = seen.user(slot);
            match (self.users.get(&wish.subject.user(slot)), known) {
                (None, None) => true,
                (Some(body), Some(known)) => {
                    let name = wish.subject.username(slot);
                    let now: Option<UserSeen> = user_of(body, &name, known.policies.clone()).ok();
                    now.as_ref() == Some(known)
                }
                _ => false,
            }
        };
        let policy = |tenant: &Uuid| {
            let key = (*tenant, wish.subject.policy().to_owned());
            self.policies.get(&key) == seen.policies.get(tenant)
        };
        let needed = rights();
        let lacks = |right: &String| self.missing.contains(right);
        Slot::ALL.into_iter().all(user)
            && wish.tenants.iter().all(policy)
            && !wish.held.iter().chain(&needed).any(lacks)
    }
}

async fn lists(link: &Link, aim: &Aim, held: Vec<String>) -> Result<Listed, Trouble> {
    let mut users = BTreeMap::new();
    for user in pages(link, aim, AccountRoute::ListUsers, "username").await? {
        if let Ok(uuid) = shape::uuid(&user, "uuid") {
            users.insert(uuid, user);
        }
    }
    let mut policies = BTreeMap::new();
    for policy in pages(link, aim, AccountRoute::ListPolicies, "slug").await? {
        // Those of a tenant above show up in those below as theirs.
        if policy.get("read_only") == Some(&Value::Bool(true)) {
            continue;
        }
        let slug = shape::text(&policy, "slug").map(ToOwned::to_owned);
        if let (Ok(tenant), Ok(slug), Ok(seen)) =
            (shape::uuid(&policy, "tenant_uuid"), slug, policy_of(&policy))
        {
            policies.insert((tenant, slug), seen);
        }
    }
    let missing = match check(link, aim, &held, None).await? {
        (Scopes::Missing(missing), _) => missing.into_iter().collect(),
        (Scopes::TenantRefused, trace) => {
            return Err(Link::error(Route::CheckScopes, CoreErrorKind::TenantRefused, trace).into());
        }
    };
    Ok(Listed {
        users,
        policies,
        missing,
    })
}

/// All that a list has of plugins. Of what the total is counted differs from list to list: a page that is not full is the
/// last one.
async fn pages(
    link: &Link,
    aim: &Aim,
    route: AccountRoute,
    order: &'static str,
) -> Result<Vec<Value>, Trouble> {
    let mut all = Vec::new();
    for page in 0..MOST_PAGES {
        let query = vec![
            ("recurse", "true".to_owned()),
            ("search", PREFIX.to_owned()),
            ("order", order.to_owned()),
            ("limit", PAGE.to_string()),
            ("offset", (page * PAGE).to_string()),
        ];
        let ask = Ask {
            query,
            ..Ask::of(Route::Account(route))
        };
        let Reply { answer, trace_id } = link.ask(aim, &ask).await?;
        let wrong = |kind| Link::error(Route::Account(route), kind, trace_id.clone());
        let body = match answer {
            Answer::Good(body) => shape::json(&body).map_err(wrong)?,
            _ => return Err(wrong(CoreErrorKind::MissingPermission(route.row().3.into())).into()),
        };
        let items = shape::at(&body, "items", "a list", Value::as_array).map_err(wrong)?;
        all.extend(items.iter().cloned());
        if items.len() < PAGE {
            break;
        }
    }
    Ok(all)
}

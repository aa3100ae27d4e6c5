//! Which tenants the account sees, and of which tenant a user is: asked only where a plugin needs to know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::classify::Answer;
use super::error::CoreErrorKind;
use super::facts::{AppKey, TenantsFact, UserFact};
use super::link::{Aim, Link, Reply, Trouble};
use super::request::{Ask, Route};
use super::shape;

/// As many items are asked for at once.
const PAGE: usize = 1000;
/// More pages than this are not read: what is on them is not known.
const MOST_PAGES: usize = 20;

/// Reads all tenants that the account sees, and wakes the plugins that need to know of a change.
pub(super) async fn read(link: &Link, aim: &Aim) {
    let fact = match all(link, aim).await {
        Ok(parents) => TenantsFact::Known(parents),
        Err(Trouble::NoSession) => return,
        // What is known stays true while the core is away.
        Err(Trouble::Failed(error)) if error.kind.is_absence() => return,
        Err(Trouble::Failed(error)) => TenantsFact::Failed(error),
    };
    let woken = {
        let mut state = link.state();
        if !Arc::make_mut(&mut state.facts).tenants.renew(fact) {
            return;
        }
        state.wishes.read_together_soon();
        state.wishes.interests.of(|interest| interest.tenants)
    };
    link.wake_plugins(woken);
    link.confd_wake.notify_one();
}

async fn all(link: &Link, aim: &Aim) -> Result<BTreeMap<Uuid, Uuid>, Trouble> {
    let route = Route::ListTenants;
    let mut parents = BTreeMap::new();
    for (item, trace_id) in pages(link, aim, route, Vec::new()).await? {
        let read = || Ok((shape::uuid(&item, "uuid")?, shape::uuid(&item, "parent_uuid")?));
        let (tenant, parent) = read().map_err(|kind| Link::error(route, kind, trace_id))?;
        parents.insert(tenant, parent);
    }
    Ok(parents)
}

/// All items of a list, each with the trace of its request, as the account's own tenant sees them. A list that grows or
/// shrinks between two pages is no list: it is an error.
pub(super) async fn pages(
    link: &Link,
    aim: &Aim,
    route: Route,
    query: Vec<(&'static str, String)>,
) -> Result<Vec<(Value, String)>, Trouble> {
    let mut items = Vec::new();
    for page in 0..MOST_PAGES {
        let mut query = query.clone();
        query.push(("limit", PAGE.to_string()));
        query.push(("offset", (page * PAGE).to_string()));
        let ask = Ask {
            query,
            ..Ask::of(route)
        };
        let Reply { answer, trace_id } = link.ask(aim, &ask).await?;
        let error = |kind| Trouble::from(Link::error(route, kind, trace_id.clone()));
        let body = match answer {
            Answer::Good(body) => shape::json(&body).map_err(error)?,
            Answer::Forbidden => {
                let right = route.row().right.unwrap_or_default();
                return Err(error(CoreErrorKind::MissingPermission(right.into())));
            }
            _ => {
                return Err(error(CoreErrorKind::UnexpectedShape(
                    "the answer: expected a list".into(),
                )));
            }
        };
        let found = shape::at(&body, "items", "a list", Value::as_array).map_err(error)?;
        let total = shape::at(&body, "total", "a number", Value::as_u64).map_err(error)?;
        items.extend(found.iter().map(|item| (item.clone(), trace_id.clone())));
        if usize::try_from(total).is_ok_and(|total| total == items.len()) {
            return Ok(items);
        }
        if found.len() < PAGE {
            let kind = CoreErrorKind::UnexpectedShape("total: expected as many as there are items".into());
            return Err(error(kind));
        }
    }
    let kind = CoreErrorKind::UnexpectedShape("total: expected at most 20000".into());
    Err(Link::error(route, kind, String::new()).into())
}

/// A user that a plugin asks about and of whom nothing is known yet.
pub(super) fn unknown_user(link: &Link) -> Option<Uuid> {
    let state = link.state();
    let users = state.wishes.interests.all().users;
    users
        .into_iter()
        .find(|user| !state.facts.users.contains_key(user))
}

/// The users to look at again: those of whom nothing good is known. Those that nobody asks about any more are forgotten.
pub(super) fn doubtful_users(link: &Link) -> Vec<Uuid> {
    let mut state = link.state();
    let asked = state.wishes.interests.all().users;
    let facts = Arc::make_mut(&mut state.facts);
    facts.users.retain(|user, _| asked.contains(user));
    let doubtful = facts
        .users
        .iter()
        .filter(|(_, fact)| !matches!(fact, UserFact::In(_)));
    doubtful.map(|(user, _)| *user).collect()
}

/// Looks at a user, and wakes the plugins that need to know of a change.
pub(super) async fn read_user(link: &Link, aim: &Aim, user: Uuid) {
    let route = Route::ReadUser;
    let ask = Ask {
        user: Some(user),
        ..Ask::of(route)
    };
    let fact = match link.ask(aim, &ask).await {
        Err(Trouble::NoSession) => return,
        Err(Trouble::Failed(error)) if error.kind.is_absence() => return,
        Err(Trouble::Failed(error)) => UserFact::Failed(error),
        Ok(Reply { answer, trace_id }) => {
            let failed = |kind| UserFact::Failed(Link::error(route, kind, trace_id.clone()));
            match answer {
                Answer::Good(body) => shape::json(&body)
                    .and_then(|body| shape::uuid(&body, "tenant_uuid"))
                    .map_or_else(failed, UserFact::In),
                Answer::NotFound => UserFact::NotFound,
                Answer::Forbidden => failed(CoreErrorKind::MissingPermission(
                    route.row().right.unwrap_or_default().into(),
                )),
                _ => failed(CoreErrorKind::UnexpectedShape(
                    "the answer: expected a user".into(),
                )),
            }
        }
    };
    let woken = {
        let mut state = link.state();
        let users = &mut Arc::make_mut(&mut state.facts).users;
        let same = users.get(&user).is_some_and(|known| known.shows_like(&fact));
        if !same {
            users.insert(user, fact);
        }
        if same {
            BTreeSet::new()
        } else {
            state
                .wishes
                .interests
                .of(|interest| interest.users.contains(&user))
        }
    };
    link.wake_plugins(woken);
}

/// It turned out that there is no such user any more: he is looked at again.
pub(super) fn forget_user(link: &Link, app: &AppKey) {
    if let Some(user) = &app.user {
        Arc::make_mut(&mut link.state().facts).users.remove(user);
    }
}

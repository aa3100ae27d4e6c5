//! The bulk reading of applications: it shows what others changed. All tenants are read in one list where the account
//! sees which there are, else each in a list of its own: absence from a list that may be narrowed proves nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::classify::Answer;
use super::error::CoreErrorKind;
use super::facts::{AppKey, TenantsFact};
use super::lane::note;
use super::link::{Aim, Link, Reply, Trouble};
use super::request::{Ask, Route};
use super::{shape, tenants};

/// The reading under way: what is still to be read.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    together: bool,
    tenants: VecDeque<Uuid>,
    users: VecDeque<Uuid>,
    under_way: bool,
    /// Whether what it does not show is not there.
    complete: bool,
}

impl Snapshot {
    /// Begins a new one.
    pub(super) fn begin(link: &Link) -> Self {
        let mut state = link.state();
        state.wishes.reading();
        state.wishes.look_at_users(None);
        let complete = !matches!(state.facts.tenants, TenantsFact::Unknown);
        let known = match &state.facts.tenants {
            TenantsFact::Known(parents) if state.wishes.interests.tenants() => Some(parents.clone()),
            _ => None,
        };
        let wanted: BTreeSet<Uuid> = state
            .wishes
            .wanted_apps()
            .into_iter()
            .map(|app| app.tenant)
            .collect();
        let own = state.facts.tenant;
        drop(state);
        let single = |tenant: &Uuid| known.as_ref().is_none_or(|known| !known.contains_key(tenant));
        let mut tenants: VecDeque<Uuid> = wanted.into_iter().filter(single).collect();
        if tenants.is_empty() && known.is_none() {
            tenants.extend(own);
        }
        Self {
            together: known.is_some(),
            tenants,
            users: tenants::doubtful_users(link).into(),
            under_way: true,
            complete,
        }
    }

    /// Makes the next request of it. Returns whether there was one to make.
    pub(super) async fn go_on(&mut self, link: &Link, aim: &Aim) -> bool {
        if std::mem::take(&mut self.together) {
            self.complete &= read_together(link, aim).await;
        } else if let Some(tenant) = self.tenants.pop_front() {
            read_tenant(link, aim, tenant).await;
        } else if let Some(user) = self.users.pop_front() {
            tenants::read_user(link, aim, user).await;
        } else {
            if std::mem::take(&mut self.under_way) && self.complete {
                finish(link);
            }
            return false;
        }
        true
    }
}

/// Everything was read: what is not known now is not there.
fn finish(link: &Link) {
    let mut state = link.state();
    if state.facts.all_read {
        return;
    }
    let facts = Arc::make_mut(&mut state.facts);
    facts.all_read = true;
    let woken = state.wishes.interests.of(|interest| interest.tenants);
    drop(state);
    link.wake_plugins(woken);
}

/// Reads the applications of all tenants that the account sees. Returns whether it could.
async fn read_together(link: &Link, aim: &Aim) -> bool {
    let route = Route::ListApps;
    let (wanted, mark, tenants) = {
        let state = link.state();
        let TenantsFact::Known(parents) = &state.facts.tenants else {
            return false;
        };
        let tenants: Vec<Uuid> = parents.keys().copied().collect();
        (state.wishes.wanted_apps(), state.wishes.mark(), tenants)
    };
    let query = vec![
        ("recurse", "true".to_owned()),
        ("order", "tenant_uuid".to_owned()),
    ];
    let items = match tenants::pages(link, aim, route, query).await {
        Ok(items) => items,
        Err(trouble) => return complain(link, trouble),
    };
    let mut by_tenant: BTreeMap<Uuid, Vec<(String, Value)>> = BTreeMap::new();
    for (item, trace_id) in items {
        let read = || {
            let (name, configuration) = read_item(&item)?;
            Ok((shape::uuid(&item, "tenant_uuid")?, name, configuration))
        };
        match read() {
            Ok((tenant, name, configuration)) => {
                by_tenant.entry(tenant).or_default().push((name, configuration));
            }
            Err(kind) => return complain(link, Link::error(route, kind, trace_id).into()),
        }
    }
    for tenant in tenants {
        let items = by_tenant.remove(&tenant).unwrap_or_default();
        compare(link, aim, tenant, &wanted, mark, &items);
    }
    true
}

/// Always false.
fn complain(link: &Link, trouble: Trouble) -> bool {
    // The breaker, the session or the health of the daemon say what is wrong with an absent one.
    if let Trouble::Failed(error) = trouble
        && !error.kind.is_absence()
    {
        tracing::warn!(core = %link.key, %error, "the applications could not be read together");
        ask_rights_soon(link);
    }
    false
}

fn ask_rights_soon(link: &Link) {
    link.state().rights.ask_at = Instant::now();
    link.auth_wake.notify_one();
}

/// Reads all applications of `tenant` and compares them with what is wished.
async fn read_tenant(link: &Link, aim: &Aim, tenant: Uuid) {
    let route = Route::ListApps;
    // What is wished for while the answer is under way is not judged by it.
    let (wanted, mark) = {
        let state = link.state();
        (state.wishes.wanted_apps(), state.wishes.mark())
    };
    let reply = link.ask(aim, &Ask::of(route).tenant(Some(tenant))).await;
    let Ok(Reply { answer, trace_id }) = reply else {
        // The breaker, the session or the health of the daemon say what is wrong.
        return;
    };
    let Answer::Good(body) = answer else {
        ask_rights_soon(link);
        return;
    };
    match shape::json(&body).and_then(|body| items(&body)) {
        Ok(items) => compare(link, aim, tenant, &wanted, mark, &items),
        Err(kind) => tracing::warn!(core = %link.key, error = %Link::error(route, kind, trace_id)),
    }
}

/// Notes what the applications of a tenant hold and compares it with what is wished.
fn compare(
    link: &Link,
    aim: &Aim,
    tenant: Uuid,
    wanted: &BTreeSet<AppKey>,
    mark: u64,
    items: &[(String, Value)],
) {
    let names = link.state().wishes.interests.all().names;
    let configured = aim.settings.applications.iter().chain(&names);
    let mut apps: BTreeSet<AppKey> = configured.map(|name| AppKey::of_tenant(tenant, name)).collect();
    let of_tenant = |app: &&AppKey| app.tenant == tenant && app.user.is_none();
    apps.extend(wanted.iter().filter(of_tenant).cloned());
    Arc::make_mut(&mut link.state().facts)
        .apps
        .retain(|app, _| app.tenant != tenant || app.user.is_some() || apps.contains(app));
    for app in apps {
        let configuration = items
            .iter()
            .find(|(name, _)| *name == app.name)
            .map_or(&Value::Null, |(_, configuration)| configuration);
        let held_before = urls(link, &app);
        note(link, &app, configuration);
        let mut woken = link
            .state()
            .wishes
            .compare(&app, configuration, mark, aim.settings.new_list);
        if held_before.is_some_and(|before| urls(link, &app).as_ref() != Some(&before)) {
            tracing::info!(core = %link.key, app = %app.name, tenant = %tenant, "others changed the application");
            // It may hold, or hold no more, what no wish is about.
            woken.extend(link.state().wishes.interests.of(|interest| interest.tenants));
        }
        link.wake_plugins(woken);
    }
}

fn urls(link: &Link, app: &AppKey) -> Option<Vec<String>> {
    link.state().facts.apps.get(app).map(|fact| fact.urls.clone())
}

/// Names and configurations.
fn items(body: &Value) -> Result<Vec<(String, Value)>, CoreErrorKind> {
    let items = shape::at(body, "items", "a list", Value::as_array)?;
    items.iter().map(read_item).collect()
}

fn read_item(item: &Value) -> Result<(String, Value), CoreErrorKind> {
    let name = shape::text(item, "name")?.to_owned();
    Ok((name, item.get("configuration").cloned().unwrap_or_default()))
}

//! The bulk reading of a tenant's applications: it shows what others changed.

use serde_json::Value;

use super::classify::Answer;
use super::error::CoreErrorKind;
use super::facts::AppKey;
use super::lane::note;
use super::link::{Aim, Link, Reply};
use super::request::{Ask, Route};
use super::shape;
use tokio::time::Instant;
use uuid::Uuid;

/// Reads all applications of `tenant` and compares them with what is wished.
pub(super) async fn read_tenant(link: &Link, aim: &Aim, tenant: Uuid) {
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
        link.state().rights.ask_at = Instant::now();
        link.auth_wake.notify_one();
        return;
    };
    let items = match shape::json(&body).and_then(|body| items(&body)) {
        Ok(items) => items,
        Err(kind) => {
            tracing::warn!(core = %link.key, error = %Link::error(route, kind, trace_id));
            return;
        }
    };
    let configured = aim
        .settings
        .applications
        .iter()
        .cloned()
        .map(|name| AppKey { tenant, name });
    let mut apps: Vec<AppKey> = wanted.into_iter().filter(|app| app.tenant == tenant).collect();
    apps.extend(configured.filter(|app| !apps.contains(app)).collect::<Vec<_>>());
    link.change_facts(|facts| {
        facts
            .apps
            .retain(|app, _| app.tenant != tenant || apps.contains(app))
    });
    for app in apps {
        let configuration = items
            .iter()
            .find(|(name, _)| *name == app.name)
            .map_or(&Value::Null, |(_, configuration)| configuration);
        note(link, &app, configuration);
        let woken = link
            .state()
            .wishes
            .compare(&app, configuration, mark, aim.settings.new_list);
        if !woken.is_empty() {
            tracing::info!(core = %link.key, app = %app.name, plugins = woken.len(), "others changed the application");
        }
        link.wake_plugins(woken);
    }
}

/// Names and configurations.
fn items(body: &Value) -> Result<Vec<(String, Value)>, CoreErrorKind> {
    let items = shape::at(body, "items", "a list", Value::as_array)?;
    items
        .iter()
        .map(|item| {
            let name = shape::text(item, "name")?.to_owned();
            Ok((name, item.get("configuration").cloned().unwrap_or_default()))
        })
        .collect()
}

/// The tenants to read: those that are wished about, or at least the one that the core acts in.
pub(super) fn tenants(link: &Link) -> Vec<Uuid> {
    let state = link.state();
    let mut tenants: Vec<Uuid> = state
        .wishes
        .wanted_apps()
        .into_iter()
        .map(|app| app.tenant)
        .collect();
    tenants.dedup();
    if tenants.is_empty() {
        tenants.extend(state.facts.tenant);
    }
    tenants
}

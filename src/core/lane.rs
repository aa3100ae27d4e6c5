//! The write lane of wazo-confd: one application at a time, GET → edit → PUT → GET. After any doubt it looks before it
//! does anything else: with its broker down, wazo-confd answers 500 and has made the object.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::explain_refusal;
use super::classify::Answer;
use super::error::{CoreError, CoreErrorKind};
use super::facts::{AppEdit, AppFact, AppKey};
use super::jitter::{doubled, vary};
use super::link::{Aim, Link, Reply, Trouble};
use super::manifest_urls::Reading;
use super::request::{Ask, Route};
use super::shape;
use super::user_apps;
use super::user_copy::Act;

/// How often strangers may come between our write and our reading in one go.
const ROUNDS: u32 = 5;
/// The first pause after a stranger came between; it doubles.
const STRANGER_PAUSE: Duration = Duration::from_millis(100);
/// Between two writes of one application: many wishes that come one by one become few writes.
const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// Carries out what is wished about `app`. The outcomes say what became of it.
pub(super) async fn carry_out(link: &Link, aim: &Aim, app: &AppKey) {
    let _turn = aim.stack.confd_lane.lock().await;
    match rounds(link, aim, app).await {
        Ok(()) | Err(Trouble::NoSession) => {}
        // The core's own facts say this once, for all of its plugins; the breaker holds the work up.
        Err(Trouble::Failed(error)) if error.kind.is_absence() => {}
        Err(Trouble::Failed(error)) => {
            let woken = link.state().wishes.fail(app, &error, link.intervals());
            link.wake_plugins(woken);
        }
    }
}

/// What was read, by which the edits are judged, and what is to be written for them.
struct Seen {
    configuration: Value,
    exists: bool,
    /// `None`: all edits hold that can.
    act: Option<Act>,
}

/// Reads the application and says what is to be written.
async fn look(link: &Link, aim: &Aim, app: &AppKey, edits: &BTreeSet<AppEdit>) -> Result<Seen, Trouble> {
    let new_list = aim.settings.new_list;
    if let Some(user) = app.user {
        let (look, exists) = user_apps::read(link, aim, app, user, edits).await?;
        return Ok(Seen {
            configuration: look.effective,
            exists,
            act: Some(look.act).filter(|act| *act != Act::Keep),
        });
    }
    let found = read(link, aim, app).await?;
    let exists = found.is_some();
    let configuration = found.unwrap_or(Value::Null);
    let (edits, woken) = link.state().wishes.due(app, &configuration, new_list);
    link.wake_plugins(woken);
    let edited = Reading::of(&configuration).edited(&edits, new_list);
    Ok(Seen {
        configuration,
        exists,
        act: edited.map(Act::Edit),
    })
}

async fn rounds(link: &Link, aim: &Aim, app: &AppKey) -> Result<(), Trouble> {
    let new_list = aim.settings.new_list;
    let mut wrote = link.state().wishes.in_doubt(app);
    let mut doubt: Option<CoreError> = None;
    for round in 0..ROUNDS {
        if round > 1 {
            tokio::time::sleep(vary(doubled(STRANGER_PAUSE, WRITE_PAUSE, round - 1), 0.5)).await;
        }
        let (edits, mark) = link.state().wishes.edits(app);
        if edits.is_empty() {
            return Ok(());
        }
        let seen = look(link, aim, app, &edits).await?;
        let Some(act) = seen.act else {
            let pause = if wrote { WRITE_PAUSE } else { Duration::ZERO };
            let configuration = &seen.configuration;
            let mut state = link.state();
            let woken = state
                .wishes
                .settle(app, configuration, mark, wrote, new_list, pause);
            if wrote && app.user.is_none() {
                // Users with a copy of it are to see the same.
                state.original = None;
                state.wishes.look_at_users(Some(app));
            }
            drop(state);
            link.wake_plugins(woken);
            return Ok(());
        };
        if let Some(error) = doubt {
            // Looked, and it is not so: this attempt is over.
            return Err(error.into());
        }
        let written = match app.user {
            Some(user) => user_apps::act(link, aim, app, user, seen.exists, act).await,
            None => write(link, aim, app, seen.exists, act).await,
        };
        match written {
            Ok(true) => wrote = true,
            // Somebody else was faster: look again.
            Ok(false) => {}
            Err(Trouble::Failed(error)) if error.kind.is_doubtful() => {
                wrote = true;
                link.state().wishes.doubt(app, link.intervals().look_again);
                if error.kind.is_absence() {
                    return Err(error.into());
                }
                doubt = Some(error);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    tracing::info!(core = %link.key, app = %app.name, "others write the application all the time: trying later");
    let mut state = link.state();
    state.wishes.postpone(app, link.intervals());
    state.wishes.doubt(app, link.intervals().look_again);
    Ok(())
}

/// The application's configuration (null where it has none); `None`: there is no such application.
pub(super) async fn read(link: &Link, aim: &Aim, app: &AppKey) -> Result<Option<Value>, Trouble> {
    let route = Route::ReadApp;
    let Reply { answer, trace_id } = ask(link, aim, app, None, route, None).await?;
    let found = match answer {
        Answer::Good(body) => {
            let error = |kind| Link::error(route, kind, trace_id.clone());
            let body = shape::json(&body).map_err(error)?;
            let found = shape::at(&body, "configuration", "an object or null", |value| {
                (value.is_object() || value.is_null()).then(|| value.clone())
            });
            Some(found.map_err(error)?)
        }
        Answer::NotFound => None,
        _ => {
            let kind = CoreErrorKind::UnexpectedShape("the answer: expected an application".into());
            return Err(Link::error(route, kind, trace_id).into());
        }
    };
    note(link, app, found.as_ref().unwrap_or(&Value::Null));
    Ok(found)
}

/// Notes what an application holds.
pub(super) fn note(link: &Link, app: &AppKey, configuration: &Value) {
    let fact = AppFact {
        urls: Reading::of(configuration).urls().to_vec(),
        at: Timestamp::now(),
    };
    // No reader of the core's own facts sees a difference; whom it concerns is woken by what becomes of a wish.
    Arc::make_mut(&mut link.state().facts)
        .apps
        .insert(app.clone(), fact);
}

/// Writes the whole configuration. `false`: it is there already, or not any more.
async fn write(link: &Link, aim: &Aim, app: &AppKey, exists: bool, act: Act) -> Result<bool, Trouble> {
    let Act::Edit(configuration) = act else {
        return Ok(true);
    };
    let (route, body) = if exists {
        (Route::ChangeApp, json!({"configuration": configuration}))
    } else {
        (
            Route::CreateApp,
            json!({"label": app.name, "configuration": configuration}),
        )
    };
    Ok(matches!(
        ask(link, aim, app, None, route, Some(body)).await?.answer,
        Answer::Good(_)
    ))
}

/// Sends a request about an application, or about that of `user`, unless the account is known to lack the right or the
/// tenant.
pub(super) async fn ask(
    link: &Link,
    aim: &Aim,
    app: &AppKey,
    user: Option<Uuid>,
    route: Route,
    body: Option<Value>,
) -> Result<Reply, Trouble> {
    if let Some(error) = known_refusal(link, aim, app, route) {
        return Err(error.into());
    }
    let ask = Ask {
        name: app.name.clone(),
        under: String::new(),
        user,
        tenant: Some(app.tenant),
        body,
        ..Ask::of(route)
    };
    let reply = link.ask(aim, &ask).await?;
    if reply.answer == Answer::Forbidden {
        let right = match user {
            Some(user) => route.right_of_user(user, &app.name),
            None => route.right(&app.name),
        };
        return Err(
            explain_refusal(link, aim, route, right, app.tenant, reply.trace_id)
                .await
                .into(),
        );
    }
    Ok(reply)
}

fn known_refusal(link: &Link, aim: &Aim, app: &AppKey, route: Route) -> Option<CoreError> {
    let state = link.state();
    let missing = state.facts.missing_permissions.as_deref().unwrap_or_default();
    let kind = if state.facts.tenant_refused && aim.settings.tenant == Some(app.tenant) {
        CoreErrorKind::TenantRefused
    } else if route
        .right(&app.name)
        .is_some_and(|right| missing.contains(&right))
    {
        CoreErrorKind::MissingPermission(route.row().right?.into())
    } else {
        return None;
    };
    Some(Link::error(route, kind, state.rights.trace_id.clone()))
}

//! A user's own application: his tenant's is read, then his; what is to be done says [`user_copy`](super::user_copy).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::classify::Answer;
use super::error::CoreErrorKind;
use super::facts::{AppEdit, AppKey};
use super::lane::{self, ask};
use super::link::{Aim, Link, Reply, Trouble};
use super::request::Route;
use super::shape;
use super::tenants::forget_user;
use super::user_copy::{Act, Found, Look, look};

/// How long the tenant's application, once read, is good for the copies of the next users.
const GOOD_FOR: Duration = Duration::from_secs(2);

/// The tenant's application that was read last, for the copies that are made of it.
#[derive(Debug)]
pub(super) struct Original {
    app: AppKey,
    configuration: Value,
    at: Instant,
}

/// Reads what there is and says what is to be done.
pub(super) async fn read(
    link: &Link,
    aim: &Aim,
    app: &AppKey,
    user: Uuid,
    edits: &BTreeSet<AppEdit>,
) -> Result<(Look, bool), Trouble> {
    let tenants = original(link, aim, app).await?;
    let own = own(link, aim, app, user).await?;
    let seen = look(own.as_ref(), &tenants, edits, aim.settings.new_list);
    lane::note(link, app, &seen.effective);
    Ok((seen, own.is_some()))
}

async fn original(link: &Link, aim: &Aim, app: &AppKey) -> Result<Value, Trouble> {
    let of = AppKey {
        user: None,
        ..app.clone()
    };
    {
        let state = link.state();
        let known = state
            .original
            .as_ref()
            .filter(|known| known.app == of && known.at.elapsed() < GOOD_FOR);
        if let Some(known) = known {
            return Ok(known.configuration.clone());
        }
    }
    let configuration = lane::read(link, aim, &of).await?.unwrap_or(Value::Null);
    link.state().original = Some(Original {
        app: of,
        configuration: configuration.clone(),
        at: Instant::now(),
    });
    Ok(configuration)
}

async fn own(link: &Link, aim: &Aim, app: &AppKey, user: Uuid) -> Result<Option<Found>, Trouble> {
    let route = Route::ReadUserApp;
    let Reply { answer, trace_id } = ask(link, aim, app, Some(user), route, None).await?;
    let error = |kind| Link::error(route, kind, trace_id.clone());
    match answer {
        Answer::Good(body) => {
            let body = shape::json(&body).map_err(error)?;
            let configuration = shape::at(&body, "configuration", "an object or null", |value| {
                (value.is_object() || value.is_null()).then(|| value.clone())
            });
            Ok(Some(Found {
                configuration: configuration.map_err(error)?,
                label: body["label"].as_str().map(str::to_owned),
            }))
        }
        Answer::NotFound => Ok(None),
        _ => {
            let kind = CoreErrorKind::UnexpectedShape("the answer: expected an application".into());
            Err(Link::error(route, kind, trace_id).into())
        }
    }
}

/// Does what is to be done. `false`: what was found is not there any more, or something else is.
pub(super) async fn act(
    link: &Link,
    aim: &Aim,
    app: &AppKey,
    user: Uuid,
    exists: bool,
    act: Act,
) -> Result<bool, Trouble> {
    let (route, body) = match act {
        Act::Keep => return Ok(true),
        Act::Delete => (Route::DeleteUserApp, None),
        Act::Edit(whole) => (Route::ChangeUserApp, Some(json!({"configuration": whole}))),
        Act::Copy(label, whole) => {
            let route = if exists {
                Route::ChangeUserApp
            } else {
                Route::CreateUserApp
            };
            (route, Some(json!({"label": label, "configuration": whole})))
        }
    };
    let reply = ask(link, aim, app, Some(user), route, body).await?;
    if route == Route::CreateUserApp && reply.answer == Answer::NotFound {
        forget_user(link, app);
    }
    Ok(matches!(reply.answer, Answer::Good(_)))
}

//! wazo-auth: the login, and the rights of the account.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::classify::Answer;
use super::error::{CoreError, CoreErrorKind};
use super::facts::{Account, Daemon, SessionFact};
use super::link::{Aim, Link, Reply, Trouble};
use super::request::{Ask, Credential, Route};
use super::rights::{rights, rights_for};
use super::session::LoginPause;
use super::shape;
use crate::secret::Secret;

/// Logs in; the facts and the session say how it went.
pub(super) async fn log_in(link: &Link, aim: &Aim) {
    let life = link.state().session.life(link.intervals());
    let ask = Ask::of(Route::Login).body(json!({"expiration": life.as_secs()}));
    let settings = &aim.settings;
    let credential = Credential::Basic(settings.username.clone(), settings.password.clone());
    let outcome = match link.send(aim, &ask, &credential).await {
        Ok(Reply {
            answer: Answer::Good(body),
            trace_id,
        }) => Login::read(&body).map_err(|kind| Link::error(Route::Login, kind, trace_id)),
        Ok(Reply { trace_id, .. }) => {
            let kind = CoreErrorKind::UnexpectedShape("the answer to a login: expected a token".into());
            Err(Link::error(Route::Login, kind, trace_id))
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(login) => logged_in(link, aim, login),
        Err(error) => login_failed(link, aim, error),
    }
}

/// What a login gives.
struct Login {
    token: Secret,
    account: Account,
    life: Duration,
}

impl Login {
    fn read(body: &[u8]) -> Result<Self, CoreErrorKind> {
        let body = shape::json(body)?;
        let token = shape::at(&body, "data.token", "a token", |value| {
            let text = value.as_str()?;
            let sound = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            ((1..=512).contains(&text.len()) && text.chars().all(sound)).then(|| Secret::new(text))
        })?;
        // By the core's own clock at both ends: ours may differ.
        let issued = shape::moment(&body, "data.utc_issued_at")?;
        let expires = shape::moment(&body, "data.utc_expires_at")?;
        let life = Duration::try_from(expires.duration_since(issued)).unwrap_or_default();
        Ok(Self {
            token,
            account: Account {
                uuid: shape::uuid(&body, "data.auth_id")?,
                tenant: shape::uuid(&body, "data.metadata.tenant_uuid")?,
                stack: shape::uuid(&body, "data.xivo_uuid")?,
            },
            life: life.max(Duration::from_secs(1)),
        })
    }
}

fn logged_in(link: &Link, aim: &Aim, login: Login) {
    let mut state = link.state();
    let outdated = state.aim.as_ref().is_none_or(|now| {
        now.settings.username != aim.settings.username
            || now.settings.password != aim.settings.password
            || now.stack.url != aim.stack.url
    });
    if outdated {
        drop(state);
        link.shared.grave.bury(&aim.stack, login.token);
        return;
    }
    let replaced = state.session.logged_in(login.token, login.life, Instant::now());
    state.rights.ask_at = Instant::now();
    let renewed = matches!(&state.facts.session, SessionFact::LoggedIn(account) if *account == login.account);
    if !renewed {
        state.wishes.hurry();
        state.accounts.hurry();
        state.suspects.insert(Daemon::Confd);
    }
    drop(state);
    aim.stack.allow(&link.key, Some(aim.settings.requests_per_second));
    if let Some(old) = replaced {
        link.shared.grave.bury(&aim.stack, old);
    }
    if !renewed {
        tracing::info!(core = %link.key, account = %login.account.uuid, stack = %login.account.stack, "logged in");
    }
    link.stack_answers(aim, login.account.stack);
    let told = {
        let mut state = link.state();
        // That of the settings as they are now: they may have changed while the answer was under way.
        let set = state.aim.as_ref().and_then(|now| now.settings.tenant);
        state.change_facts(|facts| {
            facts.tenant = Some(set.unwrap_or(login.account.tenant));
            facts.session = SessionFact::LoggedIn(login.account);
            facts.addresses = aim.stack.wire.addresses();
        })
    };
    if told {
        link.wake_core();
    }
    link.daemon_answered(aim, Daemon::Auth, Vec::new());
    link.confd_wake.notify_one();
}

fn login_failed(link: &Link, aim: &Aim, error: CoreError) {
    let pause = match &error.kind {
        CoreErrorKind::CredentialsRejected => LoginPause::Rejected,
        CoreErrorKind::TooManySessions => LoginPause::Sessions,
        CoreErrorKind::ServerError(_) => LoginPause::ServerError,
        kind if kind.is_absence() => LoginPause::Breaker,
        _ => LoginPause::Other,
    };
    let mut state = link.state();
    let outdated = state.aim.as_ref().is_none_or(|now| {
        now.settings.username != aim.settings.username || now.settings.password != aim.settings.password
    });
    if outdated {
        return;
    }
    state
        .session
        .login_failed(pause, link.intervals(), Instant::now());
    let still_in = state.session.token().is_some();
    drop(state);
    if error.kind == CoreErrorKind::CredentialsRejected {
        link.daemon_answered(aim, Daemon::Auth, Vec::new());
    }
    let passing = matches!(pause, LoginPause::Breaker | LoginPause::ServerError);
    if still_in && passing {
        return;
    }
    if !matches!(&link.state().facts.session, SessionFact::Failed(previous) if previous.is_like(&error)) {
        tracing::info!(core = %link.key, %error, "the login failed");
    }
    link.session_failed(error);
    link.confd_wake.notify_one();
}

/// What `scopes/check` says.
pub(super) enum Scopes {
    /// These of the asked rights are missing.
    Missing(Vec<String>),
    /// The account may not act in the tenant.
    TenantRefused,
}

/// Asks which of some rights the operator's own account has.
pub(super) async fn check(
    link: &Link,
    aim: &Aim,
    asked: &[String],
    tenant: Option<Uuid>,
) -> Result<(Scopes, String), Trouble> {
    let mut body = json!({"scopes": asked});
    if let Some(tenant) = tenant {
        body["tenant_uuid"] = json!(tenant);
    }
    let route = Route::CheckScopes;
    let Reply { answer, trace_id } = match link.ask(aim, &Ask::of(route).body(body)).await {
        Err(Trouble::Failed(error)) if error.kind == CoreErrorKind::TenantRefused => {
            return Ok((Scopes::TenantRefused, error.trace_id));
        }
        outcome => outcome?,
    };
    let missing = match answer {
        Answer::Good(body) => shape::json(&body).and_then(|body| {
            let held = shape::at(&body, "scopes", "an object", Value::as_object)?;
            let missing = asked
                .iter()
                .filter(|right| held.get(*right) != Some(&Value::Bool(true)));
            Ok(missing.cloned().collect())
        }),
        _ => Err(CoreErrorKind::UnexpectedShape(
            "the answer to scopes/check: expected scopes".into(),
        )),
    };
    match missing {
        Ok(missing) => Ok((Scopes::Missing(missing), trace_id)),
        Err(kind) => Err(Link::error(route, kind, trace_id).into()),
    }
}

/// Asks whether the account has every right that is needed, in the tenant that is set.
pub(super) async fn ask_rights(link: &Link, aim: &Aim) {
    let needed = rights(&aim.settings.applications);
    let interest = link.state().wishes.interests.all();
    let for_places = rights_for(&interest, &aim.settings.applications);
    let asked: Vec<String> = needed.iter().chain(&for_places).cloned().collect();
    let outcome = check(link, aim, &asked, aim.settings.tenant).await;
    let intervals = link.intervals();
    let now = Instant::now();
    let (missing, refused, trace_id) = match outcome {
        Ok((Scopes::Missing(missing), trace_id)) => (Some(missing), false, trace_id),
        Ok((Scopes::TenantRefused, trace_id)) => (None, true, trace_id),
        Err(Trouble::NoSession) => return,
        Err(Trouble::Failed(_)) => {
            let mut state = link.state();
            state.rights.asked = true;
            state.rights.ask_at = now + super::jitter::vary(intervals.longest_backoff, intervals.jitter);
            drop(state);
            link.confd_wake.notify_one();
            return;
        }
    };
    let complete = !refused && missing.as_ref().is_some_and(Vec::is_empty);
    // What some plugins need and others do not is told apart: it holds up nobody else.
    let missing = missing.map(|missing| missing.into_iter().partition(|right| needed.contains(right)));
    let (missing, lacking): (Option<Vec<String>>, Option<Vec<String>>) = missing.unzip();
    let pause = if complete {
        intervals.rights
    } else {
        intervals.missing_rights
    };
    let mut state = link.state();
    let outdated = state.aim.as_ref().is_none_or(|now| {
        now.settings.tenant != aim.settings.tenant || now.settings.applications != aim.settings.applications
    });
    if outdated {
        // The answer is about other settings; for those of now it is asked at once.
        return;
    }
    let changed = state.facts.tenant_refused != refused
        || (missing.is_some() && state.facts.missing_permissions != missing);
    state.rights.asked = true;
    state.rights.ask_at = now + super::jitter::vary(pause, intervals.jitter);
    state.rights.trace_id = trace_id;
    if changed {
        state.accounts.hurry();
        state.wishes.hurry();
    }
    drop(state);
    link.change_facts(|facts| {
        facts.tenant_refused = refused;
        if missing.is_some() {
            facts.missing_permissions = missing;
        }
        facts.missing_for_places = lacking.unwrap_or_default();
    });
    link.note_whole();
    link.confd_wake.notify_one();
}

/// What a refusal (401) of `route`, which asks for `right`, in `tenant` means: the right or the tenant.
pub(super) async fn explain_refusal(
    link: &Link,
    aim: &Aim,
    route: Route,
    right: Option<String>,
    tenant: Uuid,
    trace_id: String,
) -> CoreError {
    // The rights are not what they were: ask about all of them.
    link.state().rights.ask_at = Instant::now();
    link.auth_wake.notify_one();
    let asked: Vec<String> = right.into_iter().collect();
    let absent = aim.stack.breaker(Daemon::Auth).open().is_some();
    let refused = !absent
        && matches!(
            check(link, aim, &asked, Some(tenant)).await,
            Ok((Scopes::TenantRefused, _))
        );
    let kind = match route.row().right {
        _ if refused => CoreErrorKind::TenantRefused,
        Some(right) => CoreErrorKind::MissingPermission(right.into()),
        None => CoreErrorKind::Rejected(401),
    };
    Link::error(route, kind, trace_id)
}

//! Trying stored credentials, as the plugin would use them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::work::Job;
use super::{AccountSeen, Act, Slot};
use crate::core::classify::Answer;
use crate::core::error::CoreErrorKind;
use crate::core::link::{Link, Trouble};
use crate::core::request::{Ask, Credential, Route};
use crate::core::shape;
use crate::secret::Secret;

/// Seconds that the token of a proof lives, should it not be deleted.
const PROOF_SECONDS: u32 = 60;

/// What a login says.
#[derive(Debug)]
pub(super) enum Proof {
    /// The user gets in, with his rights.
    In,
    /// He does not get in.
    Rejected,
    /// He gets in, without these of his rights.
    RightsMissing(Vec<String>),
    /// There is no password to try.
    NotTried,
}

impl Job<'_> {
    /// Logs in as the user, looks at his rights, and leaves his token to be deleted.
    pub(super) async fn prove(&self, act: &Act) -> Result<Proof, Trouble> {
        let (
            Act::Prove {
                slot, tenant, acl, ..
            },
            Some(password),
        ) = (act, self.wish.password.clone())
        else {
            return Ok(Proof::NotTried);
        };
        let login = Ask::of(Route::Login).body(json!({"expiration": PROOF_SECONDS}));
        let credential = Credential::Basic(self.wish.subject.username(*slot), password);
        let reply = match self.link.send(self.aim, &login, &credential).await {
            Err(error) if error.kind == CoreErrorKind::CredentialsRejected => return Ok(Proof::Rejected),
            // Who is told so gave the right password: his plugin does not delete its tokens.
            Err(error) if error.kind == CoreErrorKind::TooManySessions => {
                tracing::warn!(core = %self.link.key, plugin = %self.plugin, %error, "the plugin's account");
                return Ok(Proof::In);
            }
            reply => reply?,
        };
        let wrong = |kind| Link::error(Route::Login, kind, reply.trace_id.clone());
        let Answer::Good(body) = &reply.answer else {
            let told = "the answer to a proof: expected a token".to_owned();
            return Err(wrong(CoreErrorKind::UnexpectedShape(told)).into());
        };
        let body = shape::json(body).map_err(wrong)?;
        let token = shape::text(&body, "data.token").map(Secret::new).map_err(wrong)?;
        let lacking = match holds_literally(&body, acl) && !is_refused_more(&body, acl) {
            true => Ok(Vec::new()),
            false => self.lacking_of(&body, &token, *tenant, acl).await,
        };
        self.link.shared.grave.bury(&self.aim.stack, token);
        let lacking = lacking?;
        Ok(if lacking.is_empty() {
            Proof::In
        } else {
            Proof::RightsMissing(lacking)
        })
    }

    /// What a token does not allow of what it is to allow, in other words than those that were asked for.
    async fn lacking_of(
        &self,
        login: &Value,
        token: &Secret,
        tenant: Uuid,
        acl: &[String],
    ) -> Result<Vec<String>, Trouble> {
        let given: Vec<&String> = acl.iter().filter(|entry| !entry.starts_with('!')).collect();
        let route = Route::CheckScopes;
        let ask = Ask::of(route).body(json!({"scopes": given, "tenant_uuid": tenant}));
        let credential = Credential::Path(token.clone());
        let reply = self.link.send(self.aim, &ask, &credential).await?;
        let Answer::Good(body) = reply.answer else {
            let told = "the answer to scopes/check: expected scopes".to_owned();
            let kind = CoreErrorKind::UnexpectedShape(told);
            return Err(Link::error(route, kind, reply.trace_id).into());
        };
        let scopes = shape::json(&body).unwrap_or_default();
        let holds = |entry: &&String| scopes["scopes"][entry.as_str()] == Value::Bool(true);
        // Refusals are not told of: they have to stand in the token in so many words.
        let stands = |entry: &&String| holds_literally(login, std::slice::from_ref(*entry));
        let lacks = |entry: &&String| match entry.starts_with('!') {
            true => !stands(entry),
            false => !holds(entry),
        };
        Ok(acl.iter().filter(lacks).cloned().collect())
    }
}

/// Whether a token was made with all of these rights, word for word.
fn holds_literally(login: &Value, acl: &[String]) -> bool {
    let held = login.pointer("/data/acl").and_then(Value::as_array);
    held.is_some_and(|held| {
        acl.iter()
            .all(|entry| held.iter().any(|held| held.as_str() == Some(entry)))
    })
}

/// Whether a token holds refusals beyond these rights: they win over what it is given.
fn is_refused_more(login: &Value, acl: &[String]) -> bool {
    let held = login.pointer("/data/acl").and_then(Value::as_array);
    let mut refusals = held.into_iter().flatten().filter_map(Value::as_str);
    refusals.any(|entry| entry.starts_with('!') && !acl.iter().any(|own| own == entry))
}

/// Whether the user of a proof may log in and has his rights, by what was seen.
pub(super) fn may_get_in(act: &Act, seen: &AccountSeen) -> bool {
    let Act::Prove {
        slot, tenant, acl, ..
    } = act
    else {
        return false;
    };
    let slot: Slot = *slot;
    let Some((user, policy)) = seen.user(slot).zip(seen.policies.get(tenant)) else {
        return false;
    };
    user.tenant == *tenant
        && user.enabled
        && user.intact
        && user.policies.contains(&policy.uuid)
        && policy.acl == *acl
}

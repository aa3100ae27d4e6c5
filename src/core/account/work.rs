//! The work on one account: look, do one thing, look again. With its broker down wazo-auth answers 500 to what it has
//! done, and a connection may break behind a write: so what is in doubt is looked at, never done twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::route::{AccountRoute, rights};
use super::{AccountSeen, AccountWish, Act, ActState, PolicySeen, Slot, UserSeen};
use crate::core::auth::{Scopes, check};
use crate::core::classify::Answer;
use crate::core::error::CoreErrorKind;
use crate::core::link::{Aim, Link, Reply, Trouble};
use crate::core::request::{Ask, Credential, Route};
use crate::core::shape;
use crate::keys::PluginKey;
use crate::secret::Secret;

/// Seconds that the token of a proof lives, should it not be deleted.
const PROOF_SECONDS: u32 = 60;
/// What users of plugins are made as: no license, no extension, no mobile.
const PURPOSE: &str = "external_api";

/// Does what is due for the account of a plugin.
pub(in crate::core) async fn work(link: &Link, aim: &Aim, plugin: &PluginKey) {
    let _turn = aim.stack.auth_lane.lock().await;
    let Some((wish, open)) = link.state().accounts.job(plugin) else {
        return;
    };
    let job = Job {
        link,
        aim,
        plugin,
        wish: &wish,
    };
    if job.needs_another_token() {
        return;
    }
    match job.attempt(open).await {
        // The core's own facts say what is away, once for all; the breaker holds the work up.
        Ok(()) | Err(Trouble::NoSession) => {}
        Err(Trouble::Failed(error)) if error.kind.is_absence() => {}
        Err(Trouble::Failed(error)) => {
            tracing::info!(core = %link.key, %plugin, %error, "the account is not as wanted");
            let changed = link.state().accounts.fail(plugin, &wish, error, link.intervals());
            job.tell(changed);
        }
    }
}

struct Job<'a> {
    link: &'a Link,
    aim: &'a Aim,
    plugin: &'a PluginKey,
    wish: &'a AccountWish,
}

impl Job<'_> {
    fn tell(&self, changed: bool) {
        if changed {
            self.link.wake_plugins(BTreeSet::from([self.plugin.clone()]));
        }
    }

    /// A token keeps the rights that it was made with: a new one shows what was given since. Not more often than
    /// missing rights are asked for.
    fn needs_another_token(&self) -> bool {
        let age = self.link.intervals().missing_rights / 2;
        let mut state = self.link.state();
        let renewed = state.accounts.lacks() && state.session.renew_if_older(age, Instant::now());
        drop(state);
        if renewed {
            self.link.auth_wake.notify_one();
        }
        renewed
    }

    async fn attempt(&self, open: bool) -> Result<(), Trouble> {
        let seen = self.look().await?;
        self.saw(&seen);
        let Some(act) = self.wish.act.as_ref().filter(|_| open) else {
            return Ok(());
        };
        if holds(act, &seen) {
            self.settle(ActState::Done);
            return Ok(());
        }
        match self.perform(act, &seen).await {
            Ok(state) => {
                if !matches!(act, Act::Prove { .. }) {
                    self.saw(&self.look().await?);
                }
                self.settle(state);
                Ok(())
            }
            Err(Trouble::Failed(error)) if error.kind.is_doubtful() && !error.kind.is_absence() => {
                let seen = self.look().await?;
                self.saw(&seen);
                if !holds(act, &seen) {
                    return Err(error.into());
                }
                self.settle(ActState::Done);
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn saw(&self, seen: &AccountSeen) {
        let intervals = self.link.intervals();
        let again = if seen.missing.is_empty() {
            intervals.snapshot
        } else {
            intervals.missing_rights
        };
        let again = crate::core::jitter::vary(again, intervals.jitter);
        let changed = self
            .link
            .state()
            .accounts
            .saw(self.plugin, self.wish, seen.clone(), again);
        self.tell(changed);
        let missing = self.link.state().accounts.missing();
        self.link
            .change_facts(|facts| facts.missing_for_accounts = missing);
    }

    fn settle(&self, state: ActState) {
        let changed = self.link.state().accounts.settle(self.plugin, self.wish, state);
        self.tell(changed);
    }

    /// Reads all that the core holds of the account.
    async fn look(&self) -> Result<AccountSeen, Trouble> {
        let mut users = [None, None];
        let mut policies = BTreeMap::new();
        for (index, tenant) in self.wish.tenants.iter().copied().enumerate() {
            for slot in Slot::ALL {
                let user = &mut users[slot as usize];
                if user.is_none() {
                    *user = self.read_user(slot, tenant, index == 0).await?;
                }
            }
            if let Some(policy) = self.read_policy(tenant, index == 0).await? {
                policies.insert(tenant, policy);
            }
        }
        Ok(AccountSeen {
            users,
            policies,
            missing: self.missing().await?,
            at: Timestamp::now(),
        })
    }

    async fn read_user(&self, slot: Slot, tenant: Uuid, strict: bool) -> Result<Option<UserSeen>, Trouble> {
        let uuid = self.wish.subject.user(slot).to_string();
        let route = AccountRoute::ReadUser;
        let Some((body, trace)) = self.read(route, &uuid, tenant, strict).await? else {
            return Ok(None);
        };
        let links = self
            .read(AccountRoute::ReadLinks, &uuid, tenant, strict)
            .await?
            .map(|(body, _)| body);
        let of_user = |kind| Link::error(Route::Account(route), kind, trace.clone());
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let policies = links
            .as_ref()
            .and_then(|links| links.get("items")?.as_array())
            .into_iter()
            .flatten()
            .filter_map(|policy| policy.get("uuid")?.as_str()?.parse().ok());
        Ok(Some(UserSeen {
            tenant: shape::uuid(&body, "tenant_uuid").map_err(of_user)?,
            enabled: shape::at(&body, "enabled", "a boolean", Value::as_bool).map_err(of_user)?,
            intact: text("username") == Some(self.wish.subject.username(slot).as_str())
                && text("purpose") == Some(PURPOSE),
            policies: policies.collect(),
        }))
    }

    async fn read_policy(&self, tenant: Uuid, strict: bool) -> Result<Option<PolicySeen>, Trouble> {
        let route = AccountRoute::ReadPolicy;
        let slug = self.wish.subject.policy();
        let Some((body, trace)) = self.read(route, slug, tenant, strict).await? else {
            return Ok(None);
        };
        let wrong = |kind| Link::error(Route::Account(route), kind, trace.clone());
        // Never touch what is not ours.
        if shape::text(&body, "slug").map_err(wrong)? != slug
            || shape::uuid(&body, "tenant_uuid").map_err(wrong)? != tenant
        {
            return Ok(None);
        }
        let entries = shape::at(&body, "acl", "a list", Value::as_array).map_err(wrong)?;
        let mut acl: Vec<String> = entries
            .iter()
            .filter_map(|entry| entry.as_str().map(ToOwned::to_owned))
            .collect();
        acl.sort_unstable();
        Ok(Some(PolicySeen {
            uuid: shape::uuid(&body, "uuid").map_err(wrong)?,
            acl,
        }))
    }

    /// A body and the trace of its request; `None`: there is nothing. A tenant that may have been deleted meanwhile
    /// (not `strict`) and is not ours to act in holds nothing, either.
    async fn read(
        &self,
        route: AccountRoute,
        name: &str,
        tenant: Uuid,
        strict: bool,
    ) -> Result<Option<(Value, String)>, Trouble> {
        let reply = self.ask(route, name, "", tenant, None, Vec::new()).await;
        let Reply { answer, trace_id } = match reply {
            Err(Trouble::Failed(error)) if error.kind == CoreErrorKind::TenantRefused && !strict => {
                return Ok(None);
            }
            reply => reply?,
        };
        match answer {
            Answer::Good(body) => {
                let body = shape::json(&body)
                    .map_err(|kind| Link::error(Route::Account(route), kind, trace_id.clone()))?;
                Ok(Some((body, trace_id)))
            }
            _ => Ok(None),
        }
    }

    /// What the operator's own account lacks to keep this one.
    async fn missing(&self) -> Result<Vec<String>, Trouble> {
        let asked: Vec<String> = rights()
            .into_iter()
            .chain(self.wish.held.iter().cloned())
            .collect();
        match check(self.link, self.aim, &asked, self.wish.tenants.first().copied()).await? {
            (Scopes::Missing(missing), _) => Ok(missing),
            (Scopes::TenantRefused, trace) => {
                Err(Link::error(Route::CheckScopes, CoreErrorKind::TenantRefused, trace).into())
            }
        }
    }

    async fn perform(&self, act: &Act, seen: &AccountSeen) -> Result<ActState, Trouble> {
        let subject = &self.wish.subject;
        let user = |slot: Slot| subject.user(slot).to_string();
        let policy = |tenant: &Uuid| seen.policies.get(tenant).map(|policy| policy.uuid.to_string());
        let standing = |slot: Slot| seen.user(slot).map_or(self.first_tenant(), |user| user.tenant);
        match act {
            Act::Policy { tenant, acl } => {
                let body = json!({
                    "name": subject.policy(), "slug": subject.policy(), "acl": acl,
                    "description": format!("of the Wazo plugin {}", self.plugin),
                });
                let (route, name) = match policy(tenant) {
                    Some(uuid) => (AccountRoute::ChangePolicy, uuid),
                    None => (AccountRoute::CreatePolicy, String::new()),
                };
                self.write(route, &name, "", *tenant, Some(body), seen).await
            }
            Act::Make { slot, tenant, .. } => {
                let Some(password) = &self.wish.password else {
                    return Ok(ActState::Pending);
                };
                let mut body = self.user(*slot, true);
                body["uuid"] = json!(subject.user(*slot));
                body["password"] = json!(password.expose());
                self.write(AccountRoute::CreateUser, "", "", *tenant, Some(body), seen)
                    .await
            }
            Act::Link { slot, tenant } => {
                let Some(uuid) = policy(tenant) else {
                    return Ok(ActState::Pending);
                };
                self.write(AccountRoute::Link, &user(*slot), &uuid, *tenant, None, seen)
                    .await
            }
            Act::Set { slot, enabled } => {
                let body = self.user(*slot, *enabled);
                let route = AccountRoute::ChangeUser;
                self.write(route, &user(*slot), "", standing(*slot), Some(body), seen)
                    .await
            }
            Act::Delete { slot } => {
                let route = AccountRoute::DeleteUser;
                self.write(route, &user(*slot), "", standing(*slot), None, seen)
                    .await
            }
            Act::DeletePolicy { tenant } => {
                let uuid = policy(tenant).unwrap_or_default();
                self.write(AccountRoute::DeletePolicy, &uuid, "", *tenant, None, seen)
                    .await
            }
            Act::Prove {
                slot, tenant, acl, ..
            } => self.prove(*slot, *tenant, acl).await,
        }
    }

    fn first_tenant(&self) -> Uuid {
        self.wish.tenants.first().copied().unwrap_or_default()
    }

    /// All fields of a user, since PUT resets those that it does not name; e-mails and password it leaves alone.
    fn user(&self, slot: Slot, enabled: bool) -> Value {
        json!({
            "username": self.wish.subject.username(slot),
            "firstname": "Wazo plugin",
            "lastname": self.plugin.to_string(),
            "purpose": PURPOSE,
            "enabled": enabled,
        })
    }

    /// Writes, unless the operator is known to lack what it takes. What is there or gone already is seen by the look
    /// behind it.
    async fn write(
        &self,
        route: AccountRoute,
        name: &str,
        under: &str,
        tenant: Uuid,
        body: Option<Value>,
        seen: &AccountSeen,
    ) -> Result<ActState, Trouble> {
        if let Some(kind) = self.lacking(route, &seen.missing) {
            return Err(Link::error(Route::Account(route), kind, String::new()).into());
        }
        let held = seen.policies.values().flat_map(|policy| &policy.acl);
        let held = held
            .map(|entry| entry.trim_start_matches('!').to_owned())
            .collect();
        self.ask(route, name, under, tenant, body, held).await?;
        Ok(ActState::Done)
    }

    fn lacking(&self, route: AccountRoute, missing: &[String]) -> Option<CoreErrorKind> {
        let right = route.row().3;
        if missing.iter().any(|lacking| lacking == right) {
            return Some(CoreErrorKind::MissingPermission(right));
        }
        let given = missing.iter().find(|lacking| self.wish.held.contains(lacking));
        given
            .filter(|_| route.gives())
            .map(|given| CoreErrorKind::MayNotGive(given.clone()))
    }

    async fn ask(
        &self,
        route: AccountRoute,
        name: &str,
        under: &str,
        tenant: Uuid,
        body: Option<Value>,
        mut held: Vec<String>,
    ) -> Result<Reply, Trouble> {
        let ask = Ask {
            name: name.to_owned(),
            under: under.to_owned(),
            body,
            ..Ask::of(Route::Account(route))
        };
        let reply = self.link.ask(self.aim, &ask.tenant(Some(tenant))).await?;
        if reply.answer != Answer::Forbidden {
            return Ok(reply);
        }
        let mut asked = vec![route.row().3.to_owned()];
        held.extend(self.wish.held.iter().cloned());
        asked.extend(held.iter().filter(|_| route.gives()).cloned());
        let kind = match check(self.link, self.aim, &asked, Some(tenant)).await? {
            (Scopes::TenantRefused, _) => CoreErrorKind::TenantRefused,
            (Scopes::Missing(missing), _) => self
                .lacking(route, &missing)
                .or_else(|| missing.first().cloned().map(CoreErrorKind::MayNotGive))
                .unwrap_or(CoreErrorKind::Rejected(401)),
        };
        Err(Link::error(Route::Account(route), kind, reply.trace_id).into())
    }

    /// Logs in as the user, asks for his rights, and leaves his token to be deleted.
    async fn prove(&self, slot: Slot, tenant: Uuid, acl: &[String]) -> Result<ActState, Trouble> {
        let Some(password) = self.wish.password.clone() else {
            return Ok(ActState::Pending);
        };
        let login = Ask::of(Route::Login).body(json!({"expiration": PROOF_SECONDS}));
        let credential = Credential::Basic(self.wish.subject.username(slot), password);
        let reply = match self.link.send(self.aim, &login, &credential).await {
            Err(error) if error.kind == CoreErrorKind::CredentialsRejected => {
                return Ok(ActState::PasswordUnknown);
            }
            reply => reply?,
        };
        let unexpected = |route, trace| {
            let kind = CoreErrorKind::UnexpectedShape(
                "the answer to a proof: expected a token with its rights".into(),
            );
            Trouble::from(Link::error(route, kind, trace))
        };
        let Answer::Good(body) = reply.answer else {
            return Err(unexpected(Route::Login, reply.trace_id));
        };
        let token = shape::json(&body)
            .and_then(|body| shape::text(&body, "data.token").map(Secret::new))
            .map_err(|kind| Link::error(Route::Login, kind, reply.trace_id))?;
        let given: Vec<&String> = acl.iter().filter(|entry| !entry.starts_with('!')).collect();
        let ask = Ask::of(Route::CheckScopes).body(json!({"scopes": given, "tenant_uuid": tenant}));
        let reply = self
            .link
            .send(self.aim, &ask, &Credential::Path(token.clone()))
            .await;
        self.link.shared.grave.bury(&self.aim.stack, token);
        let reply = reply?;
        let Answer::Good(body) = reply.answer else {
            return Err(unexpected(Route::CheckScopes, reply.trace_id));
        };
        let scopes = shape::json(&body).unwrap_or_default();
        // With refusals among the entries one of them may take another one back: that is as asked.
        let refuses = given.len() < acl.len();
        let holds = |entry: &&String| scopes["scopes"][entry.as_str()] == Value::Bool(true);
        match given.into_iter().find(|entry| !refuses && !holds(entry)) {
            None => Ok(ActState::Done),
            Some(_) => Err(unexpected(Route::CheckScopes, reply.trace_id)),
        }
    }
}

/// Whether what an act makes so is so. A proof has to be made to hold.
pub(super) fn holds(act: &Act, seen: &AccountSeen) -> bool {
    match act {
        Act::Policy { tenant, acl } => seen.policies.get(tenant).is_some_and(|policy| policy.acl == *acl),
        Act::Make { slot, .. } => seen.user(*slot).is_some(),
        Act::Link { slot, tenant } => seen
            .policies
            .get(tenant)
            .zip(seen.user(*slot))
            .is_some_and(|(policy, user)| user.policies.contains(&policy.uuid)),
        Act::Prove { .. } => false,
        Act::Set { slot, enabled } => seen
            .user(*slot)
            .is_none_or(|user| user.enabled == *enabled && user.intact),
        Act::Delete { slot } => seen.user(*slot).is_none(),
        Act::DeletePolicy { tenant } => !seen.policies.contains_key(tenant),
    }
}

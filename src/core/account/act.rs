//! Doing one thing about an account.

use serde_json::{Value, json};
use uuid::Uuid;

use super::route::AccountRoute;
use super::work::{Job, PURPOSE};
use super::{AccountSeen, Act, ActState, Slot};
use crate::core::auth::{Scopes, check};
use crate::core::classify::Answer;
use crate::core::error::CoreErrorKind;
use crate::core::link::{Link, Reply, Trouble};
use crate::core::request::{Ask, Route};

impl Job<'_> {
    pub(super) async fn perform(&self, act: &Act, seen: &AccountSeen) -> Result<ActState, Trouble> {
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
            // It is made by a login of its own.
            Act::Prove { .. } => Ok(ActState::Pending),
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

    pub(super) fn lacking(&self, route: AccountRoute, missing: &[String]) -> Option<CoreErrorKind> {
        let right = route.row().3;
        if missing.iter().any(|lacking| lacking == right) {
            return Some(CoreErrorKind::MissingPermission(right.into()));
        }
        let given = missing.iter().find(|lacking| self.wish.held.contains(lacking));
        given
            .filter(|_| route.gives())
            .map(|given| CoreErrorKind::MayNotGive(given.clone()))
    }

    pub(super) async fn ask(
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

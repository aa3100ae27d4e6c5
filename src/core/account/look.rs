//! Looking at one account: its users, its policies, and what the operator lacks to keep them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::route::{AccountRoute, rights};
use super::work::{Job, PURPOSE};
use super::{AccountSeen, PolicySeen, Slot, UserSeen};
use crate::core::auth::{Scopes, check};
use crate::core::classify::Answer;
use crate::core::error::CoreErrorKind;
use crate::core::link::{Link, Reply, Trouble};
use crate::core::request::Route;
use crate::core::shape;

impl Job<'_> {
    /// Reads all that the core holds of the account.
    pub(super) async fn look(&self) -> Result<AccountSeen, Trouble> {
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
        let policies = links
            .as_ref()
            .and_then(|links| links.get("items")?.as_array())
            .into_iter()
            .flatten()
            .filter_map(|policy| policy.get("uuid")?.as_str()?.parse().ok());
        let user = user_of(&body, &self.wish.subject.username(slot), policies.collect());
        Ok(Some(user.map_err(|kind| {
            Link::error(Route::Account(route), kind, trace)
        })?))
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
        Ok(Some(policy_of(&body).map_err(wrong)?))
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
}

/// A user as wazo-auth shows him; his policies it tells elsewhere.
pub(super) fn user_of(
    body: &Value,
    username: &str,
    policies: BTreeSet<Uuid>,
) -> Result<UserSeen, CoreErrorKind> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    Ok(UserSeen {
        tenant: shape::uuid(body, "tenant_uuid")?,
        enabled: shape::at(body, "enabled", "a boolean", Value::as_bool)?,
        intact: text("username") == Some(username) && text("purpose") == Some(PURPOSE),
        policies,
    })
}

/// A policy as wazo-auth shows it.
pub(super) fn policy_of(body: &Value) -> Result<PolicySeen, CoreErrorKind> {
    let entries = shape::at(body, "acl", "a list", Value::as_array)?;
    let mut acl: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.as_str().map(ToOwned::to_owned))
        .collect();
    acl.sort_unstable();
    Ok(PolicySeen {
        uuid: shape::uuid(body, "uuid")?,
        acl,
    })
}

//! wazo-auth's users and policies as an administrator sees and changes them, past the daemon.

use std::sync::{Arc, MutexGuard};

use http::Request;
use serde_json::{Value, json};

use crate::journal::{Daemon, Effect, EffectKind};
use crate::seed::Account;
use crate::stack::Stack;
use crate::world::{Token, World};

/// A user of wazo-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthUser {
    /// His uuid.
    pub uuid: String,
    /// The uuid of his tenant.
    pub tenant: String,
    /// His user name; a PUT without one takes it away.
    pub username: Option<String>,
    /// `user`, `internal` or `external_api`.
    pub purpose: String,
    /// Whether he may log in.
    pub enabled: bool,
    /// The uuids of the policies that are attached to him, the oldest link first.
    pub policies: Vec<String>,
}

/// A policy that somebody made; those of the stack's configuration are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthPolicy {
    /// Its uuid.
    pub uuid: String,
    /// The uuid of its tenant.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// Its rights.
    pub acl: Vec<String>,
}

/// The users, policies and tokens of wazo-auth. What is changed here stands in the journal as a stranger's.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(crate) stack: Arc<Stack>,
}

impl Accounts {
    fn world(&self) -> MutexGuard<'_, World> {
        self.stack.world()
    }

    /// Every token and password that there ever was, those that are dead or were replaced included: what nobody may tell.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.world().secrets.iter().cloned().collect()
    }

    fn note(&self, method: &str, kind: EffectKind, key: String) {
        let path = format!("/0.1/{key}");
        self.stack
            .note_stranger(Daemon::Auth, method, &path, Effect::on(kind, key));
    }

    /// All users of all tenants, by uuid.
    #[must_use]
    pub fn list(&self) -> Vec<AuthUser> {
        let shown = |user: &crate::world::User| AuthUser {
            uuid: user.uuid.clone(),
            tenant: user.tenant.clone(),
            username: user.username.clone(),
            purpose: user.purpose.clone(),
            enabled: user.enabled,
            policies: user.policies.clone(),
        };
        self.world().users.values().map(shown).collect()
    }

    /// One user, if he is there.
    #[must_use]
    pub fn get(&self, uuid: &str) -> Option<AuthUser> {
        self.list().into_iter().find(|user| user.uuid == uuid)
    }

    /// All policies of all tenants, by uuid.
    #[must_use]
    pub fn policies(&self) -> Vec<AuthPolicy> {
        let shown = |policy: &crate::world::Policy| {
            let tenant = policy.tenant.clone()?;
            Some(AuthPolicy {
                uuid: policy.uuid.clone(),
                tenant,
                name: policy.name.clone(),
                slug: policy.slug.clone(),
                acl: policy.acl.clone(),
            })
        };
        self.world().policies.values().filter_map(shown).collect()
    }

    /// Makes a user, with a policy of his own if he has rights.
    pub fn create(&self, account: Account) {
        let key = format!("users/{}", account.uuid);
        self.world().add_account(account);
        self.note("POST", EffectKind::Created, key);
    }

    /// Lets a user log in or not; his tokens die when he may not.
    pub fn enable(&self, uuid: &str, enabled: bool) {
        let mut world = self.world();
        if let Some(user) = world.users.get_mut(uuid) {
            user.enabled = enabled;
        }
        if !enabled {
            world.drop_tokens_of(uuid);
        }
        drop(world);
        self.note("PUT", EffectKind::Changed, format!("users/{uuid}"));
    }

    /// Deletes a user.
    pub fn delete(&self, uuid: &str) {
        self.world().users.remove(uuid);
        self.note("DELETE", EffectKind::Deleted, format!("users/{uuid}"));
    }

    /// Takes a policy off a user.
    pub fn detach(&self, user: &str, policy: &str) {
        if let Some(user) = self.world().users.get_mut(user) {
            user.policies.retain(|held| held != policy);
        }
        self.note(
            "DELETE",
            EffectKind::Deleted,
            format!("users/{user}/policies/{policy}"),
        );
    }

    /// Gives a user another policy with these rights, which may be refusals (`!`). The answer: its uuid.
    pub fn attach(&self, user: &str, acl: &[&str]) -> String {
        let acl = acl.iter().map(ToString::to_string).collect();
        let mut world = self.world();
        let tenant = world.users.get(user).map(|user| user.tenant.clone());
        let name = format!("of-a-stranger-{}", world.policies.len());
        let policy = world.add_policy(tenant.as_deref(), &name, None, acl);
        if let Some(user) = world.users.get_mut(user) {
            user.policies.push(policy.clone());
        }
        drop(world);
        self.note(
            "PUT",
            EffectKind::Created,
            format!("users/{user}/policies/{policy}"),
        );
        policy
    }

    /// Gives a policy other rights; tokens keep those that they were made with.
    pub fn set_rights(&self, policy: &str, acl: &[&str]) {
        if let Some(policy) = self.world().policies.get_mut(policy) {
            policy.acl = acl.iter().map(ToString::to_string).collect();
        }
        self.note("PUT", EffectKind::Changed, format!("policies/{policy}"));
    }

    /// Deletes a policy; it is off every user then.
    pub fn delete_policy(&self, policy: &str) {
        let mut world = self.world();
        world.policies.remove(policy);
        for user in world.users.values_mut() {
            user.policies.retain(|held| held != policy);
        }
        drop(world);
        self.note("DELETE", EffectKind::Deleted, format!("policies/{policy}"));
    }

    /// Gives a user another password; his tokens die.
    pub fn set_password(&self, uuid: &str, password: &str) {
        crate::auth::set_password(&mut self.world(), uuid, Some(password.to_owned()));
        self.note("PUT", EffectKind::Changed, format!("users/{uuid}/password"));
    }

    /// Drops all tokens of a user; he may log in again.
    pub fn revoke(&self, uuid: &str) {
        self.world().drop_tokens_of(uuid);
    }

    /// Logs in as a client would, past the front and its faults; none if the credentials are refused. It stands
    /// in the journal as a request without a user agent.
    #[must_use]
    pub fn log_in(&self, username: &str, password: &str) -> Option<Login> {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
        let request = Request::post("/0.1/token").header("authorization", format!("Basic {basic}"));
        let request = request.body(json!({"expiration": 3600}).to_string().into_bytes());
        let answer = self.stack.ask(Daemon::Auth, request.ok()?);
        let body: Value = serde_json::from_str(&answer.body).ok()?;
        Some(Login {
            stack: Arc::clone(&self.stack),
            token: body["data"]["token"].as_str()?.to_owned(),
        })
    }

    /// How many live tokens a user has.
    #[must_use]
    pub fn live_tokens(&self, uuid: &str) -> usize {
        self.world().live_tokens_of(uuid).len()
    }
}

/// Somebody who logged in, by his token.
#[derive(Clone, Debug)]
pub struct Login {
    stack: Arc<Stack>,
    token: String,
}

impl Login {
    fn read<T>(&self, read: impl FnOnce(&Token) -> T) -> Option<T> {
        self.stack.world().live_token(&self.token).map(read)
    }

    /// The token itself, to ask the front with.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether the token is good at the moment.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.read(|_| ()).is_some()
    }

    /// The uuid of the one who logged in; none if the token is dead.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        self.read(|token| token.user.clone())
    }

    /// The uuid of his tenant; none if the token is dead.
    #[must_use]
    pub fn tenant(&self) -> Option<String> {
        self.read(|token| token.tenant.clone())
    }

    /// The rights that the token was made with, the default ones of every account included; none if it is dead.
    #[must_use]
    pub fn rights(&self) -> Option<Vec<String>> {
        self.read(|token| token.acl.clone())
    }

    /// Whether the token lives and allows an action (`confd.users.read`).
    #[must_use]
    pub fn allows(&self, access: &str) -> bool {
        self.read(|token| token.access().allows(access)) == Some(true)
    }
}

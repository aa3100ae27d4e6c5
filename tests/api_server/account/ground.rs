//! What the tests of accounts have in common.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use wazo_e2e::objects::{self, plugin};
use wazo_e2e::trial::{Trial, seed, trial_with};
use wazo_simulated_core::{ACCOUNT_ACL, AuthPolicy, AuthUser, Login, Seed};

/// What plugins of these tests may be given.
const GRANTED: [&str; 4] = ["confd.users.#", "calld.#", "!calld.config.read", "!dird.#"];
/// What they ask for.
pub(super) const ASKED: [&str; 2] = ["confd.users.*.read", "confd.users.read"];

/// A core whose operator may keep accounts, and holds what they may be given.
pub(super) fn core_with_accounts() -> Seed {
    let mut seed = seed();
    let operator = seed
        .accounts
        .iter_mut()
        .find(|account| account.purpose == "external_api")
        .expect("the seed has an operator");
    let held = ACCOUNT_ACL.into_iter().chain(["confd.users.#", "calld.#"]);
    operator.acl.extend(held.map(ToOwned::to_owned));
    seed
}

/// A trial with such a core, which grants accounts, and an operator that runs.
pub(super) fn with_accounts(test: impl AsyncFnOnce(&mut Trial)) {
    trial_with(core_with_accounts(), async |trial: &mut Trial| {
        trial.connect().await;
        grant(trial, &GRANTED).await;
        trial.start();
        test(trial).await;
        no_password_is_shown(trial).await;
    });
}

/// Grants what [`with_accounts`] does.
pub(super) async fn grant_all(trial: &Trial) {
    grant(trial, &GRANTED).await;
}

pub(super) async fn grant(trial: &Trial, acl: &[&str]) {
    let grants = json!([{"registrations": ["UiApplication", "Account"], "acl": acl}]);
    trial.edit_core(&json!({"spec": {"grants": grants}})).await;
}

/// A plugin with a page and an account.
pub(super) fn plugin_with(name: &str, account: Value) -> Value {
    let mut object = plugin(name);
    object["spec"]["registrations"]["account"] = account;
    object
}

pub(super) async fn ready_account(trial: &mut Trial, name: &str) {
    trial.panel(name).await;
    trial.apply(&plugin_with(name, json!({"acl": ASKED}))).await;
    trial.ready(name).await;
}

/// A value of the Secret that the plugin's pods mount, as it is now.
pub(super) fn value(secret: &Value, key: &str) -> String {
    let encoded = secret["data"][key].as_str().unwrap_or_default();
    let bytes = BASE64_STANDARD
        .decode(encoded)
        .expect("the API server encodes values");
    String::from_utf8(bytes).expect("we write text")
}

pub(super) async fn secret(trial: &Trial, name: &str) -> Option<Value> {
    trial.get("v1", "Secret", name).await
}

/// Logs in with what the pods have.
pub(super) async fn log_in(trial: &Trial, plugin: &str) -> Option<Login> {
    let secret = secret(trial, &format!("{plugin}-core")).await?;
    let (username, password) = (value(&secret, "username"), value(&secret, "password"));
    trial.core().accounts().log_in(&username, &password)
}

/// The users of plugins.
pub(super) fn users(trial: &Trial) -> Vec<AuthUser> {
    let all = trial.core().accounts().list().into_iter();
    all.filter(|user| {
        user.username
            .as_deref()
            .is_some_and(|name| name.starts_with("wazo-plugin-"))
    })
    .collect()
}

/// The policies of plugins.
pub(super) fn policies(trial: &Trial) -> Vec<AuthPolicy> {
    let all = trial.core().accounts().policies().into_iter();
    all.filter(|policy| policy.slug.starts_with("wazo-plugin-"))
        .collect()
}

/// The policy of the operator's own account.
pub(super) fn operators_policy(trial: &Trial) -> AuthPolicy {
    let mut all = trial.core().accounts().policies().into_iter();
    let found = all.find(|policy| policy.acl.iter().any(|entry| entry == "auth.users.create"));
    found.expect("the operator may make users")
}

/// The users' rights of a login, those of every user aside.
pub(super) fn is_allowed(login: &Login) -> [bool; 3] {
    ["confd.users.read", "confd.users.u.read", "confd.users.u.delete"].map(|access| login.allows(access))
}

/// No password of any Secret stands in a status, an event, the log, or an object that is no Secret.
async fn no_password_is_shown(trial: &Trial) {
    let mut shown = trial.log() + &trial.recorder().story();
    for (version, kind) in [("events.k8s.io/v1", "Event"), ("apps/v1", "Deployment")] {
        for object in trial.list(version, kind).await {
            shown += &object.to_string();
        }
    }
    for secret in trial.list("v1", "Secret").await {
        if secret["metadata"]["name"] == objects::CORE {
            continue;
        }
        let password = value(&secret, "password");
        assert!(
            password.is_empty() || !shown.contains(&password),
            "{}",
            secret["metadata"]
        );
    }
}

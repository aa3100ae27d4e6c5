//! What strangers do to an account, and its end.

use serde_json::json;
use wazo_e2e::trial::Trial;
use wazo_simulated_core::EffectKind;

use super::ground::{
    ASKED, is_allowed, log_in, plugin_with, policies, ready_account, secret, users, value, with_accounts,
};

#[test]
fn what_strangers_change_in_the_core_is_put_back() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let accounts = trial.core().accounts();
        let (user, policy) = (users(trial)[0].uuid.clone(), policies(trial)[0].uuid.clone());
        let whole = || {
            let (users, policies) = (users(trial), policies(trial));
            users.len() == 1
                && users[0].enabled
                && users[0].policies
                    == policies
                        .iter()
                        .map(|policy| policy.uuid.clone())
                        .collect::<Vec<_>>()
                && policies.len() == 1
                && policies[0].acl == ASKED
        };
        assert!(whole());
        accounts.set_rights(&policy, &["confd.users.#"]);
        trial.holds("the rights", whole).await;
        accounts.enable(&user, false);
        trial.holds("the user may log in", whole).await;
        accounts.detach(&user, &policy);
        trial.holds("the user has his policy", whole).await;
        accounts.delete(&user);
        trial.holds("the user is there", whole).await;
        accounts.delete_policy(&policy);
        trial.holds("the policy is there", whole).await;
        // With the same password: the pods know no other.
        assert_eq!(
            is_allowed(&log_in(trial, "crm").await.unwrap()),
            [true, true, false]
        );
    });
}

#[test]
fn a_secret_that_somebody_edits_or_deletes_gets_new_credentials() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let wrong = json!({"stringData": {"password": "wrong-one"}});
        trial.patch("v1", "Secret", "crm-core", &wrong).await;
        works_again(trial).await;
        let there = secret(trial, "crm-core").await.unwrap();
        trial.delete("v1", "Secret", "crm-core").await;
        works_again(trial).await;
        let now = secret(trial, "crm-core").await.unwrap();
        assert_ne!(value(&now, "password"), value(&there, "password"));
    });
}

async fn works_again(trial: &Trial) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while log_in(trial, "crm").await.is_none() {
        assert!(std::time::Instant::now() < deadline, "no credentials that work");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    trial.holds("one user", || users(trial).len() == 1).await;
    trial.well("crm").await;
}

#[test]
fn with_the_plugin_the_users_go_and_then_the_policy() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let login = log_in(trial, "crm").await.unwrap();
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert_eq!((users(trial), policies(trial)), (Vec::new(), Vec::new()));
        assert!(!login.lives(), "tokens end, too");
        let effects = trial.core().journal().effects();
        let of = |prefix: &str| {
            let mut all = effects
                .iter()
                .filter(|entry| entry.effect.kind == EffectKind::Deleted);
            all.position(|entry| {
                entry
                    .effect
                    .key
                    .as_deref()
                    .is_some_and(|key| key.starts_with(prefix))
            })
        };
        assert!(of("users/") < of("policies/"), "the user first");
    });
}

#[test]
fn an_account_that_is_asked_for_no_more_goes_with_its_secret() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let none = json!({"spec": {"registrations": {"account": null}}});
        trial.edit_plugin("crm", &none).await;
        trial
            .holds("nothing in the core", || {
                users(trial).is_empty() && policies(trial).is_empty()
            })
            .await;
        let seen = trial
            .plugin_until("crm", "rid of its account", |seen| {
                let ledger = seen.0["metadata"]["annotations"]["plugins.wazo.io/ledger"].to_string();
                seen.is_ready() && !ledger.contains("accounts")
            })
            .await;
        assert_eq!(seen.0["status"]["registered"]["summary"], "2/2");
        assert!(secret(trial, "crm-core").await.is_none());
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert!(!deployment.to_string().contains("wazo-account"));
    });
}

#[test]
fn a_retained_account_stays_and_is_taken_up_again_with_other_credentials() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let keep = json!({"spec": {"deletionPolicy": "Retain"}});
        trial.edit_plugin("crm", &keep).await;
        trial
            .plugin_until("crm", "observed", |seen| seen.is_observed())
            .await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert_eq!((users(trial).len(), policies(trial).len()), (1, 1));
        // The garbage collector takes them with their owner, sooner or later.
        for (version, kind, name) in [
            ("v1", "ServiceAccount", "crm"),
            ("v1", "Service", "crm"),
            ("v1", "Secret", "crm-core"),
            ("apps/v1", "Deployment", "crm"),
            ("networking.k8s.io/v1", "NetworkPolicy", "crm"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute", "crm"),
        ] {
            if trial.get(version, kind, name).await.is_some() {
                trial.delete(version, kind, name).await;
            }
        }
        trial.apply(&plugin_with("crm", json!({"acl": ASKED}))).await;
        trial.ready("crm").await;
        assert!(log_in(trial, "crm").await.is_some());
        trial
            .holds("nothing doubled", || {
                (users(trial).len(), policies(trial).len()) == (1, 1)
            })
            .await;
    });
}

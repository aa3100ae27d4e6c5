//! The credentials that the pods have are tried from time to time: what a stranger did to them is noticed.

use serde_json::{Value, json};
use wazo_e2e::trial::Trial;
use wazo_simulated_core::Entry;

use super::ground::{ASKED, log_in, plugin_with, ready_account, secret, users, value, with_accounts};
use super::replaced::replaced;

async fn credentials(trial: &Trial) -> (String, String) {
    let found: Value = secret(trial, "crm-core").await.unwrap();
    (value(&found, "username"), value(&found, "password"))
}

fn asked(trial: &Trial, wanted: impl Fn(&Entry) -> bool) -> usize {
    let entries = trial.core().journal().entries();
    entries
        .iter()
        .filter(|entry| !entry.stranger && wanted(entry))
        .count()
}

fn refused_logins(trial: &Trial) -> usize {
    asked(trial, |entry| {
        entry.path.ends_with("/token") && entry.status == Some(401)
    })
}

/// How often all accounts were read.
fn looks(trial: &Trial) -> usize {
    asked(trial, |entry| entry.path.contains("/auth/0.1/users?"))
}

#[test]
fn a_password_that_a_stranger_changed_is_noticed_and_other_credentials_are_made() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let (was, _) = credentials(trial).await;
        let user = users(trial)[0].uuid.clone();
        trial.core().accounts().set_password(&user, "of-a-stranger");
        let stranger = trial.core().accounts().log_in(&was, "of-a-stranger").unwrap();
        let now = replaced(trial, &was).await;
        assert_ne!(now, was);
        trial.well("crm").await;
        assert!(log_in(trial, "crm").await.is_some());
        assert!(!stranger.lives(), "the stranger is out");
        trial
            .patient(async || {
                let told = trial.list("events.k8s.io/v1", "Event").await;
                told.iter().any(|event| {
                    event["reason"] == "DriftCorrected"
                        && event["note"]
                            .as_str()
                            .is_some_and(|note| note.contains("password"))
                })
            })
            .await;
    });
}

#[test]
fn where_drift_is_only_reported_an_account_is_left_as_a_stranger_made_it_and_that_is_told() {
    with_accounts(async |trial: &mut Trial| {
        trial.panel("crm").await;
        let mut object = plugin_with("crm", json!({"acl": ASKED}));
        object["spec"]["drift"] = json!("Report");
        trial.apply(&object).await;
        trial.ready("crm").await;
        let (was, password) = credentials(trial).await;
        let user = users(trial)[0].uuid.clone();
        let accounts = trial.core().accounts();

        accounts.set_password(&user, "of-a-stranger");
        let seen = trial.fault("crm", "Config", "AccountChangedInCore").await;
        assert!(seen.is_blocked() && seen.fault("message").contains("password"));
        let seen = trial
            .plugin_until("crm", "drifted", |seen| seen.reason("Drifted") == "DriftReported")
            .await;
        assert!(seen.message("Drifted").contains("AccountPasswordChanged"));
        // Tried again in its time, and nothing more.
        let before = refused_logins(trial);
        trial
            .holds("tried again", || refused_logins(trial) > before)
            .await;
        assert_eq!(credentials(trial).await, (was.clone(), password.clone()));
        assert!(secret(trial, "crm-core-next").await.is_none());
        accounts.set_password(&user, &password);
        trial.well("crm").await;

        accounts.enable(&user, false);
        trial.fault("crm", "Config", "AccountChangedInCore").await;
        let before = looks(trial);
        trial.holds("looked at again", || looks(trial) > before + 1).await;
        assert!(!users(trial)[0].enabled, "left alone");
        accounts.enable(&user, true);
        let seen = trial.well("crm").await;
        assert!(seen.condition("Drifted").is_none());
        assert_eq!(credentials(trial).await, (was, password), "the same all the time");
        assert_eq!(users(trial).len(), 1);
    });
}

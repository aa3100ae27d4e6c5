//! What the core shows of an account and of the daemons that it may call: each is looked at as the plugin would.

use std::time::Duration;

use serde_json::json;
use wazo_e2e::objects::Seen;
use wazo_e2e::trial::Trial;
use wazo_e2e::wazo_simulated_core::{Daemon, Fault};

use super::ground::{ASKED, grant, plugin_with, ready_account, users, with_accounts};
use crate::core_signs::told;

/// The row of a daemon in the status of the core.
fn service(seen: &Seen, daemon: &str) -> Option<String> {
    let rows = seen.0["status"]["services"].as_array()?;
    let row = rows.iter().find(|row| row["name"] == daemon)?;
    row["state"].as_str().map(ToOwned::to_owned)
}

#[test]
fn a_daemon_that_the_account_of_a_plugin_names_is_looked_at_and_only_that_plugin_is_told() {
    with_accounts(async |trial: &mut Trial| {
        grant(trial, &["confd.users.#", "calld.#"]).await;
        trial.panel("caller").await;
        trial
            .apply(&plugin_with("caller", json!({"acl": ["calld.calls.read"]})))
            .await;
        trial.ready("caller").await;
        ready_account(trial, "other").await;
        trial
            .core_until("calld is up", |seen| {
                service(seen, "calld").as_deref() == Some("Up")
            })
            .await;

        let down = trial
            .core()
            .faults()
            .inject(Fault::daemon_down(Daemon::Calld))
            .await;
        let seen = trial.fault("caller", "Core", "CoreServiceDown").await;
        assert!(seen.is_ready() && !seen.is_blocked(), "registered is registered");
        assert_eq!(seen.0["status"]["fault"]["causedBy"]["name"], "main");
        assert!(seen.fault("message").contains("calld"));
        let core = trial
            .core_until("calld is down", |seen| {
                service(seen, "calld").as_deref() == Some("Down")
            })
            .await;
        assert!(core.is_ready(), "what the operator does goes on");
        assert_eq!(core.0["status"]["fault"]["reason"], "CoreServiceDown");
        trial.core().faults().clear(down).await;
        trial.well("caller").await;

        let bus = Fault::rabbitmq_down(Duration::ZERO).of_daemon(Daemon::Calld);
        trial.core().faults().inject(bus).await;
        trial
            .core_until("a part of calld fails", |seen| {
                service(seen, "calld").as_deref() == Some("Degraded")
            })
            .await;
        trial.fault("caller", "Core", "CoreEventsDegraded").await;
        trial.core().faults().clear_all().await;
        trial.well("caller").await;
        assert!(
            told(trial, "WazoPlugin/other").is_empty(),
            "it does not call calld"
        );
        trial.delete_plugin("caller").await;
        trial.gone("caller").await;
        trial
            .core_until("nobody calls calld", |seen| service(seen, "calld").is_none())
            .await;
    });
}

#[test]
fn a_right_that_another_policy_of_the_core_takes_from_an_account_is_named() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let user = users(trial)[0].clone();
        let policy = trial.core().accounts().attach(&user.uuid, &["!confd.users.read"]);
        let seen = trial.fault("crm", "Config", "PermissionChangedInCore").await;
        assert!(seen.is_ready() && !seen.is_blocked(), "it gets in");
        assert!(seen.fault("message").contains("confd.users.read"));
        let object = &seen.0["status"]["fault"]["object"];
        assert_eq!(object["name"].as_str(), user.username.as_deref());
        assert!(ASKED.contains(&"confd.users.read"));
        assert_eq!(users(trial).len(), 1, "other credentials would not help");
        trial.core().accounts().delete_policy(&policy);
        trial.well("crm").await;
    });
}

#[test]
fn a_password_that_was_changed_in_the_core_is_told_while_it_is_put_right() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let user = users(trial)[0].uuid.clone();
        trial.core().accounts().set_password(&user, "of-a-stranger");
        trial
            .holds("told", || {
                told(trial, "WazoPlugin/crm").contains(&"CredentialsChangedInCore".to_owned())
            })
            .await;
        trial.well("crm").await;
    });
}

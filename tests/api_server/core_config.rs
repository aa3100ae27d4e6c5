//! The connection to the core as it is configured: credentials, references, suspension.

use serde_json::json;
use wazo_e2e::objects::{self, Seen, plugin};
use wazo_e2e::trial::{Trial, trial};

#[test]
fn a_wrong_password_is_named_and_the_right_one_heals_without_a_restart() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let username = trial.core().account().0.to_owned();
        trial
            .apply(&objects::credentials(&username, "wrong-password-of-a-test"))
            .await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let core = trial.core_fault("Config", "CoreCredentialsRejected").await;
        assert_eq!(core.truth("Authenticated"), "False");
        assert_eq!(core.truth("Stalled"), "True");
        let seen = trial.fault("crm", "Config", "CoreCredentialsRejected").await;
        assert_eq!(
            seen.truth("Reconciling"),
            "True",
            "it heals by itself when the Secret is right"
        );
        let (username, password) = trial.core().account();
        trial.apply(&objects::credentials(username, password)).await;
        trial.ready("crm").await;
        assert!(!trial.log().contains("wrong-password-of-a-test"));
    });
}

#[test]
fn a_password_that_is_changed_in_the_core_is_told_from_one_that_was_always_wrong() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.core().faults().change_password("changed-in-the-core");
        trial.core_fault("Config", "CredentialsChangedInCore").await;
        let seen = trial.fault("crm", "Config", "CredentialsChangedInCore").await;
        assert!(seen.is_ready() && !seen.is_blocked());
        let username = trial.core().account().0.to_owned();
        trial
            .apply(&objects::credentials(&username, "changed-in-the-core"))
            .await;
        trial
            .plugin_until("crm", "free of faults", |seen| !seen.has_fault())
            .await;
    });
}

#[test]
fn rejected_credentials_are_not_hammered() {
    trial(async |trial: &mut Trial| {
        // As in production: one try in five minutes.
        trial.wiring().intervals.credentials_backoff = std::time::Duration::from_secs(300);
        trial.connect().await;
        let username = trial.core().account().0.to_owned();
        trial.apply(&objects::credentials(&username, "wrong")).await;
        trial.start();
        trial.core_fault("Config", "CoreCredentialsRejected").await;
        for name in ["a", "b"] {
            trial.panel(name).await;
            trial.apply(&plugin(name)).await;
            trial.fault(name, "Config", "CoreCredentialsRejected").await;
        }
        let logins = trial
            .core()
            .journal()
            .counts()
            .get("POST /api/auth/0.1/token")
            .copied();
        assert_eq!(logins, Some(1), "{:?}", trial.core().journal().counts());
    });
}

#[test]
fn a_plugin_whose_core_does_not_exist_waits_for_it() {
    trial(async |trial: &mut Trial| {
        trial.apply(&objects::gateway()).await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Config", "CoreNotFound").await;
        assert!(
            seen.fault("message").contains("main"),
            "{}",
            seen.fault("message")
        );
        trial.connect().await;
        trial.well("crm").await;
    });
}

#[test]
fn a_suspended_core_is_asked_nothing() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.edit_core(&json!({"spec": {"suspend": true}})).await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        trial.fault("crm", "Config", "CoreSuspended").await;
        let core = trial
            .core_until("Suspended", |seen| seen.truth("Suspended") == "True")
            .await;
        assert!(!core.is_ready());
        assert_eq!(trial.core().journal().sequence(), 0, "nothing was sent");
        trial.edit_core(&json!({"spec": {"suspend": null}})).await;
        trial.ready("crm").await;
        assert_eq!(
            trial.core_until("Ready", Seen::is_ready).await.truth("Suspended"),
            ""
        );
    });
}

#[test]
fn a_secret_for_another_core_is_not_sent_there() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let mut credentials = objects::core(trial.core())[0].clone();
        credentials["stringData"]["url"] = json!("https://another.core.test");
        trial.apply(&credentials).await;
        trial.start();
        let core = trial
            .core_until("at odds with its Secret", |seen| {
                seen.is_observed() && seen.fault("party") == "Config"
            })
            .await;
        assert!(core.fault("message").contains("url"), "{}", core.fault("message"));
        assert_eq!(
            trial.core().journal().sequence(),
            0,
            "the password was sent nowhere"
        );
    });
}

#[test]
fn a_tenant_that_the_account_may_not_act_in_is_named() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let tenant = "5d1c3d2e-0a9d-4d0c-8a42-5b6f8f1effff";
        trial.edit_core(&json!({"spec": {"tenant": tenant}})).await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let core = trial.core_fault("Config", "TenantNotAllowed").await;
        assert_eq!(core.0["status"]["fault"]["object"]["fieldPath"], "spec.tenant");
        let seen = trial.fault("crm", "Config", "TenantNotAllowed").await;
        assert!(!seen.is_ready());
        let own = trial.core().tenant().to_owned();
        trial.edit_core(&json!({"spec": {"tenant": own}})).await;
        trial.well("crm").await;
    });
}

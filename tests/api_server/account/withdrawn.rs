//! A grant that is withdrawn takes the account out of the core, and says so; given again, it comes back.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use wazo_e2e::objects::{self, CORE, Seen};
use wazo_e2e::trial::{Trial, trial_with};

use super::ground::{
    ASKED, core_with_accounts, grant, log_in, plugin_with, policies, ready_account, secret, users, value,
    with_accounts,
};
use crate::deletion_orders::told;

/// The row of the account.
fn row(seen: &Seen) -> Value {
    let rows = seen.0["status"]["registrations"].as_array().cloned();
    let mut rows = rows.unwrap_or_default().into_iter();
    rows.find(|row| row["kind"] == "Account").unwrap_or_default()
}

fn is_refused(seen: &Seen, reason: &str) -> bool {
    (&row(seen)["state"], &row(seen)["reason"]) == (&json!("Refused"), &json!(reason))
}

fn nothing_is_left(trial: &Trial) -> bool {
    users(trial).is_empty() && policies(trial).is_empty()
}

#[test]
fn an_account_that_is_not_granted_any_more_goes_with_its_secret_and_comes_back_with_other_credentials() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let before = value(&secret(trial, "crm-core").await.unwrap(), "password");
        let login = log_in(trial, "crm").await.unwrap();
        let less = json!({"spec": {"grants": [{"registrations": ["UiApplication"]}]}});
        trial.edit_core(&less).await;
        let seen = trial.fault("crm", "Config", "NotGranted").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.registrations.account"
        );
        trial
            .holds("nothing in the core", || nothing_is_left(trial))
            .await;
        assert!(!login.lives(), "his tokens end");
        let seen = trial
            .plugin_until("crm", "told", |seen| is_refused(seen, "NotGranted"))
            .await;
        assert!(!seen.is_ready() && seen.is_blocked());
        assert!(trial.is_registered("crm"), "what is granted stays");
        trial
            .patient(async || secret(trial, "crm-core").await.is_none())
            .await;
        trial.patient(async || told(trial, "Deregistered").await).await;
        super::ground::grant_all(trial).await;
        trial.well("crm").await;
        let now = value(&secret(trial, "crm-core").await.unwrap(), "password");
        assert_ne!(now, before);
        assert!(log_in(trial, "crm").await.is_some());
    });
}

#[test]
fn rights_that_are_not_granted_any_more_are_taken_away() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        grant(trial, &["calld.#"]).await;
        trial.fault("crm", "Config", "AclNotGranted").await;
        trial
            .holds("nothing in the core", || nothing_is_left(trial))
            .await;
        super::ground::grant_all(trial).await;
        trial.well("crm").await;
        assert!(log_in(trial, "crm").await.is_some());
    });
}

async fn label(trial: &Trial, namespace: &str, value: Option<&str>) {
    let patch = Patch::Merge(json!({"metadata": {"labels": {"wazo": value}}}));
    let api: Api<Namespace> = Api::all(trial.client().clone());
    let labelled = api.patch(namespace, &PatchParams::default(), &patch).await;
    labelled.expect("a namespace is labelled");
}

#[test]
fn a_core_of_another_namespace_that_lets_nobody_in_any_more_keeps_no_account() {
    trial_with(core_with_accounts(), async |trial: &mut Trial| {
        let acme = trial.neighbour().await;
        trial.connect().await;
        let partners = json!({"from": "Selector", "selector": {"matchLabels": {"wazo": "partner"}}});
        let granted =
            json!([{"namespaces": partners, "registrations": ["Account"], "acl": ["confd.users.#"]}]);
        trial.edit_core(&json!({"spec": {"grants": granted}})).await;
        let cores = trial.enter(&acme);
        trial.apply(&objects::gateway()).await;
        label(trial, &acme, Some("partner")).await;
        trial.start();
        // An account alone: no other registration keeps the core in sight.
        let mut object = plugin_with("crm", json!({"acl": ASKED}));
        object["spec"]["coreRef"] = json!({"name": CORE, "namespace": cores});
        object["spec"]["registrations"]["ui"] = json!(null);
        trial.apply(&object).await;
        trial.ready("crm").await;
        assert_eq!((users(trial).len(), policies(trial).len()), (1, 1));
        label(trial, &acme, None).await;
        trial.fault("crm", "Config", "CoreNotGranted").await;
        trial
            .holds("nothing in the core", || nothing_is_left(trial))
            .await;
        trial
            .plugin_until("crm", "told", |seen| is_refused(seen, "CoreNotGranted"))
            .await;
        // Nothing of it is in a core that it does not see: it may go.
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
    });
}

#[test]
fn an_account_of_a_suspended_plugin_goes_when_it_or_its_rights_are_not_granted_any_more() {
    let grants = [
        json!([{"registrations": ["UiApplication"]}]),
        json!([{"registrations": ["UiApplication", "Account"], "acl": ["calld.#"]}]),
    ];
    with_accounts(async |trial: &mut Trial| {
        for (name, grants) in ["crm", "board"].into_iter().zip(grants) {
            super::ground::grant_all(trial).await;
            ready_account(trial, name).await;
            let login = log_in(trial, name).await.unwrap();
            trial.edit_plugin(name, &json!({"spec": {"suspend": true}})).await;
            let suspended = |seen: &Seen| seen.is_observed() && seen.truth("Suspended") == "True";
            let seen = trial.plugin_until(name, "suspended", suspended).await;
            assert!(seen.is_ready() && login.lives(), "what is granted stays");
            trial.edit_core(&json!({"spec": {"grants": grants}})).await;
            trial
                .holds("nothing in the core", || nothing_is_left(trial))
                .await;
            assert!(!login.lives(), "his tokens end");
            let refused = |seen: &Seen| row(seen)["state"] == "Refused";
            let seen = trial.plugin_until(name, "told", refused).await;
            assert!(!seen.is_ready());
            assert!(trial.is_registered(name), "what is granted stays");
        }
    });
}

#[test]
fn an_account_of_a_plugin_whose_spec_is_not_usable_goes_when_it_is_not_granted_any_more() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let mut bad = plugin_with("crm", json!({"acl": ASKED}));
        bad["spec"]["expose"]["host"] = json!("10.0.0.1");
        trial.apply(&bad).await;
        trial.fault("crm", "Config", "InvalidSpec").await;
        assert!(log_in(trial, "crm").await.is_some(), "what is granted stays");
        let less = json!({"spec": {"grants": [{"registrations": ["UiApplication"]}]}});
        trial.edit_core(&less).await;
        trial
            .holds("nothing in the core", || nothing_is_left(trial))
            .await;
        trial
            .plugin_until("crm", "told", |seen| is_refused(seen, "NotGranted"))
            .await;
        trial
            .patient(async || secret(trial, "crm-core").await.is_none())
            .await;
        assert!(trial.is_registered("crm"), "what is granted stays");
    });
}

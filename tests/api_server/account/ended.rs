//! The end of an account in every order in which somebody may delete what belongs together: the users go, then the
//! policy, and only then the plugin.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams};
use serde_json::json;
use wazo_e2e::objects::CORE;
use wazo_e2e::trial::Trial;
use wazo_e2e::wazo_simulated_core::Fault;
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;

use super::ground::{ASKED, log_in, plugin_with, policies, ready_account, secret, users, with_accounts};
use crate::deletion_orders::{copies, copy_of, delete_by};

fn nothing_is_left(trial: &Trial) -> bool {
    users(trial).is_empty() && policies(trial).is_empty()
}

async fn until_blocked(trial: &Trial) {
    trial
        .plugin_until("crm", "blocked", |seen| {
            seen.reason("Ready") == "DeregistrationBlocked"
        })
        .await;
}

/// A plugin with an account and nothing else in the core.
async fn ready_account_alone(trial: &mut Trial) {
    let mut object = plugin_with("crm", json!({"acl": ASKED}));
    object["spec"]["registrations"]["ui"] = json!(null);
    trial.apply(&object).await;
    trial.ready("crm").await;
}

#[test]
fn with_its_core_away_an_account_holds_the_plugin_and_goes_when_it_is_back() {
    with_accounts(async |trial: &mut Trial| {
        ready_account_alone(trial).await;
        trial.core().faults().inject(Fault::refuse_connections()).await;
        trial.delete_plugin("crm").await;
        until_blocked(trial).await;
        assert!(secret(trial, "crm-core").await.is_some());
        assert_eq!((users(trial).len(), policies(trial).len()), (1, 1));
        trial.core().faults().clear_all().await;
        trial.gone("crm").await;
        assert!(nothing_is_left(trial));
    });
}

#[test]
fn with_its_core_gone_for_good_an_account_may_be_abandoned_and_that_is_told() {
    with_accounts(async |trial: &mut Trial| {
        ready_account_alone(trial).await;
        trial.core().faults().inject(Fault::refuse_connections()).await;
        trial.delete_plugin("crm").await;
        until_blocked(trial).await;
        let abandon = json!({"metadata": {"annotations": {"plugins.wazo.io/abandon-registrations": "true"}}});
        trial.edit_plugin("crm", &abandon).await;
        trial.gone("crm").await;
        trial.stop().await;
        let events = trial.list("events.k8s.io/v1", "Event").await;
        let told = events
            .iter()
            .find(|event| event["reason"] == "RegistrationsAbandoned")
            .unwrap();
        assert!(told["note"].as_str().unwrap().contains("account"), "{told:#}");
    });
}

#[test]
fn what_its_core_refers_to_may_go_first_even_while_no_operator_runs() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        let (secrets, name) = copy_of(trial).await;
        trial.until(secrets, &name, "there", |seen| seen.is_some()).await;
        trial.stop().await;
        trial.delete("v1", "Secret", CORE).await;
        trial.delete("v1", "ConfigMap", CORE).await;
        trial.delete("plugins.wazo.io/v1alpha1", "WazoCore", CORE).await;
        trial.delete_plugin("crm").await;
        trial.start();
        trial.gone("crm").await;
        assert!(nothing_is_left(trial));
        trial
            .until(trial.of::<WazoCore>(), CORE, "gone", |seen| seen.is_none())
            .await;
        trial.stop().await;
        assert!(copies(trial).await.is_empty(), "the copy goes with its core");
    });
}

#[test]
fn a_suspended_plugin_loses_its_account_all_the_same_and_a_suspended_core_holds_it() {
    with_accounts(async |trial: &mut Trial| {
        ready_account_alone(trial).await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        trial
            .plugin_until("crm", "Suspended", |seen| seen.truth("Suspended") == "True")
            .await;
        trial.edit_core(&json!({"spec": {"suspend": true}})).await;
        trial
            .core_until("Suspended", |seen| seen.truth("Suspended") == "True")
            .await;
        trial.delete_plugin("crm").await;
        until_blocked(trial).await;
        assert_eq!((users(trial).len(), policies(trial).len()), (1, 1));
        trial.edit_core(&json!({"spec": {"suspend": null}})).await;
        trial.gone("crm").await;
        assert!(nothing_is_left(trial));
    });
}

#[test]
fn a_deletion_that_orphans_leaves_a_secret_that_lets_nobody_in() {
    with_accounts(async |trial: &mut Trial| {
        // The garbage collector looks for new kinds every 30 s.
        trial.wait_at_most(std::time::Duration::from_secs(90));
        ready_account(trial, "crm").await;
        delete_by::<WazoPlugin>(trial, "crm", DeleteParams::orphan()).await;
        trial.gone("crm").await;
        assert!(nothing_is_left(trial));
        let left = secret(trial, "crm-core").await.unwrap();
        assert!(
            left["metadata"]["ownerReferences"].is_null(),
            "{}",
            left["metadata"]
        );
        assert!(log_in(trial, "crm").await.is_none());
    });
}

#[test]
fn a_deleted_namespace_takes_its_accounts_out_of_the_core() {
    with_accounts(async |trial: &mut Trial| {
        // Kubernetes deletes pods first, and looks again after half of their grace period, 15 s, whether they are
        // gone or not.
        trial.wait_at_most(std::time::Duration::from_secs(90));
        ready_account(trial, "crm").await;
        let namespaces: Api<Namespace> = Api::all(trial.client().clone());
        let deleted = namespaces
            .delete(trial.namespace(), &DeleteParams::default())
            .await;
        deleted.unwrap();
        trial.gone("crm").await;
        assert!(nothing_is_left(trial));
    });
}

#[test]
fn in_the_middle_of_a_replacement_both_users_go() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        // The new pods never come up, so that the old user has to stay.
        trial.pods("crm", wazo_e2e::pod_state::PodState::NotReady);
        let demand = json!({"metadata": {"annotations": {"plugins.wazo.io/rotate": "1"}}});
        trial.edit_plugin("crm", &demand).await;
        trial.holds("two users", || users(trial).len() == 2).await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(nothing_is_left(trial));
    });
}

#[test]
fn with_status_and_ledger_lost_what_a_plugin_has_is_found_by_its_name() {
    with_accounts(async |trial: &mut Trial| {
        ready_account(trial, "crm").await;
        trial.stop().await;
        trial.lose_the_status("crm").await;
        trial.start();
        trial.well("crm").await;
        assert_eq!((users(trial).len(), policies(trial).len()), (1, 1));
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(nothing_is_left(trial));
    });
}

//! Credentials are replaced while a client uses them all the time.

use serde_json::{Value, json};
use wazo_e2e::trial::Trial;

use super::client::Client;
use super::ground::{ASKED, plugin_with, policies, secret, users, value, with_accounts};

/// Waits until other credentials are in use, and nothing is left of the old ones.
pub(super) async fn replaced(trial: &Trial, old: &str) -> String {
    trial
        .holds("one user, another one, and one policy", || {
            let users = users(trial);
            let one = users.len() == 1 && policies(trial).len() == 1;
            one && users[0].username.as_deref() != Some(old)
        })
        .await;
    trial.ready("crm").await;
    let found = secret(trial, "crm-core").await.expect("it is there");
    assert_eq!(users(trial)[0].username, Some(value(&found, "username")));
    let pods = trial.list("v1", "Pod").await;
    let wanted = trial
        .get("apps/v1", "Deployment", "crm")
        .await
        .expect("it is there");
    let hash = |template: &Value| template["metadata"]["annotations"]["plugins.wazo.io/credentials"].clone();
    for pod in pods
        .iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
    {
        assert_eq!(
            hash(pod),
            hash(&wanted["spec"]["template"]),
            "a pod with old credentials"
        );
    }
    value(&found, "username")
}

#[test]
fn credentials_are_replaced_on_demand_in_time_and_for_other_rights_under_a_client_that_never_stops() {
    with_accounts(async |trial: &mut Trial| {
        trial.panel("crm").await;
        trial
            .apply(&plugin_with("crm", json!({"acl": ASKED, "rotateEvery": "1h"})))
            .await;
        trial.ready("crm").await;
        let first = value(&secret(trial, "crm-core").await.unwrap(), "username");
        let client = Client::start(trial, "crm");

        let demand = json!({"metadata": {"annotations": {"plugins.wazo.io/rotate": "1"}}});
        trial.edit_plugin("crm", &demand).await;
        let second = replaced(trial, &first).await;

        let long_ago =
            json!({"metadata": {"annotations": {"plugins.wazo.io/made-at": "2020-01-01T00:00:00Z"}}});
        trial.patch("v1", "Secret", "crm-core", &long_ago).await;
        let third = replaced(trial, &second).await;
        assert_eq!(third, first, "two slots take turns");

        let rights = json!({"spec": {"registrations": {"account": {"acl": ["confd.users.read", "calld.calls.read"]}}}});
        trial.edit_plugin("crm", &rights).await;
        let fourth = replaced(trial, &third).await;
        assert_eq!(policies(trial)[0].acl, ["calld.calls.read", "confd.users.read"]);

        let used = client.stop().await;
        assert_eq!(used.users, [first, second, third, fourth]);
        assert!(used.late > 0, "old pods were seen beside new credentials");
        assert!(
            secret(trial, "crm-core-next").await.is_none(),
            "no stored password is left"
        );
    });
}

#[test]
fn a_replacement_that_the_core_refuses_leaves_what_works() {
    with_accounts(async |trial: &mut Trial| {
        super::ground::ready_account(trial, "crm").await;
        let operator = super::ground::operators_policy(trial);
        let without = operator
            .acl
            .iter()
            .map(String::as_str)
            .filter(|entry| *entry != "confd.users.#");
        let (all, without): (Vec<&str>, Vec<&str>) = (
            operator.acl.iter().map(String::as_str).collect(),
            without.collect(),
        );
        let client = Client::start(trial, "crm");
        trial.core().accounts().set_rights(&operator.uuid, &without);
        trial.core().accounts().revoke(trial.core().account_uuid());
        let demand = json!({"metadata": {"annotations": {"plugins.wazo.io/rotate": "1"}}});
        trial.edit_plugin("crm", &demand).await;
        let seen = trial.fault("crm", "Config", "CoreForbidden").await;
        assert!(!seen.is_blocked() && seen.is_ready(), "{:#}", seen.0["status"]);
        assert!(
            seen.fault("message").contains("confd.users."),
            "{}",
            seen.fault("message")
        );
        trial
            .core_until("told of the missing right", |core| {
                core.0["status"]["missingPermissions"]
                    .to_string()
                    .contains("confd.users")
            })
            .await;
        trial.core().accounts().set_rights(&operator.uuid, &all);
        let old = value(&secret(trial, "crm-core").await.unwrap(), "username");
        replaced(trial, &old).await;
        trial.well("crm").await;
        assert_eq!(client.stop().await.users.len(), 2);
    });
}

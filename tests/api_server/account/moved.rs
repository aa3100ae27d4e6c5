//! An account that moves to another tenant.

use serde_json::json;
use wazo_e2e::trial::{Trial, trial_with};
use wazo_simulated_core::{SeedTenant, TENANTS_ACL};

use super::client::Client;
use super::ground::{ASKED, core_with_accounts, log_in, plugin_with, policies, secret, users, value};
use super::replaced::replaced;

const BELOW: &str = "7b0e2c1a-1111-4222-8333-944444444444";

#[test]
fn an_account_that_moves_to_another_tenant_has_credentials_that_work_at_every_moment() {
    let mut seed = core_with_accounts();
    let operator = seed
        .accounts
        .iter_mut()
        .find(|account| account.purpose == "external_api")
        .expect("the seed has an operator");
    operator.acl.extend(TENANTS_ACL.map(ToOwned::to_owned));
    let parent = Some(operator.tenant.clone());
    seed.tenants.push(SeedTenant {
        uuid: BELOW.to_owned(),
        parent,
        name: "below".to_owned(),
        slug: "below".to_owned(),
    });
    trial_with(seed, async |trial: &mut Trial| {
        trial.connect().await;
        let tenants = json!({"from": "Descendants"});
        let granted = json!([
            {"registrations": ["UiApplication", "Account"], "acl": ["confd.users.#"]},
            {"tenants": tenants, "registrations": ["Account"], "acl": ["confd.users.#"]},
        ]);
        trial.edit_core(&json!({"spec": {"grants": granted}})).await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin_with("crm", json!({"acl": ASKED}))).await;
        trial.ready("crm").await;
        let own = trial.core().tenant().to_owned();
        let first = value(&secret(trial, "crm-core").await.unwrap(), "username");
        assert_eq!(users(trial)[0].tenant, own);
        let client = Client::start(trial, "crm");
        let mut was = first.clone();
        let mut expected = vec![first];
        for (tenant, name) in [(json!(BELOW), BELOW), (json!(null), own.as_str())] {
            let edit = json!({"spec": {"registrations": {"account": {"tenant": tenant}}}});
            trial.edit_plugin("crm", &edit).await;
            was = replaced(trial, &was).await;
            expected.push(was.clone());
            trial.well("crm").await;
            let places: Vec<String> = policies(trial)
                .into_iter()
                .map(|policy| policy.tenant)
                .chain(users(trial).into_iter().map(|user| user.tenant))
                .collect();
            assert_eq!(places, [name, name], "the policy and the user");
            assert_eq!(value(&secret(trial, "crm-core").await.unwrap(), "tenant"), name);
            let login = log_in(trial, "crm").await.unwrap();
            assert_eq!(login.tenant().as_deref(), Some(name));
        }
        assert_eq!(client.stop().await.users, expected);
    });
}

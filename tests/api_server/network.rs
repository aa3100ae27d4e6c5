//! NetworkPolicies: made, changed and taken away with the mode. The cluster of these tests does not enforce them; what
//! they let through is held against flows in the unit tests of the plan.

use serde_json::{Value, json};
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{Trial, trial};

const VERSION: &str = "networking.k8s.io/v1";

async fn policy_until(trial: &Trial, what: &str, wanted: impl Fn(Option<&Value>) -> bool) {
    let api = trial.of::<k8s_openapi::api::networking::v1::NetworkPolicy>();
    trial
        .until(api, "crm", what, |seen| wanted(seen.map(|seen| &seen.0)))
        .await;
}

#[test]
fn the_mode_of_the_network_decides_on_the_policy_and_egress_rules_are_added() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let policy = trial.get(VERSION, "NetworkPolicy", "crm").await.unwrap();
        assert_eq!(policy["spec"]["ingress"][0]["ports"][0]["port"], 8080);
        assert_eq!(
            policy["spec"]["podSelector"]["matchLabels"],
            json!({"plugins.wazo.io/plugin": "crm"})
        );
        assert_eq!(policy["metadata"]["ownerReferences"][0]["kind"], "WazoPlugin");
        let rules = policy["spec"]["egress"].as_array().unwrap().len();

        let database = json!({"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}], "ports": [{"port": 5432}]});
        let network = json!({"mode": "Isolated", "egress": [database]});
        trial
            .edit_plugin("crm", &json!({"spec": {"network": network}}))
            .await;
        policy_until(trial, "isolated", |policy| {
            let egress = policy.and_then(|policy| policy["spec"]["egress"].as_array());
            egress.is_some_and(|egress| {
                egress.len() == rules
                    && egress
                        .last()
                        .is_some_and(|rule| rule["to"][0]["ipBlock"]["cidr"] == "10.20.0.0/16")
            })
        })
        .await;
        trial
            .edit_plugin(
                "crm",
                &json!({"spec": {"network": {"mode": "Open", "egress": null}}}),
            )
            .await;
        policy_until(trial, "gone", |policy| policy.is_none()).await;
        trial.well("crm").await;
    });
}

#[test]
fn a_policy_stands_before_the_first_pod_is_asked_for() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        trial.ready("crm").await;
        let made = |plural: &str| {
            gate.mutations()
                .iter()
                .position(|asked| asked.path.contains(plural))
                .unwrap_or_else(|| panic!("no {plural}"))
        };
        assert!(made("/networkpolicies/") < made("/deployments/"));
    });
}

//! Policies and webhooks of a cluster may repeat in their refusals whatever was sent: what is a secret of it reaches no
//! status, no event and no log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::{Value, json};
use wazo_e2e::crash::{account_settles, core_with_accounts, grant_accounts, plugin_with_account};
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{PATIENCE, Trial, trial, trial_with};

/// What a policy says before it repeats what it was sent.
const LEAK: &str = "you-sent-this-to-us:";
const TOKEN: &str = "a-token-of-the-partner-4711";

/// A policy of the test's namespace for objects of a kind: those for which `allowed` does not hold are refused with
/// words that repeat `repeated`. The answer comes when it is in force: when it refuses `probe`.
async fn forbid(trial: &Trial, kind: [&str; 2], allowed: &str, repeated: &str, probe: &Value) {
    let name = trial.namespace();
    let [group, resource] = kind;
    let policy: ValidatingAdmissionPolicy = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource],
            }]},
            "validations": [{"expression": allowed, "messageExpression": format!("'{LEAK} ' + {repeated}")}],
        },
    }))
    .expect("an object of the API");
    let binding: ValidatingAdmissionPolicyBinding = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}},
        },
    }))
    .expect("an object of the API");
    let params = PostParams::default();
    Api::all(trial.client().clone())
        .create(&params, &policy)
        .await
        .expect("the API server takes it");
    Api::all(trial.client().clone())
        .create(&params, &binding)
        .await
        .expect("the API server takes it");
    let in_force = async {
        loop {
            match trial.try_apply(probe).await {
                Ok(()) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(error) => return error.to_string(),
            }
        }
    };
    let words = tokio::time::timeout(PATIENCE, in_force)
        .await
        .expect("the policy comes into force");
    assert!(words.contains(LEAK), "it repeats what it was sent: {words}");
}

async fn allow(trial: &Trial) {
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(trial.client().clone());
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(trial.client().clone());
    let (now, name) = (DeleteParams::default(), trial.namespace());
    bindings
        .delete(name, &now)
        .await
        .expect("the API server takes it");
    policies
        .delete(name, &now)
        .await
        .expect("the API server takes it");
}

/// Neither the log nor any status or event of all time tells a text.
async fn nobody_tells(trial: &Trial, text: &str) {
    trial.recorder().catch_up().await;
    let told = trial.recorder().told();
    assert!(
        !told.contains(text),
        "in a status or an event: {}",
        trial.recorder().story()
    );
    let log = trial.log();
    let line = log.lines().find(|line| line.contains(text));
    assert_eq!(line, None, "in the log");
    for event in trial.list("events.k8s.io/v1", "Event").await {
        let ours = event["reportingController"] == "wazo-plugin-operator";
        assert!(!ours || !event.to_string().contains(text), "{event:#}");
    }
}

#[test]
fn what_a_policy_repeats_of_the_environment_is_not_told() {
    trial(async |trial: &mut Trial| {
        let container =
            json!({"name": "probe", "image": "other.test/probe:1", "env": [{"name": "A", "value": "b"}]});
        let probe = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"},
            "spec": {
                "replicas": 0, "selector": {"matchLabels": {"app": "probe"}},
                "template": {"metadata": {"labels": {"app": "probe"}}, "spec": {"containers": [container]}},
            },
        });
        let repeated = "object.spec.template.spec.containers[0].env[0].value";
        forbid(trial, ["apps", "deployments"], "false", repeated, &probe).await;
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mut object = plugin("crm");
        object["spec"]["workload"]["env"] = json!([{"name": "TOKEN", "value": TOKEN}]);
        trial.apply(&object).await;
        let seen = trial.fault("crm", "Cluster", "PolicyDenied").await;
        let message = seen.fault("message");
        assert!(
            message.contains(&format!("{LEAK} <hidden>")),
            "the rest is told: {message}"
        );
        nobody_tells(trial, TOKEN).await;
        allow(trial).await;
        trial.well("crm").await;
        nobody_tells(trial, TOKEN).await;
    });
}

#[test]
fn what_a_policy_repeats_of_a_secret_is_not_told() {
    trial_with(core_with_accounts(), async |trial: &mut Trial| {
        trial.connect().await;
        grant_accounts(trial).await;
        let probe = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}, "stringData": {"password": "of-the-probe"},
        });
        // All but the credentials that the test itself keeps: those of accounts, and the copy of the core's.
        let allowed = "object.type == 'plugins.wazo.io/core-credentials'";
        let repeated = "string(object.data.password)";
        forbid(trial, ["", "secrets"], allowed, repeated, &probe).await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin_with_account()).await;
        let seen = trial.fault("crm", "Cluster", "PolicyDenied").await;
        let message = seen.fault("message");
        assert!(
            message.contains(trial.namespace()),
            "the policy is named: {message}"
        );
        trial
            .holds("the copy of the core's credentials was tried", || {
                trial.log().contains("the copy of the credentials is not written")
            })
            .await;
        nobody_tells(trial, LEAK).await;
        allow(trial).await;
        account_settles(trial, None).await;
        nobody_tells(trial, LEAK).await;
    });
}

#[test]
fn a_live_token_in_an_event_fails_every_test() {
    let told = catch_unwind(AssertUnwindSafe(|| {
        trial(async |trial: &mut Trial| {
            let (username, password) = trial.core().account();
            let login = trial.core().accounts().log_in(username, password);
            let token = login.expect("the account may log in").token().to_owned();
            let event = json!({
                "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "told"},
                "eventTime": "2026-01-01T00:00:00.000000Z", "type": "Normal", "reason": "Told", "action": "Tell",
                "note": format!("it is {token}"), "reportingController": "test", "reportingInstance": "test",
                "regarding": {"apiVersion": "v1", "kind": "Namespace", "name": "any", "namespace": trial.namespace()},
            });
            trial.apply(&event).await;
        });
    }));
    let words = told.expect_err("the test fails");
    let words = words.downcast_ref::<String>().expect("it says why");
    assert!(words.contains("a secret stands in"), "{words}");
}

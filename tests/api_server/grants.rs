//! Grants: who may use a core for what. What no grant names is refused, and nothing is told of it.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use wazo_e2e::crash::{core_with_accounts, grant_accounts, plugin_with_account};
use wazo_e2e::objects::{self, CORE, Seen, plugin};
use wazo_e2e::trial::{STRANGER, Trial, trial, trial_with};
use wazo_plugin_operator::api::names::ACCOUNT_LABEL;

const TENANT: &str = "5d1c3d2e-0a9d-4d0c-8a42-5b6f8f1effff";

/// A plugin that refers to a core of another namespace.
fn foreign(name: &str, core: &str, namespace: &str) -> Value {
    let mut object = plugin(name);
    object["spec"]["coreRef"] = json!({"name": core, "namespace": namespace});
    object
}

/// Grants UI applications to the namespaces with a label.
fn to_partners() -> Value {
    json!([{"namespaces": {"from": "Selector", "selector": {"matchLabels": {"wazo": "partner"}}}}])
}

async fn label(trial: &Trial, namespace: &str, value: Option<&str>) {
    let patch = Patch::Merge(json!({"metadata": {"labels": {"wazo": value}}}));
    let api: Api<Namespace> = Api::all(trial.client().clone());
    api.patch(namespace, &PatchParams::default(), &patch)
        .await
        .expect("a namespace is labelled");
}

/// A core in the namespace of the trial, and another namespace, which is entered. The answer: both.
async fn two_namespaces(trial: &mut Trial, grants: Option<Value>) -> (String, String) {
    let acme = trial.neighbour().await;
    trial.connect().await;
    trial.edit_core(&json!({"spec": {"grants": grants}})).await;
    let cores = trial.enter(&acme);
    trial.apply(&objects::gateway()).await;
    (cores, acme)
}

fn without_the_name(seen: &Seen, name: &str) -> Value {
    let mut status = seen.0["status"].clone();
    let fault = &mut status["fault"];
    for field in ["since", "evidence"] {
        fault[field] = Value::Null;
    }
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"] = Value::Null;
    }
    status["rollout"] = Value::Null;
    serde_json::from_str(&status.to_string().replace(name, "<core>")).expect("it was JSON before")
}

#[test]
fn a_core_of_another_namespace_serves_those_that_it_grants_and_no_others() {
    trial(async |trial: &mut Trial| {
        let (cores, acme) = two_namespaces(trial, Some(to_partners())).await;
        label(trial, &acme, Some("partner")).await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&foreign("crm", CORE, &cores)).await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
        trial.enter(&cores);
        trial
            .core_until("counting", |seen| {
                seen.0["status"]["plugins"]["total"] == 1 && seen.finalizers().len() == 1
            })
            .await;
        trial.enter(&acme);
        // Withdrawn: what stands in the core is taken out, and the plugin says why.
        label(trial, &acme, None).await;
        let seen = trial.fault("crm", "Config", "CoreNotGranted").await;
        assert!(seen.is_blocked() && !seen.is_ready());
        assert_eq!(seen.0["status"]["fault"]["object"]["fieldPath"], "spec.coreRef");
        trial.holds("deregistered", || !trial.is_known("crm")).await;
        let seen = trial
            .plugin_until("crm", "refused", |seen| {
                seen.0["status"]["registrations"][0]["state"] == "Refused"
            })
            .await;
        assert_eq!(seen.0["status"]["registrations"][0]["reason"], "CoreNotGranted");
        trial
            .patient(async || !trial.events("crm", "Deregistered").await.is_empty())
            .await;
        for (_, note) in trial.events("crm", "Deregistered").await {
            assert!(note.contains("grant"), "{note}");
        }
        trial.strangers_data_is_intact();
        // Given again: it comes back by itself.
        label(trial, &acme, Some("partner")).await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
    });
}

#[test]
fn a_core_that_grants_nothing_looks_like_one_that_does_not_exist() {
    trial(async |trial: &mut Trial| {
        let (cores, _) = two_namespaces(trial, None).await;
        trial.start();
        for (name, core) in [("crm", CORE), ("board", "nobody")] {
            trial.panel(name).await;
            trial.apply(&foreign(name, core, &cores)).await;
        }
        let rolled_out = |seen: &Seen| {
            seen.is_fault("Config", "CoreNotGranted")
                && seen.truth("WorkloadReady") == "True"
                && seen.truth("Exposed") == "True"
                && !seen.0["status"]["image"].is_null()
                && !seen.0["status"]["version"].is_null()
        };
        let refused = trial.plugin_until("crm", "refused", rolled_out).await;
        let absent = trial.plugin_until("board", "refused", rolled_out).await;
        let refused = without_the_name(&refused, "crm")
            .to_string()
            .replace(CORE, "<name>");
        let absent = without_the_name(&absent, "board")
            .to_string()
            .replace("nobody", "<name>");
        assert_eq!(refused, absent);
        assert!(!refused.contains(&trial.core().url()), "{refused}");
        assert!(!trial.is_known("crm"));
        // A stranger's reference neither counts nor holds the core.
        let acme = trial.enter(&cores);
        let core = trial
            .core_until("observed", |seen| seen.is_observed() && seen.is_ready())
            .await;
        assert_eq!(core.0["status"]["plugins"]["total"], 0);
        trial.delete("plugins.wazo.io/v1alpha1", "WazoCore", CORE).await;
        trial
            .until(
                trial.of::<wazo_plugin_operator::api::core::WazoCore>(),
                CORE,
                "gone",
                |seen| seen.is_none(),
            )
            .await;
        trial.enter(&acme);
        for name in ["crm", "board"] {
            trial.delete_plugin(name).await;
            trial.gone(name).await;
        }
    });
}

#[test]
fn a_stranger_takes_nothing_out_of_a_core_by_what_he_writes_himself() {
    trial(async |trial: &mut Trial| {
        let (cores, acme) = two_namespaces(trial, None).await;
        trial.enter(&cores);
        trial.start();
        trial.ready_plugin("crm").await;
        trial.enter(&acme);
        let mut thief = foreign("thief", CORE, &cores);
        thief["spec"]["expose"]["url"] = json!(format!("https://{}", objects::host("crm")));
        let ledger = json!({"ui": [
            {"product": "App", "url": objects::manifest_url("crm")}, {"product": "App", "url": STRANGER},
        ]});
        thief["metadata"]["annotations"] = json!({"plugins.wazo.io/ledger": ledger.to_string()});
        trial.apply(&thief).await;
        trial.fault("thief", "Config", "CoreNotGranted").await;
        trial.delete_plugin("thief").await;
        trial.gone("thief").await;
        assert!(trial.is_registered("crm"));
        trial.strangers_data_is_intact();
        // Nor does his claim to a URL keep it in the core when its plugin goes.
        thief["metadata"]["name"] = json!("claimant");
        thief["metadata"]["annotations"] = json!({});
        trial.apply(&thief).await;
        trial.fault("claimant", "Config", "CoreNotGranted").await;
        trial.enter(&cores);
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
    });
}

/// What stands of any plugin's account, in the core and in the namespace.
async fn accounts(trial: &Trial) -> Vec<String> {
    let of_plugins = |name: &str| name.starts_with("wazo-plugin-");
    let core = trial.core().accounts();
    let users = core.list().into_iter().filter_map(|user| user.username);
    let policies = core.policies().into_iter().map(|policy| policy.slug);
    let mut found: Vec<String> = users.chain(policies).filter(|name| of_plugins(name)).collect();
    let secrets = trial.list("v1", "Secret").await;
    let labelled = secrets
        .iter()
        .filter(|secret| !secret["metadata"]["labels"][ACCOUNT_LABEL].is_null());
    found.extend(labelled.map(|secret| secret["metadata"]["name"].to_string()));
    found
}

#[test]
fn what_the_grant_does_not_name_is_refused_by_its_field_and_nothing_is_written() {
    trial_with(core_with_accounts(), async |trial: &mut Trial| {
        let below = trial.core().tenants().create(trial.core().tenant(), "below");
        trial.connect().await;
        // Accounts in the core's own tenant, and the account of the operator may keep them everywhere.
        grant_accounts(trial).await;
        trial.start();
        let account = plugin_with_account()["spec"]["registrations"]["account"].clone();
        let mut elsewhere = account.clone();
        elsewhere["tenant"] = json!(below);
        let asked = [
            (
                "below",
                json!({"tenants": {"from": "Descendants"}}),
                "spec.tenants.from",
            ),
            (
                "another",
                json!({"tenants": {"from": "List", "list": [{"uuid": TENANT}]}}),
                "spec.tenants.list[0].uuid",
            ),
            (
                "elsewhere",
                json!({"registrations": {"account": elsewhere}}),
                "spec.registrations.account.tenant",
            ),
        ];
        for (name, wish, field) in asked {
            trial.panel(name).await;
            let mut object = plugin(name);
            for (key, value) in wish.as_object().unwrap() {
                object["spec"][key] = value.clone();
            }
            trial.apply(&object).await;
            // Pods with an account wait for their Secret: nothing is reached there.
            let reached = if wish["registrations"].is_null() {
                "True"
            } else {
                ""
            };
            let seen = trial
                .plugin_until(name, "refused", |seen| {
                    seen.is_fault("Config", "NotGranted")
                        && (reached.is_empty() || seen.truth("Exposed") == reached)
                })
                .await;
            assert_eq!(seen.0["status"]["fault"]["object"]["fieldPath"], field);
            assert!(seen.fault("action").contains("grant"), "{}", seen.fault("action"));
            assert!(!trial.is_known(name));
        }
        trial.strangers_data_is_intact();
        // The same account in the core's own tenant is made: nothing else stood in the way. By then the operator would
        // have made the others.
        assert_eq!(accounts(trial).await, Vec::<String>::new());
        let mut own = plugin("own");
        own["spec"]["registrations"]["account"] = account;
        trial.panel("own").await;
        trial.apply(&own).await;
        trial.ready("own").await;
        let made = accounts(trial).await;
        assert_eq!(made.len(), 3, "a user, a policy and a Secret: {made:?}");
        assert_eq!(trial.get("v1", "Secret", "elsewhere-core").await, None);
        let effects = trial.core().journal().effects();
        let there = effects
            .iter()
            .filter(|entry| entry.tenant.as_deref() == Some(below.as_str()));
        assert_eq!(there.count(), 0, "{effects:#?}");
    });
}

#[test]
fn a_grant_that_is_narrowed_takes_out_what_it_does_not_name_any_more() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.edit_core(&json!({"spec": {"grants": []}})).await;
        let seen = trial.fault("crm", "Config", "NotGranted").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.registrations.ui"
        );
        trial.holds("deregistered", || !trial.is_known("crm")).await;
        trial.strangers_data_is_intact();
        trial
            .plugin_until("crm", "without a registration in its ledger", |seen| {
                let ledger = seen.0["metadata"]["annotations"]["plugins.wazo.io/ledger"].as_str();
                ledger.is_none_or(|ledger| !ledger.contains("manifest.json"))
            })
            .await;
        trial.edit_core(&json!({"spec": {"grants": null}})).await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
        trial.edit_core(&json!({"spec": {"grants": []}})).await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
    });
}

/// The state of the row of the user interface.
fn state(seen: &Seen) -> &str {
    seen.0["status"]["registrations"][0]["state"]
        .as_str()
        .unwrap_or_default()
}

#[test]
fn a_withdrawn_grant_reaches_a_suspended_plugin_and_leaves_its_children_alone() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let image = json!({"image": "registry.test/panel:2.0.0"});
        let paused = json!({"spec": {"suspend": true, "workload": image}});
        trial.edit_plugin("crm", &paused).await;
        let waits = |seen: &Seen| seen.is_observed() && seen.reason("Ready") == "SuspendedWithChanges";
        trial.plugin_until("crm", "suspended", waits).await;
        assert!(trial.is_registered("crm"), "what is granted stays");
        let before = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        trial.edit_core(&json!({"spec": {"grants": []}})).await;
        trial.holds("deregistered", || !trial.is_known("crm")).await;
        let seen = trial
            .plugin_until("crm", "told", |seen| state(seen) == "Refused")
            .await;
        assert_eq!(seen.0["status"]["registrations"][0]["reason"], "NotGranted");
        assert_eq!(seen.truth("Registered"), "False");
        assert_eq!(seen.truth("Suspended"), "True");
        trial.strangers_data_is_intact();
        let after = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(before["spec"], after["spec"]);
        trial.edit_core(&json!({"spec": {"grants": null}})).await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": null}}))
            .await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
    });
}

#[test]
fn a_withdrawn_grant_reaches_a_plugin_whose_spec_is_not_usable() {
    trial(async |trial: &mut Trial| {
        let (cores, acme) = two_namespaces(trial, Some(to_partners())).await;
        label(trial, &acme, Some("partner")).await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&foreign("crm", CORE, &cores)).await;
        trial.well("crm").await;
        let mut bad = foreign("crm", CORE, &cores);
        let entry = bad["spec"]["registrations"]["ui"][0].clone();
        let mut twin = entry.clone();
        twin["name"] = json!("twin");
        bad["spec"]["registrations"]["ui"] = json!([entry, twin]);
        trial.apply(&bad).await;
        trial.fault("crm", "Config", "InvalidSpec").await;
        assert!(trial.is_registered("crm"), "what is granted stays");
        label(trial, &acme, None).await;
        trial.holds("deregistered", || !trial.is_known("crm")).await;
        let seen = trial
            .plugin_until("crm", "told", |seen| state(seen) == "Refused")
            .await;
        assert_eq!(seen.0["status"]["registrations"][0]["reason"], "CoreNotGranted");
        trial.strangers_data_is_intact();
        label(trial, &acme, Some("partner")).await;
        trial.apply(&foreign("crm", CORE, &cores)).await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
    });
}

//! One plugin in many tenants: progress, a death in the middle, one that is bad, and tenants that come and go.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use wazo_e2e::objects::{Seen, manifest_url, plugin};
use wazo_e2e::trial::{APPS, Trial, trial};
use wazo_e2e::wazo_simulated_core::{Application, EffectKind, Fault, OPERATOR_ACL, TENANTS_ACL, Tokens};

const APP: &str = APPS[1];

/// An account that sees the tenants below its own, and a core with one application.
async fn connect(trial: &Trial) {
    let acl: Vec<&str> = OPERATOR_ACL.into_iter().chain(TENANTS_ACL).collect();
    trial.core().faults().set_rights(&acl, Tokens::Drop);
    trial.connect().await;
    trial
        .edit_core(&json!({"spec": {"ui": {"applications": {"app": [APP]}}, "grants": grants()}}))
        .await;
}

fn grants() -> Value {
    json!([{"tenants": {"from": "Descendants"}, "registrations": ["UiApplication"]}])
}

fn in_tenants(tenants: &Value) -> Value {
    let mut plugin = plugin("crm");
    plugin["spec"]["tenants"] = tenants.clone();
    plugin
}

fn list(tenants: &[String]) -> Value {
    let list: Vec<Value> = tenants.iter().map(|uuid| json!({"uuid": uuid})).collect();
    json!({"from": "List", "list": list})
}

/// How often the plugin's URL stands in a tenant's application.
fn times(trial: &Trial, tenant: &str) -> usize {
    let app = trial.core().apps().get(tenant, APP);
    let urls = app
        .map(|app| app.configuration["manifest_urls"].clone())
        .unwrap_or_default();
    let ours = json!(manifest_url("crm"));
    urls.as_array()
        .into_iter()
        .flatten()
        .filter(|url| **url == ours)
        .count()
}

fn row(seen: &Seen) -> &Value {
    &seen.0["status"]["registrations"][0]
}

/// Requests to the core by method and kind of path, as far as they are about applications.
fn requests(trial: &Trial) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in trial.core().journal().entries() {
        if entry.path.contains("/external/apps") && !entry.stranger {
            let path = entry.path.split('?').next().unwrap_or_default();
            let kind = if path.ends_with("/external/apps") {
                "list"
            } else {
                "item"
            };
            *counts.entry(format!("{} {kind}", entry.method)).or_default() += 1;
        }
    }
    counts
}

#[test]
fn five_hundred_tenants_are_reached_over_a_death_in_the_middle_and_nothing_is_made_twice() {
    trial(async |trial: &mut Trial| {
        trial.wait_at_most(Duration::from_secs(120));
        trial.wiring().calm();
        connect(trial).await;
        let tenants = trial
            .core()
            .tenants()
            .create_many(trial.core().tenant(), "t", 499);
        trial.panel("crm").await;
        trial.start();
        trial.apply(&in_tenants(&json!({"from": "Descendants"}))).await;
        let seen = trial
            .plugin_until("crm", "on its way", |seen| {
                let current = row(seen)["current"].as_i64().unwrap_or_default();
                row(seen)["desired"] == 500 && (50..450).contains(&current)
            })
            .await;
        assert_eq!(row(&seen)["state"], "Registering");
        assert!(!seen.is_ready());
        trial.kill();
        trial.start();
        let seen = trial.ready("crm").await;
        assert_eq!(seen.0["status"]["registered"]["summary"], "500/500");
        let effects = trial.core().journal().effects();
        let created = effects.iter().filter(|entry| {
            let of_app = entry
                .effect
                .key
                .as_deref()
                .is_some_and(|key| key.starts_with("external_apps/"));
            of_app && entry.effect.kind == EffectKind::Created
        });
        assert_eq!(created.count(), 500);
        assert!(tenants.iter().all(|tenant| times(trial, tenant) == 1));
        let counts = requests(trial);
        let items: usize = counts
            .iter()
            .filter(|(kind, _)| kind.ends_with("item"))
            .map(|(_, n)| n)
            .sum();
        println!("first registration in 500 tenants, with a death in the middle: {counts:?}");
        assert!(items <= 3 * 500 + 10, "{counts:?}");
        // Nothing changes, and the operator begins anew: it reads the applications of all tenants together, again and again.
        trial.stop().await;
        trial.core().journal().clear();
        trial.start();
        let lists = |trial: &Trial| requests(trial).get("GET list").copied().unwrap_or_default();
        trial.holds("three readings", || lists(trial) >= 3).await;
        let counts = requests(trial);
        println!("no change: {counts:?}");
        assert!(counts.keys().all(|kind| kind == "GET list"), "{counts:?}");
        // And out of all of them again.
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(tenants.iter().all(|tenant| times(trial, tenant) == 0));
    });
}

#[test]
fn one_bad_tenant_holds_up_nobody_and_is_named() {
    trial(async |trial: &mut Trial| {
        connect(trial).await;
        let tenants = trial.core().tenants().create_many(trial.core().tenant(), "t", 12);
        let bad = Fault::answer(500, "application/json", r#"{"message": "Internal Server Error"}"#);
        let path = format!("/api/confd/1.1/external/apps/{APP}");
        let bad = bad.on("GET", &path).of_tenant(&tenants[3]);
        let bad = trial.core().faults().inject(bad).await;
        trial.panel("crm").await;
        trial.start();
        trial.apply(&in_tenants(&json!({"from": "Descendants"}))).await;
        let seen = trial
            .plugin_until("crm", "registered but for one", |seen| {
                seen.is_ready() && seen.is_fault("Core", "CoreServerError")
            })
            .await;
        assert_eq!(seen.0["status"]["registered"]["summary"], "12/13");
        assert_eq!(seen.truth("Degraded"), "True");
        assert!(!seen.is_blocked());
        let named = json!([{"tenant": tenants[3], "reason": "CoreServerError"}]);
        assert_eq!(row(&seen)["notRegistered"], named);
        trial.core().faults().clear(bad).await;
        let seen = trial.well("crm").await;
        assert_eq!(seen.0["status"]["registered"]["summary"], "13/13");
        assert_eq!(row(&seen)["notRegistered"], Value::Null);
        assert_eq!(times(trial, &tenants[3]), 1);
    });
}

#[test]
fn tenants_that_come_go_and_are_named_no_more() {
    trial(async |trial: &mut Trial| {
        connect(trial).await;
        let tenants = trial.core().tenants().create_many(trial.core().tenant(), "t", 3);
        trial.panel("crm").await;
        trial.start();
        trial.apply(&in_tenants(&json!({"from": "Descendants"}))).await;
        trial.ready("crm").await;
        let new = trial.core().tenants().create(&tenants[0], "new");
        trial
            .plugin_until("crm", "in the new one", |seen| {
                seen.0["status"]["registered"]["summary"] == "5/5" && seen.is_ready()
            })
            .await;
        assert_eq!(times(trial, &new), 1);
        trial.core().tenants().delete(&new);
        trial
            .plugin_until("crm", "without the deleted one", |seen| {
                seen.0["status"]["registered"]["summary"] == "4/4" && seen.is_ready() && !seen.has_fault()
            })
            .await;
        // A stranger's URL in a tenant that is left stays.
        let stranger = json!("https://stranger.example/m.json");
        trial.core().apps().edit(&tenants[1], APP, |app| {
            app.configuration["manifest_urls"]
                .as_array_mut()
                .unwrap()
                .push(stranger.clone());
        });
        trial.apply(&in_tenants(&list(&tenants[..1]))).await;
        trial
            .plugin_until("crm", "in one", |seen| {
                seen.0["status"]["registered"]["summary"] == "1/1"
                    && seen.is_ready()
                    && tenants[1..].iter().all(|tenant| times(trial, tenant) == 0)
            })
            .await;
        let left = trial.core().apps().get(&tenants[1], APP).unwrap();
        assert_eq!(left.configuration["manifest_urls"], json!([stranger]));
        trial
            .holds("taken out of the core's own tenant", || {
                times(trial, trial.core().tenant()) == 0
            })
            .await;
        // Named, and deleted in the core while the plugin is in force: told, and no reason to be taken away.
        trial.apply(&in_tenants(&list(&tenants[..2]))).await;
        trial
            .plugin_until("crm", "in two", |seen| {
                seen.is_ready() && seen.0["status"]["registered"]["summary"] == "2/2"
            })
            .await;
        trial.core().tenants().delete(&tenants[1]);
        let seen = trial
            .plugin_until("crm", "without one of two", |seen| {
                seen.is_fault("Config", "TenantNotFound")
            })
            .await;
        assert!(seen.is_ready() && !seen.is_blocked());
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.tenants.list[1].uuid"
        );
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(tenants.iter().all(|tenant| times(trial, tenant) == 0));
    });
}

#[test]
fn without_the_right_to_see_tenants_those_that_are_named_are_served_and_others_are_asked_for() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial
            .edit_core(&json!({"spec": {"ui": {"applications": {"app": [APP]}}, "grants": grants()}}))
            .await;
        let tenants = trial.core().tenants().create_many(trial.core().tenant(), "t", 2);
        trial.panel("crm").await;
        trial.start();
        trial.apply(&in_tenants(&list(&tenants))).await;
        trial.ready("crm").await;
        assert!(tenants.iter().all(|tenant| times(trial, tenant) == 1));
        let missing = |core: &Seen| core.0["status"]["missingPermissions"].clone();
        let core = trial.core_until("there", |_| true).await;
        assert_eq!(missing(&core), json!(null), "named tenants need no right");
        trial.apply(&in_tenants(&json!({"from": "Descendants"}))).await;
        let core = trial
            .core_until("lacking a right", |core| {
                missing(core) == json!(["auth.tenants.read"])
            })
            .await;
        assert!(core.is_ready(), "others do without it");
        let seen = trial
            .plugin_until("crm", "told", |seen| {
                seen.is_observed()
                    && seen.0["status"]["fault"]
                        .to_string()
                        .contains("auth.tenants.read")
            })
            .await;
        assert_eq!(seen.fault("party"), "Config");
        assert!(
            tenants.iter().all(|tenant| times(trial, tenant) == 1),
            "nothing is taken away"
        );
        trial.apply(&in_tenants(&list(&tenants[1..]))).await;
        trial
            .plugin_until("crm", "in one", |seen| {
                seen.is_ready() && times(trial, &tenants[0]) == 0
            })
            .await;
        let restored = Application {
            tenant: tenants[1].clone(),
            name: APP.to_owned(),
            label: None,
            configuration: json!({"manifest_urls": []}),
        };
        trial.core().apps().put(restored);
        trial
            .plugin_until("crm", "put back", |seen| {
                seen.is_ready() && times(trial, &tenants[1]) == 1
            })
            .await;
    });
}

//! A plugin for single users: each gets a copy of what his tenant has, and loses nothing by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use wazo_e2e::objects::{manifest_url, plugin};
use wazo_e2e::trial::{APPS, STRANGER, Trial, trial};
use wazo_e2e::wazo_simulated_core::{AUDIENCE_ACL, OPERATOR_ACL, Tokens, UserApplication};

const APP: &str = APPS[0];

async fn connect(trial: &Trial) {
    let acl: Vec<&str> = OPERATOR_ACL.into_iter().chain(AUDIENCE_ACL).collect();
    trial.core().faults().set_rights(&acl, Tokens::Drop);
    trial.connect().await;
    trial
        .edit_core(&json!({"spec": {"ui": {"applications": {"app": [APP]}}}}))
        .await;
}

fn for_users(users: &[&str]) -> Value {
    let mut plugin = plugin("crm");
    let users: Vec<Value> = users.iter().map(|uuid| json!({"uuid": uuid})).collect();
    plugin["spec"]["registrations"]["ui"][0]["audience"] = json!({"from": "Users", "users": users});
    plugin
}

/// The URLs that a client of the user is shown.
fn seen(trial: &Trial, user: &str) -> Vec<String> {
    let app = trial.core().phone_users().seen(user, APP);
    let urls = app
        .map(|app| app.configuration["manifest_urls"].clone())
        .unwrap_or_default();
    let urls = urls.as_array().into_iter().flatten();
    urls.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn sees(trial: &Trial, user: &str) -> bool {
    seen(trial, user).contains(&manifest_url("crm"))
}

#[test]
fn a_user_keeps_what_his_tenant_has_and_others_do_not_see_the_plugin() {
    trial(async |trial: &mut Trial| {
        connect(trial).await;
        let users = trial.core().phone_users();
        let tenant = trial.core().tenant().to_owned();
        let (anna, bert) = (users.create(&tenant, "Anna"), users.create(&tenant, "Bert"));
        trial.panel("crm").await;
        trial.start();
        trial.apply(&for_users(&[&anna])).await;
        let told = trial.ready("crm").await;
        assert_eq!(told.0["status"]["registered"]["summary"], "1/1");
        assert_eq!(seen(trial, &anna), [STRANGER.to_owned(), manifest_url("crm")]);
        let whole = users.seen(&anna, APP).unwrap().configuration;
        assert_eq!(
            whole["turn_servers"][0]["url"], "turn:turn.example",
            "the whole object is copied"
        );
        assert_eq!(seen(trial, &bert), [STRANGER]);
        // What the tenant gets later, she gets, too.
        let later = "https://later.example/m.json";
        trial.core().apps().edit(&tenant, APP, |app| {
            app.configuration["manifest_urls"]
                .as_array_mut()
                .unwrap()
                .push(json!(later));
            app.configuration["debug"] = json!(true);
        });
        trial
            .holds("the copy has what the tenant got", || {
                let whole = users.seen(&anna, APP).unwrap().configuration;
                seen(trial, &anna).contains(&later.to_owned()) && sees(trial, &anna) && whole["debug"] == true
            })
            .await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert_eq!(users.app(&anna, APP), None, "the copy goes with the plugin");
        assert!(!seen(trial, &anna).contains(&manifest_url("crm")));
    });
}

#[test]
fn what_a_user_had_of_his_own_is_edited_and_stays() {
    trial(async |trial: &mut Trial| {
        connect(trial).await;
        let users = trial.core().phone_users();
        let anna = users.create(trial.core().tenant(), "Anna");
        let own = UserApplication {
            user: anna.clone(),
            name: APP.to_owned(),
            label: Some("hers".to_owned()),
            configuration: json!({"manifest_urls": "https://hers.example/m.json", "hers": 1}),
        };
        users.put_app(own.clone());
        trial.panel("crm").await;
        trial.start();
        trial.apply(&for_users(&[&anna])).await;
        trial.ready("crm").await;
        let text = format!("https://hers.example/m.json,{}", manifest_url("crm"));
        let edited = users.app(&anna, APP).unwrap();
        assert_eq!(edited.configuration, json!({"manifest_urls": text, "hers": 1}));
        // The operator dies, the status and the ledger are what they are, and she is dropped from the audience.
        trial.kill();
        trial.start();
        let bert = users.create(trial.core().tenant(), "Bert");
        trial.apply(&for_users(&[&bert])).await;
        trial
            .plugin_until("crm", "moved", |seen| {
                seen.is_ready() && sees(trial, &bert) && users.app(&anna, APP).as_ref() == Some(&own)
            })
            .await;
    });
}

#[test]
fn an_audience_widens_to_the_tenant_and_narrows_again_without_a_gap() {
    trial(async |trial: &mut Trial| {
        connect(trial).await;
        let users = trial.core().phone_users();
        let (anna, bert) = (
            users.create(trial.core().tenant(), "Anna"),
            users.create(trial.core().tenant(), "Bert"),
        );
        trial.panel("crm").await;
        trial.start();
        trial.apply(&for_users(&[&anna])).await;
        trial.ready("crm").await;
        // Her client reads all the time.
        let (stop, gap) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let reader = std::thread::spawn({
            let (stop, gap, users, anna) = (stop.clone(), gap.clone(), users.clone(), anna.clone());
            move || {
                let mut reads = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let shown = users.seen(&anna, APP).map(|app| app.configuration.to_string());
                    if !shown.is_some_and(|shown| shown.contains(&manifest_url("crm"))) {
                        gap.store(true, Ordering::Relaxed);
                    }
                    reads += 1;
                    std::thread::sleep(std::time::Duration::from_micros(200));
                }
                reads
            }
        });
        trial.apply(&plugin("crm")).await;
        trial
            .plugin_until("crm", "wide", |told| {
                told.is_ready() && sees(trial, &bert) && users.app(&anna, APP).is_none()
            })
            .await;
        trial.apply(&for_users(&[&anna])).await;
        trial
            .plugin_until("crm", "narrow", |told| {
                told.is_ready() && !sees(trial, &bert) && users.app(&anna, APP).is_some()
            })
            .await;
        stop.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 100);
        assert!(
            !gap.load(Ordering::Relaxed),
            "she did not see the plugin for a moment"
        );
    });
}

#[test]
fn a_user_who_is_nobody_is_named_and_others_are_served() {
    trial(async |trial: &mut Trial| {
        connect(trial).await;
        let users = trial.core().phone_users();
        let anna = users.create(trial.core().tenant(), "Anna");
        let nobody = "00000000-0000-4000-8000-000000000001";
        trial.panel("crm").await;
        trial.start();
        trial.apply(&for_users(&[nobody, &anna])).await;
        let told = trial.fault("crm", "Config", "UserNotFound").await;
        let field = "spec.registrations.ui[0].audience.users[0].uuid";
        assert_eq!(told.0["status"]["fault"]["object"]["fieldPath"], field);
        trial
            .plugin_until("crm", "hers", |told| {
                sees(trial, &anna) && told.0["status"]["registered"]["summary"] == "1/2"
            })
            .await;
        users.delete(&anna);
        trial
            .apply(&for_users(&[&users.create(trial.core().tenant(), "Bert")]))
            .await;
        trial.well("crm").await;
    });
}

//! Others who write into the same objects, in the core and in the cluster.

use serde_json::{Map, json};
use wazo_e2e::objects::{manifest_url, plugin};
use wazo_e2e::trial::{APPS, Trial, seed, trial, trial_with};
use wazo_e2e::wazo_simulated_core::{Fault, Stranger};

fn add(trial: &Trial, url: &str) -> Stranger {
    Stranger::AddUrl {
        tenant: trial.core().tenant().to_owned(),
        name: APPS[0].to_owned(),
        url: url.to_owned(),
    }
}

#[test]
fn two_plugins_and_a_stranger_edit_one_application_at_once() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        for name in ["crm", "board"] {
            trial.panel(name).await;
        }
        for name in ["crm", "board"] {
            trial.apply(&plugin(name)).await;
        }
        // After the first write to the application the stranger writes, too.
        let late = "https://late.example/manifest.json";
        let path = format!("/api/confd/1.1/external/apps/{}", APPS[0]);
        let debug = Map::from_iter([("log_level".to_owned(), json!("debug"))]);
        let merge = Stranger::Merge {
            tenant: trial.core().tenant().to_owned(),
            name: APPS[0].to_owned(),
            configuration: debug,
        };
        for act in [add(trial, late), merge] {
            trial
                .core()
                .faults()
                .inject(Fault::stranger_after(act).on("PUT", &path).times(1))
                .await;
        }
        for name in ["crm", "board"] {
            trial.ready(name).await;
        }
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"path": "/"}}}))
            .await;
        trial.ready("crm").await;
        for name in ["crm", "board"] {
            assert!(trial.is_registered(name), "{name}");
        }
        trial.strangers_data_is_intact();
        let left = trial.core().faults().list();
        assert!(left.is_empty(), "the stranger wrote: {left:?}");
        assert!(trial.urls(APPS[0]).contains(&late.to_owned()));
        let app = trial.core().apps().get(trial.core().tenant(), APPS[0]).unwrap();
        assert_eq!(app.configuration["log_level"], "debug");
    });
}

#[test]
fn an_address_that_a_stranger_drops_is_put_back() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let mut theirs = seed().applications[0].clone();
        theirs.configuration["manifest_urls"] = json!([
            "https://stranger.example/manifest.json",
            "https://new.example/m.json"
        ]);
        trial.core().apps().put(theirs);
        trial
            .holds("the address is back", || trial.is_registered("crm"))
            .await;
        assert!(
            trial
                .urls(APPS[0])
                .contains(&"https://new.example/m.json".to_owned()),
            "theirs stays"
        );
        trial.ready("crm").await;
        trial.core().apps().delete(trial.core().tenant(), APPS[1]);
        trial
            .holds("the application is back", || trial.is_registered("crm"))
            .await;
        trial.ready("crm").await;
    });
}

#[test]
fn an_address_that_is_dropped_right_behind_our_write_is_found_missing_when_read_back() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let theirs = seed().applications[0].clone();
        let path = format!("/api/confd/1.1/external/apps/{}", APPS[0]);
        let fault = Fault::stranger_after(Stranger::Put(theirs))
            .on("PUT", &path)
            .times(1);
        trial.core().faults().inject(fault).await;
        trial.apply(&plugin("crm")).await;
        trial.ready("crm").await;
        assert!(trial.is_registered("crm"), "Ready means that it was read back");
        trial.strangers_data_is_intact();
    });
}

#[test]
fn a_write_of_a_stranger_between_our_look_and_our_write_costs_at_most_that_write() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let path = format!("/api/confd/1.1/external/apps/{}", APPS[0]);
        let between = Fault::stranger_before(add(trial, "https://between.example/m.json"));
        trial
            .core()
            .faults()
            .inject(between.on("PUT", &path).times(1))
            .await;
        trial.apply(&plugin("crm")).await;
        trial.ready("crm").await;
        assert!(trial.is_registered("crm"));
        // There is no version in the core: what came in between is lost with one PUT, and nothing that we had seen.
        trial.strangers_data_is_intact();
    });
}

#[test]
fn the_form_of_the_list_is_kept_and_a_form_that_is_none_is_left_alone() {
    let mut seed = seed();
    seed.applications[0].configuration["manifest_urls"] = json!("https://stranger.example/manifest.json");
    trial_with(seed, async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        trial.ready("crm").await;
        let list = |trial: &Trial| {
            let app = trial.core().apps().get(trial.core().tenant(), APPS[0]).unwrap();
            app.configuration["manifest_urls"].clone()
        };
        let text = list(trial);
        let text = text.as_str().unwrap();
        assert!(
            text.starts_with("https://stranger.example/manifest.json,"),
            "{text}"
        );
        assert!(text.contains(&manifest_url("crm")), "{text}");
        trial.core().apps().edit(trial.core().tenant(), APPS[0], |app| {
            app.configuration["manifest_urls"] = json!(7);
        });
        let seen = trial.fault("crm", "Config", "CoreConflict").await;
        assert!(
            seen.fault("message").contains(APPS[0]),
            "{}",
            seen.fault("message")
        );
        assert_eq!(list(trial), json!(7), "it was left alone");
        trial.core().apps().edit(trial.core().tenant(), APPS[0], |app| {
            app.configuration["manifest_urls"] = json!(["https://stranger.example/manifest.json"]);
        });
        trial.well("crm").await;
        drop(panel);
    });
}

#[test]
fn a_strangers_deployment_of_the_same_name_is_not_touched() {
    trial(async |trial: &mut Trial| {
        let labels = json!({"app": "theirs"});
        let theirs = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "crm", "labels": labels},
            "spec": {
                "replicas": 0, "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "theirs", "image": "registry.test/theirs:1"}]},
                },
            },
        });
        trial.apply(&theirs).await;
        let before = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Config", "NameTaken").await;
        assert!(
            seen.fault("message").contains("Deployment"),
            "{}",
            seen.fault("message")
        );
        let after = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
        assert_eq!(after["spec"], before["spec"]);
        assert_eq!(after["metadata"]["labels"], before["metadata"]["labels"]);
        assert!(!trial.is_known("crm"));
        trial.delete("apps/v1", "Deployment", "crm").await;
        trial.well("crm").await;
    });
}

#[test]
fn a_child_that_somebody_changes_or_deletes_is_put_back() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let image =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "plugin", "image": "evil:1"}]}}}});
        trial.patch("apps/v1", "Deployment", "crm", &image).await;
        let api = || {
            kube::Api::namespaced_with(
                trial.client().clone(),
                trial.namespace(),
                &kube::core::ApiResource::erase::<k8s_openapi::api::apps::v1::Deployment>(&()),
            )
        };
        let ours = |seen: Option<&wazo_e2e::objects::Seen>| {
            seen.is_some_and(|seen| {
                seen.0["spec"]["template"]["spec"]["containers"][0]["image"] == wazo_e2e::objects::IMAGE
            })
        };
        trial.until(api(), "crm", "put back", ours).await;
        let old = trial.get("apps/v1", "Deployment", "crm").await.unwrap()["metadata"]["uid"].clone();
        trial.delete("apps/v1", "Deployment", "crm").await;
        let made_anew = |seen: Option<&wazo_e2e::objects::Seen>| {
            seen.is_some_and(|seen| seen.0["metadata"]["uid"] != old)
        };
        trial.until(api(), "crm", "made anew", made_anew).await;
        trial.ready("crm").await;
    });
}

#[test]
fn many_plugins_are_registered_with_a_handful_of_writes() {
    trial(async |trial: &mut Trial| {
        let names: Vec<String> = (0..16).map(|number| format!("plugin-{number}")).collect();
        trial.connect().await;
        for name in &names {
            trial.panel(name).await;
            trial.apply(&plugin(name)).await;
        }
        trial.start();
        for name in &names {
            trial.ready(name).await;
        }
        for name in &names {
            assert!(trial.is_registered(name), "{name}");
        }
        trial.strangers_data_is_intact();
        let counts = trial.core().journal().counts();
        let written = |method: &str| {
            let route = format!("{method} /api/confd/1.1/external/apps/{{name}}");
            counts.get(&route).copied().unwrap_or_default()
        };
        // One application exists, one does not. Without merging there would be 32 writes.
        assert_eq!(written("POST"), 1, "{counts:#?}");
        assert!(written("PUT") <= 20, "{counts:#?}");
    });
}

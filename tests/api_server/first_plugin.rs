//! The main job: one plugin, from nothing to Ready.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use wazo_e2e::objects::{CHILDREN, IMAGE, Seen, manifest_url, plugin};
use wazo_e2e::trial::{APPS, STRANGER, Trial, trial};

#[test]
fn a_first_plugin_becomes_ready() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let seen = trial.ready("crm").await;
        for condition in ["Available", "WorkloadReady", "Exposed", "Registered"] {
            assert_eq!(seen.truth(condition), "True", "{condition}");
        }
        assert!(!seen.has_fault(), "{:#}", seen.0["status"]["fault"]);
        let status = &seen.0["status"];
        assert_eq!(status["version"], "1.0.0", "from the manifest");
        assert!(
            status["url"]
                .as_str()
                .is_some_and(|url| url.starts_with("https://crm.plugins.test"))
        );
        assert!(
            status["image"]
                .as_str()
                .is_some_and(|image| image.contains("@sha256:")),
            "{status:#}"
        );
        assert_eq!(status["readyReplicas"], 1);
        let row = &status["registrations"][0];
        assert_eq!(
            (&row["state"], &row["desired"]),
            (&json!("Registered"), &row["current"])
        );
        assert_eq!(seen.finalizers(), ["plugins.wazo.io/deregister"]);

        let url = manifest_url("crm");
        assert_eq!(
            trial.urls(APPS[0]),
            [STRANGER, &url],
            "ours stands behind the stranger's"
        );
        assert_eq!(trial.urls(APPS[1]), [url], "the application was made");
        trial.strangers_data_is_intact();

        let core = trial.core_until("Ready", Seen::is_ready).await;
        for condition in ["Reachable", "Authenticated", "Authorized"] {
            assert_eq!(core.truth(condition), "True", "{condition}");
        }
        assert_eq!(core.0["status"]["stack"]["uuid"], trial.core().stack_uuid());
        assert_eq!(core.0["status"]["stack"]["version"], "26.08");
        assert_eq!(core.finalizers(), ["plugins.wazo.io/deregister"]);
        trial
            .core_until("counts its plugins", |core| {
                core.0["status"]["plugins"] == json!({"total": 1, "impaired": 0})
            })
            .await;
    });
}

#[test]
fn children_belong_to_the_plugin_and_are_let_in_under_the_restricted_level() {
    trial(async |trial: &mut Trial| {
        let restricted =
            json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        Api::<Namespace>::all(trial.client().clone())
            .patch(
                trial.namespace(),
                &PatchParams::default(),
                &Patch::Merge(&restricted),
            )
            .await
            .unwrap();
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let seen = trial.ready("crm").await;
        for (version, kind) in CHILDREN {
            let child = trial.get(version, kind, "crm").await.unwrap();
            let owner = &child["metadata"]["ownerReferences"][0];
            assert_eq!(owner["uid"], seen.0["metadata"]["uid"], "{kind}");
            assert_eq!(owner["controller"], true, "{kind}");
            assert_eq!(
                child["metadata"]["labels"]["plugins.wazo.io/plugin"], "crm",
                "{kind}"
            );
        }
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(
            deployment["spec"]["selector"]["matchLabels"],
            json!({"plugins.wazo.io/plugin": "crm"}),
            "fixed for ever"
        );
        let events = trial.list("events.k8s.io/v1", "Event").await;
        for reason in ["Applied", "Registered"] {
            assert!(events.iter().any(|event| event["reason"] == reason), "{reason}");
        }
    });
}

#[test]
fn a_new_image_is_rolled_out_and_the_registration_is_not_touched() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let before = trial.ready("crm").await;
        let effects = trial.core().journal().effects().len();
        let image = "registry.test/panel:1.1.0";
        trial
            .edit_plugin("crm", &json!({"spec": {"workload": {"image": image}}}))
            .await;
        let after = trial
            .plugin_until("crm", "Ready with the new image", |seen| {
                seen.is_ready() && seen.0["status"]["image"] != before.0["status"]["image"]
            })
            .await;
        assert_eq!(
            after.0["status"]["registrations"],
            before.0["status"]["registrations"]
        );
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(
            deployment["spec"]["template"]["spec"]["containers"][0]["image"],
            image
        );
        assert_eq!(
            trial.core().journal().effects().len(),
            effects,
            "nothing was written to the core"
        );
    });
}

#[test]
fn the_operator_owns_nothing_of_the_spec() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let api = trial.of::<wazo_plugin_operator::api::plugin::WazoPlugin>();
        let object = api.get("crm").await.unwrap();
        assert_eq!(object.metadata.generation, Some(1));
        for entry in object.metadata.managed_fields.iter().flatten() {
            let owned = entry.fields_v1.as_ref().map(|fields| fields.0.to_string());
            let owns_spec = owned.is_some_and(|owned| owned.contains("\"f:spec\""));
            assert!(
                !owns_spec || entry.manager.as_deref() == Some("test"),
                "{entry:?}"
            );
        }
        assert_eq!(object.data["spec"]["workload"]["image"], IMAGE);
    });
}

#[test]
fn the_host_may_change_and_the_old_address_leaves_the_core_when_the_new_one_is_there() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        let address = trial.plane().nodes().address(trial.namespace(), "crm");
        trial
            .wiring()
            .network
            .lead("new.plugins.test", address, panel.addr());
        let old = manifest_url("crm");
        trial
            .edit_plugin("crm", &json!({"spec": {"expose": {"host": "new.plugins.test"}}}))
            .await;
        trial
            .plugin_until("crm", "Ready at the new host", |seen| {
                seen.is_ready()
                    && seen.0["status"]["url"]
                        .as_str()
                        .is_some_and(|url| url.contains("new."))
            })
            .await;
        let new = "https://new.plugins.test/manifest.json".to_owned();
        trial
            .holds("the old address is gone", || !trial.urls(APPS[0]).contains(&old))
            .await;
        assert_eq!(trial.urls(APPS[0]), [STRANGER.to_owned(), new.clone()]);
        let gap = trial.core().journal().effects().into_iter().any(|entry| {
            let urls = |app: &Option<serde_json::Value>| {
                app.as_ref()
                    .map(|app| app["configuration"]["manifest_urls"].to_string())
                    .unwrap_or_default()
            };
            let (before, after) = (urls(&entry.effect.before), urls(&entry.effect.after));
            before.contains("crm.plugins") && !after.contains(".plugins.test")
        });
        assert!(!gap, "users were without the plugin for a moment");
    });
}

#[test]
fn two_entries_for_two_products_are_registered_each_in_its_applications() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("board").await;
        let mut object = plugin("board");
        object["spec"]["registrations"]["ui"] = json!([
            {"name": "desktop", "product": "App", "manifest": "/manifest.app.json"},
            {"name": "phone", "product": "Mobile", "manifest": "/manifest.mobile.json"},
        ]);
        object["spec"]["workload"]["readiness"] = json!({"path": "/healthz"});
        trial.apply(&object).await;
        let seen = trial.ready("board").await;
        assert_eq!(
            seen.0["status"]["registrations"].as_array().map(Vec::len),
            Some(2)
        );
        let phone = trial.urls("wazo-euc-application-mobile");
        assert_eq!(phone, ["https://board.plugins.test/manifest.mobile.json"]);
        assert!(
            trial
                .urls(APPS[0])
                .contains(&"https://board.plugins.test/manifest.app.json".to_owned())
        );
    });
}

#[test]
fn where_nothing_is_to_be_verified_a_plugin_is_registered_when_it_runs() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.panel("crm").await;
        trial.line("crm", wazo_e2e::network::Line::NoName);
        let mut object = plugin("crm");
        object["spec"]["expose"]["verify"] = json!("None");
        trial.apply(&object).await;
        let seen = trial.well("crm").await;
        assert_eq!(seen.0["status"]["version"], "1.0.0", "from the image's tag");
        assert!(trial.is_registered("crm"));
        assert!(panel.requests().is_empty(), "{:?}", panel.requests());
    });
}

//! From nothing to Ready, and a new version.

use scenarios::asking::{self, ORIGIN};
use scenarios::objects::{NEXT_IMAGE, environment};
use scenarios::oracle;
use scenarios::scene::scenario;
use serde_json::json;

#[test]
fn a_first_plugin_becomes_ready_and_its_users_get_its_manifest() {
    scenario(async |scene| {
        let seen = scene.ready_plugin("crm").await;
        let url = seen.0["status"]["url"].as_str().unwrap_or_default();
        assert_eq!(
            url.trim_end_matches('/'),
            format!("https://{}", scene.host("crm"))
        );
        assert_eq!(
            seen.0["status"]["registered"]["summary"], "2/2",
            "two applications hold it"
        );
        for condition in ["Available", "WorkloadReady", "Exposed", "Registered"] {
            assert_eq!(seen.truth(condition), "True", "{condition}");
        }
        scene.strangers_data_is_intact();
        let answer = asking::get(&scene.host("crm"), "/manifest.json").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let allowed = answer.header("access-control-allow-origin");
        assert!(allowed == "*" || allowed == ORIGIN, "{allowed:?}");
        for (version, kind) in [
            ("v1", "ServiceAccount"),
            ("v1", "Service"),
            ("apps/v1", "Deployment"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ] {
            let names: Vec<_> = scene.list(version, kind).await;
            let ours = names
                .iter()
                .filter(|object| object["metadata"]["name"] == "crm")
                .count();
            assert_eq!(ours, 1, "{kind}");
        }
        let pods = scene.list("v1", "Pod").await;
        assert_eq!(pods.len(), 1);
        assert_eq!(
            pods[0]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"],
            false
        );
    });
}

#[test]
fn an_edited_image_is_rolled_out_and_the_registration_is_not_touched() {
    scenario(async |scene| {
        scene.ready_plugin("crm").await;
        let before = scene.core().journal().sequence();
        let edit = json!({"workload": {"image": NEXT_IMAGE, "env": environment("crm", "1.1.0")}});
        scene.edit("crm", edit).await;
        let seen = scene
            .plugin_until("crm", "Ready in version 1.1.0", |seen| {
                seen.is_ready() && seen.0["status"]["version"] == "1.1.0"
            })
            .await;
        assert!(!seen.has_fault());
        let running = scene.list("v1", "Pod").await;
        let staying = running
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        for pod in staying {
            assert_eq!(pod["spec"]["containers"][0]["image"], NEXT_IMAGE);
        }
        let journal = scene.core().journal().since(before);
        assert_eq!(
            oracle::writes(&journal).count(),
            0,
            "the core holds the same URL as before"
        );
        scene.is_registered_once("crm");
    });
}

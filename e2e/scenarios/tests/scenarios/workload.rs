//! The plugin's own side is wrong: its image, its process.

use scenarios::objects::{IMAGE, environment, misbehaving};
use scenarios::scene::scenario;
use serde_json::json;

#[test]
fn an_image_that_does_not_exist_is_the_configurations_fault_until_it_is_corrected() {
    scenario(async |scene| {
        scene.connect().await;
        let mut plugin = scene.plugin("crm");
        plugin["spec"]["workload"]["image"] = json!("registry.wazo.test/panel:9.9.9");
        scene.apply(&plugin).await;
        let seen = scene.fault("crm", "Config", "Image", "ImageNotFound").await;
        assert!(seen.is_blocked() && !seen.is_ready());
        assert_eq!(seen.truth("Stalled"), "True", "only a change of the spec helps");
        assert!(
            seen.fault("message").contains("9.9.9"),
            "{}",
            seen.fault("message")
        );
        assert_eq!(
            scene.registrations("crm"),
            [0, 0],
            "what cannot run is not registered"
        );
        scene.edit("crm", json!({"workload": {"image": IMAGE}})).await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
    });
}

#[test]
fn a_process_that_exits_is_the_partners_fault_until_it_stays() {
    scenario(async |scene| {
        scene.connect().await;
        let mut plugin = scene.plugin("crm");
        plugin["spec"]["workload"]["env"] = misbehaving("crm", &json!({"crash": {"exitCode": 3}}));
        scene.apply(&plugin).await;
        let seen = scene.fault("crm", "Partner", "Container", "ProcessExited").await;
        assert!(seen.is_blocked() && !seen.is_ready());
        assert_ne!(seen.truth("Available"), "True");
        assert_eq!(scene.registrations("crm"), [0, 0]);
        scene
            .edit("crm", json!({"workload": {"env": environment("crm", "1.0.0")}}))
            .await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
    });
}

#[test]
fn a_new_version_that_crashes_leaves_the_one_before_serving() {
    scenario(async |scene| {
        scene.ready_plugin("crm").await;
        let crash = misbehaving("crm", &json!({"crash": {"exitCode": 3}}));
        scene.edit("crm", json!({"workload": {"env": crash}})).await;
        let seen = scene.fault("crm", "Partner", "Container", "ProcessExited").await;
        assert!(!seen.is_ready());
        assert_eq!(seen.truth("Available"), "True", "the version before serves");
        assert_eq!(
            scenarios::asking::get(&scene.host("crm"), "/manifest.json")
                .await
                .status,
            200
        );
        scene.is_registered_once("crm");
        scene
            .edit("crm", json!({"workload": {"env": environment("crm", "1.0.0")}}))
            .await;
        scene.well("crm").await;
    });
}

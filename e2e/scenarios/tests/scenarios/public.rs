//! The way from the public to the plugin: route, name, manifest.

use scenarios::asking::misbehave;
use scenarios::objects::expose;
use scenarios::scene::scenario;
use serde_json::json;

#[test]
fn a_host_that_no_listener_takes_is_the_configurations_fault_until_it_is_changed() {
    scenario(async |scene| {
        scene.connect().await;
        let mut plugin = scene.plugin("crm");
        plugin["spec"]["expose"] = expose("crm.elsewhere.example", "https");
        scene.apply(&plugin).await;
        let seen = scene.fault("crm", "Config", "Route", "RouteNotAccepted").await;
        assert!(seen.is_blocked() && !seen.is_ready());
        assert_eq!(scene.registrations("crm"), [0, 0]);
        scene
            .edit("crm", json!({"expose": expose(&scene.host("crm"), "https")}))
            .await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
    });
}

#[test]
fn a_host_that_does_not_resolve_is_named_as_such_until_it_is_changed() {
    scenario(async |scene| {
        scene.connect().await;
        let mut plugin = scene.plugin("crm");
        // The listener `http` takes every host.
        plugin["spec"]["expose"] = expose("crm.nowhere.example", "http");
        scene.apply(&plugin).await;
        let seen = scene.fault("crm", "Config", "DNS", "HostNotResolving").await;
        assert!(seen.is_blocked() && !seen.is_ready());
        assert!(
            seen.fault("action").contains("spec.expose.host"),
            "{}",
            seen.fault("action")
        );
        scene
            .edit("crm", json!({"expose": expose(&scene.host("crm"), "https")}))
            .await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
    });
}

#[test]
fn a_plugin_that_stops_sending_cors_headers_is_the_partners_fault_until_it_sends_them() {
    scenario(async |scene| {
        scene.ready_plugin("crm").await;
        misbehave(&scene.host("crm"), &json!({"noCors": true})).await;
        scene.fault("crm", "Partner", "Manifest", "CorsMissing").await;
        scene.is_registered_once("crm");
        misbehave(&scene.host("crm"), &json!({})).await;
        scene.well("crm").await;
    });
}

#[test]
fn a_manifest_that_becomes_invalid_is_the_partners_fault_and_the_field_is_named() {
    scenario(async |scene| {
        scene.ready_plugin("crm").await;
        let broken = json!({"manifest": {"Without": "name.short"}});
        misbehave(&scene.host("crm"), &broken).await;
        let seen = scene.fault("crm", "Partner", "Manifest", "ManifestInvalid").await;
        assert!(
            seen.fault("message").contains("name.short"),
            "{}",
            seen.fault("message")
        );
        scene.is_registered_once("crm");
        misbehave(&scene.host("crm"), &json!({})).await;
        scene.well("crm").await;
    });
}

#[test]
fn a_manifest_that_is_invalid_from_the_start_is_not_registered() {
    scenario(async |scene| {
        scene.connect().await;
        let mut plugin = scene.plugin("crm");
        let broken = json!({"manifest": {"Without": "version"}});
        plugin["spec"]["workload"]["env"] = scenarios::objects::misbehaving("crm", &broken);
        scene.apply(&plugin).await;
        let seen = scene.fault("crm", "Partner", "Manifest", "ManifestInvalid").await;
        assert!(seen.is_blocked() && !seen.is_ready());
        assert_eq!(scene.registrations("crm"), [0, 0]);
        misbehave(&scene.host("crm"), &json!({})).await;
        scene.well("crm").await;
        scene.is_registered_once("crm");
    });
}

//! A plugin goes: alone, and with its namespace.

use scenarios::scene::scenario;
use wazo_e2e::trial::APPS;

#[test]
fn a_deleted_plugin_is_taken_out_of_the_core_and_its_objects_go() {
    scenario(async |scene| {
        scene.ready_plugin("crm").await;
        scene.apply(&scene.plugin("board")).await;
        scene.well("board").await;
        scene.delete("crm").await;
        scene.gone("crm").await;
        assert_eq!(scene.registrations("crm"), [0, 0]);
        scene.is_registered_once("board");
        scene.strangers_data_is_intact();
        for app in APPS {
            assert!(
                scene.core().apps().get(scene.core().tenant(), app).is_some(),
                "{app} is never deleted"
            );
        }
        for (version, kind) in [("v1", "Service"), ("apps/v1", "Deployment")] {
            scene
                .until(scene.api(version, kind), "crm", "gone", |seen| seen.is_none())
                .await;
        }
    });
}

#[test]
fn a_deleted_namespace_goes_with_plugins_core_and_credentials_and_the_core_forgets_them() {
    scenario(async |scene| {
        scene.ready_plugin("crm").await;
        scene.apply(&scene.plugin("board")).await;
        scene.well("board").await;
        // The Secret goes at the same time as the plugins that are to be deregistered with it.
        scene.delete_namespace().await;
        scene.namespace_gone().await;
        assert_eq!(
            (scene.registrations("crm"), scene.registrations("board")),
            ([0, 0], [0, 0])
        );
        scene.strangers_data_is_intact();
        scene
            .holds("the token is given back", || scene.core().live_tokens() == 0)
            .await;
    });
}

//! Several write the same object of the core.

use scenarios::oracle;
use scenarios::scene::scenario;
use serde_json::json;
use wazo_e2e::trial::{APPS, STRANGER};
use wazo_simulated_core::{Application, Fault, Stranger};

const APP_PATH: &str = "/api/confd/1.1/external/apps/wazo-euc-application-desktop";
const THEIRS: &str = "https://theirs.example/manifest.json";

fn add(scene: &scenarios::scene::Scene, url: &str) -> Stranger {
    Stranger::AddUrl {
        tenant: scene.core().tenant().to_owned(),
        name: APPS[0].to_owned(),
        url: url.to_owned(),
    }
}

#[test]
fn two_plugins_and_a_stranger_edit_one_application_at_once() {
    scenario(async |scene| {
        scene.connect().await;
        scene.apply(&scene.plugin("crm")).await;
        scene.apply(&scene.plugin("board")).await;
        // The stranger acts right after each request of ours to the application, some of them between GET and PUT.
        for number in 0..12 {
            let act = add(scene, &format!("https://stranger-{number}.example/manifest.json"));
            scene
                .core()
                .faults()
                .inject(Fault::stranger_after(act).on("", APP_PATH).times(1))
                .await;
        }
        scene.well("crm").await;
        scene.well("board").await;
        scene.is_registered_once("crm");
        scene.is_registered_once("board");
        scene.strangers_data_is_intact();
        let journal = scene.core().journal().since(0);
        assert_eq!(
            oracle::dropped(&journal, |url| scene.is_ours(url)),
            Vec::<String>::new(),
            "what a GET showed is in the PUT after it"
        );
        let writes = oracle::writes(&journal).count();
        assert!(writes <= 8, "{writes} writes for two plugins in two applications");
    });
}

#[test]
fn a_strangers_write_between_our_get_and_our_put_costs_neither_of_us_what_was_seen() {
    scenario(async |scene| {
        scene
            .core()
            .faults()
            .inject(
                Fault::stranger_before(add(scene, THEIRS))
                    .on("PUT", APP_PATH)
                    .times(1),
            )
            .await;
        scene.ready_plugin("crm").await;
        let journal = scene.core().journal().since(0);
        assert!(journal.iter().any(|entry| entry.stranger), "the stranger acted");
        let dropped = oracle::dropped(&journal, |url| scene.is_ours(url));
        assert_eq!(dropped, Vec::<String>::new());
        scene.strangers_data_is_intact();
    });
}

#[test]
fn a_stranger_who_drops_our_url_right_after_our_put_finds_it_put_back() {
    scenario(async |scene| {
        let configuration = json!({
            "turn_servers": [{"url": "turn:turn.example", "ttl": 86400.0}], "debug": false,
            "manifest_urls": [STRANGER, THEIRS],
        });
        let put = Stranger::Put(Application {
            tenant: scene.core().tenant().to_owned(),
            name: APPS[0].to_owned(),
            label: Some("Desktop".to_owned()),
            configuration,
        });
        scene
            .core()
            .faults()
            .inject(Fault::stranger_after(put).on("PUT", APP_PATH).times(1))
            .await;
        scene.ready_plugin("crm").await;
        assert!(
            scene.urls(APPS[0]).contains(&THEIRS.to_owned()),
            "{:?}",
            scene.urls(APPS[0])
        );
        scene.strangers_data_is_intact();
    });
}

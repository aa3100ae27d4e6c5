//! The operator dies in the middle. Nobody else plays meanwhile.

use scenarios::scene::alone;
use wazo_e2e::trial::APPS;

#[test]
fn an_operator_that_is_killed_in_the_middle_is_followed_by_one_that_ends_the_work() {
    alone(async |scene| {
        scene.connect().await;
        scene.apply(&scene.plugin("crm")).await;
        scene
            .until(scene.api("apps/v1", "Deployment"), "crm", "made", |seen| {
                seen.is_some()
            })
            .await;
        scene.kill_operator();
        scene.well("crm").await;
        scene.is_registered_once("crm");

        // Between two writes of a registration, and once more while one is taken back.
        scene.apply(&scene.plugin("board")).await;
        scene
            .holds("board stands in the first application", || {
                scene.registrations("board").iter().any(|count| *count > 0)
            })
            .await;
        scene.kill_operator();
        scene.well("board").await;
        scene.is_registered_once("board");

        scene.delete("crm").await;
        scene.kill_operator();
        scene.gone("crm").await;
        assert_eq!(scene.registrations("crm"), [0, 0]);
        scene.is_registered_once("board");
        scene.strangers_data_is_intact();
        for app in APPS {
            let apps = scene.core().apps().list();
            assert_eq!(apps.iter().filter(|other| other.name == app).count(), 1, "{app}");
        }
        assert_eq!(scene.list("apps/v1", "Deployment").await.len(), 1);
    });
}

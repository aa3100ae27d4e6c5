//! The status is lost: taken away, not in a backup, or left behind in another cluster. The end is the same: nothing is
//! made twice, and nothing is left behind.

use kube::api::ListParams;
use serde_json::json;
use wazo_e2e::objects::{self, CORE, Seen, plugin};
use wazo_e2e::scope::Scope;
use wazo_e2e::trial::{APPS, Trial, trial};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;

/// How often an application was changed.
fn changes(trial: &Trial) -> usize {
    let effects = trial.core().journal().effects();
    let keys = effects.iter().filter_map(|entry| entry.effect.key.as_ref());
    keys.filter(|key| key.starts_with("external_apps/")).count()
}

fn registered_once(trial: &Trial, name: &str) {
    for app in APPS {
        let urls = trial.urls(app);
        let ours = urls.iter().filter(|url| **url == objects::manifest_url(name));
        assert_eq!(ours.count(), 1, "{app}: {urls:?}");
    }
    trial.strangers_data_is_intact();
}

#[test]
fn a_status_that_is_taken_away_is_written_anew_and_nothing_changes_in_the_core() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let core = trial.core_until("Ready", Seen::is_ready).await;
        let before = changes(trial);
        trial.lose_the_status("crm").await;
        trial.well("crm").await;
        // The same while no operator looks.
        trial.stop().await;
        trial.lose_the_status("crm").await;
        trial.start();
        trial.well("crm").await;
        let again = trial.core_until("Ready", Seen::is_ready).await;
        for field in ["ownerId", "stack", "account"] {
            assert_eq!(again.0["status"][field], core.0["status"][field], "{field}");
        }
        registered_once(trial, "crm");
        assert_eq!(changes(trial), before);
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
    });
}

#[test]
fn a_plugin_that_is_deleted_right_after_its_status_was_lost_is_deregistered() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.stop().await;
        let nothing = json!({"status": null});
        let api = trial.of::<WazoPlugin>();
        let patch = kube::api::Patch::Merge(&nothing);
        api.patch_status("crm", &Default::default(), &patch)
            .await
            .unwrap();
        trial.delete_plugin("crm").await;
        trial.start();
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"), "the ledger tells what stands in the core");
    });
}

#[test]
fn objects_restored_from_a_backup_take_up_what_stands_in_the_core() {
    trial(async |trial: &mut Trial| {
        // The children of the old object go when the garbage collector has learned of the kind, within 30 s.
        trial.wait_at_most(std::time::Duration::from_secs(90));
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let before = changes(trial);
        trial.stop().await;
        // The cluster is lost: nobody deregisters anything.
        for (kind, name) in [("WazoPlugin", "crm"), ("WazoCore", CORE)] {
            let version = "plugins.wazo.io/v1alpha1";
            let free = json!({"metadata": {"finalizers": null}});
            trial.delete(version, kind, name).await;
            trial.patch(version, kind, name, &free).await;
        }
        trial
            .until(trial.of::<WazoCore>(), CORE, "gone", |seen| seen.is_none())
            .await;
        trial.gone("crm").await;
        assert!(trial.is_registered("crm"));
        // The same specs, with other uids and without status and ledger.
        trial.connect().await;
        trial.apply(&plugin("crm")).await;
        trial.start();
        trial.well("crm").await;
        registered_once(trial, "crm");
        assert_eq!(changes(trial), before);
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
    });
}

#[test]
fn a_cluster_that_takes_over_with_the_same_owner_id_finds_what_the_old_one_registered() {
    trial(async |trial: &mut Trial| {
        let owner = json!({"spec": {"ownerId": "acme-production"}});
        trial.connect().await;
        trial.edit_core(&owner).await;
        trial.start();
        trial.ready_plugin("crm").await;
        let before = changes(trial);
        trial.stop().await;
        // Another namespace stands for another cluster: nothing of the old one is seen in it.
        let other = trial.neighbour().await;
        trial.wiring().scope = Scope::Namespace(other.clone());
        trial.enter(&other);
        trial.connect().await;
        trial.edit_core(&owner).await;
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        trial.start();
        trial.well("crm").await;
        let core = trial.core_until("Ready", Seen::is_ready).await;
        assert_eq!(core.0["status"]["ownerId"], "acme-production");
        registered_once(trial, "crm");
        assert_eq!(changes(trial), before);
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        let left = trial
            .of::<WazoPlugin>()
            .list(&ListParams::default())
            .await
            .unwrap();
        assert!(left.items.is_empty());
    });
}

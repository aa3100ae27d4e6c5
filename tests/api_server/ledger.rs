//! The ledger stands in an object that its author may edit: it counts as the operator's word by its mark alone.

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::ApiResource;
use serde_json::{Value, json};
use wazo_e2e::objects::{self, CHILDREN, CORE, Seen, plugin};
use wazo_e2e::trial::{APPS, STRANGER, Trial, trial};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::names::{
    FINALIZER, LEDGER_ANNOTATION, LEDGER_KEY_TYPE, LEDGER_MARK_ANNOTATION,
};
use wazo_plugin_operator::api::plugin::WazoPlugin;

const VERSION: &str = "plugins.wazo.io/v1alpha1";
const KEY: &str = "wazocore-main-ledger-key";

/// The ledger and its mark, as they stand there.
fn annotations(seen: &Value) -> [Option<String>; 2] {
    let annotations = &seen["metadata"]["annotations"];
    [LEDGER_ANNOTATION, LEDGER_MARK_ANNOTATION].map(|name| annotations[name].as_str().map(str::to_owned))
}

async fn written(trial: &Trial, name: &str) -> [Option<String>; 2] {
    annotations(&trial.get(VERSION, "WazoPlugin", name).await.unwrap())
}

async fn write(trial: &Trial, name: &str, ledger: &Option<String>, mark: &Option<String>) {
    let both = json!({LEDGER_ANNOTATION: ledger, LEDGER_MARK_ANNOTATION: mark});
    trial
        .edit_plugin(name, &json!({"metadata": {"annotations": both}}))
        .await;
}

/// A ledger with the stranger's URL beside what stood in it, in every way in which it may be said.
fn with_the_strangers(ledger: &str) -> String {
    let mut ledger: Value = serde_json::from_str(ledger).unwrap();
    let entries = ledger["ui"].as_array_mut().unwrap();
    entries.push(json!({"product": "App", "url": STRANGER}));
    ledger["everywhere"] = json!(true);
    ledger.to_string()
}

fn secrets(trial: &Trial) -> Api<DynamicObject> {
    let kind = ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&());
    Api::namespaced_with(trial.client().clone(), trial.namespace(), &kind)
}

async fn key(trial: &Trial) -> Option<Value> {
    trial.get("v1", "Secret", KEY).await
}

/// Takes the key away, whatever holds it.
async fn lose_the_key(trial: &Trial) {
    trial.delete("v1", "Secret", KEY).await;
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let freed = secrets(trial).patch(KEY, &PatchParams::default(), &free).await;
    freed.expect("the key is let go");
}

async fn told(trial: &Trial, reason: &str) -> bool {
    let events = trial.list("events.k8s.io/v1", "Event").await;
    events.iter().any(|event| event["reason"] == reason)
}

async fn marked_anew(trial: &Trial, name: &str, before: &[Option<String>; 2]) -> Seen {
    trial
        .plugin_until(name, "marked anew", |seen| {
            let [ledger, mark] = annotations(&seen.0);
            ledger.is_some_and(|ledger| !ledger.contains(STRANGER)) && mark.is_some() && mark != before[1]
        })
        .await
}

#[test]
fn a_hand_written_ledger_takes_nothing_of_a_stranger_out_of_the_core() {
    trial(async |trial: &mut Trial| {
        let acme = trial.neighbour().await;
        trial.connect().await;
        let all = json!([{"namespaces": {"from": "All"}}]);
        trial.edit_core(&json!({"spec": {"grants": all}})).await;
        trial.start();
        trial.ready_plugin("victim").await;
        let victims = written(trial, "victim").await;
        // A partner whom the core lets in.
        let cores = trial.enter(&acme);
        trial.apply(&objects::gateway()).await;
        trial.panel("crm").await;
        let mut object = plugin("crm");
        object["spec"]["coreRef"] = json!({"name": CORE, "namespace": cores});
        trial.apply(&object).await;
        trial.ready("crm").await;
        let [own, mark] = written(trial, "crm").await;
        let forged = Some(with_the_strangers(own.as_deref().unwrap()));
        // With his own mark, with none, with another plugin's: whole and of its ledger alone.
        for (ledger, mark) in [
            (&forged, &mark),
            (&forged, &None),
            (&forged, &victims[1]),
            (&victims[0], &victims[1]),
        ] {
            write(trial, "crm", ledger, mark).await;
            trial
                .plugin_until("crm", "as the operator wrote it", |seen| {
                    annotations(&seen.0)[0] == own
                })
                .await;
            trial.strangers_data_is_intact();
        }
        // The same right before the end, while nobody looks.
        trial.stop().await;
        write(trial, "crm", &forged, &mark).await;
        trial.delete_plugin("crm").await;
        trial.start();
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        // And from the first moment on, by one who never was registered.
        trial.stop().await;
        let mut thief = object.clone();
        thief["metadata"]["name"] = json!("thief");
        thief["metadata"]["annotations"] = json!({LEDGER_ANNOTATION: forged, LEDGER_MARK_ANNOTATION: mark});
        trial.apply(&thief).await;
        trial.start();
        marked_anew(trial, "thief", &[None, mark]).await;
        trial.strangers_data_is_intact();
        trial.delete_plugin("thief").await;
        trial.gone("thief").await;
        trial.strangers_data_is_intact();
        assert!(trial.is_registered("victim"));
        trial.stop().await;
        assert!(told(trial, "LedgerNotTrusted").await);
    });
}

#[test]
fn a_ledger_of_an_earlier_version_is_marked_from_what_the_status_attests() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let before = written(trial, "crm").await;
        trial.stop().await;
        write(trial, "crm", &before[0], &None).await;
        trial.start();
        trial
            .plugin_until("crm", "marked", |seen| annotations(&seen.0) == before)
            .await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        trial.stop().await;
        assert!(!told(trial, "LedgerNotTrusted").await, "all of it was attested");
    });
}

#[test]
fn a_key_that_is_taken_away_is_written_again_and_one_that_is_lost_is_told() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let before = written(trial, "crm").await;
        let made = key(trial).await.unwrap();
        assert_eq!(
            (&made["type"], &made["immutable"]),
            (&json!(LEDGER_KEY_TYPE), &json!(true))
        );
        assert_eq!(made["metadata"]["finalizers"], json!([FINALIZER]));
        // While the operator knows it, it is the same again.
        lose_the_key(trial).await;
        trial
            .edit_core(&json!({"metadata": {"annotations": {"look": "again"}}}))
            .await;
        trial
            .until(secrets(trial), KEY, "there again", |seen| {
                seen.is_some_and(|seen| seen.0["data"] == made["data"])
            })
            .await;
        // When nobody knows it any more, there is another.
        trial.stop().await;
        lose_the_key(trial).await;
        trial.start();
        marked_anew(trial, "crm", &before).await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
        assert_ne!(key(trial).await.unwrap()["data"], made["data"]);
        // The key goes with its core.
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        trial.delete(VERSION, "WazoCore", CORE).await;
        trial
            .until(trial.of::<WazoCore>(), CORE, "gone", |seen| seen.is_none())
            .await;
        assert!(key(trial).await.is_none());
        assert!(!trial.is_known("crm"));
        trial.stop().await;
        assert!(told(trial, "LedgerKeyLost").await);
    });
}

#[test]
fn a_secret_of_somebody_else_is_never_taken_for_the_key() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let strangers = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": KEY},
            "stringData": {"key": "A".repeat(43)},
        });
        trial.apply(&strangers).await;
        let data = key(trial).await.unwrap()["data"].clone();
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let core = trial
            .core_until("stalled", |seen| seen.is_fault("Config", "NameTaken"))
            .await;
        assert!(core.fault("message").contains(KEY), "{}", core.fault("message"));
        trial
            .plugin_until("crm", "waiting for it", |seen| {
                seen.is_fault("Config", "NameTaken") && seen.truth("Exposed") == "True"
            })
            .await;
        assert!(
            !trial.is_known("crm"),
            "nothing is begun that cannot be written down"
        );
        assert_eq!(key(trial).await.unwrap()["data"], data);
        trial.delete("v1", "Secret", KEY).await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm"));
    });
}

#[test]
fn a_ledger_from_a_backup_is_known_by_its_mark_although_the_uids_are_others() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let [ledger, mark] = written(trial, "crm").await;
        trial.stop().await;
        for (kind, name) in [("WazoPlugin", "crm"), ("WazoCore", CORE)] {
            let free = json!({"metadata": {"finalizers": null}});
            trial.delete(VERSION, kind, name).await;
            trial.patch(VERSION, kind, name, &free).await;
        }
        trial
            .until(trial.of::<WazoCore>(), CORE, "gone", |seen| seen.is_none())
            .await;
        trial
            .until(trial.of::<WazoPlugin>(), "crm", "gone", |seen| seen.is_none())
            .await;
        // The cluster that it is restored in has none of its children.
        for (version, kind) in CHILDREN {
            trial.delete_what_is_left(version, kind, "crm").await;
        }
        // Restored with its annotations, without its status, and at another host: the ledger alone tells of the old URL.
        trial.connect().await;
        let mut object = plugin("crm");
        object["metadata"]["annotations"] = json!({LEDGER_ANNOTATION: ledger, LEDGER_MARK_ANNOTATION: mark});
        object["spec"]["expose"]["host"] = json!("new.plugins.test");
        let address = trial.plane().nodes().address(trial.namespace(), "crm");
        let panel = trial.panel("crm").await;
        trial
            .wiring()
            .network
            .lead("new.plugins.test", address, panel.addr());
        trial.apply(&object).await;
        trial.start();
        trial
            .holds("the new URL stands alone", || {
                let new = "https://new.plugins.test/manifest.json";
                trial.urls(APPS[0]) == [STRANGER, new] && trial.urls(APPS[1]) == [new]
            })
            .await;
        trial.well("crm").await;
    });
}

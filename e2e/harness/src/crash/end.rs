//! What is there at the end of a way, so that two ways can be compared.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wazo_plugin_operator::api::names::{
    APPLIED_ANNOTATION, CREDENTIALS_ANNOTATION, LEDGER_ANNOTATION, LEDGER_KEY_TYPE, LEDGER_MARK_ANNOTATION,
};

use super::{PLUGIN, account};
use crate::objects::CHILDREN;
use crate::trial::{APPS, STRANGER, Trial};

/// What stands for itself.
const OURS: [(&str, &str); 2] = [
    ("plugins.wazo.io/v1alpha1", "WazoPlugin"),
    ("plugins.wazo.io/v1alpha1", "WazoCore"),
];

/// What is there at the end, without uids, times, versions and addresses.
pub(super) async fn state(trial: &Trial) -> Value {
    let apps: BTreeMap<&str, Value> = APPS
        .iter()
        .map(|app| (*app, json!(trial.core().apps().get(trial.core().tenant(), app))))
        .collect();
    assert!(trial.urls(APPS[0]).contains(&STRANGER.to_owned()));
    // By the names of the tenants: their uuids differ from run to run.
    let elsewhere = trial.core().apps().list();
    let elsewhere = elsewhere
        .into_iter()
        .filter(|app| app.tenant != trial.core().tenant());
    let elsewhere: BTreeMap<String, Value> = elsewhere
        .map(|app| (format!("{} {}", app.tenant, app.name), app.configuration))
        .collect();
    let mut keys = trial.list("v1", "Secret").await;
    keys.retain(|secret| secret["type"] == LEDGER_KEY_TYPE);
    let state = json!({
        "keys of ledgers": keys.len(), "objects": objects(trial).await, "applications": apps, "elsewhere": elsewhere,
        "accounts": account::state(trial).await,
    });
    let mut text = state
        .to_string()
        .replace(trial.namespace(), "<namespace>")
        .replace(&trial.core().url(), "<core>");
    for tenant in trial.core().tenants().list() {
        text = text.replace(&tenant.uuid, &format!("<tenant {}>", tenant.name));
    }
    serde_json::from_str(&text).expect("it was JSON before")
}

async fn objects(trial: &Trial) -> BTreeMap<&'static str, Value> {
    let mut objects = BTreeMap::new();
    for (version, kind) in OURS.into_iter().chain(CHILDREN) {
        let all = trial
            .list(version, kind)
            .await
            .into_iter()
            // When the plugin is gone its children go soon after, by the garbage collector.
            .filter(|object| object["metadata"]["ownerReferences"].is_null())
            .filter(|object| object["metadata"]["name"] != "default")
            .map(|object| (object["metadata"]["name"].to_string(), stable(kind, object)));
        objects.insert(kind, json!(all.collect::<BTreeMap<_, _>>()));
    }
    let plugin_stands = objects["WazoPlugin"]
        .as_object()
        .is_some_and(|all| !all.is_empty());
    if plugin_stands {
        for (version, kind) in CHILDREN {
            let child = trial.get(version, kind, PLUGIN).await.unwrap_or_default();
            objects.insert(kind, stable(kind, child));
        }
    }
    objects
}

/// An object without what differs from run to run by nature.
fn stable(kind: &str, mut object: Value) -> Value {
    let metadata = stable_metadata(&mut object["metadata"]);
    let mut spec = object["spec"].take();
    // A hash over the password among others.
    if !spec["template"]["metadata"]["annotations"][CREDENTIALS_ANNOTATION].is_null() {
        for annotation in [CREDENTIALS_ANNOTATION, APPLIED_ANNOTATION] {
            spec["template"]["metadata"]["annotations"][annotation] = json!("<hash>");
        }
    }
    if let Some(fields) = spec.as_object_mut() {
        for address in ["clusterIP", "clusterIPs"] {
            fields.remove(address);
        }
    }
    let mut status = Value::Null;
    if kind == "WazoPlugin" {
        status = crate::rules::without_times(&object);
        if let Some(fields) = status.as_object_mut() {
            fields.remove("rollout");
            // A death between a correction and its status forgets one.
            fields.remove("drift");
            // How long something was wrong on the way.
            fields.remove("impairedSeconds");
            fields.remove("impairedSince");
        }
    }
    json!({"metadata": metadata, "spec": spec, "status": status})
}

fn stable_metadata(metadata: &mut Value) -> Value {
    let mut kept = json!({});
    for field in [
        "name",
        "labels",
        "annotations",
        "finalizers",
        "generation",
        "ownerReferences",
    ] {
        kept[field] = metadata[field].take();
    }
    for owner in kept["ownerReferences"].as_array_mut().into_iter().flatten() {
        owner["uid"] = json!("<uid>");
    }
    if let Some(annotations) = kept["annotations"].as_object_mut() {
        annotations.remove("deployment.kubernetes.io/revision");
        // Tenants stand there by their uuids.
        if let Some(ledger) = annotations.get_mut(LEDGER_ANNOTATION)
            && let Ok(mut read) = serde_json::from_str::<Value>(ledger.as_str().unwrap_or_default())
        {
            read["tenants"] = json!(named_in(ledger));
            *ledger = read;
        }
        // Made with a key of its own in every run.
        if let Some(mark) = annotations.get_mut(LEDGER_MARK_ANNOTATION) {
            *mark = json!("<mark>");
        }
        // A hash over what differs from run to run: namespace and uid of the owner.
        if let Some(hash) = annotations.get_mut(APPLIED_ANNOTATION) {
            *hash = json!("<hash>");
        }
    }
    kept
}

/// How many tenants a ledger names.
pub(super) fn named_in(ledger: &Value) -> usize {
    let ledger: Value = serde_json::from_str(ledger.as_str().unwrap_or_default()).unwrap_or_default();
    ledger["tenants"].as_array().map_or(0, Vec::len)
}

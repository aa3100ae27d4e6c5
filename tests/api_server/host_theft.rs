//! The host and path of a plugin, claimed from another namespace: the first one keeps it and hears nothing, the other one is
//! told, and learns of the first one's namespace its name and nothing else.

use serde_json::{Value, json};
use wazo_e2e::objects::{self, CORE, Seen, host, manifest_url, plugin};
use wazo_e2e::trial::{Trial, trial};
use wazo_plugin_operator::api::names::{LEDGER_ANNOTATION, RECONCILE_ANNOTATION};
use wazo_plugin_operator::observe::gateway_api::HttpRoute;

const ROUTE: &str = "gateway.networking.k8s.io/v1";

/// A plugin at the host and path of another one, with a core of another namespace.
fn thief(cores: &str) -> Value {
    let mut object = plugin("thief");
    object["spec"]["coreRef"] = json!({"name": CORE, "namespace": cores});
    object["spec"]["expose"]["host"] = json!(host("victim"));
    object
}

/// What the status says, without its own URL and its own host, which are the same as those of the other plugin.
fn told(seen: &Seen) -> String {
    let mut status = seen.0["status"].clone();
    status["url"] = Value::Null;
    status.to_string().replace(&host("victim"), "<host>")
}

async fn has_route(trial: &Trial, name: &str) -> bool {
    trial.get(ROUTE, "HTTPRoute", name).await.is_some()
}

#[test]
fn a_host_that_is_claimed_from_another_namespace_stays_with_the_first_who_hears_nothing_of_it() {
    trial(async |trial: &mut Trial| {
        let acme = trial.neighbour().await;
        trial.connect().await;
        trial
            .edit_core(&json!({"spec": {"grants": [{"namespaces": {"from": "All"}}]}}))
            .await;
        trial.start();
        trial.ready_plugin("victim").await;
        let before = trial.well("victim").await;
        let cores = trial.enter(&acme);
        trial.apply(&objects::gateway()).await;
        // Whatever the thief's pods answer, the host does not lead to them.
        trial.panel("thief").await;
        trial.apply(&thief(&cores)).await;
        let seen = trial.fault("thief", "Config", "HostConflict").await;
        assert!(seen.is_blocked() && !seen.is_ready());
        assert_eq!(seen.truth("Stalled"), "True");
        let fault = &seen.0["status"]["fault"];
        assert_eq!(fault["object"]["fieldPath"], "spec.expose.host");
        assert!(seen.fault("message").contains(&format!("namespace \"{cores}\"")));
        assert!(!told(&seen).contains("victim"), "{}", told(&seen));
        assert!(!has_route(trial, "thief").await, "nothing of it is routed");
        for (_, note) in trial.events("thief", "FaultAttributed").await {
            let note = note.replace(&host("victim"), "<host>");
            assert!(!note.contains("victim"), "{note}");
        }
        // The first one keeps what it has, and its namespace hears of nobody.
        trial.enter(&cores);
        let after = trial.well("victim").await;
        assert_eq!(before.0["status"], after.0["status"]);
        assert!(has_route(trial, "victim").await);
        assert!(
            trial
                .urls(wazo_e2e::trial::APPS[0])
                .contains(&manifest_url("victim"))
        );
        for event in trial.list("events.k8s.io/v1", "Event").await {
            let text = event["note"].as_str().unwrap_or_default();
            assert!(!text.contains(&acme) && !text.contains("thief"), "{text}");
        }
        // Given up by the first, the host goes to who waited for it.
        let other = json!({"spec": {"expose": {"host": "other.plugins.test"}}});
        let panel = trial.panel("other").await;
        let pods = trial.plane().nodes().address(&cores, "victim");
        trial
            .wiring()
            .network
            .lead("other.plugins.test", pods, panel.addr());
        trial.edit_plugin("victim", &other).await;
        trial
            .plugin_until("victim", "at its other host", |seen| {
                let url = seen.0["status"]["url"].as_str().unwrap_or_default();
                seen.is_ready() && url.contains("other.plugins.test")
            })
            .await;
        trial.enter(&acme);
        trial.well("thief").await;
        assert!(has_route(trial, "thief").await);
    });
}

/// A ledger that says that a plugin was at the victim's host, and at so many others.
fn forged(others: usize) -> Value {
    let gateway = json!({"name": objects::GATEWAY, "sectionName": "https"});
    let route = |host: String| json!({"host": host, "path": "/", "gateway": gateway});
    let others = (0..others).map(|number| route(format!("host-{number}.plugins.test")));
    let routes: Vec<Value> = std::iter::once(route(host("victim"))).chain(others).collect();
    json!({LEDGER_ANNOTATION: json!({"routes": routes}).to_string()})
}

#[test]
fn an_older_plugin_takes_no_host_by_a_ledger_that_its_author_wrote() {
    trial(async |trial: &mut Trial| {
        let acme = trial.neighbour().await;
        trial.connect().await;
        let cores = trial.enter(&acme);
        trial.connect().await;
        // The place of the key that would mark ledgers is taken: nobody can tell who wrote one.
        let taken = json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": {"key": "none"},
            "metadata": {"name": "wazocore-main-ledger-key"},
        });
        trial.apply(&taken).await;
        let mut idle = plugin("idle");
        idle["metadata"]["annotations"] = forged(100);
        idle["spec"]["coreRef"]["name"] = json!("nobody");
        trial.apply(&idle).await;
        trial.panel("held").await;
        let mut held = plugin("held");
        // An HTTPRoute takes 16 hosts.
        held["metadata"]["annotations"] = forged(3);
        trial.apply(&held).await;
        let made = jiff::Timestamp::now().as_second();
        trial
            .holds("younger ones are younger", || {
                jiff::Timestamp::now().as_second() > made
            })
            .await;
        trial.enter(&cores);
        trial.start();
        trial.ready_plugin("victim").await;
        trial.enter(&acme);
        trial
            .plugin_until("idle", "looked at", |seen| seen.is_observed() && seen.has_fault())
            .await;
        trial.core_fault("Config", "NameTaken").await;
        trial
            .until(trial.of::<HttpRoute>(), "held", "routed without it", |seen| {
                seen.is_some_and(|seen| {
                    let hosts = seen.0["spec"]["hostnames"].as_array();
                    hosts.is_some_and(|hosts| !hosts.contains(&json!(host("victim"))))
                })
            })
            .await;
        // Nor while the victim is there already, nor after a restart.
        trial.stop().await;
        trial.start();
        for (name, word) in [("idle", "one"), ("held", "two")] {
            let again = json!({"metadata": {"annotations": {RECONCILE_ANNOTATION: word}}});
            trial.edit_plugin(name, &again).await;
            trial
                .plugin_until(name, "looked at again", |seen| {
                    seen.0["status"]["lastHandledReconcileAt"] == word
                })
                .await;
        }
        trial.enter(&cores);
        trial.well("victim").await;
        assert!(has_route(trial, "victim").await && trial.is_registered("victim"));
    });
}

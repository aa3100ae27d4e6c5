//! Plugins whose pods are the partner's, or that are hosted elsewhere; and the way from one source to another.

use serde_json::{Value, json};
use wazo_e2e::gate::{Gate, Side};
use wazo_e2e::objects::{self, plugin};
use wazo_e2e::trial::{Trial, trial};

/// The Service of the partner's.
const SERVICE: &str = "partner";

/// A plugin behind a Service of the partner's.
fn behind_service(name: &str, port: i32) -> Value {
    let mut object = plugin(name);
    let spec = object["spec"].as_object_mut().expect("a plugin has a spec");
    spec.remove("workload");
    spec.insert("serviceRef".to_owned(), json!({"name": SERVICE, "port": port}));
    object
}

/// A plugin that is hosted elsewhere.
fn elsewhere(name: &str) -> Value {
    let mut object = plugin(name);
    let spec = object["spec"].as_object_mut().expect("a plugin has a spec");
    spec.remove("workload");
    spec.remove("expose");
    spec.insert(
        "url".to_owned(),
        json!(format!("https://{}", objects::host(name))),
    );
    object
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE},
        "spec": {"ports": [{"name": "web", "port": 80, "targetPort": 8080}]},
    })
}

/// What stands behind the Service: the address of the plugin's panel.
fn endpoints(trial: &Trial, plugin: &str, ready: bool) -> Value {
    let address = trial.plane().nodes().address(trial.namespace(), plugin);
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "partner-1", "labels": {"kubernetes.io/service-name": SERVICE}},
        "addressType": "IPv4", "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
    })
}

async fn children(trial: &Trial, name: &str) -> Vec<&'static str> {
    let kinds = [
        ("v1", "ServiceAccount"),
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("policy/v1", "PodDisruptionBudget"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ];
    let mut found = Vec::new();
    for (version, kind) in kinds {
        if trial.get(version, kind, name).await.is_some() {
            found.push(kind);
        }
    }
    found
}

/// Writes to applications of the core.
fn core_writes(gate: &Gate) -> usize {
    let written = gate.mutations();
    let to_apps = written
        .iter()
        .filter(|asked| asked.side == Side::Core && !asked.is_session());
    to_apps.count()
}

#[test]
fn a_service_of_the_partners_is_exposed_registered_and_watched() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&behind_service("crm", 81)).await;
        let seen = trial.fault("crm", "Config", "ServiceNotFound").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.serviceRef.name"
        );
        trial.apply(&service()).await;
        let seen = trial.fault("crm", "Config", "ServiceUnusable").await;
        assert_eq!(
            seen.0["status"]["fault"]["object"]["fieldPath"],
            "spec.serviceRef.port"
        );
        trial.apply(&behind_service("crm", 80)).await;
        let seen = trial
            .plugin_until("crm", "waiting for endpoints", |seen| {
                seen.is_observed() && seen.reason("WorkloadReady") == "NoReadyEndpoints"
            })
            .await;
        assert!(!seen.has_fault(), "a new plugin has time to start");
        assert!(!trial.is_known("crm"), "nothing is registered that does not run");
        trial.apply(&endpoints(trial, "crm", true)).await;
        let seen = trial.well("crm").await;
        assert_eq!(
            (seen.reason("WorkloadReady"), seen.reason("Available")),
            ("ServiceReady", "EndpointsReady")
        );
        assert_eq!(seen.0["status"]["version"], "1.0.0", "from the manifest");
        assert!(trial.is_registered("crm"));
        assert_eq!(children(trial, "crm").await, ["HTTPRoute"]);
        let route = trial
            .get("gateway.networking.k8s.io/v1", "HTTPRoute", "crm")
            .await
            .unwrap();
        let backend = &route["spec"]["rules"][0]["backendRefs"][0];
        assert_eq!(
            (&backend["name"], &backend["port"]),
            (&json!(SERVICE), &json!(80))
        );
        trial.apply(&endpoints(trial, "crm", false)).await;
        let seen = trial.fault("crm", "Partner", "NoReadyEndpoints").await;
        assert_eq!((seen.truth("Available"), seen.truth("Ready")), ("False", "False"));
        assert!(
            trial.is_registered("crm"),
            "a plugin that is ill stays registered"
        );
        trial.apply(&endpoints(trial, "crm", true)).await;
        trial.well("crm").await;
        trial.delete_plugin("crm").await;
        trial.gone("crm").await;
        assert!(!trial.is_known("crm"));
        assert!(
            trial.get("v1", "Service", SERVICE).await.is_some(),
            "the Service is the partner's"
        );
    });
}

#[test]
fn a_plugin_elsewhere_is_verified_and_registered_and_gets_no_child() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&elsewhere("crm")).await;
        let seen = trial.well("crm").await;
        assert_eq!(
            (seen.reason("WorkloadReady"), seen.reason("Available")),
            ("HostedElsewhere", "Answers")
        );
        assert_eq!(
            seen.0["status"]["url"],
            format!("https://{}", objects::host("crm"))
        );
        assert_eq!(seen.0["status"]["version"], "1.0.0");
        assert!(trial.is_registered("crm"));
        assert!(children(trial, "crm").await.is_empty());
    });
}

#[test]
fn a_change_of_the_source_leaves_nothing_behind_and_is_registered_all_the_while() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        assert_eq!(
            children(trial, "crm").await,
            ["ServiceAccount", "Deployment", "Service", "HTTPRoute"]
        );
        let registered = core_writes(&gate);
        let to_service = json!({"spec": {"workload": null, "serviceRef": {"name": SERVICE, "port": 80}}});
        trial.edit_plugin("crm", &to_service).await;
        trial.fault("crm", "Config", "ServiceNotFound").await;
        assert!(
            children(trial, "crm").await.contains(&"Deployment"),
            "what served before goes on until something else serves"
        );
        trial.apply(&service()).await;
        trial.apply(&endpoints(trial, "crm", true)).await;
        trial.well("crm").await;
        assert_eq!(children(trial, "crm").await, ["HTTPRoute"]);
        let to_url = json!({"spec": {"serviceRef": null, "expose": null, "url": format!("https://{}", objects::host("crm"))}});
        trial.edit_plugin("crm", &to_url).await;
        trial.well("crm").await;
        assert!(children(trial, "crm").await.is_empty());
        let back = plugin("crm");
        let to_workload = json!({"spec": {"url": null, "workload": back["spec"]["workload"], "expose": back["spec"]["expose"]}});
        trial.edit_plugin("crm", &to_workload).await;
        trial.well("crm").await;
        assert_eq!(
            children(trial, "crm").await,
            ["ServiceAccount", "Deployment", "Service", "HTTPRoute"]
        );
        assert!(trial.is_registered("crm"));
        assert_eq!(
            core_writes(&gate),
            registered,
            "the URL is the same: nothing is said to the core"
        );
        trial.strangers_data_is_intact();
    });
}

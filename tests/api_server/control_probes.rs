//! What stands between the public address and the pods is asked one by one while the manifest cannot be had: which part of
//! the way fails.

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use wazo_e2e::network::Line;
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{Trial, trial};

#[test]
fn a_service_that_somebody_led_astray_is_told_from_a_gateway_that_is_down() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let mut wanted = plugin("crm");
        wanted["spec"]["drift"] = json!("Report");
        trial.apply(&wanted).await;
        trial.well("crm").await;
        let services: Api<Service> = Api::namespaced(trial.client().clone(), trial.namespace());
        let astray = json!({"spec": {"selector": {"app": "another"}}});
        services
            .patch("crm", &PatchParams::default(), &Patch::Merge(astray))
            .await
            .unwrap();
        trial.line("crm", Line::Refused);
        let seen = trial.fault("crm", "Config", "SelectorMismatch").await;
        assert_eq!(seen.0["status"]["fault"]["object"]["name"].as_str(), Some("crm"));
    });
}

#[test]
fn a_service_that_leads_nowhere_is_told_from_a_gateway_that_is_down() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let made = trial
            .child_until::<Service>("crm", "with an address", |seen| {
                seen.0["spec"]["clusterIP"].is_string()
            })
            .await;
        let address = made.0["spec"]["clusterIP"].as_str().unwrap().parse().unwrap();
        trial.wiring().network.lead_inside(address, None);
        trial.line("crm", Line::Refused);
        let seen = trial.fault("crm", "Cluster", "ServiceUnreachable").await;
        assert_eq!(seen.fault("layer"), "Service");
        assert_eq!(seen.fault("confidence"), "High");
    });
}

#[test]
fn pods_that_only_the_kubelet_reaches_are_behind_a_policy() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let pods = trial.plane().nodes().address(trial.namespace(), "crm");
        trial.wiring().network.mute(pods, true);
        trial.line("crm", Line::Mute);
        let seen = trial.fault("crm", "Cluster", "NetworkBlocked").await;
        assert_eq!(seen.fault("layer"), "NetworkPolicy");
        trial.wiring().network.mute(pods, false);
        trial.line("crm", Line::Up);
        trial.well("crm").await;
    });
}

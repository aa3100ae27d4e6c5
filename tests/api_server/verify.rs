//! `spec.expose.verify`: at the public address, at the Service, or not at all, and from one to another.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};
use wazo_e2e::network::Line;
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{Trial, trial};
use wazo_e2e::users::Users;

/// Leads the address of the plugin's Service to its panel, as kube-proxy would, or nowhere.
async fn lead(trial: &mut Trial, to: Option<SocketAddr>) {
    let made = trial
        .child_until::<Service>("crm", "with an address", |seen| {
            seen.0["spec"]["clusterIP"].is_string()
        })
        .await;
    let address: IpAddr = made.0["spec"]["clusterIP"].as_str().unwrap().parse().unwrap();
    trial.wiring().network.lead_inside(address, to);
}

fn verified_at(place: &str) -> Value {
    json!({"spec": {"expose": {"verify": place}}})
}

async fn exposed_as(trial: &Trial, reason: &str) {
    trial
        .plugin_until("crm", reason, |seen| {
            seen.is_ready() && !seen.has_fault() && seen.reason("Exposed") == reason
        })
        .await;
}

#[test]
fn a_plugin_whose_cluster_cannot_reach_its_public_address_is_verified_at_its_service() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.panel("crm").await;
        trial.line("crm", Line::Mute);
        let mut object = plugin("crm");
        object["spec"]["expose"]["verify"] = json!("Service");
        trial.apply(&object).await;
        lead(trial, None).await;
        let seen = trial.fault("crm", "Cluster", "ServiceUnreachable").await;
        let evidence = &seen.0["status"]["fault"]["evidence"];
        assert_eq!(evidence[0]["vantage"], "operator→Service");
        assert_eq!(evidence[1]["vantage"], "operator→pod");
        assert!(!trial.is_known("crm"), "registered although it was not verified");
        lead(trial, Some(panel.addr())).await;
        let seen = trial.well("crm").await;
        assert!(trial.is_registered("crm"));
        assert_eq!(seen.reason("Exposed"), "ReachableInCluster");
        let message = seen.message("Exposed");
        assert!(message.contains("the public address is not asked"), "{message}");
        assert!(message.contains("are not checked"), "{message}");
        lead(trial, None).await;
        let seen = trial.fault("crm", "Cluster", "ServiceUnreachable").await;
        assert_eq!(seen.truth("Exposed"), "False");
        assert!(
            trial.is_registered("crm"),
            "what fails for a while stays registered"
        );
        let network = trial.wiring().network.clone();
        let public = network.address("crm.plugins.test");
        assert!(
            network.connected().iter().all(|address| address.ip() != public),
            "nothing is sent to the public address"
        );
    });
}

#[test]
fn from_one_place_of_verification_to_another_the_plugin_stays_registered_and_reached() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panel = trial.ready_plugin("crm").await;
        lead(trial, Some(panel.addr())).await;
        exposed_as(trial, "Reachable").await;
        let effects = trial.core().journal().effects().len();
        let users = Users::begin(trial, "crm");
        for (place, reason) in [
            ("Service", "ReachableInCluster"),
            ("None", "NotVerified"),
            ("Public", "Reachable"),
            ("None", "NotVerified"),
            ("Service", "ReachableInCluster"),
            ("Public", "Reachable"),
        ] {
            trial.edit_plugin("crm", &verified_at(place)).await;
            exposed_as(trial, reason).await;
            assert!(trial.is_registered("crm"), "{place}");
        }
        assert!(users.end().await > 5);
        assert_eq!(
            trial.core().journal().effects().len(),
            effects,
            "nothing was written at the core"
        );
    });
}

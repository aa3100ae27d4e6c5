//! The simulated things behave: the control plane starts, the kubelet and the gateway say what they are told.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wazo_e2e::gateway::GatewayState;
use wazo_e2e::network::TestNetwork;
use wazo_e2e::objects::{self, IMAGE, Seen};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{Trial, trial};
use wazo_plugin_operator::probe::Network;

fn deployment(name: &str) -> serde_json::Value {
    let labels = json!({"plugins.wazo.io/plugin": name});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "plugin", "image": IMAGE}]},
            },
        },
    })
}

fn resource(group: &str, version: &str, kind: &str) -> kube::core::ApiResource {
    kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(group, version, kind))
}

async fn deployment_until(trial: &Trial, what: &str, ready: i64) {
    let api = kube::Api::namespaced_with(
        trial.client().clone(),
        trial.namespace(),
        &resource("apps", "v1", "Deployment"),
    );
    let wanted = |seen: Option<&Seen>| {
        seen.is_some_and(|seen| {
            seen.0["status"]["readyReplicas"].as_i64().unwrap_or_default() == ready && seen.is_observed()
        })
    };
    trial.until(api, "crm", what, wanted).await;
}

#[test]
fn pods_are_bound_and_become_what_the_test_says() {
    trial(async |trial: &mut Trial| {
        trial.apply(&deployment("crm")).await;
        deployment_until(trial, "ready", 1).await;
        trial.pods("crm", PodState::crash(3));
        deployment_until(trial, "crashed", 0).await;
        trial.pods("crm", PodState::Ready);
        deployment_until(trial, "ready again", 1).await;
        trial.delete("apps/v1", "Deployment", "crm").await;
        let pods = kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(
            trial.client().clone(),
            trial.namespace(),
        );
        let none = async {
            while !pods
                .list(&kube::api::ListParams::default())
                .await
                .unwrap()
                .items
                .is_empty()
            {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(wazo_e2e::trial::PATIENCE, none)
            .await
            .unwrap();
    });
}

#[test]
fn gateways_are_programmed_or_not_as_the_test_says() {
    trial(async |trial: &mut Trial| {
        let programmed = |wanted: &'static str| {
            move |seen: Option<&Seen>| seen.is_some_and(|seen| seen.truth("Programmed") == wanted)
        };
        let api = || {
            kube::Api::namespaced_with(
                trial.client().clone(),
                trial.namespace(),
                &wazo_e2e::gateway::resource("Gateway"),
            )
        };
        trial.apply(&objects::gateway()).await;
        trial
            .until(api(), objects::GATEWAY, "programmed", programmed("True"))
            .await;
        trial.gateway(GatewayState::NotProgrammed);
        trial
            .until(api(), objects::GATEWAY, "not programmed", programmed("False"))
            .await;
    });
}

#[test]
fn a_public_host_leads_to_the_panel_over_tls() {
    trial(async |trial: &mut Trial| {
        let _panel = trial.panel("crm").await;
        let network = trial.wiring().network.clone();
        let host = objects::host("crm");
        let address = network.resolve(&host).await.unwrap()[0];
        assert!(TestNetwork::range().contains(address));
        let stream = network.connect(SocketAddr::new(address, 443)).await.unwrap();
        let mut roots = rustls::RootCertStore::empty();
        let authority = network.authority_pem();
        let pem = rustls::pki_types::pem::PemObject::from_pem_slice(authority.as_bytes());
        roots.add(pem.unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = rustls::pki_types::ServerName::try_from(host.clone()).unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let mut stream = connector.connect(name, stream).await.unwrap();
        let request = format!("GET /manifest.json HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(network.resolve("other.plugins.test").await.is_err());
    });
}

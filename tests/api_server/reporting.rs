//! Where a verdict shows: seconds of the parties, metrics, events, selectors.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::json;
use tokio::net::TcpStream;
use wazo_e2e::network::Line;
use wazo_e2e::objects::Seen;
use wazo_e2e::trial::{Trial, trial};

use super::certificates::{metrics, serve_metrics};

/// The seconds of each party that the metric shows of a plugin.
async fn shown(address: SocketAddr, plugin: &str) -> BTreeMap<String, i64> {
    let text = metrics(address).await;
    let name = format!("name=\"{plugin}\"");
    let lines = text
        .lines()
        .filter(|line| line.starts_with("wazo_plugin_impaired_seconds_total{") && line.contains(&name));
    lines
        .map(|line| {
            let party = line.split("party=\"").nth(1).unwrap().split('"').next().unwrap();
            (
                party.to_owned(),
                line.rsplit(' ').next().unwrap().parse().unwrap(),
            )
        })
        .collect()
}

fn stored(seen: &Seen, party: &str) -> i64 {
    seen.0["status"]["impairedSeconds"][party]
        .as_i64()
        .unwrap_or_default()
}

/// Waits until the metric shows more seconds of a party than so many.
async fn more_than(trial: &Trial, address: SocketAddr, party: &str, seconds: i64) {
    let more = async || {
        shown(address, "crm")
            .await
            .get(party)
            .is_some_and(|now| *now > seconds)
    };
    trial.patient(more).await;
}

#[test]
fn the_seconds_of_a_party_go_on_over_a_restart_and_stay_when_the_fault_is_over() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let address = serve_metrics(trial).await;
        trial.start();
        trial.ready_plugin("crm").await;
        assert!(shown(address, "crm").await.is_empty());
        trial.line("crm", Line::Refused);
        let seen = trial.fault("crm", "Cluster", "PublicAddressUnreachable").await;
        let since = seen.0["status"]["impairedSince"].clone();
        assert!(since.is_string());
        more_than(trial, address, "Cluster", 0).await;
        let before = shown(address, "crm").await["Cluster"];
        // Killed, so that nothing is put right at the end.
        trial.kill();
        let address = serve_metrics(trial).await;
        trial.start();
        trial
            .patient(async || TcpStream::connect(address).await.is_ok())
            .await;
        more_than(trial, address, "Cluster", before).await;
        let seen = trial.plugin_until("crm", "there", |_| true).await;
        assert_eq!(
            seen.0["status"]["impairedSince"], since,
            "a restart begins nothing anew"
        );
        let during = shown(address, "crm").await["Cluster"];
        trial.line("crm", Line::Up);
        let seen = trial.well("crm").await;
        let total = stored(&seen, "Cluster");
        assert!(
            total >= during && seen.0["status"]["impairedSince"].is_null(),
            "{total} {during}"
        );
        let told = async || shown(address, "crm").await == BTreeMap::from([("Cluster".to_owned(), total)]);
        trial.patient(told).await;
        // Another fault goes on from there.
        trial.line("crm", Line::Refused);
        trial.fault("crm", "Cluster", "PublicAddressUnreachable").await;
        more_than(trial, address, "Cluster", total).await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        let seen = trial
            .plugin_until("crm", "Suspended", |seen| seen.truth("Suspended") == "True")
            .await;
        assert!(stored(&seen, "Cluster") > total && seen.0["status"]["impairedSince"].is_null());
    });
}

#[test]
fn the_series_of_a_plugin_end_with_it() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let address = serve_metrics(trial).await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.line("crm", Line::Refused);
        trial.fault("crm", "Cluster", "PublicAddressUnreachable").await;
        let series = async || {
            let text = metrics(address).await;
            let lines = text.lines().filter(|line| line.contains(r#"name="crm""#));
            lines.map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        let core = format!("core=\"{}/main\"", trial.namespace());
        trial.patient(async || series().await.len() >= 4).await;
        for line in series().await {
            assert!(line.contains(&core), "{line}");
        }
        trial
            .delete("plugins.wazo.io/v1alpha1", "WazoPlugin", "crm")
            .await;
        trial.gone("crm").await;
        trial.patient(async || series().await.is_empty()).await;
    });
}

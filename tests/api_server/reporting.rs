//! Where a verdict shows: seconds of the parties, metrics, events, selectors.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use wazo_e2e::objects::{CORE, Seen, plugin};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{Trial, trial};
use wazo_e2e::wazo_simulated_core::Fault;

use super::certificates::{metrics, serve_metrics};
use super::tools::Kubectl;

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
        trial.pods("crm", PodState::crash(1));
        let seen = trial.fault("crm", "Partner", "ProcessExited").await;
        let since = seen.0["status"]["impairedSince"].clone();
        assert!(since.is_string());
        more_than(trial, address, "Partner", 0).await;
        let before = shown(address, "crm").await["Partner"];
        // Killed, so that nothing is put right at the end.
        trial.kill();
        let address = serve_metrics(trial).await;
        trial.start();
        trial
            .patient(async || TcpStream::connect(address).await.is_ok())
            .await;
        more_than(trial, address, "Partner", before).await;
        let seen = trial.plugin_until("crm", "there", |_| true).await;
        assert_eq!(
            seen.0["status"]["impairedSince"], since,
            "a restart begins nothing anew"
        );
        let during = shown(address, "crm").await["Partner"];
        trial.pods("crm", PodState::Ready);
        let seen = trial.well("crm").await;
        let total = stored(&seen, "Partner");
        assert!(
            total >= during && seen.0["status"]["impairedSince"].is_null(),
            "{total} {during}"
        );
        let told = async || shown(address, "crm").await == BTreeMap::from([("Partner".to_owned(), total)]);
        trial.patient(told).await;
        // Another fault goes on from there.
        trial.pods("crm", PodState::crash(1));
        trial.fault("crm", "Partner", "ProcessExited").await;
        more_than(trial, address, "Partner", total).await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        let seen = trial
            .plugin_until("crm", "Suspended", |seen| seen.truth("Suspended") == "True")
            .await;
        assert!(stored(&seen, "Partner") > total && seen.0["status"]["impairedSince"].is_null());
    });
}

#[test]
fn the_series_of_a_plugin_end_with_it() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let address = serve_metrics(trial).await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.pods("crm", PodState::crash(1));
        trial.fault("crm", "Partner", "ProcessExited").await;
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

/// The events about the fault of a plugin, oldest first: reason, action, type, party, confidence.
async fn attributions(trial: &Trial, plugin: &str) -> Vec<[String; 5]> {
    let mut events = trial.list("events.k8s.io/v1", "Event").await;
    events.retain(|event| {
        event["regarding"]["name"] == plugin
            && event["reason"]
                .as_str()
                .is_some_and(|reason| reason.starts_with("Fault"))
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events.sort_by_key(|event| text(&event["eventTime"]));
    let told = events.iter().map(|event| {
        let annotations = &event["metadata"]["annotations"];
        [
            text(&event["reason"]),
            text(&event["action"]),
            text(&event["type"]),
            text(&annotations["plugins.wazo.io/party"]),
            text(&annotations["plugins.wazo.io/confidence"]),
        ]
    });
    told.collect()
}

#[test]
fn each_change_of_the_verdict_is_an_event_with_party_and_confidence_and_a_suspension_ends_no_fault() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.core().faults().inject(Fault::refuse_connections()).await;
        let seen = trial.fault("crm", "Core", "CoreUnreachable").await;
        let sure = seen.fault("confidence").to_owned();
        let text = seen.message("Degraded");
        assert!(
            text.contains(". Next: ") && text.ends_with(seen.fault("action")),
            "{text}"
        );
        trial.core().faults().clear_all().await;
        trial.well("crm").await;
        trial.pods("crm", PodState::crash(1));
        trial.fault("crm", "Partner", "ProcessExited").await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        trial
            .plugin_until("crm", "Suspended", |seen| {
                seen.truth("Suspended") == "True" && !seen.has_fault()
            })
            .await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": null}}))
            .await;
        trial.fault("crm", "Partner", "ProcessExited").await;
        trial
            .delete("plugins.wazo.io/v1alpha1", "WazoPlugin", "crm")
            .await;
        trial.gone("crm").await;
        let row = |words: [&str; 5]| words.map(ToOwned::to_owned);
        let wanted = [
            row(["FaultAttributed", "CoreUnreachable", "Warning", "Core", &sure]),
            row(["FaultCleared", "CoreUnreachable", "Normal", "Core", &sure]),
            row(["FaultAttributed", "ProcessExited", "Warning", "Partner", "High"]),
        ];
        assert_eq!(attributions(trial, "crm").await, wanted);
        // The second time is counted up.
        let told = trial.events("crm", "FaultAttributed").await;
        assert!(
            told.iter()
                .any(|(times, note)| *times == 2 && note.contains("ProcessExited")),
            "{told:?}"
        );
    });
}

const PLUGINS: usize = 20;

/// The series of a metric, as label lists.
async fn series(address: SocketAddr, metric: &str) -> Vec<String> {
    let text = metrics(address).await;
    let head = format!("{metric}{{");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&head));
    lines.map(ToOwned::to_owned).collect()
}

#[test]
fn twenty_plugins_of_a_core_that_is_away_point_to_one_verdict_and_can_be_selected_by_it() {
    trial(async |trial: &mut Trial| {
        trial.wait_at_most(std::time::Duration::from_secs(90));
        trial.connect().await;
        let address = serve_metrics(trial).await;
        trial.start();
        let names: Vec<String> = (0..PLUGINS).map(|number| format!("p{number}")).collect();
        for name in &names {
            trial.panel(name).await;
            trial.apply(&plugin(name)).await;
        }
        for name in &names {
            trial.well(name).await;
        }
        trial.core().faults().inject(Fault::refuse_connections()).await;
        trial.core_fault("Core", "CoreUnreachable").await;
        for name in &names {
            let seen = trial.fault(name, "Core", "CoreUnreachable").await;
            assert!(seen.is_ready() && !seen.is_blocked());
            let cause = &seen.0["status"]["fault"]["causedBy"];
            assert_eq!(
                (&cause["kind"], &cause["name"]),
                (&json!("WazoCore"), &json!(CORE))
            );
            assert!(
                seen.message("Degraded").contains(". Next: "),
                "{}",
                seen.message("Degraded")
            );
        }
        trial
            .core_until("told of its plugins", |seen| {
                seen.0["status"]["plugins"] == json!({"total": PLUGINS, "impaired": PLUGINS})
            })
            .await;
        trial
            .patient(async || series(address, "wazo_plugin_fault").await.len() == PLUGINS)
            .await;
        // An alert by core is one alert, however many plugins there are.
        let core_of = |labels: &String| labels.split('"').nth(1).unwrap_or_default().to_owned();
        let cores: BTreeSet<String> = series(address, "wazo_plugin_fault")
            .await
            .iter()
            .map(core_of)
            .collect();
        assert_eq!(cores, BTreeSet::from([format!("{}/{CORE}", trial.namespace())]));
        let of_cores = series(address, "wazo_core_fault").await;
        assert_eq!(of_cores.len(), 1, "{of_cores:?}");
        assert!(
            of_cores[0].contains(r#"party="Core",reason="CoreUnreachable""#),
            "{of_cores:?}"
        );
        assert_eq!(
            series(address, "wazo_core_ready").await,
            [format!("core=\"{}/{CORE}\"}} 0", trial.namespace())]
        );
        // What nobody answers says nothing good of itself: no alert of a core that only seems well.
        let down = async || {
            let checks = series(address, "wazo_core_up").await;
            let mut told = checks.iter().filter(|line| !line.contains("check=\"events\""));
            told.all(|line| line.ends_with(" 0"))
        };
        trial.patient(down).await;
        if let Some(kubectl) = Kubectl::of(trial) {
            selected(&kubectl).await;
        }
        trial.core().faults().clear_all().await;
        for name in &names {
            trial.well(name).await;
        }
        trial
            .patient(async || series(address, "wazo_core_fault").await.is_empty())
            .await;
    });
}

/// What kubectl finds by whose fault it is.
async fn selected(kubectl: &Kubectl) {
    let count = async |selector: &str| {
        let found = kubectl
            .ok(&format!("get wzp -o name --field-selector {selector}"))
            .await;
        found
            .lines()
            .filter(|line| line.starts_with("wazoplugin"))
            .count()
    };
    assert_eq!(count("status.fault.party=Core").await, PLUGINS);
    assert_eq!(
        count("status.fault.reason=CoreUnreachable,spec.coreRef.name=main").await,
        PLUGINS
    );
    assert_eq!(count("spec.coreRef.name=other").await, 0);
    assert_eq!(count("status.fault.party=Partner").await, 0);
    let cores = kubectl
        .ok("get wzc -o name --field-selector status.fault.party=Core")
        .await;
    assert_eq!(cores.trim(), "wazocore.plugins.wazo.io/main");
    let columns = async |command: &str| {
        let table = kubectl.ok(command).await;
        let head: Vec<String> = table
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .map(ToOwned::to_owned)
            .collect();
        (head.join(" "), table)
    };
    let (head, table) = columns("get wzp p0").await;
    assert_eq!(head, "NAME READY REASON FAULT VERSION REGISTERED AGE");
    let row: Vec<&str> = table
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    assert_eq!(&row[..4], ["p0", "True", "Ready", "Core"], "{table}");
    let (head, _) = columns("get wzp p0 -o wide").await;
    assert_eq!(head, "NAME READY REASON FAULT VERSION REGISTERED URL MESSAGE AGE");
}

//! Suspension: the operator keeps its hands off.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;
use wazo_e2e::gate::{Gate, Side};
use wazo_e2e::objects::{IMAGE, manifest_url};
use wazo_e2e::pod_state::PodState;
use wazo_e2e::trial::{APPS, Trial, trial};

use super::certificates::{metrics, serve_metrics};

/// Waits until the operator has read the applications of the core twice more.
async fn read_twice(trial: &Trial) {
    let sequence = trial.core().journal().sequence();
    let reads = || {
        let since = trial.core().journal().since(sequence);
        let of_apps = since
            .iter()
            .filter(|entry| entry.method == "GET" && entry.path.contains("/external/apps"));
        of_apps.filter(|entry| entry.status == Some(200)).count()
    };
    // Every look asks for each of them.
    let most = 2 * APPS.len();
    trial.holds("the core is read twice", || reads() >= most).await;
}

/// What it wrote; sessions of the core aside.
fn written(gate: &Gate) -> Vec<String> {
    let all = gate.mutations().into_iter();
    all.filter(|asked| !asked.is_session())
        .map(|asked| asked.to_string())
        .collect()
}

#[test]
fn what_strangers_change_of_a_suspended_plugin_is_left_so_until_the_suspension_ends() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        trial.ready_plugin("crm").await;
        // Another plugin, for which the core is read.
        trial.ready_plugin("board").await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        trial
            .plugin_until("crm", "Suspended", |seen| {
                seen.is_observed() && seen.truth("Suspended") == "True"
            })
            .await;
        read_twice(trial).await;
        let core = trial.core().journal().sequence();
        gate.arm(None);
        let edit = json!({"spec": {"revisionHistoryLimit": 9}});
        trial.patch("apps/v1", "Deployment", "crm", &edit).await;
        let url = manifest_url("crm");
        for app in APPS {
            let edited = trial.core().apps().edit(trial.core().tenant(), app, |app| {
                let urls = app.configuration["manifest_urls"].as_array_mut().unwrap();
                urls.retain(|found| *found != url.as_str());
            });
            assert!(edited, "{app}");
        }
        read_twice(trial).await;
        assert_eq!(written(&gate), Vec::<String>::new());
        let effects = trial.core().journal().effects();
        let ours: Vec<_> = effects
            .iter()
            .filter(|entry| entry.sequence > core && !entry.stranger && !entry.path.contains("/token"))
            .collect();
        assert!(ours.is_empty(), "{ours:#?}");
        assert!(!trial.is_known("crm") && trial.is_registered("board"));
        let seen = trial.plugin_until("crm", "there", |_| true).await;
        assert!(seen.is_ready(), "what a stranger does takes nothing from Ready");
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": null}}))
            .await;
        trial
            .child_until::<Deployment>("crm", "put back", |seen| {
                seen.0["spec"]["revisionHistoryLimit"] == 3
            })
            .await;
        trial
            .holds("registered again", || trial.is_registered("crm"))
            .await;
        assert!(gate.mutations().iter().any(|asked| asked.side == Side::Core));
        trial.well("crm").await;
    });
}

#[test]
fn the_series_of_a_fault_goes_when_its_plugin_is_suspended() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let address = serve_metrics(trial).await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial.pods("crm", PodState::crash(1));
        trial.fault("crm", "Partner", "ProcessExited").await;
        let faulty = async || {
            let text = metrics(address).await;
            let mut lines = text.lines();
            lines.any(|line| line.starts_with("wazo_plugin_fault{") && line.contains(r#"name="crm""#))
        };
        trial.patient(&faulty).await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        let seen = trial
            .plugin_until("crm", "Suspended", |seen| {
                seen.is_observed() && seen.truth("Suspended") == "True"
            })
            .await;
        assert!(!seen.has_fault(), "{:#}", seen.0["status"]);
        trial.patient(async || !faulty().await).await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": null}}))
            .await;
        trial.fault("crm", "Partner", "ProcessExited").await;
        trial.patient(&faulty).await;
    });
}

#[test]
fn a_suspended_plugin_keeps_what_it_has() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": true}}))
            .await;
        let seen = trial
            .plugin_until("crm", "Suspended", |seen| {
                seen.is_observed() && seen.truth("Suspended") == "True"
            })
            .await;
        assert_eq!(seen.truth("Ready"), "True", "nothing is pending");
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": null}}))
            .await;
        let seen = trial
            .plugin_until("crm", "resumed", |seen| {
                seen.is_ready() && seen.condition("Suspended").is_none()
            })
            .await;
        assert!(!seen.has_fault());
    });
}

#[test]
fn a_change_waits_until_the_suspension_ends() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let image = "registry.test/panel:2.0.0";
        trial
            .edit_plugin(
                "crm",
                &json!({"spec": {"suspend": true, "workload": {"image": image}}}),
            )
            .await;
        trial
            .plugin_until("crm", "waiting with changes", |seen| {
                seen.is_observed() && seen.reason("Ready") == "SuspendedWithChanges"
            })
            .await;
        let of = |deployment: &serde_json::Value| {
            deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone()
        };
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(of(&deployment), IMAGE);
        trial
            .edit_plugin("crm", &json!({"spec": {"suspend": false}}))
            .await;
        trial
            .plugin_until("crm", "Ready and resumed", |seen| {
                seen.is_ready() && seen.condition("Suspended").is_none()
            })
            .await;
        let deployment = trial.get("apps/v1", "Deployment", "crm").await.unwrap();
        assert_eq!(of(&deployment), image);
    });
}

//! A core that is away for a moment only, and what is measured of it.

use serde_json::Value;
use wazo_e2e::trial::{Trial, trial};
use wazo_e2e::wazo_simulated_core::{Daemon, Fault};

use crate::certificates::{metrics, serve_metrics};

/// Every reason of a fault that an object's status ever told of.
pub(crate) fn told(trial: &Trial, key: &str) -> Vec<String> {
    let versions = trial.recorder().history(key);
    let reasons = versions.iter().flat_map(|status: &Value| {
        let others = status["otherFaults"].as_array().cloned().unwrap_or_default();
        [status["fault"].clone()].into_iter().chain(others)
    });
    let reasons = reasons.filter_map(|fault| fault["reason"].as_str().map(ToOwned::to_owned));
    reasons.collect()
}

#[test]
fn a_core_whose_daemon_is_started_again_raises_no_fault_and_its_metrics_say_what_was_seen() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let address = serve_metrics(trial).await;
        trial.start();
        trial.ready_plugin("crm").await;
        let asked = |trial: &Trial| {
            let entries = trial.core().journal().entries();
            entries.iter().filter(|entry| entry.status == Some(502)).count()
        };
        let down = trial
            .core()
            .faults()
            .inject(Fault::daemon_down(Daemon::Confd))
            .await;
        trial.holds("somebody met it", || asked(trial) > 0).await;
        trial.core().faults().clear(down).await;
        let healed = trial.core().journal().sequence();
        trial
            .holds("it answers again", || {
                let entries = trial.core().journal().entries();
                entries.iter().any(|entry| {
                    entry.sequence > healed && entry.path.ends_with("/infos") && entry.status == Some(200)
                })
            })
            .await;
        assert_eq!(told(trial, "WazoPlugin/crm"), [""; 0]);
        assert_eq!(told(trial, "WazoCore/main"), [""; 0]);
        let core = format!("{}/main", trial.namespace());
        for series in [
            format!("wazo_core_up{{api=\"confd\",check=\"read\",core=\"{core}\"}} 1"),
            format!("wazo_core_up{{api=\"auth\",check=\"read\",core=\"{core}\"}} 1"),
            format!("wazo_core_breaker_state{{api=\"confd\",core=\"{core}\"}} 0"),
            format!(
                "wazo_core_request_duration_seconds_count{{api=\"auth\",core=\"{core}\",operation=\"POST /token\"}}"
            ),
        ] {
            trial
                .patient(async || metrics(address).await.contains(&series))
                .await;
        }
        // Which request meets the daemon while it is away is a matter of milliseconds.
        let counted = format!("wazo_core_requests_total{{api=\"confd\",core=\"{core}\"");
        trial
            .patient(async || {
                let all = metrics(address).await;
                all.lines()
                    .any(|line| line.starts_with(&counted) && line.contains("outcome=\"daemon_down\""))
            })
            .await;
    });
}

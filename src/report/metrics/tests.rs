mod accounts;
mod names;

use std::sync::atomic::{AtomicI64, Ordering};

use prometheus::TextEncoder;

use super::*;
use crate::api::fault::Party;
use crate::api::reason::Reason;
use crate::judge::candidate::Candidate;
use crate::report::impairment;

/// A process: its metrics, and a clock that stands until it is set.
struct Process {
    metrics: Metrics,
    registry: Registry,
}

impl Process {
    fn new(clock: &Arc<AtomicI64>) -> Self {
        let registry = Registry::new();
        let told = clock.clone();
        let tells = move || Timestamp::from_second(told.load(Ordering::Relaxed)).unwrap();
        let metrics = Metrics::with_clock(&registry, Arc::new(tells)).unwrap();
        Self { metrics, registry }
    }

    fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap()
    }

    /// The value of the series whose line begins so.
    fn value(&self, series: &str) -> Option<f64> {
        let text = self.text();
        let line = text.lines().find(|line| line.starts_with(series))?;
        line.rsplit(' ').next()?.parse().ok()
    }
}

fn key() -> PluginKey {
    PluginKey::new("a", "p")
}

fn core() -> CoreKey {
    CoreKey::new("a", "c")
}

fn fault(reason: Reason) -> Fault {
    Candidate::new(reason, Timestamp::UNIX_EPOCH, "x").fault
}

fn status(reason: Option<Reason>) -> WazoPluginStatus {
    WazoPluginStatus {
        fault: reason.map(fault),
        ..WazoPluginStatus::default()
    }
}

#[test]
fn a_plugin_has_one_fault_series_at_a_time_and_none_when_it_is_gone() {
    let process = Process::new(&Arc::default());
    for reason in [Reason::ProcessExited, Reason::ImageNotFound] {
        let before = WazoPluginStatus::default();
        let moment = process.metrics.moment_of(&key(), &core(), &before);
        let status = impairment::settled(&before, status(Some(reason)), moment);
        process.metrics.plugin(&key(), &core(), &status);
    }
    let series = process.text();
    assert!(series.contains(r#"wazo_plugin_fault{core="a/c",layer="Image",name="p",namespace="a",party="Config",reason="ImageNotFound"} 1"#), "{series}");
    assert!(
        !series.contains(r#"wazo_plugin_fault{core="a/c",layer="Container""#),
        "{series}"
    );
    assert!(series.contains("wazo_plugin_impaired_seconds_total{"), "{series}");
    process.metrics.forget(&key());
    assert!(!process.text().contains(r#"name="p""#), "{}", process.text());
}

#[test]
fn a_verdict_is_counted_where_it_is_another_and_a_revision_where_it_blames_another_party() {
    let process = Process::new(&Arc::default());
    let at = |second| Timestamp::from_second(second).unwrap();
    let (crash, unhealthy, image) = (
        fault(Reason::ProcessExited),
        fault(Reason::ReportsUnhealthy),
        fault(Reason::ImageNotFound),
    );
    assert_eq!((crash.party, unhealthy.party), (Party::Partner, Party::Partner));
    process.metrics.verdict(None, Some(&crash), at(3));
    process.metrics.verdict(Some(&crash), Some(&crash), at(4));
    process.metrics.verdict(Some(&crash), Some(&unhealthy), at(20));
    process.metrics.verdict(Some(&unhealthy), Some(&image), at(40));
    process.metrics.verdict(Some(&image), None, at(50));
    let value = |series: &str| process.value(series);
    let transition =
        r#"wazo_plugin_fault_transitions_total{layer="Container",party="Partner",reason="ProcessExited"}"#;
    assert_eq!(value(transition), Some(1.0));
    assert_eq!(
        value(r#"wazo_plugin_verdict_revisions_total{from="Partner",to="Config"}"#),
        Some(1.0)
    );
    assert!(!process.text().contains(r#"from="Partner",to="Partner""#));
    assert_eq!(value("wazo_plugin_verdict_latency_seconds_count"), Some(3.0));
    assert_eq!(value("wazo_plugin_verdict_latency_seconds_sum"), Some(63.0));
    assert_eq!(
        value(r#"wazo_plugin_verdict_latency_seconds_bucket{le="5"}"#),
        Some(1.0)
    );
}

#[test]
fn a_core_has_one_fault_series_and_none_when_it_is_gone() {
    let process = Process::new(&Arc::default());
    let told = |reason| WazoCoreStatus {
        fault: Some(fault(reason)),
        ..WazoCoreStatus::default()
    };
    process.metrics.core(&core(), &told(Reason::CoreUnreachable));
    process.metrics.core(&core(), &told(Reason::CoreServiceDown));
    let text = process.text();
    assert_eq!(text.matches("wazo_core_fault{").count(), 1, "{text}");
    assert!(
        text.contains(
            r#"wazo_core_fault{core="a/c",layer="CoreAPI",party="Core",reason="CoreServiceDown"} 1"#
        ),
        "{text}"
    );
    assert_eq!(process.value(r#"wazo_core_ready{core="a/c"}"#), Some(0.0));
    process.metrics.forget_core(&core());
    assert!(!process.text().contains(r#"core="a/c""#), "{}", process.text());
}

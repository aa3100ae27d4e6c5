//! The core goes away, before, during and after registration, and comes back.

use std::time::Duration;

use serde_json::json;
use wazo_e2e::gate::Side;
use wazo_e2e::objects::{Seen, plugin};
use wazo_e2e::trial::{APPS, Trial, trial};
use wazo_e2e::wazo_simulated_core::{Daemon, EffectKind, Fault, Tokens};

#[test]
fn a_core_that_is_absent_at_first_is_waited_for() {
    trial(async |trial: &mut Trial| {
        trial.core().faults().inject(Fault::refuse_connections()).await;
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Core", "CoreUnreachable").await;
        assert!(seen.is_blocked());
        assert_eq!(
            (seen.truth("Ready"), seen.truth("Reconciling")),
            ("False", "True"),
            "it goes on trying"
        );
        assert_eq!(seen.0["status"]["fault"]["causedBy"]["name"], "main");
        let seen = trial
            .plugin_until("crm", "running without its core", |seen| {
                seen.truth("Available") == "True"
            })
            .await;
        assert!(!seen.is_ready());
        trial.core_fault("Core", "CoreUnreachable").await;
        trial.core().faults().clear_all().await;
        trial.well("crm").await;
        trial.core_until("Ready", Seen::is_ready).await;
        assert!(trial.is_registered("crm"));
    });
}

/// A registered plugin stays Ready through an outage, refers to the core, and heals; nothing is written to the core.
async fn stays_ready(trial: &mut Trial, fault: Fault, reason: &str) {
    trial.connect().await;
    trial.start();
    trial.ready_plugin("crm").await;
    let effects = |trial: &Trial| {
        let all = trial.core().journal().effects();
        all.iter()
            .filter(|entry| entry.path.contains("/external/apps"))
            .count()
    };
    let before = effects(trial);
    trial.core().faults().inject(fault).await;
    let core = trial.core_fault("Core", reason).await;
    assert_eq!(core.truth("Ready"), "False");
    let seen = trial.fault("crm", "Core", reason).await;
    assert!(
        seen.is_ready(),
        "a core that goes away takes nothing from a plugin that is done"
    );
    assert!(!seen.is_blocked());
    assert_eq!(seen.truth("Registered"), "True");
    assert_eq!(seen.truth("Degraded"), "True");
    assert_eq!(seen.0["status"]["fault"]["causedBy"]["kind"], "WazoCore");
    trial.core().faults().clear_all().await;
    let seen = trial
        .plugin_until("crm", "free of faults", |seen| !seen.has_fault())
        .await;
    assert!(seen.is_ready());
    assert_eq!(seen.truth("Degraded"), "");
    trial.core_until("Ready", Seen::is_ready).await;
    for status in trial.recorder().history("WazoPlugin/crm").iter().rev().take(3) {
        assert_eq!(Seen(json!({"status": status})).truth("Ready"), "True");
    }
    assert_eq!(effects(trial), before, "nothing was written again");
}

#[test]
fn a_core_that_refuses_connections_takes_no_ready_away() {
    trial(async |trial: &mut Trial| stays_ready(trial, Fault::refuse_connections(), "CoreUnreachable").await);
}

#[test]
fn a_daemon_that_is_down_takes_no_ready_away() {
    trial(async |trial: &mut Trial| {
        stays_ready(trial, Fault::daemon_down(Daemon::Confd), "CoreServiceDown").await;
    });
}

#[test]
fn a_database_that_is_down_takes_no_ready_away() {
    trial(async |trial: &mut Trial| {
        let confd = Fault::postgresql_down().of_daemon(Daemon::Confd);
        stays_ready(trial, confd, "CoreServerError").await;
    });
}

#[test]
fn a_broker_that_is_down_is_a_degraded_core() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let away = Fault::rabbitmq_down(Duration::from_millis(100));
        trial.core().faults().inject(away).await;
        let core = trial.core_fault("Core", "CoreEventsDegraded").await;
        assert!(!core.is_blocked());
        assert_eq!((core.truth("Ready"), core.truth("Degraded")), ("True", "True"));
        trial.core().faults().clear_all().await;
        trial.core_until("free of faults", |seen| !seen.has_fault()).await;
    });
}

#[test]
fn each_accident_during_registration_ends_in_one_registration() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let written = "/api/confd/1.1/external/apps";
        // The first of them meets the POST of the web application, which does not exist yet.
        let accidents = [
            (
                "made",
                Fault::rabbitmq_down(Duration::from_millis(50))
                    .on("POST", written)
                    .times(1),
            ),
            (
                "reset-before",
                Fault::reset_before_effect().on("PUT", written).times(2),
            ),
            (
                "reset-after",
                Fault::reset_after_effect().on("PUT", written).times(2),
            ),
            (
                "broker",
                Fault::rabbitmq_down(Duration::from_millis(50))
                    .on("PUT", written)
                    .times(2),
            ),
            (
                "front",
                Fault::answer(502, "text/html", "<html>Bad Gateway</html>")
                    .on("PUT", written)
                    .times(2),
            ),
            (
                "unreadable",
                Fault::reset_after_effect().on("GET", written).times(3),
            ),
        ];
        for (name, accident) in accidents {
            trial.core().faults().inject(accident).await;
            trial.ready_plugin(name).await;
            assert!(trial.is_registered(name), "{name}");
            trial.core().faults().clear_all().await;
        }
        let effects = trial.core().journal().effects();
        let made = effects.iter().filter(|entry| {
            entry.effect.kind == EffectKind::Created && entry.path.contains("/external/apps")
        });
        assert_eq!(made.count(), 1, "the web application was made once");
        for app in APPS {
            let mut urls = trial.urls(app);
            let all = urls.len();
            urls.sort();
            urls.dedup();
            assert_eq!(urls.len(), all, "{app} holds an address twice");
        }
        trial.strangers_data_is_intact();
    });
}

#[test]
fn a_core_that_goes_away_before_the_registration_is_waited_for() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.core_until("Ready", Seen::is_ready).await;
        trial
            .core()
            .faults()
            .inject(Fault::daemon_down(Daemon::Confd))
            .await;
        trial.panel("crm").await;
        trial.apply(&plugin("crm")).await;
        let seen = trial.fault("crm", "Core", "CoreServiceDown").await;
        assert!(seen.is_blocked());
        assert_eq!(seen.truth("Reconciling"), "True");
        trial.core().faults().clear_all().await;
        trial.ready("crm").await;
    });
}

#[test]
fn while_the_breaker_is_open_the_core_is_only_probed() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        let gate = trial.start();
        for name in ["a", "b", "c"] {
            trial.panel(name).await;
        }
        trial.core_until("Ready", Seen::is_ready).await;
        trial
            .core()
            .faults()
            .inject(Fault::daemon_down(Daemon::Confd))
            .await;
        trial.core_fault("Core", "CoreServiceDown").await;
        gate.arm(None);
        for name in ["a", "b", "c"] {
            trial.apply(&plugin(name)).await;
        }
        for name in ["a", "b", "c"] {
            trial.fault(name, "Core", "CoreServiceDown").await;
            trial
                .plugin_until(name, "serving", |seen| seen.truth("Exposed") == "True")
                .await;
        }
        let writes: Vec<String> = gate
            .mutations()
            .iter()
            .filter(|asked| asked.side == Side::Core && !asked.is_session())
            .map(ToString::to_string)
            .collect();
        assert!(writes.is_empty(), "{writes:#?}");
        trial.core().faults().clear_all().await;
        for name in ["a", "b", "c"] {
            trial.ready(name).await;
        }
    });
}

#[test]
fn rights_that_are_taken_away_are_listed_and_when_given_back_all_heals() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        let rights = [
            "confd.infos.read",
            "confd.status.read",
            "confd.external.apps.read",
        ];
        trial.core().faults().set_rights(&rights, Tokens::Drop);
        let core = trial.core_fault("Config", "PermissionChangedInCore").await;
        assert_eq!(core.truth("Stalled"), "True");
        let missing = core.0["status"]["missingPermissions"].to_string();
        assert!(missing.contains("confd.external.apps"), "{missing}");
        let seen = trial.fault("crm", "Config", "PermissionChangedInCore").await;
        assert!(seen.is_ready(), "it is registered");
        trial.panel("board").await;
        trial.apply(&plugin("board")).await;
        let seen = trial.fault("board", "Config", "PermissionChangedInCore").await;
        assert_eq!(
            (seen.truth("Ready"), seen.truth("Reconciling")),
            ("False", "True")
        );
        trial
            .core()
            .faults()
            .set_rights(&wazo_e2e::wazo_simulated_core::OPERATOR_ACL, Tokens::Keep);
        trial.ready("board").await;
        trial
            .plugin_until("crm", "free of faults", |seen| !seen.has_fault())
            .await;
    });
}

//! The operator as a process that is stopped (SIGSTOP) for longer than its lease lasts, and continued.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use wazo_e2e::gate::Gate;
use wazo_e2e::objects::{Seen, plugin};
use wazo_e2e::process::Process;
use wazo_e2e::rights::LEASE;
use wazo_e2e::trial::{Trial, trial};

use crate::leadership::{is_lease, lease, terms};

const DURATION: Duration = Duration::from_secs(4);

#[test]
fn a_process_that_was_stopped_for_longer_than_its_lease_sends_nothing_when_it_continues() {
    trial(async |trial: &mut Trial| {
        trial.plane().grant_in(trial.namespace()).await;
        trial.connect().await;
        let gate = Gate::open();
        let namespace = trial.namespace().to_owned();
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "text",
            "--log-level",
            "info",
            "--leader-elect",
            "--leader-elect-resource-namespace",
            &namespace,
            "--leader-elect-resource-name",
            LEASE,
            "--leader-elect-lease-duration",
            "4s",
            "--leader-elect-renew-deadline",
            "2500ms",
            "--leader-elect-retry-period",
            "300ms",
        ];
        let program = env!("CARGO_BIN_EXE_wazo-plugin-operator");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let wiring = trial.wiring().clone();
        let process = Process::start(program, &arguments, &wiring, gate.clone(), folder).await;
        trial.search(process.errors());
        trial.core_until("Ready", Seen::is_ready).await;
        assert_eq!(terms(&process.log()), 1, "{}", process.log());
        process.stop();
        let core_before = trial.core().journal().sequence();
        let work = || {
            let asked = gate.mutations().into_iter().chain(gate.reads());
            asked
                .filter(|asked| !is_lease(asked))
                .map(|asked| asked.to_string())
                .collect::<Vec<_>>()
        };
        let before = work();
        // Its watches will have much to tell it.
        for number in 0..5 {
            trial.apply(&plugin(&format!("late-{number}"))).await;
        }
        trial
            .edit_core(&json!({"spec": {"requestsPerSecond": 999}}))
            .await;
        // Another replica, as far as the lease tells: it waits until the lease has ended.
        let held = lease(trial).await;
        let renewed: Timestamp = held["renewTime"].as_str().unwrap().parse().unwrap();
        let ended = renewed + jiff::SignedDuration::try_from(DURATION).unwrap();
        trial
            .holds("the lease has ended", || Timestamp::now() > ended)
            .await;
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let theirs = json!({"spec": {"holderIdentity": "another", "renewTime": now, "acquireTime": now}});
        trial
            .patch("coordination.k8s.io/v1", "Lease", LEASE, &theirs)
            .await;

        process.go_on();
        trial
            .holds("it knows that it lost", || {
                process.log().contains("leads no longer")
            })
            .await;
        let looks = || gate.reads().into_iter().filter(is_lease).count();
        let seen = looks();
        trial
            .holds("it looks at the lease again", || looks() >= seen + 3)
            .await;
        assert_eq!(work(), before, "{}", process.log());
        let asked = trial.core().journal().since(core_before);
        assert!(asked.is_empty(), "{asked:#?}");

        let free = json!({"spec": {"holderIdentity": null}});
        trial.patch("coordination.k8s.io/v1", "Lease", LEASE, &free).await;
        trial.holds("it leads again", || terms(&process.log()) == 2).await;
        trial
            .plugin_until("late-4", "worked on", |seen| !seen.finalizers().is_empty())
            .await;
        process.end().await;
        assert!(
            lease(trial).await["holderIdentity"].is_null(),
            "it gave the lease back"
        );
    });
}

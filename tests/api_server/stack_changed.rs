//! Another stack answers behind the URL of a core: nothing is written to it, not even a deregistration.

use serde_json::json;
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{Trial, trial};

const OTHER: &str = "0b7c2f7e-52a5-4c0e-9f5b-1d3a7e60ffff";

/// The stack behind the URL is another one: it has never seen our tokens.
fn another_stack_answers(trial: &Trial, uuid: &str) {
    trial.core().faults().change_stack_uuid(uuid);
    trial.core().faults().expire_tokens();
}

/// How often an application was changed.
fn changes(trial: &Trial) -> usize {
    let effects = trial.core().journal().effects();
    let keys = effects.iter().filter_map(|entry| entry.effect.key.as_ref());
    keys.filter(|key| key.starts_with("external_apps/")).count()
}

#[test]
fn another_stack_behind_the_url_stops_every_write_until_the_known_one_is_back() {
    trial(async |trial: &mut Trial| {
        let known = trial.core().stack_uuid();
        trial.connect().await;
        trial.start();
        for name in ["crm", "board"] {
            trial.ready_plugin(name).await;
        }
        let before = changes(trial);
        another_stack_answers(trial, OTHER);
        let core = trial.core_fault("Config", "StackChanged").await;
        assert_eq!(core.truth("Stalled"), "True");
        assert_eq!(core.0["status"]["stack"]["uuid"], known, "what is known is kept");
        assert_eq!(core.0["status"]["fault"]["object"]["fieldPath"], "spec.url");
        assert!(core.fault("message").contains(OTHER), "{}", core.fault("message"));
        let seen = trial.fault("board", "Config", "StackChanged").await;
        assert!(
            seen.is_ready() && !seen.is_blocked(),
            "it is registered, as far as is known"
        );
        trial.panel("late").await;
        trial.apply(&plugin("late")).await;
        let seen = trial.fault("late", "Config", "StackChanged").await;
        assert!(seen.is_blocked());
        let blocked = async |trial: &Trial| {
            let seen = trial
                .plugin_until("crm", "blocked", |seen| {
                    seen.reason("Ready") == "DeregistrationBlocked" && seen.is_fault("Config", "StackChanged")
                })
                .await;
            assert!(seen.fault("action").contains("accept-stack"));
        };
        trial.delete_plugin("crm").await;
        blocked(trial).await;
        // The next process knows it, too.
        trial.kill();
        let gate = trial.start();
        gate.arm(None);
        let looked = || {
            gate.reads()
                .iter()
                .filter(|asked| asked.path.contains("/infos"))
                .count()
        };
        trial
            .holds("a login and some looks of the new process", || looked() >= 3)
            .await;
        trial.core_fault("Config", "StackChanged").await;
        blocked(trial).await;
        assert_eq!(changes(trial), before, "nothing was written");
        another_stack_answers(trial, &known);
        trial.gone("crm").await;
        trial.well("late").await;
        trial.well("board").await;
        assert!(!trial.is_known("crm") && trial.is_registered("board") && trial.is_registered("late"));
        trial.strangers_data_is_intact();
    });
}

#[test]
fn another_stack_is_taken_when_it_is_accepted_by_its_uuid() {
    trial(async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        trial.ready_plugin("crm").await;
        another_stack_answers(trial, OTHER);
        trial.core_fault("Config", "StackChanged").await;
        let annotation =
            |uuid: &str| json!({"metadata": {"annotations": {"plugins.wazo.io/accept-stack": uuid}}});
        let third = "0b7c2f7e-52a5-4c0e-9f5b-1d3a7e60eeee";
        trial.edit_core(&annotation(third)).await;
        trial.panel("board").await;
        trial.apply(&plugin("board")).await;
        trial.fault("board", "Config", "StackChanged").await;
        trial.edit_core(&annotation(OTHER)).await;
        let core = trial
            .core_until("well", |seen| seen.is_ready() && !seen.has_fault())
            .await;
        assert_eq!(core.0["status"]["stack"]["uuid"], OTHER);
        trial.well("board").await;
        trial.well("crm").await;
        assert!(trial.is_registered("crm") && trial.is_registered("board"));
        // One acceptance is for one stack.
        another_stack_answers(trial, third);
        trial.core_fault("Config", "StackChanged").await;
    });
}

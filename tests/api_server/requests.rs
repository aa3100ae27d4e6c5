//! How many requests things take, told by the API server's own audit log and by the journal of the core. The table is that
//! of `docs/performance.md`.

use std::time::Duration;

use serde_json::json;
use wazo_e2e::crash::{account_settles, core_with_accounts, grant_accounts, plugin_with_account};
use wazo_e2e::objects::plugin;
use wazo_e2e::requests::{Asked, Meter, Most, as_in_production, table};
use wazo_e2e::trial::{APPS, Trial, seed, trial_audited};
use wazo_e2e::wazo_simulated_core::{OPERATOR_ACL, TENANTS_ACL, Tokens};

const NEW_HOST: &str = "new.plugins.test";

/// The most that the first apply of a plugin with an account may take.
const FIRST: Most = Most {
    reads: 40,
    dry_runs: 3,
    objects: 15,
    statuses: 16,
    events: 9,
    core_sessions: 2,
    core_reads: 60,
    core_writes: 5,
};

/// Another host.
const HOST: Most = Most {
    reads: 15,
    dry_runs: 0,
    objects: 6,
    statuses: 8,
    events: 6,
    core_sessions: 0,
    core_reads: 14,
    core_writes: 4,
};

/// Other credentials.
const ROTATION: Most = Most {
    reads: 20,
    dry_runs: 2,
    objects: 7,
    statuses: 12,
    events: 5,
    core_sessions: 2,
    core_reads: 75,
    core_writes: 4,
};

/// The deletion.
const END: Most = Most {
    reads: 15,
    dry_runs: 0,
    objects: 2,
    statuses: 5,
    events: 3,
    core_sessions: 0,
    core_reads: 45,
    core_writes: 5,
};

/// How often the operator has looked at a plugin so far, by its log.
fn passes(trial: &Trial) -> usize {
    let log = trial.log();
    log.lines()
        .filter(|line| line.contains("controller=\"wazoplugin\"") && line.contains("/crm "))
        .count()
}

/// Lets the operator look at the plugin some times more, by changes that ask for nothing.
async fn looked_at_again(trial: &Trial, times: usize) {
    for time in 0..times {
        let before = passes(trial);
        let note = json!({"metadata": {"annotations": {"example.com/note": format!("{before} {time}")}}});
        trial.edit_plugin("crm", &note).await;
        trial.holds("a look", || passes(trial) > before).await;
    }
}

/// Stops the operator and starts another, which looks at the plugin and reads the core.
async fn restarted(trial: &mut Trial) {
    trial.stop().await;
    let (before, sequence) = (passes(trial), trial.core().journal().sequence());
    trial.start();
    trial.holds("a look", || passes(trial) > before).await;
    let read = |trial: &Trial| {
        let entries = trial.core().journal().since(sequence);
        entries.iter().any(|entry| entry.path.contains("/external/apps"))
    };
    trial.holds("the core is read", || read(trial)).await;
    looked_at_again(trial, 2).await;
}

async fn rotated(trial: &Trial) {
    let demand = json!({"metadata": {"annotations": {"plugins.wazo.io/rotate": "1"}}});
    trial.edit_plugin("crm", &demand).await;
    account_settles(trial, Some("1")).await;
}

async fn moved(trial: &Trial) {
    let edit = json!({"spec": {"expose": {"host": NEW_HOST}}});
    trial.edit_plugin("crm", &edit).await;
    trial
        .plugin_until("crm", "at its new host", |seen| {
            let url = seen.0["status"]["url"].as_str().unwrap_or_default();
            seen.is_ready() && url.contains(NEW_HOST)
        })
        .await;
    trial
        .holds("registered there alone", || !trial.is_known("crm"))
        .await;
    trial.well("crm").await;
}

/// The table, and what was written, as far as it is little.
fn show(rows: &[Asked]) {
    println!("{}", table(rows));
    for row in rows.iter().filter(|row| row.writes.len() < 100) {
        println!("{}:\n  {}", row.what, row.writes.join("\n  "));
    }
}

/// Measures one step, to the end of all that it leads to.
async fn measured(trial: &mut Trial, what: &'static str, step: impl AsyncFnOnce(&mut Trial)) -> Asked {
    let meter = Meter::start(trial);
    step(trial).await;
    meter.settled(trial).await;
    meter.read(trial, what)
}

#[test]
fn a_full_plugin_takes_so_many_requests_and_what_changes_nothing_takes_no_write() {
    trial_audited("requests-one", core_with_accounts(), async |trial: &mut Trial| {
        as_in_production(trial.wiring());
        // What is tried from time to time, whatever happens, would be counted with whatever happens then.
        trial.wiring().intervals.account_check = Duration::from_hours(1000);
        trial.wait_at_most(Duration::from_secs(60));
        trial.connect().await;
        grant_accounts(trial).await;
        let panel = trial.panel("crm").await;
        let address = trial.plane().nodes().address(trial.namespace(), "crm");
        trial.wiring().network.lead(NEW_HOST, address, panel.addr());
        trial.start();
        trial.core_until("Ready", |core| core.is_ready()).await;
        let first = measured(trial, "first apply of a plugin with an account", async |trial| {
            trial.apply(&plugin_with_account()).await;
            account_settles(trial, None).await;
        })
        .await;
        let unchanged = measured(trial, "no change: five looks more", async |trial| {
            looked_at_again(trial, 5).await;
        })
        .await;
        let restart = measured(trial, "no change: another operator process", restarted).await;
        let host = measured(trial, "another host", async |trial| moved(trial).await).await;
        let rotation = measured(trial, "credentials replaced", async |trial| rotated(trial).await).await;
        let end = measured(trial, "deletion", async |trial| {
            trial.delete_plugin("crm").await;
            trial.gone("crm").await;
        })
        .await;
        let rows = [first, unchanged, restart, host, rotation, end];
        show(&rows);
        let [first, unchanged, restart, host, rotation, end] = rows;
        unchanged.wrote_nothing();
        restart.wrote_nothing();
        first.is_at_most(FIRST);
        host.is_at_most(HOST);
        rotation.is_at_most(ROTATION);
        end.is_at_most(END);
    });
}

#[test]
fn five_hundred_tenants_take_three_requests_each_and_nothing_when_nothing_changes() {
    trial_audited("requests-tenants", seed(), async |trial: &mut Trial| {
        as_in_production(trial.wiring());
        trial.wait_at_most(Duration::from_secs(120));
        let acl: Vec<&str> = OPERATOR_ACL.into_iter().chain(TENANTS_ACL).collect();
        trial.core().faults().set_rights(&acl, Tokens::Drop);
        trial.connect().await;
        let grants = json!([{"tenants": {"from": "Descendants"}, "registrations": ["UiApplication"]}]);
        let one = json!({"spec": {"ui": {"applications": {"app": [APPS[1]]}}, "grants": grants}});
        trial.edit_core(&one).await;
        trial
            .core()
            .tenants()
            .create_many(trial.core().tenant(), "t", 499);
        trial.panel("crm").await;
        trial.start();
        trial.core_until("Ready", |core| core.is_ready()).await;
        let first = measured(trial, "first apply in 500 tenants", async |trial| {
            let mut object = plugin("crm");
            object["spec"]["tenants"] = json!({"from": "Descendants"});
            trial.apply(&object).await;
            let seen = trial.well("crm").await;
            assert_eq!(seen.0["status"]["registered"]["summary"], "500/500");
        })
        .await;
        let unchanged = measured(trial, "500 tenants, no change: five looks more", async |trial| {
            looked_at_again(trial, 5).await;
        })
        .await;
        let restart = measured(
            trial,
            "500 tenants, no change: another operator process",
            restarted,
        )
        .await;
        let rows = [first, unchanged, restart];
        show(&rows);
        let [first, unchanged, restart] = rows;
        unchanged.wrote_nothing();
        restart.wrote_nothing();
        unchanged.is_at_most(Most {
            reads: 10,
            core_reads: 6,
            ..Most::default()
        });
        restart.is_at_most(Most {
            reads: 30,
            core_sessions: 2,
            core_reads: 20,
            ..Most::default()
        });
        first.is_at_most(Most {
            reads: 60,
            dry_runs: 3,
            objects: 12,
            statuses: 30,
            events: 8,
            core_sessions: 0,
            core_reads: 2 * 500 + 20,
            core_writes: 500,
        });
    });
}

#[test]
fn the_api_servers_own_log_shows_no_write_while_nothing_happens() {
    trial_audited("requests-idle", seed(), async |trial: &mut Trial| {
        trial.connect().await;
        trial.start();
        let panels = [trial.ready_plugin("crm").await, trial.ready_plugin("board").await];
        for name in ["crm", "board"] {
            trial.well(name).await;
        }
        Meter::start(trial).settled(trial).await;
        let meter = Meter::start(trial);
        let before: Vec<usize> = panels.iter().map(|panel| panel.requests().len()).collect();
        looked_at_again(trial, 3).await;
        let read = |trial: &Trial| {
            let row = meter.read(trial, "");
            row.reads_of_the_core()
        };
        trial
            .holds("fifty readings of the core", || read(trial) >= 50)
            .await;
        trial
            .holds("looks at both plugins", || {
                let mut looked = panels.iter().zip(&before);
                looked.all(|(panel, before)| panel.requests().len() >= before + 5)
            })
            .await;
        let row = meter.read(trial, "nothing happens");
        show(std::slice::from_ref(&row));
        row.wrote_nothing();
    });
}

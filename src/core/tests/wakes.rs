//! Whoever looked while things were otherwise hears of it: a wake is never lost between a look and a change.

use std::sync::Arc;
use std::time::Duration;

use super::{Bench, core, plugin, settings};
use crate::core::facts::{Interest, SessionFact, TenantsFact};
use crate::core::{CoreSettings, Cores};
use crate::secret::Secret;

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_and_began_again_leaves_another_mark_although_all_looks_as_before() {
    let bench = Bench::settled().await;
    let before = bench.facts();
    bench.fake.core().password = Some("n3w".into());
    let renewed = CoreSettings {
        password: Secret::new("n3w"),
        ..settings()
    };
    bench.cores.put(renewed).unwrap();
    // A plugin that looks now finds the core unknown, and waits for a word.
    let meanwhile = bench.facts();
    assert!(matches!(meanwhile.session, SessionFact::Pending));
    bench
        .until("logged in again", |bench| {
            matches!(bench.facts().session, SessionFact::LoggedIn(_)) && bench.facts().shows_like(&before)
        })
        .await;
    let after = bench.facts();
    assert!(before.mark < meanwhile.mark && meanwhile.mark < after.mark);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_sees_leaves_the_mark() {
    let bench = Bench::settled().await;
    let before = bench.facts().mark;
    bench.pass(600).await;
    bench.cores.put(settings()).unwrap();
    assert_eq!(bench.facts().mark, before);
}

#[tokio::test(start_paused = true)]
async fn another_certificate_authority_leaves_another_mark() {
    let bench = Bench::settled().await;
    let before = bench.facts().mark;
    let signed = CoreSettings {
        ca_pem: Some(Arc::from(&b"another"[..])),
        ..settings()
    };
    bench.cores.put(signed).unwrap();
    assert!(bench.facts().mark > before);
}

fn ask_for_tenants(cores: &Cores, name: &str) {
    let interest = Interest {
        tenants: true,
        ..Interest::default()
    };
    cores.attend(&core(), &plugin(name), interest);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_asks_for_what_became_known_since_it_looked_is_told_to_look_again() {
    let mut bench = Bench::settled().await;
    ask_for_tenants(&bench.cores, "crm");
    bench
        .until("known", |bench| {
            !matches!(bench.facts().tenants, TenantsFact::Unknown)
        })
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.wakes();
    // It looked before they were known, and asks only now: nobody will tell the others again.
    ask_for_tenants(&bench.cores, "board");
    assert!(bench.wakes().contains("plugin acme/board"));
    ask_for_tenants(&bench.cores, "board");
    assert!(
        !bench.wakes().contains("plugin acme/board"),
        "one more look is enough"
    );
}

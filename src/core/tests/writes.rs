//! The write lane: what is written, and what is not.

use serde_json::json;

use super::fake::{Fault, TENANT};
use super::{APP, Bench, URL, absent, plugin, present};
use crate::core::WireError;
use crate::core::error::CoreErrorKind as Kind;
use crate::core::facts::{AppEdit, AppKey, CoreStep, StepState};

const POST: &str = "POST /confd/external/apps/wazo-euc-application-desktop";
const PUT: &str = "PUT /confd/external/apps/wazo-euc-application-desktop";
const GET: &str = "GET /confd/external/apps/wazo-euc-application-desktop";

#[tokio::test(start_paused = true)]
async fn the_first_registration_looks_creates_and_reads_back() {
    let mut bench = Bench::settled().await;
    bench.wakes();
    let before = bench.fake.requests();
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert!(matches!(bench.state("crm"), StepState::Done { changed: true }));
    assert_eq!(bench.fake.core().journal[before..before + 3], [GET, POST, GET]);
    assert_eq!(bench.fake.core().apps[APP]["label"], APP);
    assert_eq!(bench.fake.urls(APP), json!([URL]));
    assert!(bench.wakes().contains("plugin acme/crm"));
    let key = AppKey::of_tenant(TENANT, APP);
    assert_eq!(bench.facts().apps[&key].urls, [URL]);
}

#[tokio::test(start_paused = true)]
async fn two_plugins_are_one_write_that_keeps_what_is_a_strangers() {
    let bench = Bench::settled().await;
    bench.fake.core().set_app(
        APP,
        json!({"stun": "s", "manifest_urls": ["https://stranger"], "n": 1}),
    );
    bench.wish("a", &[present("https://a.example/m.json")]);
    bench.wish(
        "b",
        &[
            present("https://b.example/m.json"),
            absent("https://old.example/m.json"),
        ],
    );
    bench.done("a").await;
    bench.done("b").await;
    assert_eq!(bench.fake.writes(), [PUT]);
    assert_eq!(
        bench.fake.core().apps[APP]["configuration"].to_string(),
        r#"{"stun":"s","manifest_urls":["https://stranger","https://a.example/m.json","https://b.example/m.json"],"n":1}"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_url_that_is_there_already_is_ours_without_a_write() {
    let bench = Bench::settled().await;
    bench.fake.core().set_app(APP, json!({"manifest_urls": [URL]}));
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert!(matches!(bench.state("crm"), StepState::Done { changed: false }));
    assert!(bench.fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_removal_leaves_the_application_and_an_empty_list() {
    let bench = Bench::settled().await;
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    bench.wish("crm", &[absent(URL)]);
    assert!(
        matches!(bench.state("crm"), StepState::Pending),
        "a new wish needs a new reading"
    );
    bench.done("crm").await;
    assert_eq!(bench.fake.urls(APP), json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_removal_from_an_application_that_is_not_there_is_done_after_a_look() {
    let bench = Bench::settled().await;
    bench.wish("crm", &[absent(URL)]);
    bench.done("crm").await;
    assert_eq!(bench.fake.count(GET), 1);
    assert!(bench.fake.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_strangers_write_between_our_look_and_our_write_is_seen_and_ours_made_again() {
    let bench = Bench::settled().await;
    bench.fake.core().set_app(APP, json!({"manifest_urls": []}));
    let mut strangers = vec!["https://s2.example", "https://s1.example"];
    bench.fake.on(move |name, core| {
        // Right after ours the stranger's, which was made from what it had read before ours.
        if name == GET
            && core.journal.len() > 1
            && core.journal[core.journal.len() - 2] == PUT
            && let Some(url) = strangers.pop()
        {
            core.set_app(APP, json!({"manifest_urls": [url]}));
        }
        None
    });
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert_eq!(bench.fake.urls(APP), json!(["https://s2.example", URL]));
    assert_eq!(bench.fake.writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_who_never_stops_does_not_make_us_hammer() {
    let bench = Bench::settled().await;
    bench.fake.core().set_app(APP, json!({"manifest_urls": []}));
    bench.fake.on(|name, core| {
        if name == GET {
            core.set_app(APP, json!({"manifest_urls": ["https://stranger"]}));
        }
        None
    });
    bench.wish("crm", &[present(URL)]);
    bench.pass(600).await;
    assert!(matches!(bench.state("crm"), StepState::Pending));
    let writes = bench.fake.writes().len();
    assert!((5..120).contains(&writes), "{writes} writes in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_creates_the_application_first_is_no_failure() {
    let bench = Bench::settled().await;
    bench.fake.on(|name, core| {
        if name == POST && core.apps.is_empty() {
            core.set_app(APP, json!({"manifest_urls": ["https://stranger"]}));
        }
        None
    });
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert_eq!(bench.fake.urls(APP), json!(["https://stranger", URL]));
    assert_eq!(bench.fake.writes(), [POST, PUT]);
}

#[tokio::test(start_paused = true)]
async fn a_500_with_the_object_made_is_found_by_looking_and_looked_at_once_more() {
    let bench = Bench::settled().await;
    bench
        .fake
        .on(|name, _| (name == POST).then_some(Fault::ErrorAfter));
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert!(matches!(bench.state("crm"), StepState::Done { changed: true }));
    assert_eq!(bench.fake.writes(), [POST]);
    let looks = bench.fake.count(GET);
    bench.pass(40).await;
    assert_eq!(bench.fake.count(GET), looks + 1, "an effect may come late");
    bench.pass(120).await;
    assert_eq!(bench.fake.count(GET), looks + 1);
}

#[tokio::test(start_paused = true)]
async fn a_500_without_the_object_fails_the_step_and_is_tried_again_after_a_look() {
    let bench = Bench::settled().await;
    bench.fake.on(|name, _| {
        (name == POST).then_some(Fault::Answer(
            500,
            "application/json",
            r#"["Unexpected error: x"]"#,
        ))
    });
    bench.wish("crm", &[present(URL)]);
    bench
        .until("failed", |bench| {
            matches!(bench.state("crm"), StepState::Failed(_))
        })
        .await;
    let StepState::Failed(error) = bench.state("crm") else {
        unreachable!()
    };
    assert_eq!(error.kind, Kind::ServerError(500));
    assert_eq!(error.operation, "POST /external/apps/{name}");
    let since = error.at;
    bench.pass(120).await;
    let StepState::Failed(error) = bench.state("crm") else {
        panic!("{:?}", bench.state("crm"))
    };
    assert_eq!(error.at, since, "the first of a row stands for all");
    let writes = bench.fake.writes().len();
    assert!(writes <= 9, "{writes} writes in two minutes");
    bench.fake.heal();
    bench.done("crm").await;
    assert!(matches!(bench.state("crm"), StepState::Done { changed: true }));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_looked_at_before_anything_else() {
    let bench = Bench::settled().await;
    let mut lost = false;
    bench.fake.on(move |name, _| {
        (name == POST && !std::mem::replace(&mut lost, true)).then_some(Fault::After(WireError::TimedOut(15)))
    });
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    assert!(matches!(bench.state("crm"), StepState::Done { changed: true }));
    assert_eq!(bench.fake.writes(), [POST]);
}

#[tokio::test(start_paused = true)]
async fn what_others_remove_is_told_and_put_back_when_it_is_asked_for() {
    let mut bench = Bench::settled().await;
    bench.wish("crm", &[present(URL)]);
    bench.done("crm").await;
    bench.pass(10).await;
    bench.wakes();
    let drifted = |bench: &Bench| matches!(bench.states("crm").as_slice(), [StepState::Drifted]);
    let strangers = json!({"manifest_urls": ["https://stranger"]});
    bench.fake.core().set_app(APP, strangers.clone());
    bench.until("told", drifted).await;
    assert!(bench.wakes().contains("plugin acme/crm"));
    // Neither time nor another plugin's write brings it back.
    bench.wish("other", &[present("https://other.example/m.json")]);
    bench.done("other").await;
    bench.pass(900).await;
    assert_eq!(
        bench.fake.urls(APP),
        json!(["https://stranger", "https://other.example/m.json"])
    );
    bench.put_back("crm", &[present(URL)]);
    bench.done("crm").await;
    assert_eq!(
        bench.fake.urls(APP),
        json!(["https://stranger", "https://other.example/m.json", URL])
    );
    bench.fake.core().apps.clear();
    bench.until("told again", drifted).await;
    // Who brings it back himself ends it.
    bench.fake.core().set_app(APP, json!({"manifest_urls": [URL]}));
    bench.done("crm").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_known_to_have_stood_is_looked_at_before_it_is_written() {
    let bench = Bench::settled().await;
    let strangers = json!({"manifest_urls": ["https://stranger"]});
    bench.fake.core().set_app(APP, strangers);
    let stood = [present(URL)].into();
    bench
        .cores
        .wish(&super::core(), &super::plugin("crm"), vec![present(URL)], &stood);
    bench
        .until("told", |bench| {
            matches!(bench.states("crm").as_slice(), [StepState::Drifted])
        })
        .await;
    assert_eq!(bench.fake.urls(APP), json!(["https://stranger"]));
    bench.put_back("crm", &[present(URL)]);
    bench.done("crm").await;
    assert_eq!(bench.fake.urls(APP), json!(["https://stranger", URL]));
}

#[tokio::test(start_paused = true)]
async fn another_form_is_refused_until_somebody_mends_it() {
    let bench = Bench::settled().await;
    bench.fake.core().set_app(APP, json!({"manifest_urls": 7}));
    bench.wish("crm", &[present(URL)]);
    bench
        .until("refused", |bench| {
            matches!(bench.state("crm"), StepState::Refused(_))
        })
        .await;
    let StepState::Refused(why) = bench.state("crm") else {
        unreachable!()
    };
    assert_eq!(why, "manifest_urls is a number: expected a list of text, or text");
    bench.fake.core().set_app(APP, json!({"manifest_urls": ""}));
    bench.done("crm").await;
    assert_eq!(bench.fake.urls(APP), json!(URL));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_plugins_of_one_tenant_are_a_handful_of_writes() {
    let bench = Bench::settled().await;
    for n in 0..1000 {
        bench.wish(
            &format!("p{n}"),
            &[present(&format!("https://p{n}.example/m.json"))],
        );
        if n % 100 == 0 {
            bench.pass(1).await;
        }
    }
    bench
        .until("all done", |bench| {
            (0..1000).all(|n| bench.is_done(&format!("p{n}")))
        })
        .await;
    assert_eq!(bench.fake.urls(APP).as_array().unwrap().len(), 1000);
    let writes = bench.fake.writes().len();
    assert!(writes <= 11, "{writes} writes");
}

#[tokio::test(start_paused = true)]
async fn namespaces_take_turns() {
    let bench = Bench::settled().await;
    let step = |name: String| CoreStep {
        app: AppKey::of_tenant(TENANT, name),
        edit: AppEdit::Present(URL.into()),
    };
    bench.wish(
        "busy",
        &(0..40).map(|n| step(format!("busy-{n}"))).collect::<Vec<_>>(),
    );
    let quiet = crate::keys::PluginKey::new("zzz", "quiet");
    bench.cores.wish(
        &super::core(),
        &quiet,
        vec![step("quiet".into())],
        &Default::default(),
    );
    bench.done("busy").await;
    let writes = bench.fake.writes();
    let turn = writes.iter().position(|line| line.ends_with("/quiet")).unwrap();
    assert!(turn <= 2, "{turn}");
    assert_eq!(plugin("busy").namespace, "acme");
}

//! The crash-point harness: the operator dies right before or right after each of its mutating requests, to the API
//! server or to the core; another one takes over, and must come to the same end as if nothing had happened. Or the
//! request, or its answer, is lost, and the same operator must come to that end.

mod account;
mod again;
mod host_change;

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::AsyncFn;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::names::{
    APPLIED_ANNOTATION, CREDENTIALS_ANNOTATION, LEDGER_ANNOTATION, LEDGER_KEY_TYPE, LEDGER_MARK_ANNOTATION,
};
use wazo_simulated_core::EffectKind;

use crate::difference::difference;
use crate::gate::{Asked, Blow, Gate, Moment, Point};
use crate::objects::{self, Seen};
use crate::trial::{APPS, STRANGER, Trial, trial_with};

pub use account::{
    every_point_of_a_rotation, every_point_of_an_accounts_creation, every_point_of_an_accounts_deletion,
};
pub use again::{every_point_after_a_lost_status, every_point_of_a_suspension};
pub use host_change::every_point_of_a_host_change;

/// How many points are tried at the same time.
const AT_ONCE: usize = 4;
/// More mutating requests than this for one plugin are a loop.
const MOST_POINTS: usize = 60;
/// The plugin of these runs.
const PLUGIN: &str = "crm";

/// What one run came to.
#[derive(Clone, Debug)]
struct Run {
    /// The state at the end, without what differs from run to run by nature.
    end: Value,
    /// What the first operator had asked for.
    mutations: Vec<Asked>,
    /// Whether it was struck.
    struck: bool,
}

/// Creates a plugin, with a blow at every point of the way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_creation(blow: Blow) -> usize {
    every_point("create", blow, create)
}

/// Takes a plugin out of one tenant and puts it into another, while it stays in a third, with a blow at every point of the
/// way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_other_tenants(blow: Blow) -> usize {
    every_point("tenants changed", blow, change_tenants)
}

/// Deletes a plugin and then its core, with a blow at every point of the way. The answer is the number of points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_deletion(blow: Blow) -> usize {
    every_point("delete", blow, delete)
}

/// A stranger changes a child, which is put back, with a blow at every point of the way. The answer is the number of
/// points.
///
/// # Panics
/// Where an end state differs from that of the undisturbed run.
pub fn every_point_of_correction(blow: Blow) -> usize {
    every_point("correct", blow, correct)
}

async fn correct(trial: &mut Trial, point: Option<Point>) -> Run {
    trial.wiring().calm();
    trial.connect().await;
    let gate = trial.start();
    trial.ready_plugin(PLUGIN).await;
    trial.core_until("Ready", Seen::is_ready).await;
    gate.arm(point);
    let stranger = json!({"spec": {"revisionHistoryLimit": 7}});
    trial.patch("apps/v1", "Deployment", PLUGIN, &stranger).await;
    let put_back = async |trial: &Trial| {
        trial
            .child_until::<Deployment>(PLUGIN, "put back", |seen| {
                seen.0["spec"]["revisionHistoryLimit"] == 3
            })
            .await;
    };
    tokio::select! {
        () = gate.died() => {}
        () = put_back(trial) => {}
    }
    let struck = gate.disarm();
    if gate.is_dead() {
        trial.start();
    }
    put_back(trial).await;
    trial.well(PLUGIN).await;
    let mut end = end_state(trial).await;
    // As often as it took: the stranger's change, and ours.
    end["objects"]["Deployment"]["metadata"]["generation"] = Value::Null;
    Run {
        end,
        mutations: gate.mutations(),
        struck,
    }
}

async fn create(trial: &mut Trial, point: Option<Point>) -> Run {
    trial.wiring().calm();
    trial.connect().await;
    trial.panel(PLUGIN).await;
    let gate = Gate::open();
    gate.arm(point);
    trial.start_behind(gate.clone());
    trial.apply(&objects::plugin(PLUGIN)).await;
    tokio::select! {
        () = gate.died() => {}
        _ = trial.ready(PLUGIN) => {}
    }
    // It may be struck right behind the last write that the test waits for.
    let struck = gate.disarm();
    if gate.is_dead() {
        trial.start();
    }
    trial.well(PLUGIN).await;
    Run {
        end: end_state(trial).await,
        mutations: gate.mutations(),
        struck,
    }
}

async fn change_tenants(trial: &mut Trial, point: Option<Point>) -> Run {
    trial.wiring().calm();
    trial.connect().await;
    let grants = json!([{"tenants": {"from": "Descendants"}, "registrations": ["UiApplication"]}]);
    trial.edit_core(&json!({"spec": {"grants": grants}})).await;
    let tenants = trial.core().tenants().create_many(trial.core().tenant(), "t", 3);
    let gate = trial.start();
    trial.panel(PLUGIN).await;
    trial.apply(&in_tenants(&tenants[..2])).await;
    trial.ready(PLUGIN).await;
    gate.arm(point);
    trial.apply(&in_tenants(&tenants[1..])).await;
    tokio::select! {
        () = gate.died() => {}
        () = moved(trial, &tenants) => {}
    }
    let struck = gate.disarm();
    if gate.is_dead() {
        trial.start();
    }
    moved(trial, &tenants).await;
    trial.well(PLUGIN).await;
    Run {
        end: end_state(trial).await,
        mutations: gate.mutations(),
        struck,
    }
}

fn in_tenants(tenants: &[String]) -> Value {
    let mut plugin = objects::plugin(PLUGIN);
    let list: Vec<Value> = tenants.iter().map(|uuid| json!({"uuid": uuid})).collect();
    plugin["spec"]["tenants"] = json!({"from": "List", "list": list});
    plugin
}

/// Waits until the plugin stands in the second and third tenant, and nothing of it is kept in mind of the first.
async fn moved(trial: &Trial, tenants: &[String]) {
    let stands = |tenant: &String, app: &str| {
        let app = trial.core().apps().get(tenant, app);
        app.is_some_and(|app| {
            app.configuration
                .to_string()
                .contains(&objects::manifest_url(PLUGIN))
        })
    };
    trial
        .plugin_until(PLUGIN, "moved", |seen| {
            let everywhere =
                |tenants: &[String]| tenants.iter().all(|it| APPS.iter().all(|app| stands(it, app)));
            let nowhere = APPS.iter().all(|app| !stands(&tenants[0], app));
            let ledger = &seen.0["metadata"]["annotations"][LEDGER_ANNOTATION];
            seen.is_ready() && everywhere(&tenants[1..]) && nowhere && named_in(ledger) == 2
        })
        .await;
}

/// How many tenants a ledger names.
fn named_in(ledger: &Value) -> usize {
    let ledger: Value = serde_json::from_str(ledger.as_str().unwrap_or_default()).unwrap_or_default();
    ledger["tenants"].as_array().map_or(0, Vec::len)
}

async fn delete(trial: &mut Trial, point: Option<Point>) -> Run {
    trial.wiring().calm();
    trial.connect().await;
    let gate = trial.start();
    trial.ready_plugin(PLUGIN).await;
    gate.arm(point);
    tokio::select! {
        () = gate.died() => {}
        () = gone(trial) => {}
    }
    let struck = gate.disarm();
    if gate.is_dead() {
        trial.start();
    }
    gone(trial).await;
    Run {
        end: end_state(trial).await,
        mutations: gate.mutations(),
        struck,
    }
}

/// Asks for the deletion of the plugin, then of the core, where that was not done yet; waits until both are gone.
async fn gone(trial: &Trial) {
    for (kind, name) in [("WazoPlugin", PLUGIN), ("WazoCore", objects::CORE)] {
        let version = "plugins.wazo.io/v1alpha1";
        let standing = trial.get(version, kind, name).await;
        if standing.is_some_and(|object| object["metadata"]["deletionTimestamp"].is_null()) {
            trial.delete(version, kind, name).await;
        }
        if kind == "WazoPlugin" {
            trial.gone(name).await;
        } else {
            trial
                .until(trial.of::<WazoCore>(), name, "gone", |seen| seen.is_none())
                .await;
        }
    }
}

fn every_point(name: &str, blow: Blow, run: impl AsyncFn(&mut Trial, Option<Point>) -> Run + Sync) -> usize {
    let undisturbed = one(&run, None);
    assert!(!undisturbed.mutations.is_empty(), "{name} changes nothing");
    let tried = AtomicUsize::new(0);
    let last = AtomicUsize::new(MOST_POINTS);
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let point = Point {
                        number: index / 2 + 1,
                        moment: if index.is_multiple_of(2) {
                            Moment::Before
                        } else {
                            Moment::After
                        },
                        blow,
                    };
                    if point.number > last.load(Ordering::Relaxed) {
                        return;
                    }
                    let failed = |problem: String| {
                        failures
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(format!(
                                "{name}, {blow:?} {:?} request {}: {problem}",
                                point.moment, point.number
                            ));
                    };
                    let outcome =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(&run, Some(point))));
                    let Ok(outcome) = outcome else {
                        failed("the run failed: see above".to_owned());
                        continue;
                    };
                    if !outcome.struck {
                        // There are no so many requests: this run and all behind it are like the undisturbed one.
                        last.fetch_min(point.number.max(undisturbed.mutations.len()), Ordering::Relaxed);
                    } else {
                        tried.fetch_add(1, Ordering::Relaxed);
                    }
                    if outcome.end != undisturbed.end {
                        let at = outcome
                            .mutations
                            .last()
                            .map(ToString::to_string)
                            .unwrap_or_default();
                        failed(format!(
                            "({at}) ends otherwise:\n{}",
                            difference(&undisturbed.end, &outcome.end)
                        ));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    let tried = tried.into_inner();
    assert!(
        failures.is_empty(),
        "{} of {tried} points:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(
        last.into_inner() < MOST_POINTS,
        "{name} takes more than {MOST_POINTS} mutating requests"
    );
    // Not by `println`: the number is to be seen where the output of tests that pass is not.
    let _ = writeln!(
        std::io::stderr(),
        "crash points: {name}, {blow:?}: {tried}, of {} mutating requests",
        undisturbed.mutations.len()
    );
    for (index, asked) in undisturbed.mutations.iter().enumerate() {
        println!("  {:2} {asked}", index + 1);
    }
    tried
}

fn one(run: &impl AsyncFn(&mut Trial, Option<Point>) -> Run, point: Option<Point>) -> Run {
    let mut outcome = None;
    trial_with(account::core(), async |trial: &mut Trial| {
        let run = run(trial, point).await;
        // Stopped in peace, so that the journal is at its end.
        trial.stop().await;
        check_journal(trial);
        outcome = Some(run);
    });
    outcome.expect("a trial that ends without a panic has run")
}

/// Nothing was made twice, nothing of a stranger was lost for a moment, and no application was deleted.
fn check_journal(trial: &Trial) {
    let mut created: BTreeMap<String, usize> = BTreeMap::new();
    let ours = objects::manifest_url(PLUGIN);
    for entry in trial.core().journal().effects() {
        let Some(key) = entry.effect.key.filter(|key| key.starts_with("external_apps/")) else {
            continue;
        };
        match entry.effect.kind {
            EffectKind::Created => *created.entry(key.clone()).or_default() += 1,
            EffectKind::Deleted => panic!("{key} was deleted"),
            EffectKind::Changed | EffectKind::None => {}
        }
        let (Some(before), Some(after)) = (&entry.effect.before, &entry.effect.after) else {
            continue;
        };
        for (name, value) in before["configuration"].as_object().into_iter().flatten() {
            if name != "manifest_urls" {
                assert_eq!(after["configuration"][name], *value, "{key}: {name}");
            }
        }
        let urls = |app: &Value| {
            app["configuration"]["manifest_urls"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let kept = urls(after);
        for url in urls(before).into_iter().filter(|url| *url != json!(ours)) {
            assert!(kept.contains(&url), "{key}: {url} was lost");
        }
        assert!(
            kept.iter().filter(|url| **url == json!(ours)).count() <= 1,
            "{key}: registered twice"
        );
    }
    for (key, times) in created {
        assert_eq!(times, 1, "{key} was made {times} times");
    }
    trial.strangers_data_is_intact();
}

/// What is there at the end, without uids, times, versions and addresses.
async fn end_state(trial: &Trial) -> Value {
    let mut state = BTreeMap::new();
    for (version, kind) in [
        ("plugins.wazo.io/v1alpha1", "WazoPlugin"),
        ("plugins.wazo.io/v1alpha1", "WazoCore"),
        ("v1", "ServiceAccount"),
        ("v1", "Service"),
        ("apps/v1", "Deployment"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
    ] {
        let ours = trial
            .list(version, kind)
            .await
            .into_iter()
            // When the plugin is gone its children go soon after, by the garbage collector.
            .filter(|object| object["metadata"]["ownerReferences"].is_null())
            .filter(|object| object["metadata"]["name"] != "default")
            .map(|object| (object["metadata"]["name"].to_string(), stable(kind, object)));
        state.insert(kind, json!(ours.collect::<BTreeMap<_, _>>()));
    }
    let plugin_stands = state["WazoPlugin"].as_object().is_some_and(|all| !all.is_empty());
    if plugin_stands {
        for (version, kind) in [
            ("v1", "ServiceAccount"),
            ("v1", "Service"),
            ("apps/v1", "Deployment"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute"),
            ("networking.k8s.io/v1", "NetworkPolicy"),
            ("networking.k8s.io/v1", "NetworkPolicy"),
        ] {
            let child = trial.get(version, kind, PLUGIN).await.unwrap_or_default();
            state.insert(kind, stable(kind, child));
        }
    }
    let mut keys = trial.list("v1", "Secret").await;
    keys.retain(|secret| secret["type"] == LEDGER_KEY_TYPE);
    state.insert("keys of ledgers", json!(keys.len()));
    let apps: BTreeMap<&str, Value> = APPS
        .iter()
        .map(|app| (*app, json!(trial.core().apps().get(trial.core().tenant(), app))))
        .collect();
    assert!(trial.urls(APPS[0]).contains(&STRANGER.to_owned()));
    let accounts = account::state(trial).await;
    // By the names of the tenants: their uuids differ from run to run.
    let elsewhere = trial.core().apps().list();
    let elsewhere = elsewhere
        .into_iter()
        .filter(|app| app.tenant != trial.core().tenant());
    let elsewhere: BTreeMap<String, Value> = elsewhere
        .map(|app| (format!("{} {}", app.tenant, app.name), app.configuration))
        .collect();
    let mut text =
        json!({"objects": state, "applications": apps, "elsewhere": elsewhere, "accounts": accounts})
            .to_string()
            .replace(trial.namespace(), "<namespace>")
            .replace(&trial.core().url(), "<core>");
    for tenant in trial.core().tenants().list() {
        text = text.replace(&tenant.uuid, &format!("<tenant {}>", tenant.name));
    }
    serde_json::from_str(&text).expect("it was JSON before")
}

fn stable(kind: &str, mut object: Value) -> Value {
    let metadata = &mut object["metadata"];
    let mut kept = json!({});
    for field in [
        "name",
        "labels",
        "annotations",
        "finalizers",
        "generation",
        "ownerReferences",
    ] {
        kept[field] = metadata[field].take();
    }
    for owner in kept["ownerReferences"].as_array_mut().into_iter().flatten() {
        owner["uid"] = json!("<uid>");
    }
    if let Some(annotations) = kept["annotations"].as_object_mut() {
        annotations.remove("deployment.kubernetes.io/revision");
        // Tenants stand there by their uuids.
        if let Some(ledger) = annotations.get_mut(LEDGER_ANNOTATION)
            && let Ok(mut read) = serde_json::from_str::<Value>(ledger.as_str().unwrap_or_default())
        {
            read["tenants"] = json!(named_in(ledger));
            *ledger = read;
        }
        // Made with a key of its own in every run.
        if let Some(mark) = annotations.get_mut(LEDGER_MARK_ANNOTATION) {
            *mark = json!("<mark>");
        }
        // A hash over what differs from run to run: namespace and uid of the owner.
        if let Some(hash) = annotations.get_mut(APPLIED_ANNOTATION) {
            *hash = json!("<hash>");
        }
    }
    let mut spec = object["spec"].take();
    // A hash over the password among others.
    if !spec["template"]["metadata"]["annotations"][CREDENTIALS_ANNOTATION].is_null() {
        for annotation in [CREDENTIALS_ANNOTATION, APPLIED_ANNOTATION] {
            spec["template"]["metadata"]["annotations"][annotation] = json!("<hash>");
        }
    }
    if let Some(fields) = spec.as_object_mut() {
        for address in ["clusterIP", "clusterIPs"] {
            fields.remove(address);
        }
    }
    let mut status = Value::Null;
    if kind == "WazoPlugin" {
        status = crate::rules::without_times(&object);
        if let Some(fields) = status.as_object_mut() {
            fields.remove("rollout");
            // A death between a correction and its status forgets one.
            fields.remove("drift");
        }
    }
    json!({"metadata": kept, "spec": spec, "status": status})
}

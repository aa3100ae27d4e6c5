//! Plays a case: make it well (or not), break it, wait for the verdict, mend it, wait until it is well.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use wazo_plugin_operator::recording::read;

use crate::case::{Case, Contact, Kind, Signal};
use crate::ground::Ground;
use crate::line::{Line, Scene, seconds};
use crate::stage::{PLUGIN, Stage, holds};
use crate::trouble::{Result, Trouble};

/// How long anything may take that is not the subject.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long after the window the right verdict is waited for.
const LATE_SECONDS: u64 = 33;
/// How long a signal may be late.
const SIGNAL_WITHIN_SECONDS: f64 = 60.0;
/// How long a right verdict must stand.
pub(crate) const STANDS: Duration = Duration::from_secs(4);
/// After so long a verdict with the right party is taken as it is, though layer or reason be others.
const SETTLED_SECONDS: f64 = 12.0;

/// Plays a case on a stage of its own, which is always taken down.
pub(crate) async fn play(ground: Arc<Ground>, case: &Case) -> Line {
    let mut line = Line::of(case);
    line.began = Some(Timestamp::now());
    let stage = match Stage::new(ground).await {
        Ok(stage) => stage,
        Err(trouble) => {
            line.trouble = Some(trouble.to_string());
            return line;
        }
    };
    let played = on(&stage, case, &mut line).await;
    if let Err(trouble) = played {
        line.trouble = Some(trouble.to_string());
    }
    if let Err(trouble) = stage.ground.keep_recording(&stage.namespace, PLUGIN, case.name) {
        eprintln!("{}: no recording kept: {trouble}", case.name);
    }
    stage.end().await;
    line
}

async fn on(stage: &Stage, case: &Case, line: &mut Line) -> Result {
    if let Some(prepare) = &case.prepare {
        prepare(stage)
            .await
            .map_err(|trouble| trouble.during("prepare"))?;
    }
    let mut patches: Vec<Value> = Vec::new();
    if let Some(base) = &case.base {
        patches.push(base(stage).await?);
    }
    stage.connect().await?;
    let base = patches.clone();
    if case.contact == Contact::RunTime {
        stage.apply_plugin(&base).await?;
        stage
            .well(PATIENCE)
            .await
            .map_err(|trouble| trouble.during("before anything was broken"))?;
        // What comes right after the first Ready is no part of the case.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let since = Timestamp::now();
    let broken = break_it(stage, case, &mut patches).await;
    if broken.is_ok() {
        line.injected = Some(Timestamp::now());
        watch(stage, case, line, since).await;
    }
    line.scene = scene(stage);
    line.shown = stage.shown_since(since);
    // What was well before is no verdict about what was broken.
    if line
        .shown
        .first()
        .is_some_and(|shown| shown.fault.is_none() && shown.at < since)
    {
        line.shown[0].at = since;
    }
    line.signal = signal(stage, case, since).await;
    let healing = Timestamp::now();
    let mended = mend(stage, case, &base).await;
    broken?;
    mended.map_err(|trouble| trouble.during("mend"))?;
    line.healed = Some(Timestamp::now());
    let well = stage.well(Duration::from_secs(case.clear_within)).await;
    line.after = stage.shown_since(healing);
    if well.is_ok() {
        line.cleared = Some(Timestamp::now());
    }
    Ok(())
}

async fn break_it(stage: &Stage, case: &Case, patches: &mut Vec<Value>) -> Result {
    let mut patched = false;
    for act in &case.acts {
        if let Some(inject) = &act.inject {
            inject(stage).await.map_err(|trouble| trouble.during("break"))?;
        }
        if let Some(patch) = &act.patch {
            patches.push(patch(stage).await.map_err(|trouble| trouble.during("break"))?);
            patched = true;
        }
    }
    if patched || case.contact == Contact::First {
        stage.apply_plugin(patches).await?;
    }
    Ok(())
}

/// Waits until the right verdict stands, or for as long as it may take; of a control, for as long as is watched.
async fn watch(stage: &Stage, case: &Case, line: &mut Line, since: Timestamp) {
    let tape = &stage.ground.tape;
    if case.kind == Kind::Control {
        tokio::time::sleep(Duration::from_secs(case.window)).await;
        return;
    }
    let is_right = || {
        let shown = stage.shown_since(since);
        let last = shown.last().filter(|last| last.at >= since)?;
        last.is_right(&case.truth, case.either_first, case.masked)
            .then_some(last.at)
    };
    let injected = Timestamp::now();
    loop {
        let left = left(stage, case, since, injected).await;
        if left <= 0.0 {
            return;
        }
        // Looked at again soon, since the signal that the clock waits for may come.
        let within = Duration::from_secs_f64(left.min(5.0));
        let settled = || settled_otherwise(stage, case, since);
        if !tape.until(within, || is_right().is_some() || settled()).await {
            continue;
        }
        let Some(right) = is_right() else {
            return;
        };
        line.right.get_or_insert(right);
        let changed = tape.until(STANDS, || is_right().is_none()).await;
        if !changed {
            return;
        }
    }
}

/// Seconds for which the right verdict is still waited for: the clock begins with the signal, which a busy machine may
/// delay for a while.
async fn left(stage: &Stage, case: &Case, since: Timestamp, injected: Timestamp) -> f64 {
    let now = Timestamp::now();
    let allowed = (case.window + LATE_SECONDS) as f64;
    let begun = match case.signal {
        Signal::Injection => Some(injected),
        _ => signal(stage, case, since).await,
    };
    match begun {
        Some(begun) => allowed - seconds(begun, now),
        None => (allowed + SIGNAL_WITHIN_SECONDS) - seconds(injected, now),
    }
}

/// Whether a verdict with the right party has stood for long, though it is not right in all.
fn settled_otherwise(stage: &Stage, case: &Case, since: Timestamp) -> bool {
    let shown = stage.shown_since(since);
    let Some(last) = shown.last() else {
        return false;
    };
    let right_party = |fault: &crate::verdict::Verdict| {
        case.kind == Kind::Single && case.truth.iter().any(|truth| fault.is_party_of(truth))
    };
    let stood = seconds(last.at, Timestamp::now()) > SETTLED_SECONDS;
    let over = seconds(since, Timestamp::now()) > case.window as f64;
    stood && over && last.fault.as_ref().is_some_and(right_party)
}

/// Mends everything, the last first; each act is mended whatever became of the others.
async fn mend(stage: &Stage, case: &Case, base: &[Value]) -> Result {
    let mut outcome = Ok(());
    stage.end_tasks();
    for act in case.acts.iter().rev() {
        if let Some(heal) = &act.heal {
            let healed = tokio::time::timeout(PATIENCE, heal(stage)).await;
            let healed = healed.unwrap_or_else(|_| Err(Trouble::new("it takes too long")));
            outcome = outcome.and(healed);
        }
    }
    if case.contact == Contact::First || case.acts.iter().any(|act| act.patch.is_some()) {
        outcome = outcome.and(stage.apply_plugin(base).await);
    }
    outcome
}

/// When the broken part first showed it.
async fn signal(stage: &Stage, case: &Case, since: Timestamp) -> Option<Timestamp> {
    match case.signal {
        Signal::Injection => None,
        Signal::Object(kind, text) => {
            let entries = stage.ground.tape.of(&stage.namespace);
            entries
                .iter()
                .find(|entry| entry.at >= since && holds(entry, kind, text))
                .map(|entry| entry.at)
        }
        Signal::Core => {
            let entries = stage.core.journal().since(0);
            entries
                .iter()
                .filter(|entry| entry.time >= since && !entry.stranger)
                .find(|entry| !entry.faults.is_empty() || entry.status.is_none_or(|status| status >= 400))
                .map(|entry| entry.time)
        }
        Signal::Handshake => {
            let refused = stage.core.journal().refused_handshakes();
            refused.into_iter().find(|at| *at >= since)
        }
        Signal::Panel => asked(stage, since).await,
        Signal::Look => looked(stage, since),
    }
}

/// When the operator's look at the public address first failed since a moment.
fn looked(stage: &Stage, since: Timestamp) -> Option<Timestamp> {
    let recording = stage.ground.recording(&stage.namespace, PLUGIN)?;
    let worlds = read(&recording).ok()?;
    let facts = worlds.into_iter().flat_map(|world| world.probe.manifests);
    facts
        .filter(|fact| fact.public.is_some() && fact.at >= since)
        .map(|fact| fact.at)
        .min()
}

/// When the operator first asked the panel for a manifest since a moment.
async fn asked(stage: &Stage, since: Timestamp) -> Option<Timestamp> {
    let answers = stage.ask("/requests").await;
    let first = |answer: &wazo_e2e_node::Answer| {
        let report: Value = serde_json::from_str(&answer.body).ok()?;
        report["requests"].as_array()?.iter().find_map(|request| {
            let at = Timestamp::from_millisecond(request["atUnixMs"].as_i64()?).ok()?;
            let path = request["path"].as_str()?;
            let agent = request["headers"]["user-agent"].as_str().unwrap_or_default();
            let ours = path.contains("manifest") && !agent.starts_with("kube-probe");
            (at >= since && ours).then_some(at)
        })
    };
    answers.iter().filter_map(first).min()
}

/// What `kubectl` would show.
fn scene(stage: &Stage) -> Scene {
    let standing = |kind: &str| stage.ground.tape.standing(&stage.namespace, kind);
    let of = |kind: &str| -> Vec<Value> {
        let parts = standing(kind);
        let mut kept: Vec<Value> = Vec::new();
        for object in parts {
            kept.push(json!({
                "name": object["metadata"]["name"],
                "labels": object["metadata"]["labels"],
                "deleted": object["metadata"]["deletionTimestamp"],
                "status": object["status"],
            }));
        }
        kept
    };
    let mut warnings: Vec<String> = standing("Event")
        .iter()
        .filter(|event| event["type"] == "Warning" && event["involvedObject"]["kind"] != "WazoPlugin")
        .map(|event| {
            let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("reason"), text("message"))
        })
        .collect();
    warnings.sort();
    warnings.dedup();
    Scene {
        pods: of("Pod"),
        deployments: of("Deployment"),
        routes: of("HTTPRoute")
            .into_iter()
            .filter(|route| route["name"] == PLUGIN)
            .collect(),
        warnings,
    }
}

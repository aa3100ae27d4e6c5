//! What becomes of an object that somebody else changed; the decision is the same for children and for objects of the
//! core. And what becomes of a child that stands there, or does not: kept, written, put back after somebody else changed it, or
//! left so. Two that put the same field back fight for ever, so after the third time within an hour it is only told.

use jiff::Timestamp;
use serde_json::Value;

use super::children::How;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::condition::{ConditionType, find};
use crate::api::plugin::Drift as Mode;
use crate::judge::drift::{STOPPED, is_within};
use crate::observe::facts::Identity;
use crate::observe::memory::{ChildKind, ChildMemory, Drift, Fight};
use crate::observe::world::World;

/// As often is an object put back within the window.
const MOST_CORRECTIONS: usize = 3;
/// As many fields are named.
const FIELDS_NAMED: usize = 5;

/// What is to be done with a child that is to look like `object`.
#[must_use]
pub fn how(world: &World, kind: ChildKind, known: Option<&Identity>, object: &Value, hash: &str) -> How {
    let memory = world.memory.get(&kind).cloned().unwrap_or_default();
    let Some(known) = known else {
        return missing(world, kind, &memory);
    };
    let left = memory.left.as_ref().filter(|left| left.uid == known.uid);
    let ours = match &known.owner {
        Some(owner) => *owner == world.itself.uid,
        // An owner reference that somebody took out does not make it another's.
        None => left.is_some(),
    };
    if !ours {
        return How::Blocked {
            leaving: known.deleting,
        };
    }
    if known.deleting {
        return How::Blocked { leaving: true };
    }
    let uid = known.uid.clone();
    let unchanged = left.is_some_and(|left| left.hash == hash);
    if !unchanged && known.applied.as_deref() != Some(hash) {
        return How::Change { uid };
    }
    let mut lost = known.fields.lost(object);
    let denied = left.map_or(&[][..], |left| &left.denied);
    lost.retain(|field| !denied.contains(&field.path));
    if lost.is_empty() {
        return How::Keep;
    }
    let drift = drift_of(
        world,
        kind,
        named(lost.iter().map(|field| field.path.as_str())),
        known.fields.taken_by(&lost),
    );
    match decide_child(world, kind, &memory) {
        Decision::PutBack => How::PutBack { uid, drift },
        Decision::Leave(stopped) => How::Leave(left_so(&memory.fight, Drift { stopped, ..drift })),
    }
}

/// A child that is not there: made, or made again after somebody deleted it.
fn missing(world: &World, kind: ChildKind, memory: &ChildMemory) -> How {
    let drift = drift_of(world, kind, Vec::new(), None);
    let told = condition(world).is_some_and(|condition| condition.message.contains(&drift.to_string()));
    if memory.left.is_none() && !told {
        return How::Create;
    }
    match decide_child(world, kind, memory) {
        Decision::PutBack => How::Restore(drift),
        Decision::Leave(stopped) => How::Leave(left_so(&memory.fight, Drift { stopped, ..drift })),
    }
}

/// What is told stays as it is while it is about the same object: a stranger's every edit is no news.
fn left_so(fight: &Fight, drift: Drift) -> Drift {
    let known = fight
        .drift
        .clone()
        .filter(|known| known.stopped == drift.stopped && known.fields.is_empty() == drift.fields.is_empty());
    known.unwrap_or(drift)
}

/// What becomes of an object that somebody else changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    PutBack,
    /// With since when it was given up, where it was.
    Leave(Option<Timestamp>),
}

/// What is to be remembered of an object of the core that somebody else changed, and whether it is put back.
#[must_use]
pub fn of_core(world: &World, fight: &Fight, drift: Drift) -> (Fight, bool) {
    let stopped = fight.stopped.filter(|stopped| is_in_force(world, *stopped));
    match decide(world, fight, stopped.map(|(since, _)| since)) {
        Decision::PutBack => (after_correction(fight, world), true),
        Decision::Leave(stopped) => (
            left(fight, world, &left_so(fight, Drift { stopped, ..drift })),
            false,
        ),
    }
}

/// What is remembered of an object that was put back.
#[must_use]
pub fn after_correction(fight: &Fight, world: &World) -> Fight {
    let mut corrections = if fight.stopped.is_some() {
        Vec::new()
    } else {
        fight.corrections.clone()
    };
    corrections.push((micros(world.now), world.itself.generation));
    let old = corrections.len().saturating_sub(MOST_CORRECTIONS);
    corrections.drain(..old);
    Fight {
        corrections,
        ..Fight::default()
    }
}

/// What is remembered of an object that is left as somebody else changed it.
#[must_use]
pub fn left(fight: &Fight, world: &World, drift: &Drift) -> Fight {
    Fight {
        corrections: fight.corrections.clone(),
        stopped: drift.stopped.map(|since| (since, world.itself.generation)),
        drift: Some(drift.clone()),
    }
}

/// What is remembered of an object that is as it should be.
#[must_use]
pub fn at_peace(fight: &Fight) -> Fight {
    Fight {
        corrections: fight.corrections.clone(),
        ..Fight::default()
    }
}

/// As exact as the status keeps it.
fn micros(moment: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(moment.as_microsecond()).unwrap_or(moment)
}

fn decide_child(world: &World, kind: ChildKind, memory: &ChildMemory) -> Decision {
    decide(world, &memory.fight, stopped_since(world, kind, memory))
}

fn decide(world: &World, fight: &Fight, stopped: Option<Timestamp>) -> Decision {
    let mode = world.itself.plugin.as_ref().map(|plugin| plugin.spec.drift());
    if mode == Ok(Mode::Report) {
        return Decision::Leave(None);
    }
    let again = fought(fight, world) >= MOST_CORRECTIONS;
    match stopped.or(again.then_some(micros(world.now))) {
        Some(since) => Decision::Leave(Some(since)),
        None => Decision::PutBack,
    }
}

/// How often it was put back within the window, for this spec.
fn fought(fight: &Fight, world: &World) -> usize {
    let counts = |at: &&(Timestamp, i64)| is_in_force(world, **at) && fight.stopped.is_none();
    fight.corrections.iter().filter(counts).count()
}

/// Whether what happened then, under that generation of the spec, counts now.
fn is_in_force(world: &World, (at, generation): (Timestamp, i64)) -> bool {
    generation == world.itself.generation && is_within(world, at)
}

fn stopped_since(world: &World, kind: ChildKind, memory: &ChildMemory) -> Option<Timestamp> {
    if let Some(stopped) = memory.fight.stopped {
        return is_in_force(world, stopped).then_some(stopped.0);
    }
    if memory.left.is_some() || !memory.fight.corrections.is_empty() {
        return None;
    }
    // After a restart nothing is remembered; the status tells what was given up, and since when.
    let condition = condition(world)?;
    let since = condition.last_transition_time.0;
    let subject = format!("{} \"{}\"", kind.kind(), world.itself.key.name);
    let stands = condition.reason == STOPPED
        && condition.message.contains(&subject)
        && condition.observed_generation == Some(world.itself.generation)
        && is_within(world, since);
    stands.then_some(since)
}

fn condition(world: &World) -> Option<&Condition> {
    find(&world.itself.before.conditions, ConditionType::Drifted)
}

/// Whether a live object has everything that is to be applied, whoever owns it: somebody who sets a field to our value
/// takes it over and changes nothing.
#[must_use]
pub fn agrees(applied: &Value, live: &Value) -> bool {
    match (applied, live) {
        (Value::Null, _) => true,
        (Value::Object(applied), Value::Object(_)) => applied
            .iter()
            .all(|(name, value)| agrees(value, live.get(name).unwrap_or(&Value::Null))),
        (Value::Array(applied), Value::Array(live)) => {
            let same_name = |item: &Value, other: &Value| item["name"] == other["name"];
            if applied.iter().all(|item| item["name"].is_string()) {
                let has = |item: &Value| {
                    live.iter()
                        .any(|other| same_name(item, other) && agrees(item, other))
                };
                applied.iter().all(has)
            } else {
                applied.len() == live.len()
                    && applied.iter().zip(live).all(|(item, other)| agrees(item, other))
            }
        }
        _ => applied == live,
    }
}

fn drift_of(world: &World, kind: ChildKind, fields: Vec<String>, by: Option<&str>) -> Drift {
    Drift {
        kind: kind.kind().into(),
        name: world.itself.key.name.clone(),
        fields,
        by: by.map(ToOwned::to_owned),
        stopped: None,
    }
}

fn named<'a>(paths: impl ExactSizeIterator<Item = &'a str>) -> Vec<String> {
    let more = paths.len().saturating_sub(FIELDS_NAMED);
    let mut named: Vec<String> = paths.take(FIELDS_NAMED).map(ToOwned::to_owned).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named
}

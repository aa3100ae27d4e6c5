//! What must be true of the requests that a core was sent, whatever happened.

use serde_json::Value;
use wazo_simulated_core::{EffectKind, Entry};

/// The URLs in the `configuration` of an external application as the journal shows it.
fn urls(app: Option<&Value>) -> Vec<&str> {
    app.and_then(|app| app["configuration"]["manifest_urls"].as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn writes_an_app(entry: &Entry) -> bool {
    entry.effect.kind != EffectKind::None
        && entry
            .effect
            .key
            .as_deref()
            .is_some_and(|key| key.starts_with("external_apps/"))
}

/// The writes to external applications that were not a stranger's.
pub fn writes(journal: &[Entry]) -> impl Iterator<Item = &Entry> {
    journal
        .iter()
        .filter(|entry| writes_an_app(entry) && !entry.stranger)
}

/// The URLs of others that a PUT of ours dropped although the GET before it showed them: there must be none.
/// `ours` tells our URLs, which we may take away.
#[must_use]
pub fn dropped(journal: &[Entry], ours: impl Fn(&str) -> bool) -> Vec<String> {
    let mut dropped = Vec::new();
    for put in writes(journal).filter(|entry| entry.method == "PUT") {
        let path = put.path.split('?').next().unwrap_or_default();
        let read = journal.iter().rev().find(|entry| {
            entry.sequence < put.sequence && entry.method == "GET" && entry.path.starts_with(path)
        });
        let Some(read) = read else {
            dropped.push(format!(
                "request {}: a PUT of {path} without a GET before",
                put.sequence
            ));
            continue;
        };
        // What the GET showed: the state before the first write after it.
        let next = journal.iter().find(|entry| {
            entry.sequence > read.sequence && entry.effect.key == put.effect.key && writes_an_app(entry)
        });
        let shown = urls(next.and_then(|entry| entry.effect.before.as_ref()));
        let kept = urls(put.effect.after.as_ref());
        for url in shown {
            if !kept.contains(&url) && !ours(url) {
                dropped.push(format!("request {}: {url} of {path}", put.sequence));
            }
        }
    }
    dropped
}

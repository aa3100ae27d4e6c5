//! What the core's journal must not tell, whatever happened on the way.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wazo_simulated_core::{EffectKind, Entry};

use super::PLUGIN;
use crate::objects;
use crate::trial::Trial;

/// Nothing was made twice, nothing of a stranger was lost for a moment, and no application was deleted.
pub(super) fn check(trial: &Trial) {
    let mut created: BTreeMap<String, usize> = BTreeMap::new();
    for entry in trial.core().journal().effects() {
        let key = entry.effect.key.clone().unwrap_or_default();
        if !key.starts_with("external_apps/") {
            continue;
        }
        match entry.effect.kind {
            EffectKind::Created => *created.entry(key.clone()).or_default() += 1,
            EffectKind::Deleted => panic!("{key} was deleted"),
            EffectKind::Changed | EffectKind::None => {}
        }
        check_change(&key, &entry);
    }
    for (key, times) in created {
        assert_eq!(times, 1, "{key} was made {times} times");
    }
    trial.strangers_data_is_intact();
}

fn check_change(key: &str, entry: &Entry) {
    let (Some(before), Some(after)) = (&entry.effect.before, &entry.effect.after) else {
        return;
    };
    for (name, value) in before["configuration"].as_object().into_iter().flatten() {
        if name != "manifest_urls" {
            assert_eq!(after["configuration"][name], *value, "{key}: {name}");
        }
    }
    let ours = json!(objects::manifest_url(PLUGIN));
    let kept = urls(after);
    for url in urls(before).into_iter().filter(|url| *url != ours) {
        assert!(kept.contains(&url), "{key}: {url} was lost");
    }
    let times = kept.iter().filter(|url| **url == ours).count();
    assert!(times <= 1, "{key}: registered twice");
}

fn urls(app: &Value) -> Vec<Value> {
    let urls = app["configuration"]["manifest_urls"].as_array();
    urls.cloned().unwrap_or_default()
}

//! An application that a user has for himself hides the tenant's whole object from him (`view=fallback` is per name and
//! never merges). So the operator makes it as a copy of the tenant's with its own URLs added. Pure.
//!
//! The copy's label says all that is needed to keep it: a mark, a digest of the configuration as it was last written,
//! and digests of the URLs that were added. It is written with the copy in one request, so no crash, lost status or
//! move to another cluster can part the two. Where the digest does not fit any more, a stranger has edited the copy:
//! from then on it is his, and only single URLs are edited in it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::facts::AppEdit;
use super::manifest_urls::{Held, Reading};
use super::settings::ListForm;

const MARK: &str = "wazo-plugin-operator copy";
/// The namespace of the digests, made up once.
const DIGESTS: Uuid = Uuid::from_u128(0x6d0c_0f3a_6c0e_4f57_9d55_1f4b_9d0b_7c11);
/// A label has at most 256 characters.
const MOST_ADDED: usize = 20;

/// An application as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) label: Option<String>,
    pub(super) configuration: Value,
}

/// What is to be done about a user's own application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing.
    Keep,
    /// It is made, or replaced, as a copy with this label.
    Copy(String, Map<String, Value>),
    /// A stranger's is edited.
    Edit(Map<String, Value>),
    /// The copy has no purpose any more.
    Delete,
}

/// What was found of a user's own application, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// A configuration by which the edits are judged: it holds those URLs alone that the user has beyond his tenant's.
    pub(super) effective: Value,
    pub(super) act: Act,
}

/// What is to be done so that all `edits` hold for a user whose own application is `own` and whose tenant's has the
/// configuration `tenants`.
pub(super) fn look(
    own: Option<&Found>,
    tenants: &Value,
    edits: &BTreeSet<AppEdit>,
    new_list: ListForm,
) -> Look {
    match own {
        Some(found) => match added(found) {
            Some(added) => keep_copy(Some(found), &added, tenants, edits, new_list),
            None => edit_strangers(found, edits, new_list),
        },
        None => keep_copy(None, &[], tenants, edits, new_list),
    }
}

fn edit_strangers(found: &Found, edits: &BTreeSet<AppEdit>, new_list: ListForm) -> Look {
    let edited = Reading::of(&found.configuration).edited(edits, new_list);
    Look {
        effective: found.configuration.clone(),
        act: edited.map_or(Act::Keep, Act::Edit),
    }
}

fn keep_copy(
    own: Option<&Found>,
    added: &[String],
    tenants: &Value,
    edits: &BTreeSet<AppEdit>,
    new_list: ListForm,
) -> Look {
    let wanted = wanted(added, edits);
    let mut look = Look {
        effective: alone(added),
        act: Act::Keep,
    };
    if wanted.is_empty() {
        if own.is_some() {
            look.act = Act::Delete;
        }
        return look;
    }
    let additions: BTreeSet<AppEdit> = wanted.iter().cloned().map(AppEdit::Present).collect();
    let base = Reading::of(tenants);
    let refused = |edit: &AppEdit| matches!(base.held(edit, &additions, new_list), Held::Refused(_));
    if wanted.len() > MOST_ADDED || additions.iter().any(refused) {
        // Judged by the tenant's own form, the edits say what is wrong with it.
        look.effective = if wanted.len() > MOST_ADDED {
            Value::from(wanted.len())
        } else {
            tenants.clone()
        };
        return look;
    }
    let whole = base
        .edited(&additions, new_list)
        .or_else(|| tenants.as_object().cloned())
        .unwrap_or_default();
    let label = label(&whole, &wanted);
    let whole = Value::Object(whole);
    let as_wanted = own.is_some_and(|own| own.configuration == whole && own.label.as_deref() == Some(&label));
    if !as_wanted && let Value::Object(whole) = whole {
        // While it is not as it should be, nothing is in force, whatever is there.
        look.effective = without(added, edits);
        look.act = Act::Copy(label, whole);
    }
    look
}

/// The URLs to add, in order: those that are there and not to go, and those that are to come.
fn wanted(added: &[String], edits: &BTreeSet<AppEdit>) -> Vec<String> {
    let is = |edit: fn(String) -> AppEdit, url: &String| edits.contains(&edit(url.clone()));
    let stay = |url: &&String| !is(AppEdit::Absent, url) || is(AppEdit::Present, url);
    let mut wanted: Vec<String> = added.iter().filter(stay).cloned().collect();
    for edit in edits {
        if let AppEdit::Present(url) = edit
            && !wanted.contains(url)
        {
            wanted.push(url.clone());
        }
    }
    wanted
}

fn alone(urls: &[String]) -> Value {
    serde_json::json!({"manifest_urls": urls})
}

/// What is added, without what is to be made sure of.
fn without(added: &[String], edits: &BTreeSet<AppEdit>) -> Value {
    let open = |url: &&String| !edits.contains(&AppEdit::Present((*url).clone()));
    alone(&added.iter().filter(open).cloned().collect::<Vec<_>>())
}

/// The URLs that were added to the tenant's, where it is a copy that nobody else has edited.
fn added(found: &Found) -> Option<Vec<String>> {
    let rest = found.label.as_deref()?.strip_prefix(MARK)?.trim_start();
    let (digest, digests) = rest.split_once(' ').unwrap_or((rest, ""));
    let whole = found.configuration.as_object()?;
    if digest != long(whole) {
        return None;
    }
    let digests: Vec<&str> = digests.split(',').collect();
    let urls = Reading::of(&found.configuration).urls().to_vec();
    Some(
        urls.into_iter()
            .filter(|url| digests.contains(&short(url).as_str()))
            .collect(),
    )
}

fn label(whole: &Map<String, Value>, added: &[String]) -> String {
    let digests: Vec<String> = added.iter().map(|url| short(url)).collect();
    format!("{MARK} {} {}", long(whole), digests.join(","))
}

fn short(url: &str) -> String {
    let digest = Uuid::new_v5(&DIGESTS, url.as_bytes()).simple().to_string();
    digest.chars().take(8).collect()
}

/// A digest over the values, whatever the order of the keys: the core may keep another one.
fn long(whole: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_sorted(&Value::Object(whole.clone()), &mut text);
    let digest = Uuid::new_v5(&DIGESTS, text.as_bytes()).simple().to_string();
    digest.chars().take(20).collect()
}

fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(keys) => {
            let mut sorted: Vec<_> = keys.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (key, item) in sorted {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write_sorted(item, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_sorted(item, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
#[path = "user_copy_tests.rs"]
mod tests;

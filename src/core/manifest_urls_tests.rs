//! The edit by examples and by its laws.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Held, Reading};
use crate::core::facts::AppEdit;
use crate::core::settings::ListForm;

const OURS: &str = "https://crm.example/manifest.json";
const THEIRS: &str = "https://other.example/m.json";

fn edited(configuration: &Value, edits: &BTreeSet<AppEdit>, form: ListForm) -> Option<Map<String, Value>> {
    Reading::of(configuration).edited(edits, form)
}

fn held(configuration: &Value, edit: &AppEdit, edits: &BTreeSet<AppEdit>, form: ListForm) -> Held {
    Reading::of(configuration).held(edit, edits, form)
}

fn urls(configuration: &Value) -> Vec<String> {
    Reading::of(configuration).urls().to_vec()
}

fn present(url: &str) -> AppEdit {
    AppEdit::Present(url.to_owned())
}

fn absent(url: &str) -> AppEdit {
    AppEdit::Absent(url.to_owned())
}

fn edit(configuration: &Value, edits: &[AppEdit], new_list: ListForm) -> Option<String> {
    let edits = edits.iter().cloned().collect();
    edited(configuration, &edits, new_list).map(|whole| Value::Object(whole).to_string())
}

fn value_of(configuration: &Value, edits: &[AppEdit]) -> Option<Value> {
    let edits = edits.iter().cloned().collect();
    edited(configuration, &edits, ListForm::List).map(|whole| whole["manifest_urls"].clone())
}

fn refusal(configuration: &Value, edit: &AppEdit) -> String {
    match held(
        configuration,
        edit,
        &BTreeSet::from([edit.clone()]),
        ListForm::List,
    ) {
        Held::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_key_has_the_form_that_the_settings_say() {
    for nothing in [json!(null), json!({}), json!({"manifest_urls": null})] {
        assert_eq!(
            edit(&nothing, &[present(OURS), present(THEIRS)], ListForm::List).unwrap(),
            format!(r#"{{"manifest_urls":["{OURS}","{THEIRS}"]}}"#)
        );
        assert_eq!(
            edit(&nothing, &[present(OURS), present(THEIRS)], ListForm::Text).unwrap(),
            format!(r#"{{"manifest_urls":"{OURS},{THEIRS}"}}"#)
        );
        assert_eq!(edit(&nothing, &[absent(OURS)], ListForm::List), None);
    }
}

#[test]
fn other_keys_their_order_and_numbers_stay_as_they_are() {
    let text = r#"{"z":1.50,"manifest_urls":["https://other.example/m.json"],"a":{"n":12345678901234567890,"e":1e+2}}"#;
    let configuration: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        edit(&configuration, &[present(OURS)], ListForm::Text).unwrap(),
        text.replace("m.json\"]", &format!("m.json\",\"{OURS}\"]"))
    );
}

#[test]
fn the_form_that_is_found_is_written() {
    for (before, after) in [
        (json!([THEIRS]), json!([THEIRS, OURS])),
        (json!([]), json!([OURS])),
        (
            json!(format!("[\"{THEIRS}\"]")),
            json!(format!("[\"{THEIRS}\",\"{OURS}\"]")),
        ),
        (json!("[]"), json!(format!("[\"{OURS}\"]"))),
        (json!(THEIRS), json!(format!("{THEIRS},{OURS}"))),
        (json!(""), json!(OURS)),
        (
            json!(format!("{THEIRS} https://b")),
            json!(format!("{THEIRS} https://b {OURS}")),
        ),
        (
            json!(format!("{THEIRS}, https://b")),
            json!(format!("{THEIRS}, https://b, {OURS}")),
        ),
        (
            json!(format!("{THEIRS}\nhttps://b\n")),
            json!(format!("{THEIRS}\nhttps://b\n{OURS}")),
        ),
    ] {
        let configuration = json!({"manifest_urls": before});
        assert_eq!(value_of(&configuration, &[present(OURS)]), Some(after));
    }
}

#[test]
fn a_removed_url_leaves_the_form_and_the_others_as_they_were() {
    for (before, after) in [
        (json!([OURS]), json!([])),
        (json!([OURS, THEIRS, OURS]), json!([THEIRS])),
        (json!(format!("[\"{OURS}\"]")), json!("[]")),
        (json!(OURS), json!("")),
        (
            json!(format!("{THEIRS}, {OURS}, https://b")),
            json!(format!("{THEIRS}, https://b")),
        ),
        (json!(format!("{OURS} {THEIRS}")), json!(THEIRS)),
    ] {
        let configuration = json!({"manifest_urls": before});
        assert_eq!(value_of(&configuration, &[absent(OURS)]), Some(after));
    }
}

#[test]
fn nothing_is_written_when_nothing_changes() {
    for configuration in [
        json!({"manifest_urls": [OURS, OURS]}),
        json!({"manifest_urls": format!("{OURS} , {THEIRS}")}),
    ] {
        assert_eq!(
            edit(
                &configuration,
                &[present(OURS), absent("https://gone")],
                ListForm::List
            ),
            None
        );
    }
}

#[test]
fn what_one_wants_present_stays_when_another_wants_it_absent() {
    let both = BTreeSet::from([present(OURS), absent(OURS)]);
    let configuration = json!({"manifest_urls": [OURS]});
    assert_eq!(edited(&configuration, &both, ListForm::List), None);
    assert_eq!(
        held(&configuration, &absent(OURS), &both, ListForm::List),
        Held::Yes
    );
}

#[test]
fn another_type_is_refused_with_what_it_is_and_never_written() {
    for (value, what) in [
        (
            json!(7),
            "manifest_urls is a number: expected a list of text, or text",
        ),
        (
            json!(true),
            "manifest_urls is a boolean: expected a list of text, or text",
        ),
        (
            json!({}),
            "manifest_urls is an object: expected a list of text, or text",
        ),
        (
            json!([1]),
            "manifest_urls is a list that holds a number: expected a list of text, or text",
        ),
        (
            json!("[oops"),
            "manifest_urls is a text that begins like a JSON list and is none: expected a list of text, or text",
        ),
    ] {
        let configuration = json!({"manifest_urls": value});
        assert_eq!(refusal(&configuration, &present(OURS)), what);
        assert_eq!(
            edit(&configuration, &[present(OURS), absent(OURS)], ListForm::List),
            None
        );
        assert_eq!(
            held(&configuration, &absent(OURS), &BTreeSet::new(), ListForm::List),
            Held::Yes,
            "a deletion is not held up by a form that cannot have the URL"
        );
    }
    let hidden = json!({"manifest_urls": [{"url": OURS}]});
    assert!(refusal(&hidden, &absent(OURS)).contains("a list that holds an object"));
}

#[test]
fn a_url_with_a_comma_does_not_go_into_text_and_holds_up_no_other() {
    let configuration = json!({"manifest_urls": THEIRS});
    assert!(refusal(&configuration, &present("https://a/?x=1,2")).contains("comma"));
    assert_eq!(
        value_of(&configuration, &[present("https://a/?x=1,2"), present(OURS)]),
        Some(json!(format!("{THEIRS},{OURS}")))
    );
}

fn a_url() -> impl Strategy<Value = String> {
    (0..8u8).prop_map(|n| format!("https://p{n}.example/m.json"))
}

fn edits() -> impl Strategy<Value = Vec<AppEdit>> {
    proptest::collection::vec(
        (a_url(), any::<bool>()).prop_map(|(url, there)| if there { present(&url) } else { absent(&url) }),
        0..6,
    )
    .prop_map(|edits| {
        // One wish for each URL: contradictions have their own test.
        let mut seen = BTreeSet::new();
        edits
            .into_iter()
            .filter(|edit| match edit {
                AppEdit::Present(url) | AppEdit::Absent(url) => seen.insert(url.clone()),
            })
            .collect()
    })
}

fn a_value() -> impl Strategy<Value = Value> {
    let urls = || proptest::collection::vec(a_url(), 0..6);
    prop_oneof![
        urls().prop_map(|urls| json!(urls)),
        urls().prop_map(|urls| json!(json!(urls).to_string())),
        (urls(), prop_oneof![Just(","), Just(" "), Just(", "), Just("\n")])
            .prop_map(|(urls, separator)| json!(urls.join(separator))),
    ]
}

fn a_configuration() -> impl Strategy<Value = Value> {
    (
        proptest::option::of(a_value()),
        proptest::collection::vec(("[a-l]{1,3}", -5i64..5), 0..4),
        proptest::collection::vec(("[o-z]{1,3}", any::<bool>()), 0..4),
    )
        .prop_map(|(value, before, after)| {
            let mut whole = Map::new();
            whole.extend(before.into_iter().map(|(key, number)| (key, json!(number))));
            whole.extend(value.map(|value| ("manifest_urls".to_owned(), value)));
            whole.extend(after.into_iter().map(|(key, flag)| (key, json!(flag))));
            Value::Object(whole)
        })
}

fn apply(configuration: &Value, edits: &[AppEdit]) -> Value {
    let set = edits.iter().cloned().collect();
    edited(configuration, &set, ListForm::List).map_or_else(|| configuration.clone(), Value::Object)
}

fn form_of(configuration: &Value) -> Option<&'static str> {
    let value = configuration.get("manifest_urls")?;
    Some(match value.as_str() {
        None => "list",
        Some(text) if text.starts_with('[') => "encoded",
        Some(_) => "text",
    })
}

proptest! {
    #[test]
    fn an_edit_made_twice_is_made_once(configuration in a_configuration(), edits in edits()) {
        let once = apply(&configuration, &edits);
        prop_assert_eq!(apply(&once, &edits), once);
    }

    #[test]
    fn after_an_edit_all_wishes_hold(configuration in a_configuration(), edits in edits()) {
        let set: BTreeSet<_> = edits.iter().cloned().collect();
        let after = apply(&configuration, &edits);
        for edit in &set {
            prop_assert_eq!(held(&after, edit, &set, ListForm::List), Held::Yes);
        }
    }

    #[test]
    fn edits_of_different_urls_commute(configuration in a_configuration(), edits in edits(), cut in 0..6usize) {
        let (one, two) = edits.split_at(cut.min(edits.len()));
        let there: BTreeSet<_> = urls(&apply(&apply(&configuration, one), two)).into_iter().collect();
        let back: BTreeSet<_> = urls(&apply(&apply(&configuration, two), one)).into_iter().collect();
        let merged: BTreeSet<_> = urls(&apply(&configuration, &edits)).into_iter().collect();
        prop_assert_eq!(&there, &back);
        prop_assert_eq!(&there, &merged);
    }

    #[test]
    fn what_is_others_is_neither_dropped_nor_moved(configuration in a_configuration(), edits in edits()) {
        let after = apply(&configuration, &edits);
        let gone: BTreeSet<_> = edits.iter().filter_map(|edit| match edit {
            AppEdit::Absent(url) => Some(url.clone()),
            AppEdit::Present(_) => None,
        }).collect();
        let others: Vec<_> = urls(&configuration).into_iter().filter(|url| !gone.contains(url)).collect();
        prop_assert_eq!(&urls(&after)[..others.len()], &others[..]);
        let keys = |value: &Value| -> Vec<(String, Value)> {
            value.as_object().into_iter().flatten()
                .filter(|(key, _)| *key != "manifest_urls")
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        prop_assert_eq!(keys(&after), keys(&configuration));
        if let Some(form) = form_of(&configuration) {
            prop_assert_eq!(form_of(&after), Some(form));
        }
    }
}

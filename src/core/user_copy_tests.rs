//! A user's copy of his tenant's application: made, kept like the original, left to strangers who edit it, and removed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Act, Found, Look, MARK, look};
use crate::core::facts::AppEdit;
use crate::core::settings::ListForm;

const OURS: &str = "https://crm.example/m.json";
const OTHER: &str = "https://other.example/m.json";

fn tenants() -> Value {
    json!({"turn_servers": [{"ttl": 86400.0}], "manifest_urls": ["https://tenant.example/m.json"]})
}

fn edits(edits: &[AppEdit]) -> BTreeSet<AppEdit> {
    edits.iter().cloned().collect()
}

fn present(url: &str) -> AppEdit {
    AppEdit::Present(url.to_owned())
}

fn absent(url: &str) -> AppEdit {
    AppEdit::Absent(url.to_owned())
}

fn seen(own: Option<&Found>, tenants: &Value, wanted: &[AppEdit]) -> Look {
    look(own, tenants, &edits(wanted), ListForm::List)
}

/// The core takes what is written.
fn after(own: Option<Found>, act: Act) -> Option<Found> {
    match act {
        Act::Keep => own,
        Act::Delete => None,
        Act::Copy(label, whole) => Some(Found {
            label: Some(label),
            configuration: Value::Object(whole),
        }),
        Act::Edit(whole) => Some(Found {
            configuration: Value::Object(whole),
            ..own.unwrap()
        }),
    }
}

fn kept(own: Option<Found>, tenants: &Value, wanted: &[AppEdit]) -> Option<Found> {
    let act = seen(own.as_ref(), tenants, wanted).act;
    let own = after(own, act);
    assert_eq!(
        seen(own.as_ref(), tenants, wanted).act,
        Act::Keep,
        "and then all is well"
    );
    own
}

fn urls(own: Option<&Found>) -> Value {
    own.map_or(Value::Null, |own| own.configuration["manifest_urls"].clone())
}

#[test]
fn a_copy_has_all_that_the_tenants_has_and_ours_and_goes_with_the_last_of_ours() {
    let own = kept(None, &tenants(), &[present(OURS)]);
    assert_eq!(urls(own.as_ref()), json!(["https://tenant.example/m.json", OURS]));
    assert_eq!(
        own.as_ref().unwrap().configuration["turn_servers"],
        tenants()["turn_servers"]
    );
    assert!(own.as_ref().unwrap().label.as_ref().unwrap().len() <= 256);
    assert_eq!(kept(own, &tenants(), &[absent(OURS)]), None);
}

#[test]
fn a_copy_follows_its_original_in_every_form() {
    for list in [
        json!(["https://tenant.example/m.json"]),
        json!("https://tenant.example/m.json"),
        json!("[]"),
        Value::Null,
    ] {
        let own = kept(None, &tenants(), &[present(OURS)]);
        let changed = json!({"manifest_urls": list, "new": 1});
        let own = kept(own, &changed, &[present(OURS)]).unwrap();
        assert_eq!(own.configuration["new"], 1);
        assert!(own.configuration.get("turn_servers").is_none());
        assert!(own.configuration["manifest_urls"].to_string().contains(OURS));
    }
    let own = kept(None, &tenants(), &[present(OURS)]);
    let gone = kept(own, &Value::Null, &[present(OURS)]).unwrap();
    assert_eq!(gone.configuration, json!({"manifest_urls": [OURS]}));
}

#[test]
fn what_a_stranger_has_or_has_edited_is_his_and_never_deleted_nor_replaced() {
    let theirs = Found {
        label: Some("mine".to_owned()),
        configuration: json!({"manifest_urls": [OTHER], "x": 1}),
    };
    let own = kept(Some(theirs.clone()), &tenants(), &[present(OURS)]).unwrap();
    assert_eq!(own.configuration, json!({"manifest_urls": [OTHER, OURS], "x": 1}));
    assert_eq!(own.label, theirs.label);
    assert_eq!(kept(Some(own), &tenants(), &[absent(OURS)]), Some(theirs));
    let mut edited = kept(None, &tenants(), &[present(OURS)]).unwrap();
    edited.configuration["theirs"] = json!(true);
    let left = kept(Some(edited), &json!({}), &[absent(OURS)]).unwrap();
    assert_eq!(left.configuration["theirs"], true);
    assert_eq!(
        left.configuration["manifest_urls"],
        json!(["https://tenant.example/m.json"])
    );
}

#[test]
fn a_copy_that_another_operator_added_to_outlives_our_part() {
    let own = kept(None, &tenants(), &[present(OURS)]);
    let own = kept(own, &tenants(), &[present(OTHER)]);
    assert_eq!(urls(own.as_ref()).as_array().unwrap().len(), 3);
    let own = kept(own, &tenants(), &[absent(OURS)]);
    assert_eq!(
        urls(own.as_ref()),
        json!(["https://tenant.example/m.json", OTHER])
    );
    assert_eq!(kept(own, &tenants(), &[absent(OTHER)]), None);
}

#[test]
fn a_url_that_the_tenant_has_too_is_no_reason_to_keep_a_copy() {
    let own = kept(None, &tenants(), &[present(OURS)]);
    let wide = json!({"manifest_urls": ["https://tenant.example/m.json", OURS]});
    let look = seen(own.as_ref(), &wide, &[absent(OURS)]);
    assert_eq!(look.act, Act::Delete);
    let other = kept(own, &wide, &[present(OTHER), absent(OURS)]);
    let look = seen(other.as_ref(), &wide, &[absent(OURS), present(OTHER)]);
    assert_eq!(
        look.effective,
        json!({"manifest_urls": [OTHER]}),
        "ours is the tenant's now"
    );
}

#[test]
fn the_order_of_keys_that_the_core_keeps_is_no_edit() {
    let own = kept(None, &tenants(), &[present(OURS)]).unwrap();
    let mut keys: Vec<_> = own
        .configuration
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .collect();
    keys.reverse();
    let turned = Found {
        configuration: Value::Object(keys.into_iter().collect()),
        ..own
    };
    assert_eq!(seen(Some(&turned), &tenants(), &[present(OURS)]).act, Act::Keep);
    assert_eq!(seen(Some(&turned), &tenants(), &[absent(OURS)]).act, Act::Delete);
}

#[test]
fn a_form_that_cannot_be_copied_is_left_alone_and_said() {
    let odd = json!({"manifest_urls": 7});
    let look = seen(None, &odd, &[present(OURS)]);
    assert_eq!((look.act, look.effective), (Act::Keep, odd));
    assert!(MARK.is_ascii());
}

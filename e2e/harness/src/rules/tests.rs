//! Good and bad statuses.

use serde_json::{Value, json};

use super::{Kstatus, broken, kstatus, only_messages_differ};

fn condition(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "Word", "message": "", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z"})
}

fn object(conditions: &[(&str, &str)]) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status)| condition(kind, status))
        .collect();
    json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": conditions}})
}

#[test]
fn good_statuses_break_no_rule() {
    for conditions in [
        [("Ready", "True")].as_slice(),
        &[("Reconciling", "True"), ("Ready", "Unknown")],
        &[("Stalled", "True"), ("Ready", "False")],
        &[("Ready", "False")],
    ] {
        assert_eq!(
            broken(&object(conditions), None),
            Vec::<String>::new(),
            "{conditions:?}"
        );
    }
    let fresh = json!({"metadata": {"generation": 1}, "status": {"observedGeneration": -1}});
    assert_eq!(broken(&fresh, None), Vec::<String>::new());
    assert_eq!(kstatus(&fresh), Kstatus::InProgress);
}

#[test]
fn what_is_tried_again_says_so() {
    let mut retried = object(&[("Reconciling", "True"), ("Ready", "False")]);
    let found = broken(&retried, None);
    assert!(
        found.len() == 1 && found[0].contains("ProgressingWithRetry"),
        "{found:?}"
    );
    retried["status"]["conditions"][0]["reason"] = json!("ProgressingWithRetry");
    assert_eq!(broken(&retried, None), Vec::<String>::new());
}

#[test]
fn a_blocking_fault_takes_ready_away() {
    let fault = json!({"party": "Core", "blocking": true, "message": "a", "action": "b"});
    let mild = json!({"party": "Core", "blocking": false, "message": "a", "action": "b"});
    for (ready, first, second, rules) in [
        ("False", &fault, &fault, 0),
        ("True", &mild, &mild, 0),
        ("True", &fault, &mild, 1),
        ("True", &mild, &fault, 1),
    ] {
        let mut told = object(&[("Ready", ready)]);
        told["status"]["fault"] = first.clone();
        told["status"]["otherFaults"] = json!([second]);
        let found = broken(&told, None);
        assert_eq!(found.len(), rules, "{ready} {first} {second}: {found:?}");
    }
}

#[test]
fn each_bad_status_is_named_by_its_rule() {
    for (conditions, rule) in [
        (
            [("Ready", "True"), ("Reconciling", "True")].as_slice(),
            "FAIL0001",
        ),
        (&[("WorkloadReady", "True")], "FAIL0002"),
        (&[("Ready", "True"), ("Reconciling", "True")], "FAIL0003"),
        (&[("Ready", "Unknown"), ("Stalled", "True")], "FAIL0004"),
        (
            &[("Ready", "False"), ("Stalled", "True"), ("Reconciling", "True")],
            "FAIL0005",
        ),
        (&[("Ready", "Unknown")], "FAIL0011"),
        (
            &[("Ready", "False"), ("Stalled", "False")],
            "Stalled is present only when True",
        ),
    ] {
        let found = broken(&object(conditions), None);
        assert!(
            found.iter().any(|text| text.starts_with(rule)),
            "{conditions:?}: {found:?}"
        );
    }
    let mut ahead = object(&[("Ready", "False")]);
    ahead["status"]["observedGeneration"] = json!(2);
    assert!(
        broken(&ahead, None)
            .iter()
            .any(|text| text.starts_with("FAIL0006"))
    );
    let bare = json!({"metadata": {"generation": 1}});
    assert_eq!(
        kstatus(&bare),
        Kstatus::Current,
        "the trap that the default of the status closes"
    );
    assert!(!broken(&bare, None).is_empty());
}

#[test]
fn a_write_that_says_the_same_in_other_words_is_found() {
    let before = object(&[("Ready", "False")]);
    let mut after = before.clone();
    assert!(!only_messages_differ(&before, &after));
    after["status"]["conditions"][0]["message"] = json!("another");
    assert!(only_messages_differ(&before, &after));
    after["status"]["conditions"][0]["reason"] = json!("Another");
    assert!(!only_messages_differ(&before, &after));
}

#[test]
fn a_write_that_only_moves_times_is_found() {
    let before = object(&[("Ready", "True")]);
    let mut after = before.clone();
    after["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-01-01T00:00:09Z");
    let found = broken(&after, Some(&before));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn seconds_that_move_without_the_fault_or_go_back_are_found() {
    let mut before = object(&[("Ready", "False")]);
    before["status"]["registered"] = json!({});
    before["status"]["impairedSeconds"] = json!({"Core": 5});
    before["status"]["fault"] =
        json!({"party": "Core", "reason": "A", "blocking": true, "message": "a", "action": "b"});
    before["status"]["impairedSince"] = json!("2026-01-01T00:00:09Z");
    assert_eq!(broken(&before, Some(&before)), Vec::<String>::new());
    let mut moved = before.clone();
    moved["status"]["impairedSeconds"] = json!({"Core": 9});
    assert_eq!(broken(&moved, Some(&before)).len(), 1);
    moved["status"]["fault"]["reason"] = json!("B");
    assert_eq!(broken(&moved, Some(&before)), Vec::<String>::new());
    moved["status"]["impairedSeconds"] = json!({"Core": 4});
    assert_eq!(broken(&moved, Some(&before)).len(), 1);
    moved["status"] = before["status"].clone();
    moved["status"]["fault"] = Value::Null;
    assert_eq!(
        broken(&moved, Some(&before)).len(),
        1,
        "the account goes on without a fault"
    );
}

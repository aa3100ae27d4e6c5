//! The book of wishes.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::WishBook;
use crate::core::error::{CoreError, CoreErrorKind};
use crate::core::facts::{AppEdit, AppKey, CoreStep, Daemon, StepState};
use crate::core::settings::{Intervals, ListForm};
use crate::keys::PluginKey;

const NOW: Duration = Duration::ZERO;

/// Nothing is known to have stood.
fn none() -> BTreeSet<CoreStep> {
    BTreeSet::new()
}

fn app(name: &str) -> AppKey {
    AppKey::of_tenant(Uuid::nil(), name)
}

fn present(name: &str) -> CoreStep {
    CoreStep {
        app: app(name),
        edit: AppEdit::Present("https://a".into()),
    }
}

fn plugin(namespace: &str) -> PluginKey {
    PluginKey::new(namespace, "p")
}

fn due(book: &mut WishBook) -> Option<String> {
    book.next(Instant::now()).map(|app| app.name)
}

fn settle(book: &mut WishBook, name: &str, mark: u64) -> usize {
    let configuration = json!({"manifest_urls": ["https://a"]});
    book.settle(&app(name), &configuration, mark, true, ListForm::List, NOW)
        .len()
}

#[test]
fn the_same_wish_again_is_no_work_and_a_step_twice_is_one() {
    let mut book = WishBook::default();
    assert!(book.wish(&plugin("a"), vec![present("x"), present("x")], &none(), NOW));
    assert!(!book.wish(&plugin("a"), vec![present("x")], &none(), NOW));
    assert_eq!(book.outcomes(&plugin("a")).len(), 1);
    assert_eq!(due(&mut book).as_deref(), Some("x"));
    let (_, mark) = book.edits(&app("x"));
    assert_eq!(settle(&mut book, "x", mark), 1);
    assert_eq!(due(&mut book), None);
    assert!(!book.wish(&plugin("a"), vec![present("x")], &none(), NOW));
    assert!(matches!(
        book.outcomes(&plugin("a"))[0].state,
        StepState::Done { changed: true }
    ));
    book.wish(&plugin("a"), Vec::new(), &none(), NOW);
    assert!(book.is_empty() && book.wanted_apps().is_empty());
}

#[test]
fn a_wish_left_after_the_reading_began_is_not_settled_by_it() {
    let mut book = WishBook::default();
    book.wish(&plugin("a"), vec![present("x")], &none(), NOW);
    let (_, mark) = book.edits(&app("x"));
    book.wish(&plugin("b"), vec![present("x")], &none(), NOW);
    assert_eq!(settle(&mut book, "x", mark), 1);
    assert!(matches!(book.outcomes(&plugin("b"))[0].state, StepState::Pending));
    assert_eq!(due(&mut book).as_deref(), Some("x"));
}

#[test]
fn namespaces_take_turns() {
    let mut book = WishBook::default();
    book.wish(
        &plugin("a"),
        (0..3).map(|n| present(&format!("a{n}"))).collect(),
        &none(),
        NOW,
    );
    book.wish(&plugin("b"), vec![present("b0")], &none(), NOW);
    let mut order = Vec::new();
    while let Some(name) = due(&mut book) {
        let (_, mark) = book.edits(&app(&name));
        settle(&mut book, &name, mark);
        order.push(name);
    }
    assert_eq!(order, ["a0", "b0", "a1", "a2"]);
}

#[test]
fn a_failure_is_told_once_and_paused() {
    let mut book = WishBook::default();
    let intervals = Intervals {
        jitter: 0.0,
        ..Intervals::default()
    };
    let error = CoreError {
        daemon: Daemon::Confd,
        operation: "PUT /external/apps/{name}".into(),
        kind: CoreErrorKind::ServerError(500),
        trace_id: String::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    book.wish(&plugin("a"), vec![present("x")], &none(), NOW);
    assert_eq!(book.fail(&app("x"), &error, &intervals).len(), 1);
    assert_eq!(book.fail(&app("x"), &error, &intervals).len(), 0);
    assert_eq!(due(&mut book), None);
    let pause = book.next_at().unwrap() - Instant::now();
    assert!(
        pause > Duration::from_millis(1900) && pause <= Duration::from_secs(2),
        "{pause:?}"
    );
    book.hurry();
    assert_eq!(due(&mut book).as_deref(), Some("x"));
}

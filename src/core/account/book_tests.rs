use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::core::account::{Slot, Subject};
use crate::secret::Secret;

fn intervals() -> Intervals {
    Intervals {
        jitter: 0.0,
        ..Intervals::default()
    }
}

fn plugin() -> PluginKey {
    PluginKey::new("acme", "crm")
}

fn wish() -> AccountWish {
    AccountWish {
        subject: Subject::new(Uuid::nil(), "owner", &plugin()),
        tenants: vec![Uuid::nil()],
        held: Vec::new(),
        act: Some(Act::Prove {
            slot: Slot::A,
            tenant: Uuid::nil(),
            stored: "hash".to_owned(),
            acl: vec!["confd.users.read".to_owned()],
        }),
        password: Some(Secret::new("s3cret")),
    }
}

/// Seconds until the credentials are tried again.
fn pause(book: &AccountBook) -> i64 {
    let at = book.fact(&plugin()).unwrap().check_at.unwrap();
    at.as_second() - Timestamp::now().as_second()
}

fn settled(book: &mut AccountBook, state: ActState) -> i64 {
    book.wish(&plugin(), Some(wish()), &intervals());
    book.settle(&plugin(), &wish(), state, &intervals());
    pause(book)
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_good_are_tried_ever_more_rarely_up_to_every_half_hour() {
    let mut book = AccountBook::default();
    let pauses: Vec<i64> = (0..5).map(|_| settled(&mut book, ActState::Done)).collect();
    for (pause, expected) in pauses.iter().zip([300, 600, 1200, 1800, 1800]) {
        assert!((expected - 2..=expected).contains(pause), "{pauses:?}");
    }
    let lacking = ActState::RightsMissing(vec!["confd.users.read".to_owned()]);
    assert!(settled(&mut book, lacking) <= 60, "soon again");
    assert_eq!(book.fact(&plugin()).unwrap().lacking, ["confd.users.read"]);
    assert!(settled(&mut book, ActState::Done) <= 300, "trust begins anew");
    assert!(book.fact(&plugin()).unwrap().lacking.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_speaks_against_credentials_has_them_tried_at_once_but_not_twice_within_a_minute() {
    let mut book = AccountBook::default();
    for _ in 0..4 {
        settled(&mut book, ActState::Done);
    }
    assert!(!book.suspect(&plugin(), &intervals()), "they were tried just now");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(book.suspect(&plugin(), &intervals()));
    assert!(pause(&book) <= 0);
    assert!(!book.suspect(&plugin(), &intervals()), "it is due already");
}

//! The algebra against a matcher that tries everything.

use proptest::prelude::*;

use super::denied::{denied, reached};
use super::{Acl, Entry, Excess, TooComplex, excess};

fn acl(entries: &[&str]) -> Acl {
    let texts: Vec<String> = entries.iter().map(ToString::to_string).collect();
    Acl::parse(&texts).unwrap()
}

fn included(asked: &[&str], granted: &[&str]) -> bool {
    excess(&acl(asked), &acl(granted)).unwrap().is_none()
}

/// Whether an entry matches an access, letter by letter: written apart from the automaton, to be held against it.
fn matches(pattern: &[char], access: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return access.is_empty();
    };
    match first {
        '*' | '#' => {
            let stops = |letter: &char| *first == '*' && matches!(letter, '.' | '#');
            matches(rest, access)
                || access
                    .split_first()
                    .is_some_and(|(letter, others)| !stops(letter) && matches(pattern, others))
        }
        letter => access.first() == Some(letter) && matches(rest, &access[1..]),
    }
}

/// As a daemon does it: the words that stand for others are replaced first, every way.
fn allows(acl: &Acl, access: &str) -> bool {
    let access: Vec<char> = access.replace("<its uuid>", "U").chars().collect();
    let any = |negative: bool| {
        let mut chosen = acl.entries.iter().filter(|entry| entry.negative == negative);
        chosen.any(|entry| ways(&entry.pattern).iter().any(|way| matches(way, &access)))
    };
    any(false) && !any(true)
}

fn ways(pattern: &str) -> Vec<Vec<char>> {
    let mut ways = vec![String::new()];
    for (index, word) in pattern.split('.').enumerate() {
        let words = match word {
            "me" => vec!["me", "U"],
            "edit" => vec!["edit", "update"],
            _ => vec![word],
        };
        let dot = if index > 0 { "." } else { "" };
        ways = ways
            .iter()
            .flat_map(|way| words.iter().map(move |word| format!("{way}{dot}{word}")))
            .collect();
    }
    ways.iter().map(|way| way.chars().collect()).collect()
}

#[test]
fn entries_that_no_access_looks_like_are_refused() {
    for good in [
        "confd.users.read",
        "!calld.#",
        "#",
        "*",
        "auth.rese*.#",
        "a-b._c",
        "websocketd",
    ] {
        assert_eq!(Entry::parse(good).unwrap().to_string(), good);
    }
    for bad in [
        "", "!", "!!a", "a..b", ".a", "a.", "a b", "é", "a\nb", "a!b", "a/b",
    ] {
        assert!(Entry::parse(bad).is_err(), "{bad:?}");
    }
    assert!(Entry::parse(&"a".repeat(257)).is_err());
    let texts = ["a".to_owned(), "b..c".to_owned()];
    assert_eq!(Acl::parse(&texts).unwrap_err().index, 1);
}

/// From the recordings: what was answered to `scopes/check`, and who could give what.
#[test]
fn accesses_are_matched_as_the_daemons_match_them() {
    assert!(allows(
        &acl(&["confd.external.apps.#"]),
        "confd.external.apps.read"
    ));
    assert!(!allows(
        &acl(&["confd.external.apps.*.*"]),
        "confd.external.apps.read"
    ));
    assert!(allows(
        &acl(&["webhookd.subscriptions.*.read"]),
        "webhookd.subscriptions.services.read"
    ));
    assert!(!allows(
        &acl(&["webhookd.subscriptions.*.read"]),
        "webhookd.subscriptions.u.logs.read"
    ));
    assert!(!allows(
        &acl(&["webhookd.subscriptions.*"]),
        "webhookd.subscriptions.#"
    ));
    assert!(allows(&acl(&["confd.users.me.read"]), "confd.users.U.read"));
    assert!(!allows(
        &acl(&["confd.#", "!confd.infos.read"]),
        "confd.infos.read"
    ));
}

#[test]
fn a_union_counts_as_a_whole() {
    assert!(included(&["a.#"], &["a.#"]));
    assert!(included(&["a.b.#"], &["a.*.#"]));
    assert!(included(&["a#"], &["a", "a.#", "a*", "a*.#", "a*##", "a#"]));
    assert!(included(&["a.*"], &["a.#"]));
    assert!(!included(&["a.#"], &["a.*"]));
    assert!(!included(&["a.#"], &["a.*", "a.*.*"]));
    // Each alone is too narrow, together they are all of it: no dot and no '#' in the rest, or one of them somewhere.
    assert!(!included(&["a.#"], &["a.*", "a.#.#"]));
    assert!(included(&["a.#"], &["a.*", "a.#.#", "a.###", "a.#"]));
    assert!(included(&["a.*.read"], &["a.b*.read", "a.*.read"]));
    assert!(included(&["auth.rese*"], &["auth.res*"]));
    assert!(!included(&["auth.res*"], &["auth.rese*"]));
}

#[test]
fn what_goes_beyond_is_named_with_an_example() {
    let found = |asked: &[&str], granted: &[&str]| {
        let found = excess(&acl(asked), &acl(granted)).unwrap().unwrap();
        (found.index, found.example)
    };
    assert_eq!(
        found(&["confd.users.read", "calld.#"], &["confd.users.*"]),
        (1, "calld.".to_owned())
    );
    assert_eq!(
        found(&["a.me.b"], &["a.me.c", "a.x.b"]),
        (0, "a.<its uuid>.b".to_owned())
    );
    assert_eq!(found(&["a"], &[]).1, "a");
    assert_eq!(found(&["a.*"], &["a.*", "!a.b"]).1, "a.b");
}

#[test]
fn a_refusal_narrows_both_what_is_asked_and_what_is_granted() {
    assert!(included(
        &["confd.#", "!confd.users.#"],
        &["confd.#", "!confd.users.#"]
    ));
    assert!(included(&["confd.#", "!confd.#"], &[]));
    assert!(!included(&["confd.#"], &["confd.#", "!confd.users.read"]));
    assert!(included(&["confd.infos.read"], &["confd.#", "!confd.users.read"]));
    assert_eq!(
        acl(&["!calld.#", "a", "!calld.#"]).must_be_held(),
        ["a", "calld.#"]
    );
}

#[test]
fn words_that_stand_for_others_are_understood() {
    assert!(included(&["a.me.read"], &["a.*.read"]));
    assert!(included(&["a.me.read"], &["a.me.read"]));
    assert!(!included(&["a.*.read"], &["a.me.read"]));
    assert!(
        !included(&["a.me.read"], &["a.m*.read"]),
        "its uuid may begin otherwise"
    );
    assert!(included(&["a.update"], &["a.edit"]));
    assert!(!included(&["a.edit"], &["a.update"]));
    assert!(included(&["a.my_session.read"], &["a.my_session.#"]));
    assert!(!included(&["a.my_session.read"], &["a.me.read", "a.my_session"]));
}

#[test]
fn nobody_reaches_the_fixed_set_by_whatever_pattern() {
    for asked in [
        "#",
        "*#",
        "auth.#",
        "auth.users.#",
        "auth.users.password.#",
        "auth.users.password.rese*.*.create",
        "auth.users.password.reset.x.create",
        "auth.user*.*.update",
        "auth.users.*.edit",
        "auth.tenants.create",
        "auth.*.create",
        "auth.policies.x.acl.y.update",
        "auth.groups.*.users.*.create",
        "auth.users.me.password.update",
        "plugind.plugins.read",
        "provd.#",
        "provd.status.read",
        "p*.status.read",
        "confd.config.read",
        "*.config.*",
        "*.*.read",
        "a#d.read",
        "#.create",
    ] {
        assert!(reached(&acl(&[asked])).unwrap().is_some(), "{asked}");
    }
    for asked in [
        "confd.users.#",
        "calld.users.#",
        "auth.users.read",
        "auth.users.me.read",
        "auth.tenants.read",
        "webhookd.subscriptions.#",
        "websocketd",
        "events.#",
        "auth.token.read",
        "plugind",
        "dird.directories.*",
    ] {
        assert_eq!(reached(&acl(&[asked])).unwrap(), None, "{asked}");
    }
    // The set is wider than one thinks: so what is reached is named.
    for (asked, example) in [
        ("confd.#", "confd.config.read"),
        ("auth.users.*.read", "auth.users.password.read"),
    ] {
        assert_eq!(reached(&acl(&[asked])).unwrap().unwrap().example, example);
    }
    let found = reached(&acl(&["a", "confd.#"])).unwrap().unwrap();
    assert_eq!((found.index, found.example.as_str()), (1, "confd.config.read"));
    assert_eq!(reached(&acl(&["confd.#", "!confd.config.read"])).unwrap(), None);
    assert!(Acl::parse(&denied().texts()).is_ok());
}

#[test]
fn lists_made_to_take_for_ever_are_given_up_soon() {
    let wild = "#a".repeat(60) + "b";
    let many: Vec<String> = (0..64)
        .map(|n| format!("{}#{}*c", "#a*".repeat(n % 20 + 1), "b".repeat(n % 7)))
        .collect();
    let asked = Acl::parse(&many).unwrap();
    let granted = acl(&[&wild, "#a#b#c#d", "*b*c*#d"]);
    let started = std::time::Instant::now();
    // Whatever comes out: not in a minute.
    let outcome: Result<Option<Excess>, TooComplex> = excess(&asked, &granted);
    assert!(
        started.elapsed() < std::time::Duration::from_secs(20),
        "{outcome:?}"
    );
}

fn pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![1 => "[ab]", 2 => Just("*".to_owned()), 1 => Just("#".to_owned())];
    let free = prop::collection::vec(piece, 1..3).prop_map(|pieces| pieces.concat());
    let word = prop_oneof![5 => free, 1 => Just("me".to_owned())];
    prop::collection::vec(word, 1..3).prop_map(|words| words.join("."))
}

fn lists() -> impl Strategy<Value = Acl> {
    prop::collection::vec((prop::bool::weighted(0.15), pattern()), 1..6).prop_map(|entries| Acl {
        entries: entries
            .into_iter()
            .map(|(negative, pattern)| Entry { negative, pattern })
            .collect(),
    })
}

/// Every text of up to five letters, of letters that stand in patterns and one that does not.
fn universe() -> Vec<String> {
    const WORDS: [&str; 7] = ["a", "b", "z", ".", "#", "U", "me"];
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..5 {
        last = last
            .iter()
            .flat_map(|text| WORDS.map(|word| format!("{text}{word}")))
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Whether the uuid stands as a whole word or not at all: as a part of a word it is no uuid.
fn is_sound(access: &str) -> bool {
    access.split('.').all(|word| word == "U" || !word.contains('U'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn inclusion_is_what_trying_every_access_says(asked in lists(), granted in lists()) {
        match excess(&asked, &granted).unwrap() {
            Some(found) => {
                prop_assert!(allows(&asked, &found.example), "{} is not even asked for", found.example);
                prop_assert!(!allows(&granted, &found.example), "{} is granted", found.example);
            }
            None => for access in universe().iter().filter(|access| is_sound(access)) {
                prop_assert!(!allows(&asked, access) || allows(&granted, access), "{access} was overlooked");
            },
        }
    }

    #[test]
    fn intersection_is_what_trying_every_access_says(one in lists(), other in lists()) {
        match super::search::common(&one, &other).unwrap() {
            Some(found) => prop_assert!(allows(&one, &found.example) && allows(&other, &found.example)),
            None => for access in universe().iter().filter(|access| is_sound(access)) {
                prop_assert!(!(allows(&one, access) && allows(&other, access)), "{access} was overlooked");
            },
        }
    }
}

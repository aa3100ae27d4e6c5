//! Who wrote a ledger, and what it is worth where nobody knows.

use std::sync::LazyLock;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::api::plugin::{RegistrationKind, RegistrationState, RegistrationStatus};
use crate::api::ui_manifest::Product;
use crate::observe::ledger::LedgerEntry;

const OURS: &str = "https://crm.example/manifest.json";
const STRANGERS: &str = "https://stranger.example/manifest.json";

struct Names {
    key: LedgerKey,
    owner: String,
    core: CoreKey,
    plugin: PluginKey,
}

static NAMES: LazyLock<Names> = LazyLock::new(names);

fn names() -> Names {
    Names {
        key: LedgerKey::new(&[7; KEY_BYTES]),
        owner: "acme-production".to_owned(),
        core: CoreKey::new("cores", "main"),
        plugin: PluginKey::new("acme", "crm"),
    }
}

impl Names {
    fn marker(&self) -> Marker<'_> {
        Marker {
            key: &self.key,
            owner: &self.owner,
            core: &self.core,
            plugin: &self.plugin,
        }
    }
}

fn entry(url: &str) -> LedgerEntry {
    LedgerEntry {
        product: Product::App,
        url: url.parse().unwrap(),
    }
}

fn route(host: &str) -> Routed {
    Routed {
        host: host.to_owned(),
        path: "/".to_owned(),
        gateway: None,
        ingress: None,
    }
}

/// What names all that there is.
fn ledger() -> Ledger {
    Ledger {
        ui: [entry(OURS), entry(STRANGERS)].into(),
        routes: [route("crm.example"), route("stranger.example")].into(),
        accounts: (0..100).map(Uuid::from_u128).collect(),
        apps: [(Product::App, ["stranger".to_owned()].into())].into(),
        tenants: [Uuid::from_u128(1)].into(),
        everywhere: true,
        users: [(Uuid::from_u128(1), [Uuid::from_u128(2)].into())].into(),
    }
}

/// One URL is registered.
fn status() -> WazoPluginStatus {
    WazoPluginStatus {
        registrations: vec![RegistrationStatus {
            kind: RegistrationKind::UiApplication,
            name: "panel".to_owned(),
            desired: 1,
            current: 1,
            state: RegistrationState::Registered,
            reason: None,
            url: Some(OURS.to_owned()),
            not_registered: Vec::new(),
        }],
        ..WazoPluginStatus::default()
    }
}

fn counted(text: &str, mark: Option<&str>) -> Counted {
    Counted::of(Some(text), mark, Some(NAMES.marker()), &status())
}

#[test]
fn what_the_operator_wrote_counts_in_whole() {
    let text = ledger().write().unwrap();
    let mark = NAMES.marker().mark(&text);
    assert_eq!(mark.len(), 43);
    let found = counted(&text, Some(&mark));
    assert_eq!((found.ledger, found.standing), (ledger(), Standing::Marked));
}

#[test]
fn without_a_mark_only_what_the_status_attests_counts() {
    let text = ledger().write().unwrap();
    let other = LedgerKey::new(&[8; KEY_BYTES]);
    let of_another_key = Marker {
        key: &other,
        ..NAMES.marker()
    }
    .mark(&text);
    for mark in [None, Some("rubbish"), Some(""), Some(of_another_key.as_str())] {
        let found = counted(&text, mark);
        assert_eq!(found.standing, Standing::Unmarked { dropped: 1 }, "{mark:?}");
        let ledger = found.ledger;
        assert!(ledger.urls().all(|url| url.as_str() == OURS), "{ledger:?}");
        assert_eq!(ledger.routes, [route("crm.example")].into());
        assert_eq!(
            ledger.accounts.len(),
            MOST_TENANTS,
            "looked for in a bounded number"
        );
        assert!(ledger.apps.is_empty() && ledger.tenants.is_empty() && ledger.users.is_empty());
        assert!(!ledger.everywhere);
    }
    let found = counted("rubbish", None);
    assert_eq!(found.ledger, Ledger::of(&status()));
}

#[test]
fn while_the_key_is_not_known_a_ledger_is_neither_trusted_nor_given_up() {
    let text = ledger().write().unwrap();
    let mark = NAMES.marker().mark(&text);
    let found = Counted::of(Some(&text), Some(&mark), None, &status());
    assert_eq!(found.standing, Standing::Unknown { holds: true });
    assert_eq!(found.ledger.routes, [route("crm.example")].into());
    assert_eq!(found.unproven, [route("stranger.example")].into());
    assert!(found.ledger.urls().all(|url| url.as_str() == OURS));
    let nothing = Counted::of(None, Some(&mark), None, &status());
    assert_eq!(nothing.standing, Standing::Missing);
}

#[test]
fn a_mark_is_good_for_one_plugin_core_and_owner_alone() {
    let text = ledger().write().unwrap();
    let mark = NAMES.marker().mark(&text);
    let others: [fn(&mut Names); 6] = [
        |names| names.owner.push('x'),
        |names| names.core.name.push('x'),
        |names| names.core.namespace.push('x'),
        |names| names.plugin.name.push('x'),
        |names| names.plugin.namespace.push('x'),
        // The same letters, parted elsewhere.
        |names| names.plugin = PluginKey::new("acm", "ecrm"),
    ];
    for change in others {
        let mut other = names();
        change(&mut other);
        assert!(
            !other.marker().knows(&text, &mark),
            "{} {}",
            other.core,
            other.plugin
        );
    }
    assert!(names().marker().knows(&text, &mark));
}

#[test]
fn a_key_is_read_as_it_was_written_and_never_printed() {
    let key = &NAMES.key;
    assert_eq!(LedgerKey::read(key.text().expose()).as_ref(), Some(key));
    for rubbish in ["", "short", &"A".repeat(44), &"/".repeat(43)] {
        assert_eq!(LedgerKey::read(rubbish), None, "{rubbish}");
    }
    assert!(!format!("{:?}", NAMES.marker()).contains(key.text().expose()));
}

proptest! {
    #[test]
    fn a_ledger_with_any_byte_changed_takes_nothing_of_a_stranger_out(at in any::<prop::sample::Index>(), to in 0x20_u8..0x7f) {
        let text = ledger().write().unwrap();
        let mark = NAMES.marker().mark(&text);
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        let found = counted(&String::from_utf8(bytes).unwrap(), Some(&mark));
        let unmarked = matches!(found.standing, Standing::Unmarked { .. });
        prop_assert!(unmarked);
        prop_assert!(found.ledger.urls().all(|url| url.as_str() == OURS));
    }

    #[test]
    fn a_mark_with_any_byte_changed_is_none(at in 0_usize..43, to in 0x20_u8..0x7f) {
        let text = ledger().write().unwrap();
        let mut mark = NAMES.marker().mark(&text).into_bytes();
        prop_assume!(mark[at] != to);
        mark[at] = to;
        prop_assert!(!NAMES.marker().knows(&text, &String::from_utf8(mark).unwrap()));
    }
}

//! What stands in the annotation.

use super::*;

fn entry(url: &str) -> LedgerEntry {
    LedgerEntry {
        product: Product::App,
        url: Url::parse(url).unwrap(),
    }
}

fn full() -> Ledger {
    let uuids = |from: u128, count: u128| (from..from + count).map(Uuid::from_u128).collect::<BTreeSet<_>>();
    Ledger {
        accounts: Default::default(),
        routes: Default::default(),
        ui: (0..4)
            .map(|number| entry(&format!("https://crm.acme.example/{number}/manifest.json")))
            .collect(),
        apps: [(
            Product::App,
            ["wazo-euc-application-desktop", "wazo-euc-application-web"]
                .map(str::to_owned)
                .into(),
        )]
        .into(),
        tenants: uuids(1 << 100, MOST_TENANTS as u128),
        everywhere: false,
        users: [(Uuid::from_u128(7), uuids(1 << 101, MOST_USERS as u128))].into(),
    }
}

#[test]
fn a_ledger_is_read_as_it_was_written_and_rubbish_is_empty() {
    assert_eq!(Ledger::default().write(), None);
    for ledger in [
        full(),
        Ledger {
            ui: [entry("https://crm.example/m.json")].into(),
            everywhere: true,
            ..Ledger::default()
        },
    ] {
        assert_eq!(Ledger::read(ledger.write().as_deref()), Some(ledger));
    }
    assert_eq!(Ledger::read(Some("rubbish")), None);
}

#[test]
fn a_ledger_with_all_the_tenants_and_users_that_it_may_name_has_at_most_four_kibibytes() {
    let text = full().write().unwrap();
    assert!(text.len() <= 4096, "{} bytes", text.len());
}

#[test]
fn what_earlier_versions_wrote_is_read_and_speaks_of_the_cores_own_tenant() {
    let old = r#"{"ui":[{"product":"App","url":"https://crm.example/m.json"}]}"#;
    let ledger = Ledger::read(Some(old)).unwrap();
    assert_eq!(ledger.ui, [entry("https://crm.example/m.json")].into());
    assert!(ledger.apps.is_empty() && ledger.tenants.is_empty() && !ledger.everywhere);
    assert!(ledger.may_hold(Product::App, Uuid::from_u128(1), None, "desktop"));
    assert_eq!(
        ledger.write().unwrap(),
        old,
        "and it stays as it is until there is more to say"
    );
}

//! Which rights are asked for: those that the plugins need, and no others.

use uuid::Uuid;
use wazo_plugin_operator::core::facts::Interest;
use wazo_plugin_operator::keys::PluginKey;
use wazo_simulated_core::{AUDIENCE_ACL, OPERATOR_ACL, TENANTS_ACL, Tokens};

use crate::bench::{Bench, key};

fn asked(bench: &Bench, interest: Interest) {
    bench
        .cores
        .attend(&key(), &PluginKey::new("acme", "crm"), interest);
}

#[tokio::test]
async fn rights_to_see_tenants_and_users_are_missing_only_where_a_plugin_needs_them() {
    let bench = Bench::settled().await;
    assert!(bench.facts().missing_for_places.is_empty());
    let named = Interest {
        tenants: true,
        ..Interest::default()
    };
    asked(&bench, named.clone());
    let tenants = Interest {
        everywhere: true,
        ..named
    };
    asked(&bench, tenants);
    bench
        .until("told of tenants", |bench| {
            bench.facts().missing_for_places == ["auth.tenants.read"]
        })
        .await;
    let users = Interest {
        users: [Uuid::from_u128(7)].into(),
        ..Interest::default()
    };
    asked(&bench, users);
    let app = "confd.users.*.external.apps.wazo-euc-application-desktop";
    let verbs = ["create", "delete", "read", "update"];
    let mut wanted: Vec<String> = verbs.iter().map(|verb| format!("{app}.{verb}")).collect();
    wanted.push("confd.users.*.read".to_owned());
    bench
        .until("told of users", |bench| {
            bench.facts().missing_for_places == wanted
        })
        .await;
    let facts = bench.facts();
    assert_eq!(
        facts.missing_permissions.as_deref(),
        Some(&[][..]),
        "nobody else is held up"
    );
    let all: Vec<&str> = OPERATOR_ACL
        .into_iter()
        .chain(AUDIENCE_ACL)
        .chain(TENANTS_ACL)
        .collect();
    // A token keeps the rights that it was made with: it is renewed by itself.
    bench.sim.faults().set_rights(&all, Tokens::Keep);
    bench
        .until("given", |bench| bench.facts().missing_for_places.is_empty())
        .await;
}

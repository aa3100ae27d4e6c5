use serde_json::{Value, json};
use uuid::Uuid;

use super::{Allowance, Labels};
use crate::api::core::Grant;
use crate::api::plugin::RegistrationKind::{Account, UiApplication};

const CORE: Uuid = Uuid::from_u128(1);
const BELOW: Uuid = Uuid::from_u128(2);
const ELSEWHERE: Uuid = Uuid::from_u128(3);

fn grants(value: Value) -> Vec<Grant> {
    serde_json::from_value(value).unwrap()
}

fn allowance(grants: Option<&[Grant]>, namespace: &str, labels: &[(&str, &str)]) -> Allowance {
    let labels: Labels = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Allowance::of("cores", grants, namespace, Some(&labels)).unwrap()
}

#[test]
fn without_grants_only_the_own_namespace_may_register_uis_in_the_tenant_of_the_core() {
    let own = allowance(None, "cores", &[]);
    assert!(own.allows(UiApplication) && !own.allows(Account));
    let tenants = own.tenants(UiApplication);
    assert!(tenants.allow(CORE, CORE, false));
    assert!(!tenants.allow(BELOW, CORE, true) && !tenants.allow(ELSEWHERE, CORE, false));
    assert!(allowance(None, "acme", &[]).is_nothing());
}

#[test]
fn an_empty_list_of_grants_grants_nothing_to_anybody() {
    assert!(allowance(Some(&[]), "cores", &[]).is_nothing());
}

#[test]
fn a_grant_names_namespaces_by_all_of_its_labels() {
    let by_labels = grants(json!([{"namespaces": {
        "from": "Selector", "selector": {"matchLabels": {"wazo": "partner", "tier": "gold"}},
    }}]));
    let of = |labels: &[(&str, &str)]| !allowance(Some(&by_labels), "acme", labels).is_nothing();
    assert!(of(&[("wazo", "partner"), ("tier", "gold"), ("more", "labels")]));
    assert!(!of(&[("wazo", "partner")]));
    assert!(!of(&[("wazo", "partner"), ("tier", "silver")]));
    assert!(!allowance(Some(&by_labels), "cores", &[]).allows(UiApplication));
    assert_eq!(
        Allowance::of("cores", Some(&by_labels), "acme", None),
        None,
        "it cannot be told"
    );
}

#[test]
fn a_selector_that_selects_by_nothing_opens_nothing() {
    for broken in [
        json!({"from": "Selector"}),
        json!({"from": "Selector", "selector": {"matchLabels": {}}}),
    ] {
        let broken = grants(json!([{"namespaces": broken}]));
        assert!(allowance(Some(&broken), "acme", &[]).is_nothing());
    }
}

#[test]
fn what_one_grant_allows_does_not_widen_another() {
    let two = grants(json!([
        {"namespaces": {"from": "All"}, "tenants": {"from": "Descendants"}},
        {"namespaces": {"from": "All"}, "registrations": ["Account"], "acl": ["confd.users.read"]},
        {"namespaces": {"from": "All"}, "registrations": ["Account"], "acl": ["calld.#"],
         "tenants": {"from": "List", "list": [{"uuid": BELOW.to_string()}]}},
        {"namespaces": {"from": "Same"}, "registrations": ["Account"], "acl": ["#"]},
    ]));
    let all = allowance(Some(&two), "acme", &[]);
    assert!(all.tenants(UiApplication).allow(BELOW, CORE, true));
    assert!(all.tenants(UiApplication).allow(CORE, CORE, false));
    assert!(!all.tenants(UiApplication).allow(ELSEWHERE, CORE, false));
    assert!(!all.tenants(Account).allow(ELSEWHERE, CORE, true));
    assert_eq!(all.acl(CORE, CORE, false), ["confd.users.read"]);
    assert_eq!(all.acl(BELOW, CORE, true), ["calld.#"]);
    assert_eq!(all.acl(ELSEWHERE, CORE, true), [""; 0]);
}

//! Each rule by an example.

use serde_json::{Value, json};

use super::{Level, Rule, found, full, set};

#[test]
fn each_rule_is_reported_at_its_path() {
    use Level::{Error, Warning};
    let long = |length| json!("x".repeat(length));
    let tab = |tab: Value| Some(json!([tab]));
    let good_tab = || json!({"entityId": "a", "context": ["sidebarTab"], "name": "A", "contentUrl": "./"});
    let with = |name: &str, value: Value| {
        let mut changed = good_tab();
        changed[name] = value;
        tab(changed)
    };
    let cases: Vec<(&str, Option<Value>, Level, Rule, &str)> = vec![
        (
            "manifestVersion",
            Some(json!("0.2")),
            Error,
            Rule::ManifestVersion,
            "manifestVersion",
        ),
        (
            "manifestVersion",
            Some(json!(0.1)),
            Error,
            Rule::WrongType,
            "manifestVersion",
        ),
        ("version", Some(json!("1.0")), Error, Rule::Version, "version"),
        ("id", Some(json!("")), Error, Rule::Empty, "id"),
        (
            "packageName",
            Some(json!("crm")),
            Warning,
            Rule::PackageName,
            "packageName",
        ),
        (
            "productType",
            Some(json!("desktop")),
            Error,
            Rule::ProductType,
            "productType",
        ),
        (
            "productType",
            Some(json!("mobile")),
            Error,
            Rule::ProductMismatch,
            "productType",
        ),
        (
            "productType",
            Some(json!("portal")),
            Error,
            Rule::ProductMismatch,
            "productType",
        ),
        ("name", Some(json!("CRM")), Error, Rule::WrongType, "name"),
        ("name", None, Error, Rule::Required, "name"),
        ("name.short", Some(long(31)), Error, Rule::TooLong, "name.short"),
        (
            "description.short",
            Some(long(81)),
            Error,
            Rule::TooLong,
            "description.short",
        ),
        (
            "description.full",
            Some(long(4001)),
            Error,
            Rule::TooLong,
            "description.full",
        ),
        (
            "icons.outline",
            Some(json!(1)),
            Warning,
            Rule::WrongType,
            "icons.outline",
        ),
        (
            "requirements",
            Some(json!({"minStackVersion": "24"})),
            Warning,
            Rule::MinStackVersion,
            "requirements.minStackVersion",
        ),
        (
            "staticTabs",
            Some(json!({})),
            Error,
            Rule::WrongType,
            "staticTabs",
        ),
        (
            "staticTabs",
            Some(json!(["a"])),
            Error,
            Rule::WrongType,
            "staticTabs[0]",
        ),
        (
            "staticTabs",
            with("entityId", Value::Null),
            Error,
            Rule::Required,
            "staticTabs[0].entityId",
        ),
        (
            "staticTabs",
            Some(json!([good_tab(), good_tab()])),
            Error,
            Rule::EntityIdTaken,
            "staticTabs[1].entityId",
        ),
        (
            "staticTabs",
            with("context", Value::Null),
            Error,
            Rule::Required,
            "staticTabs[0].context",
        ),
        (
            "staticTabs",
            with("context", json!("sidebarTab")),
            Error,
            Rule::WrongType,
            "staticTabs[0].context",
        ),
        (
            "staticTabs",
            with("context", json!([1, "sidebarTab"])),
            Error,
            Rule::WrongType,
            "staticTabs[0].context[0]",
        ),
        (
            "staticTabs",
            with("context", json!(["sideTab"])),
            Warning,
            Rule::ContextUnknown,
            "staticTabs[0].context[0]",
        ),
        (
            "staticTabs",
            with("context", json!(["pbx.users"])),
            Warning,
            Rule::ContextElsewhere,
            "staticTabs[0].context",
        ),
        (
            "staticTabs",
            with("name", Value::Null),
            Error,
            Rule::Required,
            "staticTabs[0].name",
        ),
        (
            "staticTabs",
            with("contentUrl", Value::Null),
            Error,
            Rule::Required,
            "staticTabs[0].contentUrl",
        ),
        (
            "staticTabs",
            with("contentUrl", json!("")),
            Error,
            Rule::Empty,
            "staticTabs[0].contentUrl",
        ),
        (
            "staticTabs",
            with("contentUrl", json!("https://[")),
            Error,
            Rule::LinkInvalid,
            "staticTabs[0].contentUrl",
        ),
        (
            "staticTabs",
            with("contentUrl", json!("javascript:alert(1)")),
            Error,
            Rule::LinkInvalid,
            "staticTabs[0].contentUrl",
        ),
        (
            "staticTabs",
            with("contentUrl", json!("http://a.example/")),
            Warning,
            Rule::LinkInsecure,
            "staticTabs[0].contentUrl",
        ),
        (
            "staticTabs",
            with("isExternal", json!("yes")),
            Warning,
            Rule::WrongType,
            "staticTabs[0].isExternal",
        ),
        (
            "staticTabs",
            with("position", json!("1")),
            Warning,
            Rule::WrongType,
            "staticTabs[0].position",
        ),
        (
            "backgroundScript",
            Some(json!(1)),
            Error,
            Rule::WrongType,
            "backgroundScript",
        ),
        (
            "localizationInfo",
            Some(json!({"defaultLanguageTag": "de"})),
            Warning,
            Rule::LanguageUnknown,
            "localizationInfo.defaultLanguageTag",
        ),
        (
            "localizationInfo",
            Some(json!({"additionalLanguages": [{"languageTag": "fr"}]})),
            Warning,
            Rule::Required,
            "localizationInfo.additionalLanguages[0].file",
        ),
    ];
    for (place, value, level, rule, path) in cases {
        let mut manifest = full();
        set(&mut manifest, place, value.clone());
        assert_eq!(
            found(&manifest),
            [(level, rule, path.to_owned())],
            "{place} = {value:?}"
        );
    }
}

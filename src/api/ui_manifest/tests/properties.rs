//! Properties of the validation.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Level, Product, REQUIRED, Rule, Violation, check, full, set, small, validate};

/// Names of fields.
const NAMES: [&str; 24] = [
    "manifestVersion",
    "version",
    "id",
    "packageName",
    "productType",
    "name",
    "short",
    "full",
    "description",
    "icons",
    "color",
    "outline",
    "developer",
    "requirements",
    "minStackVersion",
    "staticTabs",
    "entityId",
    "context",
    "contentUrl",
    "isExternal",
    "backgroundScript",
    "localizationInfo",
    "additionalLanguages",
    "file",
];

/// Any JSON, with the manifest's own names among the keys so that the rules are reached.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("app")),
        Just(json!("0.1")),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..8).prop_map(|fields| {
                Value::Object(
                    fields
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_required_field_that_is_removed_is_the_one_error(
        index in 0..REQUIRED.len(),
        short in "[a-zA-Z ]{1,30}",
        version in "[1-9]{1,3}\\.[0-9]\\.[0-9]",
        whole in any::<bool>(),
    ) {
        let mut manifest = if whole { full() } else { small() };
        manifest["name"]["short"] = json!(short);
        manifest["version"] = json!(version);
        prop_assert!(check(&manifest).is_ok());
        set(&mut manifest, REQUIRED[index], None);
        let violations = check(&manifest).unwrap_err();
        let errors: Vec<_> = violations.iter().filter(|v| v.level == Level::Error).collect();
        prop_assert_eq!(errors.len(), 1);
        prop_assert_eq!((errors[0].rule, errors[0].path.as_str()), (Rule::Required, REQUIRED[index]));
    }

    #[test]
    fn any_json_is_judged_without_a_panic(value in any_json()) {
        if let Err(violations) = check(&value) {
            prop_assert!(violations.iter().any(|v| v.level == Level::Error));
            prop_assert!(violations.len() <= Violation::MOST);
        }
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(validate(&bytes, Product::App).is_err());
    }
}

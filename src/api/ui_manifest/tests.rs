//! The rules, each by an example.

mod properties;
mod rules;

use serde_json::{Value, json};

use super::{Level, Product, Rule, ValidManifest, Violation, validate, validate_alone};

/// The eleven required fields.
const REQUIRED: [&str; 11] = [
    "manifestVersion",
    "version",
    "id",
    "packageName",
    "productType",
    "name.short",
    "name.full",
    "description.short",
    "description.full",
    "icons.color",
    "developer.name",
];

/// A manifest that uses every field.
fn full() -> Value {
    json!({
        "manifestVersion": "0.1",
        "version": "1.4.2",
        "id": "crm-panel",
        "packageName": "com.example.crm",
        "productType": "app",
        "name": {"short": "CRM", "full": "CRM panel"},
        "description": {"short": "Shows the caller", "full": "Shows who calls, from the CRM"},
        "icons": {"color": "./icon.svg", "outline": ""},
        "developer": {"name": "Acme", "websiteUrl": "https://acme.example", "privacyUrl": "https://acme.example/p"},
        "requirements": {"minStackVersion": "24.01"},
        "accentColor": "#123456",
        "staticTabs": [
            {"entityId": "crm", "context": ["sidebarTab", "mobileTab"], "name": "CRM", "contentUrl": "./", "icon": "./tab.svg", "position": 3},
            {"entityId": "help", "context": ["settingsTab"], "name": "Help", "contentUrl": "https://acme.example/help", "isExternal": true}
        ],
        "backgroundScript": "./background.js",
        "localizationInfo": {
            "defaultLanguageTag": "en",
            "additionalLanguages": [{"languageTag": "fr", "file": "./fr.json"}]
        }
    })
}

/// The least that is valid.
fn small() -> Value {
    json!({
        "manifestVersion": "0.1",
        "version": "1.0.0",
        "id": "ring",
        "packageName": "com.example.ring",
        "productType": "app",
        "name": {"short": "Ring", "full": "Ring"},
        "description": {"short": "Rings", "full": "Rings"},
        "icons": {"color": "black"},
        "developer": {"name": "Acme"}
    })
}

fn check(manifest: &Value) -> Result<ValidManifest, Vec<Violation>> {
    validate(manifest.to_string().as_bytes(), Product::App)
}

/// Level, rule and path of everything that is found.
fn found(manifest: &Value) -> Vec<(Level, Rule, String)> {
    let violations = match check(manifest) {
        Ok(valid) => valid.warnings,
        Err(violations) => violations,
    };
    violations
        .into_iter()
        .map(|v| (v.level, v.rule, v.path))
        .collect()
}

/// Puts a value at a path, or removes what is there.
fn set(manifest: &mut Value, path: &str, value: Option<Value>) {
    let (parents, last) = path
        .rsplit_once('.')
        .map_or(("", path), |(parents, last)| (parents, last));
    let mut place = manifest;
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        place = &mut place[name];
    }
    let place = place.as_object_mut().unwrap();
    match value {
        Some(value) => drop(place.insert(last.to_owned(), value)),
        None => drop(place.shift_remove(last)),
    }
}

#[test]
fn a_full_manifest_is_valid_and_tells_its_first_page() {
    let valid = check(&full()).unwrap();
    assert_eq!(valid.warnings, []);
    assert_eq!(
        (valid.version.as_str(), valid.id.as_str()),
        ("1.4.2", "crm-panel")
    );
    assert_eq!(valid.min_stack_version.as_deref(), Some("24.01"));
    let page = valid.first_page.as_ref().unwrap();
    assert_eq!(
        (page.path.as_str(), page.reference.as_str()),
        ("staticTabs[0].contentUrl", "./")
    );
}

#[test]
fn what_real_plugins_do_is_accepted() {
    let mut manifest = small();
    manifest["icons"] = json!({"outline": "", "color": "black"});
    manifest["backgroundScript"] = json!("https://cdn.example/background.js");
    assert_eq!(
        found(&manifest),
        [],
        "no tabs, an empty icon, an icon that is a colour"
    );
    manifest["staticTabs"] = json!([
        {"entityId": "a", "context": ["sidebarTab"], "name": "A", "contentUrl": "./"},
        {"entityId": "b", "context": ["sidebarTab"], "name": "B", "contentUrl": "pages/b.html#/start"},
        {"entityId": "c", "context": ["sidebarTab"], "name": "C", "contentUrl": "//cdn.example/c", "icon": null}
    ]);
    assert_eq!(found(&manifest), []);
}

#[test]
fn a_tab_that_cannot_be_external_and_a_manifest_that_does_nothing_are_warned_of() {
    let mut manifest = small();
    assert_eq!(
        found(&manifest),
        [(Level::Warning, Rule::DoesNothing, "$".to_owned())]
    );
    manifest["staticTabs"] = json!([{"entityId": "a", "context": ["contactTab"], "name": "A", "contentUrl": "./", "isExternal": true}]);
    let expected = (
        Level::Warning,
        Rule::ExternalUnsupported,
        "staticTabs[0].isExternal".to_owned(),
    );
    assert_eq!(found(&manifest), [expected]);
    assert_eq!(
        check(&manifest).unwrap().first_page,
        None,
        "an external page is not framed"
    );
}

#[test]
fn what_is_not_json_is_reported_by_line_and_column() {
    for (text, words) in [
        (&b"{\n  \"id\": 1,\n  // comment\n}"[..], "line 3 column 3"),
        (b"<html>", "line 1 column 1"),
        (b"", "ends too early, at line 1 column 0"),
        (b"{\"id\": \"\xff\"}", "line 1 column 9"),
    ] {
        let violations = validate(text, Product::App).unwrap_err();
        let [violation] = violations.as_slice() else {
            panic!("{violations:?}")
        };
        assert_eq!((violation.rule, violation.path.as_str()), (Rule::NotJson, "$"));
        assert!(violation.message.contains(words), "{violation}");
    }
    let list = validate(b"[]", Product::App).unwrap_err();
    assert_eq!(
        (list[0].rule, list[0].message.as_str()),
        (Rule::WrongType, "must be an object, is a list")
    );
}

#[test]
fn a_byte_order_mark_is_passed_over_as_browsers_do() {
    let bytes = [b"\xef\xbb\xbf", full().to_string().as_bytes()].concat();
    assert!(validate(&bytes, Product::App).is_ok());
}

#[test]
fn a_manifest_by_itself_may_be_for_any_product() {
    for product in ["app", "portal", "mobile"] {
        let mut manifest = small();
        manifest["productType"] = json!(product);
        assert!(
            validate_alone(manifest.to_string().as_bytes()).is_ok(),
            "{product}"
        );
    }
    let mut manifest = small();
    manifest["productType"] = json!("mobile");
    assert!(validate(manifest.to_string().as_bytes(), Product::Mobile).is_ok());
}

#[test]
fn a_million_mistakes_make_a_short_list() {
    let mut manifest = small();
    manifest["staticTabs"] = Value::Array(vec![json!(0); 10_000]);
    assert_eq!(check(&manifest).unwrap_err().len(), Violation::MOST);
}

#[test]
fn a_value_of_the_manifest_is_never_repeated() {
    let secret = "tell-nobody";
    for path in REQUIRED {
        let mut manifest = full();
        set(&mut manifest, path, Some(json!([secret])));
        let violations = check(&manifest).unwrap_err();
        assert!(!format!("{violations:?}").contains(secret), "{path}");
    }
}

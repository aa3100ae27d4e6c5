//! The names that people build on: what is exported is documented, and alerts and dashboard use what is exported.

use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The words of a text that are names of metrics of ours; those of a histogram's series without what follows its name.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_lowercase() || c == '_');
    let words = text.split(word).filter(|word| {
        (word.starts_with("wazo_plugin_") || word.starts_with("wazo_core_")) && !word.ends_with('_')
    });
    let whole = |word: &str| {
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| word.strip_suffix(end));
        name.unwrap_or(word).to_owned()
    };
    words.map(whole).collect()
}

/// The names that the sources register: texts that are nothing but a name.
fn exported(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            exported(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let literals = text
                .split('"')
                .filter(|literal| names(literal).contains(*literal));
            found.extend(literals.map(ToOwned::to_owned));
        }
    }
}

#[test]
fn every_metric_is_documented_and_alerts_and_dashboard_ask_for_no_other() {
    let mut there = BTreeSet::new();
    exported(&Path::new(ROOT).join("src"), &mut there);
    assert!(there.contains("wazo_core_up") && there.len() >= 15, "{there:?}");
    // Names that are written in short there.
    let mut documented = names(&read("docs/metrics.md"));
    documented.insert("wazo_plugin_operator_store_bytes".to_owned());
    let missing: Vec<_> = there.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/metrics.md: {missing:?}");
    let chart = "charts/wazo-plugin-operator/files";
    for path in [
        "docs/metrics.md".to_owned(),
        format!("{chart}/alerts/rules.yaml"),
        format!("{chart}/dashboards/wazo-plugins.json"),
    ] {
        let asked = names(&read(&path));
        let unknown: Vec<_> = asked.difference(&there).collect();
        assert!(
            !asked.is_empty() && unknown.is_empty(),
            "{path}: nobody exports {unknown:?}"
        );
    }
}

#[test]
fn every_alert_has_a_party_a_severity_and_a_page() {
    let rules: serde_yaml::Value =
        serde_yaml::from_str(&read("charts/wazo-plugin-operator/files/alerts/rules.yaml")).unwrap();
    let pages = read("docs/alerts.md");
    for rule in rules["groups"][0]["rules"].as_sequence().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        let expression = rule["expr"].as_str().unwrap();
        let party = rule["labels"]["party"].as_str().is_some();
        assert!(party || expression.contains("party"), "{name} has no party");
        assert!(
            rule["labels"]["severity"].as_str().is_some(),
            "{name} has no severity"
        );
        assert!(pages.contains(&format!("\n## {name}\n")), "{name} has no page");
        let page = format!("docs/alerts.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook_url"].as_str(), Some(page.as_str()));
    }
}

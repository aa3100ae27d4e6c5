//! The rules of a manifest, top down.

use serde_json::Value;
use serde_json::error::Category;

use super::context::PRODUCTS;
use super::field::{Object, kind};
use super::report::Report;
use super::violation::{Level, Rule};
use super::{Product, ValidManifest, Violation, link, tab, version};

/// Checks all rules; without a product, the manifest's own `productType` is taken for right.
pub(super) fn manifest(bytes: &[u8], product: Option<Product>) -> Result<ValidManifest, Vec<Violation>> {
    let mut report = Report::default();
    let value = match parse(bytes) {
        Ok(value) => value,
        Err(message) => {
            report.error("$", Rule::NotJson, message);
            return Err(report.finish().err().unwrap_or_default());
        }
    };
    let Some(fields) = value.as_object() else {
        report.error(
            "$",
            Rule::WrongType,
            format!("must be an object, is {}", kind(&value)),
        );
        return Err(report.finish().err().unwrap_or_default());
    };
    let root = Object::root(fields);

    manifest_version(&root, &mut report);
    let version = semantic_version(&root, &mut report);
    let id = root.required_text("id", Level::Error, &mut report);
    if id == Some("") {
        report.error("id", Rule::Empty, "must not be empty: messages are sent by it");
    }
    package_name(&root, &mut report);
    let product_type = product_type(&root, product, &mut report);
    texts(&root, &mut report);
    icons(&root, &mut report);
    developer(&root, &mut report);
    let min_stack_version = min_stack_version(&root, &mut report);
    root.text("accentColor", Level::Warning, &mut report);

    let tabs = root
        .list("staticTabs", Level::Error, &mut report)
        .unwrap_or_default();
    let first_page = tab::all(tabs, product_type, &mut report);
    let script = root.text("backgroundScript", Level::Error, &mut report);
    if let Some(script) = script {
        link::page("backgroundScript".to_owned(), script, Level::Error, &mut report);
    }
    if tabs.is_empty() && script.is_none() {
        report.warning(
            "$",
            Rule::DoesNothing,
            "has neither staticTabs nor a backgroundScript: it does nothing",
        );
    }
    localization(&root, &mut report);

    let warnings = report.finish()?;
    Ok(ValidManifest {
        version: version.unwrap_or_default().to_owned(),
        id: id.unwrap_or_default().to_owned(),
        min_stack_version,
        first_page,
        warnings,
    })
}

/// The document, or what is wrong with it, by line and column. A byte order mark is passed over, as browsers do.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Eof => format!("is not JSON: it ends too early, at line {line} column {column}"),
            // The parser's own words name what it expected and where; they hold nothing of the document.
            Category::Syntax => format!("is not JSON: {error}"),
            Category::Data | Category::Io => format!("is not usable JSON at line {line} column {column}"),
        }
    })
}

fn manifest_version(root: &Object<'_>, report: &mut Report) {
    let found = root.required_text("manifestVersion", Level::Error, report);
    if found.is_some_and(|found| found != "0.1") {
        report.error("manifestVersion", Rule::ManifestVersion, "must be \"0.1\"");
    }
}

fn semantic_version<'a>(root: &Object<'a>, report: &mut Report) -> Option<&'a str> {
    let found = root.required_text("version", Level::Error, report);
    if found.is_some_and(|found| !version::is_semantic(found)) {
        report.error(
            "version",
            Rule::Version,
            "must be a semantic version such as \"1.4.2\"",
        );
    }
    found
}

fn package_name(root: &Object<'_>, report: &mut Report) {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let found = root.required_text("packageName", Level::Error, report);
    if found.is_some_and(|found| !found.contains('.') || !found.split('.').all(part)) {
        let message = "should be a reversed domain name such as \"com.example.myplugin\"";
        report.warning("packageName", Rule::PackageName, message);
    }
}

fn product_type<'a>(root: &Object<'a>, product: Option<Product>, report: &mut Report) -> Option<&'a str> {
    let found = root.required_text("productType", Level::Error, report)?;
    if !PRODUCTS.contains(&found) {
        let message = "must be one of \"app\", \"portal\", \"mobile\"";
        report.error("productType", Rule::ProductType, message);
        return None;
    }
    if let Some(product) = product.filter(|product| product.product_type() != found) {
        let message = format!(
            "must be {:?}: the manifest is registered for product {product}",
            product.product_type()
        );
        report.error("productType", Rule::ProductMismatch, message);
        return None;
    }
    Some(found)
}

/// `name` and `description`.
fn texts(root: &Object<'_>, report: &mut Report) {
    for (object, short_limit, full_limit) in [("name", Some(30), None), ("description", Some(80), Some(4000))]
    {
        let Some(object) = root.required_object(object, report) else {
            continue;
        };
        for (name, limit) in [("short", short_limit), ("full", full_limit)] {
            let Some(text) = object.required_text(name, Level::Error, report) else {
                continue;
            };
            if text.is_empty() {
                report.warning(
                    object.path(name),
                    Rule::Empty,
                    "should not be empty: it is shown to users",
                );
            }
            if let Some(limit) = limit.filter(|limit| text.chars().count() > *limit) {
                let message = format!(
                    "must have at most {limit} characters, has {}",
                    text.chars().count()
                );
                report.error(object.path(name), Rule::TooLong, message);
            }
        }
    }
}

/// An icon may be a file, a colour, the name of a built-in icon, or `data:`.
fn icons(root: &Object<'_>, report: &mut Report) {
    let Some(icons) = root.required_object("icons", report) else {
        return;
    };
    icons.required_text("color", Level::Error, report);
    icons.text("outline", Level::Warning, report);
}

fn developer(root: &Object<'_>, report: &mut Report) {
    let Some(developer) = root.required_object("developer", report) else {
        return;
    };
    developer.required_text("name", Level::Error, report);
    for name in ["websiteUrl", "privacyUrl"] {
        developer.text(name, Level::Warning, report);
    }
}

fn min_stack_version(root: &Object<'_>, report: &mut Report) -> Option<String> {
    let requirements = root.object("requirements", Level::Warning, report)?;
    let found = requirements.text("minStackVersion", Level::Warning, report)?;
    if version::is_stack(found) {
        return Some(found.to_owned());
    }
    let path = requirements.path("minStackVersion");
    report.warning(
        path,
        Rule::MinStackVersion,
        "should be of the form \"XX.YY\", such as \"26.08\"",
    );
    None
}

fn localization(root: &Object<'_>, report: &mut Report) {
    let Some(info) = root.object("localizationInfo", Level::Warning, report) else {
        return;
    };
    let default = info.text("defaultLanguageTag", Level::Warning, report);
    if default.is_some_and(|tag| !matches!(tag, "en" | "fr")) {
        let path = info.path("defaultLanguageTag");
        report.warning(path, Rule::LanguageUnknown, "should be \"en\" or \"fr\"");
    }
    let path = info.path("additionalLanguages");
    let languages = info
        .list("additionalLanguages", Level::Warning, report)
        .unwrap_or_default();
    for (index, language) in languages.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(fields) = language.as_object() else {
            report.warning(
                path,
                Rule::WrongType,
                format!("must be an object, is {}", kind(language)),
            );
            continue;
        };
        let language = Object::at(path, fields);
        language.required_text("languageTag", Level::Warning, report);
        if let Some(file) = language.required_text("file", Level::Warning, report) {
            link::page(language.path("file"), file, Level::Warning, report);
        }
    }
}

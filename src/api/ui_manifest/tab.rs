//! The rules of one entry of `staticTabs`.

use std::collections::HashSet;

use serde_json::Value;

use super::Link;
use super::context;
use super::field::{Object, kind};
use super::link;
use super::report::Report;
use super::violation::{Level, Rule};

/// Checks all tabs; returns the page of the first one that is shown inside of the application.
pub(super) fn all(tabs: &[Value], product_type: Option<&str>, report: &mut Report) -> Option<Link> {
    let mut taken = HashSet::new();
    let mut first_page = None;
    for (index, tab) in tabs.iter().enumerate() {
        let path = format!("staticTabs[{index}]");
        let Some(fields) = tab.as_object() else {
            let message = format!("must be an object, is {}", kind(tab));
            report.error(path, Rule::WrongType, message);
            continue;
        };
        let tab = Object::at(path, fields);
        entity_id(&tab, &mut taken, report);
        let contexts = contexts(&tab, product_type, report);
        if tab.required_text("name", Level::Error, report) == Some("") {
            report.warning(
                tab.path("name"),
                Rule::Empty,
                "should not be empty: the tab's label",
            );
        }
        let external = external(&tab, &contexts, report);
        if let Some(page) = tab.required_text("contentUrl", Level::Error, report) {
            link::page(tab.path("contentUrl"), page, Level::Error, report);
            if first_page.is_none() && !external {
                first_page = Some(Link {
                    path: tab.path("contentUrl"),
                    reference: page.to_owned(),
                });
            }
        }
        for name in ["icon", "mobileIcon", "parent", "parentIcon"] {
            tab.text(name, Level::Warning, report);
        }
        tab.number("position", report);
    }
    first_page
}

fn entity_id<'a>(tab: &Object<'a>, taken: &mut HashSet<&'a str>, report: &mut Report) {
    match tab.required_text("entityId", Level::Error, report) {
        Some("") => report.error(
            tab.path("entityId"),
            Rule::Empty,
            "must not be empty: messages are sent by it",
        ),
        Some(id) if !taken.insert(id) => {
            report.error(
                tab.path("entityId"),
                Rule::EntityIdTaken,
                "must be unique: an earlier tab has it",
            );
        }
        _ => {}
    }
}

fn contexts<'a>(tab: &Object<'a>, product_type: Option<&str>, report: &mut Report) -> Vec<&'a str> {
    let path = tab.path("context");
    let mut contexts = Vec::new();
    let Some(list) = tab.required_list("context", report) else {
        return contexts;
    };
    for (index, value) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match value.as_str() {
            None => report.error(
                path,
                Rule::WrongType,
                format!("must be a text, is {}", kind(value)),
            ),
            Some(context) => {
                if context::product(context).is_none() {
                    report.warning(
                        path,
                        Rule::ContextUnknown,
                        "is no context that the documentation names",
                    );
                }
                contexts.push(context);
            }
        }
    }
    // One file may serve two products, so that a context of another product means nothing as long as one fits.
    let fits =
        |context: &&str| context::product(context).is_none_or(|has| product_type.is_none_or(|is| is == has));
    if let (Some(product_type), false) = (product_type, contexts.iter().any(fits)) {
        let message = format!("should hold a context of productType {product_type:?}: the tab is not shown");
        report.warning(path, Rule::ContextElsewhere, message);
    }
    contexts
}

fn external(tab: &Object<'_>, contexts: &[&str], report: &mut Report) -> bool {
    let external = tab.truth("isExternal", report).unwrap_or(false);
    if external && !contexts.iter().any(|context| context::may_be_external(context)) {
        report.warning(
            tab.path("isExternal"),
            Rule::ExternalUnsupported,
            "has no effect in the tab's contexts",
        );
    }
    external
}

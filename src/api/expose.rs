//! What the schema cannot say of `spec.expose`.

use std::collections::BTreeMap;

use super::names::{GROUP, is_object_name};
use super::parse::Invalid;
use super::plugin::Expose;

/// The most bytes of all annotations: far below what the API server takes for one object.
const MOST_BYTES: usize = 64 * 1024;

/// Checks what is passed on to routes and Ingresses.
///
/// # Errors
/// The first field that is not usable.
pub fn check(expose: &Expose) -> Result<(), Invalid> {
    let tls = expose.ingress.as_ref().and_then(|ingress| ingress.tls.as_ref());
    // The name goes into a query of the API server, and the operator may read every Secret.
    if tls.is_some_and(|tls| !is_object_name(&tls.secret_name)) {
        let path = "spec.expose.ingress.tls.secretName";
        return Err(Invalid::new(
            path,
            "must be the name of a Secret of this namespace",
        ));
    }
    let Some(metadata) = &expose.metadata else {
        return Ok(());
    };
    for (field, values) in [
        ("labels", &metadata.labels),
        ("annotations", &metadata.annotations),
    ] {
        for (key, value) in values.iter().flatten() {
            let refused = |problem: &str| {
                let path = format!("spec.expose.metadata.{field}[{key:?}]");
                Err(Invalid::new(path, problem))
            };
            if let Some(problem) = problem_of_key(key) {
                return refused(problem);
            }
            if field == "labels" && !is_label_value(value) {
                return refused(
                    "must have a value of at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends",
                );
            }
            // ingress-nginx would run it as configuration of its own, with the controller's rights.
            if field == "annotations" && key.contains("snippet") {
                return refused("is configuration of the Ingress controller itself: remove it");
            }
        }
    }
    match size(metadata.annotations.as_ref()) {
        size if size > MOST_BYTES => Err(Invalid::new(
            "spec.expose.metadata.annotations",
            format!("must have at most {MOST_BYTES} bytes in all, and has {size}"),
        )),
        _ => Ok(()),
    }
}

fn size(values: Option<&BTreeMap<String, String>>) -> usize {
    let pairs = values.into_iter().flatten();
    pairs.map(|(key, value)| key.len() + value.len()).sum()
}

/// What is wrong with the key of a label or annotation.
fn problem_of_key(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_some_and(|prefix| prefix == GROUP || prefix.ends_with(&format!(".{GROUP}"))) {
        return Some("is the operator's own: remove it");
    }
    let prefix_fits = prefix.is_none_or(|prefix| {
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        prefix.len() <= 253 && prefix.split('.').all(part)
    });
    if prefix_fits && !name.is_empty() && is_label_value(name) {
        return None;
    }
    Some("must have a key of at most 63 letters, digits, '-', '_' and '.', as in example.com/name")
}

/// Whether a text may be the value of a label.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    let alphanumeric = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && alphanumeric(text.chars().next())
        && alphanumeric(text.chars().last())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(metadata: Value) -> Result<(), Invalid> {
        let expose = json!({"host": "crm.example", "gateway": {"name": "public"}, "metadata": metadata});
        check(&serde_json::from_value(expose).unwrap())
    }

    #[test]
    fn the_name_of_a_certificates_secret_is_a_name() {
        let named = |name: &str| {
            let ingress = json!({"tls": {"secretName": name}});
            check(&serde_json::from_value(json!({"host": "crm.example", "ingress": ingress})).unwrap())
        };
        assert_eq!(named("crm-tls"), Ok(()));
        for name in ["a,metadata.namespace=kube-system", "../x", ""] {
            assert_eq!(
                named(name).unwrap_err().path,
                "spec.expose.ingress.tls.secretName"
            );
        }
    }

    #[test]
    fn labels_and_annotations_are_passed_on_where_kubernetes_takes_them_and_they_are_not_ours() {
        let good = json!({
            "labels": {"team": "crm", "example.com/tier": "", "a.b": "x_y.z"},
            "annotations": {"external-dns.alpha.kubernetes.io/ttl": "60", "note": "any text, at all"},
        });
        assert_eq!(checked(good), Ok(()));
        for (field, key, value) in [
            ("labels", "plugins.wazo.io/plugin", "other"),
            ("annotations", "plugins.wazo.io/applied", "x"),
            ("annotations", "reconcile.plugins.wazo.io/requestedAt", "x"),
            ("labels", "-a", "x"),
            ("labels", "a b", "x"),
            ("labels", "Example.com/a", "x"),
            ("labels", "example.com/", "x"),
            ("labels", "a/b/c", "x"),
            ("labels", "team", "-crm"),
            ("labels", "team", "a b"),
            ("annotations", "nginx.ingress.kubernetes.io/server-snippet", "x"),
        ] {
            let refused = checked(json!({field: {key: value}})).unwrap_err();
            assert_eq!(refused.path, format!("spec.expose.metadata.{field}[{key:?}]"));
        }
        let long = checked(json!({"labels": {"team": "x".repeat(64)}})).unwrap_err();
        assert_eq!(long.path, "spec.expose.metadata.labels[\"team\"]");
        let large = checked(json!({"annotations": {"note": "x".repeat(MOST_BYTES)}})).unwrap_err();
        assert_eq!(large.path, "spec.expose.metadata.annotations");
    }
}

//! Checks of `spec.workload` that the schema cannot say.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::duration;
use super::parse::Invalid;
use super::plugin::{Resources, Workload, WorkloadSecurityContext};
use super::quantity::is_quantity;
use super::url_path;
use std::collections::BTreeMap;

/// Checks the pods of a plugin.
///
/// # Errors
/// The first field that is not usable.
pub fn check_workload(workload: &Workload) -> Result<(), Invalid> {
    check_image(&workload.image)?;
    if !(1..=65535).contains(&workload.port) {
        return Err(Invalid::new("spec.workload.port", "must be between 1 and 65535"));
    }
    if workload.replicas < 0 {
        return Err(Invalid::new("spec.workload.replicas", "must be at least 0"));
    }
    if let Some(startup) = &workload.startup {
        duration::field(
            "spec.workload.startup.timeout",
            &startup.timeout,
            &duration::STARTUP,
        )?;
    }
    if let Some(readiness) = &workload.readiness {
        check_path("spec.workload.readiness.path", &readiness.path)?;
    }
    if let Some(resources) = &workload.resources {
        check_resources(resources)?;
    }
    if let Some(context) = &workload.security_context {
        check_security(context)?;
    }
    Ok(())
}

fn check_image(image: &str) -> Result<(), Invalid> {
    let bad = |problem: &str| Err(Invalid::new("spec.workload.image", problem));
    if image.is_empty() {
        return bad("must not be empty");
    }
    if image.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return bad("must not hold white space");
    }
    if image.starts_with("http://") || image.starts_with("https://") {
        return bad("is a reference without a scheme, as in registry.example/name:1.0");
    }
    if image.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return bad("must not hold an empty part, '.' or '..'");
    }
    Ok(())
}

fn check_path(path: &str, text: &str) -> Result<(), Invalid> {
    let bad = |problem: &str| Err(Invalid::new(path, problem));
    if !text.starts_with('/') {
        return bad("must begin with '/'");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return bad("must not hold white space");
    }
    url_path::check(text).map_err(|problem| Invalid::new(path, problem))
}

fn check_resources(resources: &Resources) -> Result<(), Invalid> {
    check_quantities("requests", resources.requests.as_ref())?;
    check_quantities("limits", resources.limits.as_ref())
}

fn check_quantities(list: &str, quantities: Option<&BTreeMap<String, IntOrString>>) -> Result<(), Invalid> {
    for (name, quantity) in quantities.into_iter().flatten() {
        let good = match quantity {
            IntOrString::Int(number) => *number >= 0,
            IntOrString::String(text) => is_quantity(text),
        };
        if !good {
            return Err(Invalid::new(
                format!("spec.workload.resources.{list}.{name}"),
                "is not a quantity: write it as in 50m, 0.5 or 64Mi",
            ));
        }
    }
    Ok(())
}

fn check_security(context: &WorkloadSecurityContext) -> Result<(), Invalid> {
    let ids = [
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
        ("fsGroup", context.fs_group),
    ];
    for (field, id) in ids {
        if id.is_some_and(|id| !(1..=i64::from(i32::MAX)).contains(&id)) {
            return Err(Invalid::new(
                format!("spec.workload.securityContext.{field}"),
                "must be between 1 and 2147483647: 0 is root",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(extra: serde_json::Value) -> Result<(), Invalid> {
        let mut workload = serde_json::json!({"image": "r.example/p:1", "port": 8080});
        workload
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        check_workload(&serde_json::from_value(workload).unwrap())
    }

    #[test]
    fn a_field_of_the_workload_that_is_not_usable_is_named() {
        for (extra, path) in [
            (serde_json::json!({"image": "a b"}), "spec.workload.image"),
            (serde_json::json!({"image": "r/p:1\r\nx"}), "spec.workload.image"),
            (serde_json::json!({"image": "r/../p"}), "spec.workload.image"),
            (serde_json::json!({"image": "r//p"}), "spec.workload.image"),
            (serde_json::json!({"port": 0}), "spec.workload.port"),
            (serde_json::json!({"replicas": -1}), "spec.workload.replicas"),
            (
                serde_json::json!({"startup": {"timeout": "2h"}}),
                "spec.workload.startup.timeout",
            ),
            (
                serde_json::json!({"readiness": {"path": "/a\r\nb"}}),
                "spec.workload.readiness.path",
            ),
            (
                serde_json::json!({"resources": {"limits": {"memory": "64MB"}}}),
                "spec.workload.resources.limits.memory",
            ),
            (
                serde_json::json!({"resources": {"requests": {"cpu": -1}}}),
                "spec.workload.resources.requests.cpu",
            ),
            (
                serde_json::json!({"securityContext": {"runAsUser": 0}}),
                "spec.workload.securityContext.runAsUser",
            ),
        ] {
            assert_eq!(checked(extra.clone()).unwrap_err().path, path, "{extra}");
        }
        assert_eq!(
            checked(
                serde_json::json!({"resources": {"limits": {"memory": "64Mi", "cpu": 1}}, "startup": {"timeout": "2m"}})
            ),
            Ok(())
        );
    }
}

//! The rights of the operator, taken from its chart: operators of tests act with these and no others.

use std::path::{Path, PathBuf};
use std::process::Command;

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde::Deserialize;
use serde_json::Value;

const NAMESPACE: &str = "wazo-system";

/// Why the rights are not there.
#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    /// Helm cannot be run.
    #[error("failed to run {program}: {source}")]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Helm does not render the chart.
    #[error("helm template: {0}")]
    Template(String),
    /// What it renders is no YAML.
    #[error("the rendered chart: {0}")]
    Yaml(#[from] serde_yaml::Error),
    /// The chart has a form that is not expected here.
    #[error("the chart {0}")]
    Unexpected(&'static str),
    /// The API server refuses.
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

/// Applies the ClusterRoles of the chart with their bindings; the answer is the user that they are bound to.
///
/// # Errors
/// When Helm or the API server refuses, or the chart holds no ServiceAccount.
pub async fn install(client: &Client, programs: &Path) -> Result<String, RightsError> {
    let mut account = None;
    for object in render(programs)? {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        match object["kind"].as_str() {
            Some("ServiceAccount") => account = Some(name),
            Some(kind @ ("ClusterRole" | "ClusterRoleBinding")) => {
                let kind = GroupVersionKind::gvk("rbac.authorization.k8s.io", "v1", kind);
                let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
                let params = PatchParams::apply("wazo-e2e").force();
                api.patch(&name, &params, &Patch::Apply(&object)).await?;
            }
            Some("Role" | "RoleBinding") => {
                return Err(RightsError::Unexpected(
                    "grants rights in one namespace: say here how tests get them",
                ));
            }
            _ => {}
        }
    }
    let account = account.ok_or(RightsError::Unexpected("holds no ServiceAccount"))?;
    Ok(format!("system:serviceaccount:{NAMESPACE}:{account}"))
}

fn render(programs: &Path) -> Result<Vec<Value>, RightsError> {
    let program = programs.join("helm");
    let chart = crate::project::root().join("charts/wazo-plugin-operator");
    let rendered = Command::new(&program)
        .args(["template", "operator"])
        .arg(chart)
        .args(["--namespace", NAMESPACE])
        .output()
        .map_err(|source| RightsError::Run { program, source })?;
    if !rendered.status.success() {
        return Err(RightsError::Template(
            String::from_utf8_lossy(&rendered.stderr).into_owned(),
        ));
    }
    let text = String::from_utf8_lossy(&rendered.stdout);
    let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
    Ok(documents.collect::<Result<_, _>>()?)
}

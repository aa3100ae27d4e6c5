//! The rights of the operator, taken from its chart: operators of tests act with these and no others.

use std::path::{Path, PathBuf};
use std::process::Command;

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde::Deserialize;
use serde_json::Value;

const NAMESPACE: &str = "wazo-system";
/// The name of the lease that the chart's rights are for.
pub const LEASE: &str = "operator-wazo-plugin-operator";

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

/// The rights of the chart, once they are given.
#[derive(Debug)]
pub struct Rights {
    /// The user that they are bound to.
    pub user: String,
    /// The Role of the release's namespace, with its binding.
    namespaced: Vec<Value>,
}

impl Rights {
    /// Gives the rights of the release's namespace in another one, as if the release were there.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn grant_in(&self, client: &Client, namespace: &str) -> Result<(), RightsError> {
        for object in &self.namespaced {
            let mut object = object.clone();
            object["metadata"]["namespace"] = Value::from(namespace);
            apply(client, &object, Some(namespace)).await?;
        }
        Ok(())
    }
}

async fn apply(client: &Client, object: &Value, namespace: Option<&str>) -> Result<(), RightsError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = GroupVersionKind::gvk("rbac.authorization.k8s.io", "v1", &text(&object["kind"]));
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let params = PatchParams::apply("wazo-e2e").force();
    api.patch(&text(&object["metadata"]["name"]), &params, &Patch::Apply(object))
        .await?;
    Ok(())
}

/// Applies the ClusterRoles of the chart with their bindings; its Roles are for tests to apply where they need them.
///
/// # Errors
/// When Helm or the API server refuses, or the chart holds no ServiceAccount.
pub async fn install(client: &Client, programs: &Path) -> Result<Rights, RightsError> {
    let mut account = None;
    let mut namespaced = Vec::new();
    for object in render(programs)? {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        match object["kind"].as_str() {
            Some("ServiceAccount") => account = Some(name),
            Some("ClusterRole" | "ClusterRoleBinding") => apply(client, &object, None).await?,
            Some("Role" | "RoleBinding") => namespaced.push(object),
            _ => {}
        }
    }
    let account = account.ok_or(RightsError::Unexpected("holds no ServiceAccount"))?;
    Ok(Rights {
        user: format!("system:serviceaccount:{NAMESPACE}:{account}"),
        namespaced,
    })
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

//! The kinds: ours and those of the Gateway API, applied and waited for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use wazo_plugin_operator::api::core::WazoCore;
use wazo_plugin_operator::api::plugin::WazoPlugin;

/// The WazoPlugin of [`crate::cluster::ControlPlane::undecodable_namespace`], the port of whose workload is a text, and
/// the WazoCore, whose Secret's name is a number.
pub const UNDECODABLE: &str = "undecodable";

/// The kinds of the Gateway API that the operator uses, by the files of its release.
const GATEWAY_API: [(&str, &str); 3] = [
    (
        "gatewayclasses.gateway.networking.k8s.io",
        "gateway.networking.k8s.io_gatewayclasses.yaml",
    ),
    (
        "gateways.gateway.networking.k8s.io",
        "gateway.networking.k8s.io_gateways.yaml",
    ),
    (
        "httproutes.gateway.networking.k8s.io",
        "gateway.networking.k8s.io_httproutes.yaml",
    ),
];
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// Why the kinds are not there.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionsError {
    /// A request failed.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// Waiting failed.
    #[error(transparent)]
    Wait(#[from] kube::runtime::wait::Error),
    /// It took too long.
    #[error("{0} is not established within {ESTABLISHED_WITHIN:?}")]
    Late(String),
    /// A file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The given cluster lacks the Gateway API, and there is no file of it.
    #[error("the cluster does not serve {0}: install the Gateway API's standard channel")]
    NoGatewayApi(&'static str),
    /// Our own definitions cannot be made.
    #[error("our definitions: {0}")]
    Ours(#[from] serde_json::Error),
}

/// Applies everything and waits until it is served. In between, a plugin and a core are stored that the final schema
/// would not take, as an older schema might have; the answer is their namespace.
///
/// # Errors
/// When a file is missing, or the API server refuses.
pub async fn install(client: &Client, programs: Option<&Path>) -> Result<String, DefinitionsError> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let served: Vec<String> = crds
        .list_metadata(&ListParams::default())
        .await?
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    for (name, file) in GATEWAY_API {
        if served.iter().any(|other| other == name) {
            continue;
        }
        let programs = programs.ok_or(DefinitionsError::NoGatewayApi(name))?;
        apply(&crds, &yaml(&programs.join("gateway-api").join(file))?).await?;
    }
    let ours = wazo_plugin_operator::api::crd::definitions()?
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<Vec<_>, _>>()?;
    for definition in &ours {
        apply(&crds, &lax(definition.clone())).await?;
    }
    for definition in &ours {
        established(&crds, name(definition)).await?;
    }
    let namespace = store_undecodable(client).await?;
    for definition in &ours {
        apply(&crds, definition).await?;
    }
    for (name, _) in GATEWAY_API {
        established(&crds, name).await?;
    }
    strict(client, &namespace).await?;
    Ok(namespace)
}

fn name(definition: &Value) -> &str {
    definition["metadata"]["name"].as_str().unwrap_or_default()
}

async fn apply(crds: &Api<CustomResourceDefinition>, definition: &Value) -> Result<(), DefinitionsError> {
    let params = PatchParams::apply("wazo-e2e").force();
    crds.patch(name(definition), &params, &Patch::Apply(definition))
        .await?;
    Ok(())
}

async fn established(crds: &Api<CustomResourceDefinition>, name: &str) -> Result<(), DefinitionsError> {
    let established = await_condition(crds.clone(), name, conditions::is_crd_established());
    tokio::time::timeout(ESTABLISHED_WITHIN, established)
        .await
        .map_err(|_| DefinitionsError::Late(name.to_owned()))??;
    Ok(())
}

/// The same kind with a `spec` that may be anything.
fn lax(mut definition: Value) -> Value {
    for version in definition["spec"]["versions"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        let schema = &mut version["schema"]["openAPIV3Schema"];
        schema["properties"]["spec"] =
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("x-kubernetes-validations");
        }
        // A selectable field or a scale must be in the schema, which it now is not.
        if let Some(fields) = version.as_object_mut() {
            fields.remove("selectableFields");
            if let Some(subresources) = fields.get_mut("subresources").and_then(Value::as_object_mut) {
                subresources.remove("scale");
            }
        }
    }
    definition
}

async fn store_undecodable(client: &Client) -> Result<String, DefinitionsError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    // In a cluster that outlives the tests there may be those of earlier ones.
    let earlier = ListParams::default().labels("wazo-e2e=undecodable");
    for namespace in namespaces.list_metadata(&earlier).await? {
        crate::namespace::delete(client, &namespace.name_any()).await;
    }
    let namespace: Namespace = serde_json::from_value(json!({
        "metadata": {"generateName": "undecodable-", "labels": {"wazo-e2e": "undecodable"}}
    }))?;
    let namespace = namespaces
        .create(&PostParams::default(), &namespace)
        .await?
        .name_any();
    let plugin = json!({
        "apiVersion": "plugins.wazo.io/v1alpha1", "kind": "WazoPlugin", "metadata": {"name": UNDECODABLE},
        "spec": {"coreRef": {"name": "main"}, "workload": {"image": "registry.test/panel:1", "port": "eighty"}},
    });
    let core = json!({
        "apiVersion": "plugins.wazo.io/v1alpha1", "kind": "WazoCore", "metadata": {"name": UNDECODABLE},
        "spec": {"url": "https://core.test", "credentials": {"secretName": 7}},
    });
    for (resource, object) in [
        (ApiResource::erase::<WazoPlugin>(&()), plugin),
        (ApiResource::erase::<WazoCore>(&()), core),
    ] {
        let api = Api::namespaced_with(client.clone(), &namespace, &resource);
        create(&api, &serde_json::from_value(object)?).await?;
    }
    Ok(namespace)
}

/// A kind is established a moment before every handler of the API server knows it.
async fn create(api: &Api<DynamicObject>, object: &DynamicObject) -> Result<(), DefinitionsError> {
    let end = tokio::time::Instant::now() + ESTABLISHED_WITHIN;
    loop {
        match api.create(&PostParams::default(), object).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 && tokio::time::Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until the API server goes by the strict schema: until it refuses, in a dry run, what it took before.
async fn strict(client: &Client, namespace: &str) -> Result<(), DefinitionsError> {
    let plugins: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<WazoPlugin>(&()));
    let object: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "plugins.wazo.io/v1alpha1", "kind": "WazoPlugin", "metadata": {"name": "another"},
        "spec": {"coreRef": {"name": "main"}, "workload": {"image": "registry.test/panel:1", "port": "eighty"}},
    }))?;
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let end = tokio::time::Instant::now() + ESTABLISHED_WITHIN;
    loop {
        match plugins.create(&dry, &object).await {
            Err(kube::Error::Api(status)) if status.code == 422 => return Ok(()),
            Ok(_) | Err(kube::Error::Api(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if tokio::time::Instant::now() > end {
            return Err(DefinitionsError::Late("the strict schema".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn yaml(path: &Path) -> Result<Value, DefinitionsError> {
    let failed = |reason: String| DefinitionsError::File {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    serde_yaml::from_str(&text).map_err(|error| failed(error.to_string()))
}

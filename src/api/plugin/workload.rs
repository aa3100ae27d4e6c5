//! What runs: the pods of a plugin.
#![allow(
    unreachable_pub,
    reason = "the derive macro puts a copy of each type into a private scope"
)]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, LocalObjectReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pods of a plugin.
#[derive(Clone, Debug, Deserialize, Serialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// The image, as in a pod.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^\S+$"))]
    pub image: String,
    /// The port on which the process listens with HTTP.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// How many pods. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: i32,
    /// The program and its first arguments, as in a pod. Default: the image's.
    #[schemars(length(max = 50))]
    pub command: Option<Vec<String>>,
    /// Arguments, as in a pod. Default: the image's.
    #[schemars(length(max = 100))]
    pub args: Option<Vec<String>>,
    /// Environment variables, as in a pod.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 100))]
    pub env: Option<Vec<EnvVar>>,
    /// ConfigMaps and Secrets whose keys become environment variables, as in a pod.
    #[schemars(length(max = 20))]
    pub env_from: Option<Vec<EnvFromSource>>,
    /// Requests and limits, as in a pod.
    pub resources: Option<Resources>,
    /// How the kubelet tells whether a pod is ready. Default: the path of the first UI manifest, else a TCP connection.
    pub readiness: Option<Readiness>,
    /// How long the process may take to start before the kubelet starts it again. Default: no limit of its own.
    pub startup: Option<Startup>,
    /// As whom the process runs. Default: as the image says, which must not be root.
    pub security_context: Option<WorkloadSecurityContext>,
    /// A ServiceAccount of this namespace for the pods. Default: one of the plugin's own, without rights.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")
    )]
    pub service_account_name: Option<String>,
    /// Secrets of this namespace with credentials for the registry.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 10))]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
    /// Anything else of a pod template: `metadata` and `spec`, merged over the operator's by the names of list items;
    /// the container `plugin` is the operator's to complete. Privileges beyond the Pod Security Standard `restricted`,
    /// host namespaces, host paths, node names, projected ServiceAccount tokens and system priority classes are refused.
    pub pod_template: Option<PodTemplate>,
}

/// Anything else of a pod template; free-form in the schema, decoded strictly by the operator.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PodTemplate(pub serde_json::Map<String, serde_json::Value>);

impl JsonSchema for PodTemplate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PodTemplate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
    }
}

/// How long the process may take to start.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Startup {
    /// As in `2m`: 10 seconds to 1 hour.
    #[schemars(
        length(min = 2, max = 16),
        regex(pattern = "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$")
    )]
    pub timeout: String,
}

/// As whom the process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSecurityContext {
    /// The user id of the process; not 0.
    #[schemars(range(min = 1, max = 2147483647))]
    pub run_as_user: Option<i64>,
    /// The group id of the process; not 0.
    #[schemars(range(min = 1, max = 2147483647))]
    pub run_as_group: Option<i64>,
    /// The group that owns the volumes.
    #[schemars(range(min = 1, max = 2147483647))]
    pub fs_group: Option<i64>,
    /// Whether the image's own files cannot be written; `/tmp` stays writable. Default: false.
    pub read_only_root_filesystem: Option<bool>,
}

const fn one() -> i32 {
    1
}

/// Requests and limits of the container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Resources {
    /// What the scheduler sets aside.
    #[schemars(extend("maxProperties" = 20))]
    pub requests: Option<BTreeMap<String, IntOrString>>,
    /// What the container may use at the most.
    #[schemars(extend("maxProperties" = 20))]
    pub limits: Option<BTreeMap<String, IntOrString>>,
}

/// How the kubelet tells whether a pod is ready.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Readiness {
    /// A path that answers 200 to 399 when the pod can serve.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^/\S*$"))]
    pub path: String,
}

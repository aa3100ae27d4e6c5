//! The tools that people use on our kinds: they need no settings, and see no noise.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use wazo_e2e::cluster::KUBECONFIG_VARIABLE;
use wazo_e2e::objects::plugin;
use wazo_e2e::trial::{Trial, trial};

/// kubectl for the namespace of a trial; `None`, and it is said, where the cluster is a given one.
pub(super) struct Kubectl {
    kubeconfig: PathBuf,
    program: PathBuf,
    namespace: String,
}

impl Kubectl {
    pub(super) fn of(trial: &Trial) -> Option<Self> {
        let Some(programs) = trial.plane().programs() else {
            assert!(
                std::env::var_os(KUBECONFIG_VARIABLE).is_some(),
                "a cluster of our own comes with kubectl"
            );
            println!("left out: a given cluster comes without kubectl");
            return None;
        };
        Some(Self {
            kubeconfig: trial.plane().kubeconfig().to_owned(),
            program: programs.join("kubectl"),
            namespace: trial.namespace().to_owned(),
        })
    }

    /// Not on the thread of the test: core and panel answer there.
    async fn run(&self, arguments: &str) -> Output {
        let mut command = Command::new(&self.program);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .args(["-n", &self.namespace])
            .args(arguments.split(' '));
        tokio::task::spawn_blocking(move || command.output().expect("kubectl, a file and JSON can be had"))
            .await
            .expect("kubectl, a file and JSON can be had")
    }

    pub(super) async fn ok(&self, arguments: &str) -> String {
        let output = self.run(arguments).await;
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "kubectl {arguments}: {text}");
        text
    }
}

fn written(trial: &Trial, name: &str, object: &Value) -> String {
    let path = std::env::temp_dir().join(format!("{}-{name}.json", trial.namespace()));
    std::fs::write(&path, object.to_string()).expect("kubectl, a file and JSON can be had");
    path.display().to_string()
}

async fn version(trial: &Trial) -> (Value, Value) {
    let object = trial
        .get("plugins.wazo.io/v1alpha1", "WazoPlugin", "crm")
        .await
        .expect("kubectl, a file and JSON can be had");
    (
        object["metadata"]["generation"].clone(),
        object["metadata"]["resourceVersion"].clone(),
    )
}

#[test]
fn kubectl_applies_waits_and_sees_no_difference() {
    trial(async |trial: &mut Trial| {
        let Some(kubectl) = Kubectl::of(trial) else {
            return;
        };
        trial.connect().await;
        trial.start();
        trial.panel("crm").await;
        let file = written(trial, "crm", &plugin("crm"));
        for apply in [
            "apply -f",
            "apply --server-side --field-manager=pipeline --force-conflicts -f",
        ] {
            kubectl.ok(&format!("{apply} {file}")).await;
            kubectl
                .ok("wait --for=condition=Ready --timeout=30s wazoplugin/crm")
                .await;
            trial.well("crm").await;
            trial.core_until("Ready", |seen| seen.is_ready()).await;
            let before = version(trial).await;
            let diff = apply.replace("apply", "diff");
            kubectl.ok(&format!("{diff} {file}")).await;
            let again = kubectl.ok(&format!("{apply} {file}")).await;
            assert!(
                again.contains("unchanged") || again.contains("serverside-applied"),
                "{again}"
            );
            assert_eq!(version(trial).await, before, "applied again, nothing is written");
        }
        let shown = kubectl.ok("get wzp crm").await;
        for part in [
            "READY",
            "REASON",
            "FAULT",
            "VERSION",
            "REGISTERED",
            "AGE",
            "True",
            "2/2",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
        kubectl.ok("get wazo").await;
        kubectl.ok("explain wazoplugin.spec.drift").await;
        kubectl.ok("delete wzp crm --timeout=30s").await;
    });
}

#[test]
fn the_definitions_apply_with_client_side_apply_too() {
    trial(async |trial: &mut Trial| {
        let Some(kubectl) = Kubectl::of(trial) else {
            return;
        };
        for name in ["wazoplugins", "wazocores"] {
            let file = wazo_e2e::project::root().join(format!("crds/{name}.yaml"));
            kubectl
                .ok(&format!("apply --dry-run=server -f {}", file.display()))
                .await;
            let text = std::fs::read_to_string(&file).unwrap();
            let definition: Value = serde_yaml::from_str(&text).unwrap();
            let annotation = definition.to_string().len();
            assert!(
                annotation < 256 * 1024,
                "{name}: {annotation} bytes do not fit into an annotation"
            );
        }
    });
}

/// Our kind under another group, so that a schema can be changed without disturbing others.
fn copy(namespace: &str) -> (String, Value) {
    let group = format!("{namespace}.copy.test");
    let definitions =
        wazo_plugin_operator::api::crd::definitions().expect("kubectl, a file and JSON can be had");
    let mut copy = serde_json::to_value(&definitions[1]).expect("kubectl, a file and JSON can be had");
    assert_eq!(copy["spec"]["names"]["kind"], "WazoPlugin");
    copy["metadata"]["name"] = json!(format!("wazoplugins.{group}"));
    copy["spec"]["group"] = json!(group);
    copy["spec"]["names"] = json!({"kind": "WazoPlugin", "plural": "wazoplugins", "singular": "wazoplugin"});
    (group, copy)
}

#[test]
fn an_object_of_today_stays_editable_and_deletable_under_a_stricter_schema() {
    trial(async |trial: &mut Trial| {
        let Some(kubectl) = Kubectl::of(trial) else {
            return;
        };
        let (group, mut definition) = copy(trial.namespace());
        let file = written(trial, "definition", &definition);
        kubectl.ok(&format!("apply --server-side -f {file}")).await;
        kubectl
            .ok(&format!(
                "wait --for=condition=Established --timeout=30s crd/wazoplugins.{group}"
            ))
            .await;
        let mut object = plugin("crm");
        object["apiVersion"] = json!(format!("{group}/v1alpha1"));
        object["metadata"]["finalizers"] = json!(["plugins.wazo.io/deregister"]);
        let object_file = written(trial, "object", &object);
        trial
            .patient(async || {
                kubectl
                    .run(&format!("apply -f {object_file}"))
                    .await
                    .status
                    .success()
            })
            .await;
        let spec = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        spec["properties"]["workload"]["properties"]["image"]["pattern"] = json!("^only\\.example/");
        spec["properties"]["workload"]["properties"]["port"]["maximum"] = json!(80);
        spec["properties"]["expose"]["properties"]["host"]["maxLength"] = json!(3);
        let file = written(trial, "definition", &definition);
        kubectl.ok(&format!("apply --server-side -f {file}")).await;
        object["metadata"]["name"] = json!("new");
        let new = written(trial, "new", &object);
        // It is strict when a new one is refused.
        trial
            .patient(async || {
                !kubectl
                    .run(&format!("apply --dry-run=server -f {new}"))
                    .await
                    .status
                    .success()
            })
            .await;
        let kind = format!("wazoplugins.{group}");
        kubectl.ok(&format!("label {kind} crm a=b")).await;
        kubectl
            .ok(&format!(
                r#"patch {kind} crm --type=merge -p {{"spec":{{"suspend":true}}}}"#
            ))
            .await;
        kubectl.ok(&format!(r#"patch {kind} crm --type=merge --subresource=status -p {{"status":{{"observedGeneration":1}}}}"#)).await;
        kubectl.ok(&format!("delete {kind} crm --wait=false")).await;
        kubectl
            .ok(&format!(
                r#"patch {kind} crm --type=merge -p {{"metadata":{{"finalizers":null}}}}"#
            ))
            .await;
        kubectl
            .ok(&format!("wait --for=delete --timeout=30s {kind}/crm"))
            .await;
        kubectl.ok(&format!("delete crd {kind}")).await;
    });
}

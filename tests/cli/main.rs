//! The commands as a person or a pipeline runs them: what they print, and how they end.

mod check_url;
mod judge;
mod site;

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// Runs the program with a text at its standard input.
pub(crate) fn run(arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wazo-plugin-operator"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built");
    let mut stdin = child.stdin.take().expect("it was piped");
    // A program that reads nothing closes it early.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("a child of ours");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const PLUGIN: &str = "
apiVersion: plugins.wazo.io/v1alpha1
kind: WazoPlugin
metadata: {name: crm, namespace: acme}
spec:
  coreRef: {name: production, namespace: wazo-cores}
  workload: {image: 'registry.example/crm:1.0', port: 8080}
  expose: {host: crm.acme.example, gateway: {name: public}}
  registrations:
    ui:
    - {name: panel, product: App, manifest: /manifest.json}
";
const CORE: &str = "
---
apiVersion: plugins.wazo.io/v1alpha1
kind: WazoCore
metadata: {name: production, namespace: wazo-cores}
spec:
  url: https://core.example
  credentials: {secretName: core}
  ui: {applications: {app: [the-only-one]}}
";

#[test]
fn render_shows_what_stands_in_the_core_and_can_still_be_applied() {
    let ran = run(&["render", "-"], PLUGIN);
    assert_eq!(ran.code, 0, "{}", ran.error);
    for part in [
        "kind: Deployment",
        "# In the core wazo-cores/production, UiApplication \"panel\" of acme/crm",
        "https://crm.acme.example/manifest.json in configuration.manifest_urls",
        "#   object: confd /external/apps/wazo-euc-application-web",
        "#   tenants: the tenant of the core",
    ] {
        assert!(ran.out.contains(part), "{part}\n{}", ran.out);
    }
    let documents = serde_yaml::Deserializer::from_str(&ran.out);
    for document in documents {
        let value: Value = serde::Deserialize::deserialize(document).expect("YAML");
        assert!(
            value["kind"].is_string(),
            "comments only beside the objects: {value}"
        );
    }
}

#[test]
fn render_takes_the_names_of_applications_from_a_core_in_the_same_file_and_gives_data() {
    let ran = run(&["render", "--output", "json", "-"], &format!("{PLUGIN}{CORE}"));
    assert_eq!(ran.code, 0, "{}", ran.error);
    let list: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(list["kind"], "List");
    let row = &list["core"][0];
    assert_eq!(
        row["objects"],
        serde_json::json!(["confd /external/apps/the-only-one"])
    );
    assert_eq!(
        (&row["kind"], &row["plugin"]),
        (&Value::from("UiApplication"), &Value::from("acme/crm"))
    );
}

#[test]
fn a_file_without_a_plugin_is_told_and_ends_with_2() {
    let ran = run(&["render", "-"], CORE);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.error.contains("holds no WazoPlugin"), "{}", ran.error);
}

#[test]
fn check_ends_with_0_1_or_2_and_tells_findings_as_data() {
    let good = run(&["check", "-"], PLUGIN);
    assert_eq!(good.code, 0, "{}", good.error);
    let bad = PLUGIN.replace("crm.acme.example", "CRM_acme");
    let ran = run(&["check", "--output", "json", "-"], &bad);
    assert_eq!(ran.code, 1, "{}", ran.error);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(told["ok"], false);
    assert_eq!(told["findings"][0]["path"], "spec.expose.host");
    assert_eq!(run(&["check", "/nowhere"], "").code, 2);
    assert_eq!(run(&["check"], "").code, 2, "clap's own refusals end with 2, too");
}

#[test]
fn shells_complete_our_commands() {
    for (shell, start) in [
        ("bash", "_wazo"),
        ("zsh", "#compdef wazo-plugin-operator"),
        ("fish", "complete -c"),
    ] {
        let ran = run(&["completions", shell], "");
        assert_eq!(ran.code, 0, "{}", ran.error);
        assert!(ran.out.contains(start), "{shell}: {}", ran.out);
        for command in ["render", "check", "judge", "completions", "leader-elect"] {
            assert!(ran.out.contains(command), "{shell} does not know {command}");
        }
    }
    let mut bash = Command::new("bash")
        .args(["-n", "/dev/stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("bash");
    let script = run(&["completions", "bash"], "").out;
    let mut stdin = bash.stdin.take().expect("it was piped");
    stdin.write_all(script.as_bytes()).expect("bash reads it");
    drop(stdin);
    assert!(
        bash.wait().expect("bash").success(),
        "bash understands its script"
    );
    assert_eq!(run(&["completions", "cobol"], "").code, 2);
}

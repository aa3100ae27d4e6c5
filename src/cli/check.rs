//! `check`: a WazoPlugin, a WazoCore or a UI manifest, by file or by URL, without a cluster.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use wazo_plugin_operator::api::core::{WazoCore, WazoCoreSpec};
use wazo_plugin_operator::api::object::Raw;
use wazo_plugin_operator::api::parse::{Invalid, Plugin, check_name};
use wazo_plugin_operator::api::plugin::{WazoPlugin, WazoPluginSpec};
use wazo_plugin_operator::api::ui_manifest::{self, Level, Violation};
use wazo_plugin_operator::core::StackUrl;

use super::check_url::AtUrl;
use super::{CliError, Output, documents, print, read};

/// Checks a file, or the UI manifest at a URL as a browser would load it. Exit code 0: nothing is wrong, or only worth
/// a warning; 1: something is wrong; 2: the command line is, or the file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A file with WazoPlugins and WazoCores, or a UI manifest; the https URL of a UI manifest; `-`: the standard input
    #[arg(value_name = "FILE|URL")]
    file: String,
    #[command(flatten)]
    at_url: AtUrl,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What is wrong, and where.
pub(super) struct Finding {
    pub(super) object: String,
    pub(super) path: String,
    pub(super) message: String,
    pub(super) error: bool,
}

impl Finding {
    /// What a rule of manifests found.
    pub(super) fn of_manifest(violation: Violation) -> Self {
        Self {
            object: "UI manifest".to_owned(),
            path: violation.path,
            message: violation.message,
            error: violation.level == Level::Error,
        }
    }
}

impl Check {
    pub(crate) fn execute(self) -> Result<ExitCode, CliError> {
        let (checked, findings) = if self.file.starts_with("https://") || self.file.starts_with("http://") {
            (1, self.at_url.look(&self.file)?)
        } else {
            file(&self.file)?
        };
        let failed = findings.iter().any(|finding| finding.error);
        match self.output {
            Output::Text => {
                for finding in &findings {
                    let level = if finding.error { "error" } else { "warning" };
                    let Finding {
                        object,
                        path,
                        message,
                        ..
                    } = finding;
                    print(&format!("{level}: {object}: {path}: {message}\n"))?;
                }
                if !failed {
                    print(&format!("ok: {checked} checked in {}\n", self.file))?;
                }
            }
            Output::Json => {
                let list: Vec<Value> = findings
                    .iter()
                    .map(|finding| {
                        json!({"object": finding.object, "path": finding.path, "message": finding.message,
                            "level": if finding.error { "error" } else { "warning" }})
                    })
                    .collect();
                print(&format!(
                    "{}\n",
                    json!({"ok": !failed, "checked": checked, "findings": list})
                ))?;
            }
        }
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn file(path: &str) -> Result<(usize, Vec<Finding>), CliError> {
    let bytes = read(path)?;
    if is_manifest(&bytes) {
        return Ok((1, manifest(&bytes)));
    }
    objects(path, &documents(path, &bytes)?)
}

/// A UI manifest is a JSON document that is not an object of Kubernetes.
fn is_manifest(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<Value>(bytes).map_or(true, |value| value.get("apiVersion").is_none())
}

fn manifest(bytes: &[u8]) -> Vec<Finding> {
    let finding = Finding::of_manifest;
    match ui_manifest::validate_alone(bytes) {
        Ok(valid) => valid.warnings.into_iter().map(finding).collect(),
        Err(violations) => violations.into_iter().map(finding).collect(),
    }
}

fn objects(path: &str, documents: &[Value]) -> Result<(usize, Vec<Finding>), CliError> {
    let mut findings = Vec::new();
    let mut checked = 0;
    for document in documents {
        let kind = document["kind"].as_str().unwrap_or_default();
        let invalid = match kind {
            "WazoPlugin" => plugin(document),
            "WazoCore" => core(document),
            _ => continue,
        };
        checked += 1;
        if let Err(invalid) = invalid {
            let name = document["metadata"]["name"].as_str().unwrap_or_default();
            findings.push(Finding {
                object: format!("{kind} \"{name}\""),
                path: invalid.path,
                message: invalid.problem,
                error: true,
            });
        }
    }
    if checked == 0 {
        let problem = "holds no WazoPlugin, no WazoCore and no UI manifest".to_owned();
        return Err(CliError::File {
            path: path.to_owned(),
            problem,
        });
    }
    Ok((checked, findings))
}

fn plugin(document: &Value) -> Result<(), Invalid> {
    let object: Raw<WazoPlugin> = serde_json::from_str(&document.to_string())
        .map_err(|error| Invalid::new("metadata", error.to_string()))?;
    check_name(&object.key().name)?;
    Plugin::parse(object.spec::<WazoPluginSpec>()?).map(drop)
}

fn core(document: &Value) -> Result<(), Invalid> {
    let object: Raw<WazoCore> = serde_json::from_str(&document.to_string())
        .map_err(|error| Invalid::new("metadata", error.to_string()))?;
    let spec: WazoCoreSpec = object.spec()?;
    StackUrl::try_from(spec.url.as_str())
        .map(drop)
        .map_err(|error| Invalid::new("spec.url", error.to_string()))
}

//! `render`: the children of WazoPlugins without a cluster.

use std::process::ExitCode;

use clap::Args;
use wazo_plugin_operator::api::object::Raw;
use wazo_plugin_operator::api::parse::{Invalid, Plugin, check_name};
use wazo_plugin_operator::api::plugin::{WazoPlugin, WazoPluginSpec};
use wazo_plugin_operator::keys::PluginKey;
use wazo_plugin_operator::plan::children;

use super::{CliError, Output, documents, print, read, yaml};

/// Prints the objects that the operator makes for the WazoPlugins of a file.
#[derive(Debug, Args)]
pub(crate) struct Render {
    /// A file with WazoPlugins; `-`: the standard input
    file: String,
    /// The namespace of objects that name none
    #[arg(long, short, default_value = "default")]
    namespace: String,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Render {
    pub(crate) fn execute(self) -> Result<ExitCode, CliError> {
        let problem = |problem: String| CliError::File {
            path: self.file.clone(),
            problem,
        };
        let mut objects = Vec::new();
        for document in documents(&self.file, &read(&self.file)?)? {
            if document["kind"] != "WazoPlugin" {
                continue;
            }
            let object: Raw<WazoPlugin> = serde_json::from_str(&document.to_string())
                .map_err(|error| problem(format!("is not a WazoPlugin: {error}")))?;
            let key = object.key();
            let namespace = if key.namespace.is_empty() {
                self.namespace.clone()
            } else {
                key.namespace.clone()
            };
            let plugin = check_name(&key.name)
                .and_then(|()| object.spec::<WazoPluginSpec>().map_err(Invalid::from))
                .and_then(Plugin::parse)
                .map_err(|error| problem(format!("WazoPlugin \"{}\": {error}", key.name)))?;
            objects.extend(children::render(&PluginKey::new(namespace, key.name), &plugin));
        }
        if objects.is_empty() {
            return Err(problem("holds no WazoPlugin".to_owned()));
        }
        match self.output {
            Output::Text => {
                for object in &objects {
                    print(&format!("---\n{}", yaml(object)?))?;
                }
            }
            Output::Json => {
                let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
                let text = serde_json::to_string_pretty(&list)
                    .map_err(|error| CliError::Print(error.to_string()))?;
                print(&format!("{text}\n"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

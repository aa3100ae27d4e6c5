//! `render`: what the operator makes of WazoPlugins, in the cluster and in the core, without either.

use std::process::ExitCode;

use clap::Args;
use kube::Resource;
use serde_json::{Value, json};
use wazo_plugin_operator::api::core::{WazoCore, WazoCoreSpec};
use wazo_plugin_operator::api::object::Raw;
use wazo_plugin_operator::api::parse::{Invalid, Plugin, check_name};
use wazo_plugin_operator::api::plugin::{WazoPlugin, WazoPluginSpec};
use wazo_plugin_operator::keys::{CoreKey, PluginKey};
use wazo_plugin_operator::plan::children;
use wazo_plugin_operator::plan::outline::{Outlined, outline};

use super::{CliError, Output, documents, print, read, yaml};

/// Prints what the operator makes of the WazoPlugins of a file: their objects, and what stands in the core. Exit code
/// 0: printed; 2: the file or the command line cannot be used. The text form can be applied: what stands in the core
/// is a comment behind the objects. The JSON form is a List with the further field `core`.
#[derive(Debug, Args)]
pub(crate) struct Render {
    /// A file with WazoPlugins, and the WazoCores that they name if they are at hand; `-`: the standard input
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
        let documents = documents(&self.file, &read(&self.file)?)?;
        let cores = self.cores(&documents)?;
        let usual = usual_core();
        let (mut objects, mut core) = (Vec::new(), Vec::new());
        for document in documents
            .iter()
            .filter(|document| document["kind"] == "WazoPlugin")
        {
            let (key, plugin) = self.plugin(document)?;
            objects.extend(children::render(&key, &plugin));
            let reference = &plugin.spec.core_ref;
            let namespace = reference.namespace.as_ref().unwrap_or(&key.namespace);
            let of = CoreKey::new(namespace.clone(), reference.name.clone());
            let spec = cores.iter().find(|(key, _)| *key == of);
            let rows = outline(&key, &plugin, spec.map_or(&usual, |(_, spec)| spec));
            core.extend(rows.into_iter().map(|row| (key.clone(), row)));
        }
        if !documents.iter().any(|document| document["kind"] == "WazoPlugin") {
            return Err(self.problem("holds no WazoPlugin".to_owned()));
        }
        match self.output {
            Output::Text => {
                for object in &objects {
                    print(&format!("---\n{}", yaml(object)?))?;
                }
                print(&comment(&core))?;
            }
            Output::Json => {
                let rows = core.iter().map(|(plugin, row)| with_plugin(plugin, row));
                let rows: Vec<Value> = rows.collect::<Result<_, _>>()?;
                let list = json!({"apiVersion": "v1", "kind": "List", "items": objects, "core": rows});
                let text = serde_json::to_string_pretty(&list)
                    .map_err(|error| CliError::Print(error.to_string()))?;
                print(&format!("{text}\n"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn problem(&self, problem: String) -> CliError {
        CliError::File {
            path: self.file.clone(),
            problem,
        }
    }

    fn namespace(&self, given: &str) -> String {
        if given.is_empty() { &self.namespace } else { given }.to_owned()
    }

    fn plugin(&self, document: &Value) -> Result<(PluginKey, Plugin), CliError> {
        let object: Raw<WazoPlugin> = serde_json::from_str(&document.to_string())
            .map_err(|error| self.problem(format!("is not a WazoPlugin: {error}")))?;
        let key = object.key();
        let plugin = check_name(&key.name)
            .and_then(|()| object.spec::<WazoPluginSpec>().map_err(Invalid::from))
            .and_then(Plugin::parse)
            .map_err(|error| self.problem(format!("WazoPlugin \"{}\": {error}", key.name)))?;
        Ok((PluginKey::new(self.namespace(&key.namespace), key.name), plugin))
    }

    fn cores(&self, documents: &[Value]) -> Result<Vec<(CoreKey, WazoCoreSpec)>, CliError> {
        let cores = documents.iter().filter(|document| document["kind"] == "WazoCore");
        cores
            .map(|document| {
                let object: Raw<WazoCore> = serde_json::from_str(&document.to_string())
                    .map_err(|error| self.problem(format!("is not a WazoCore: {error}")))?;
                let name = object.meta().name.clone().unwrap_or_default();
                let namespace = self.namespace(object.meta().namespace.as_deref().unwrap_or_default());
                let spec = object.spec().map_err(|error| {
                    self.problem(format!("WazoCore \"{name}\": {}", Invalid::from(error)))
                })?;
                Ok((CoreKey::new(namespace, name), spec))
            })
            .collect()
    }
}

/// A WazoCore that says nothing of its applications: for plugins whose core is not in the file.
fn usual_core() -> WazoCoreSpec {
    let spec = json!({"url": "https://core.example", "credentials": {"secretName": "core"}});
    serde_json::from_value(spec).expect("a WazoCore needs a URL and credentials")
}

fn with_plugin(plugin: &PluginKey, row: &Outlined) -> Result<Value, CliError> {
    let mut value = serde_json::to_value(row).map_err(|error| CliError::Print(error.to_string()))?;
    value["plugin"] = json!(plugin.to_string());
    Ok(value)
}

/// What stands in the core, as comments: the output stays one that can be applied.
fn comment(rows: &[(PluginKey, Outlined)]) -> String {
    let mut text = String::new();
    for (plugin, row) in rows {
        text.push_str(&format!(
            "# In the core {}, {:?} \"{}\" of {plugin}\n#   tenants: {}\n#   holds: {}\n#   after: {}\n",
            row.core,
            row.kind,
            row.name,
            row.tenants.join(", "),
            row.holds,
            row.after,
        ));
        for object in &row.objects {
            text.push_str(&format!("#   object: {object}\n"));
        }
    }
    text
}

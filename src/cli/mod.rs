//! The commands.

mod check;
mod check_url;
mod completions;
mod crd;
mod judge;
mod leader_elect;
mod render;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Runs Wazo plugins in Kubernetes, registers them with the Wazo core, and says whose fault it is when one fails.
#[derive(Debug, Parser)]
#[command(name = "wazo-plugin-operator", version, about)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the operator in, or against, the cluster of the current kubeconfig
    Run(Box<run::Run>),
    /// Print the CustomResourceDefinitions, or write them into a folder
    Crd(crd::Crd),
    /// Print the objects that the operator makes for the WazoPlugins of a file, and what stands in the core then
    Render(render::Render),
    /// Check a WazoPlugin, a WazoCore or a UI manifest, by file or by URL, without a cluster
    Check(check::Check),
    /// Judge a recording of what the operator knew of a plugin, and explain the verdict
    Judge(judge::Judge),
    /// Print a script with which a shell completes these commands
    Completions(completions::Completions),
}

impl Command {
    pub(crate) fn execute(self) -> Result<ExitCode, CliError> {
        match self {
            Self::Run(run) => run.execute(),
            Self::Crd(crd) => crd.execute(),
            Self::Render(render) => render.execute(),
            Self::Check(check) => check.execute(),
            Self::Judge(judge) => judge.execute(),
            Self::Completions(completions) => completions.execute(),
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// A file cannot be read.
    #[error("failed to read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("failed to write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something cannot be written as YAML or JSON.
    #[error("failed to print: {0}")]
    Print(String),
    /// The API server of the kubeconfig cannot be used.
    #[error("failed to reach the API server: {0}; set KUBECONFIG, or run in a pod with a ServiceAccount")]
    Kube(String),
    /// A thread or socket cannot be made.
    #[error("failed to start: {0}")]
    Start(String),
    /// The operator ended otherwise than asked.
    #[error(transparent)]
    Run(#[from] wazo_plugin_operator::controller::RunError),
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// YAML, or text for people.
    Text,
    /// JSON.
    Json,
}

/// Reads a file, or the standard input for `-`.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::Read {
        path: path.to_owned(),
        source,
    };
    if path == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(failed)
}

/// Writes to the standard output. A reader that has enough (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::Print(error.to_string()))
        }
        _ => Ok(()),
    }
}

/// A value as one YAML document. By way of JSON text: numbers of any precision are a private form of the JSON library,
/// which another format must not see.
pub(crate) fn yaml(value: &impl serde::Serialize) -> Result<String, CliError> {
    let print = |error: &dyn std::fmt::Display| CliError::Print(error.to_string());
    let json = serde_json::to_string(value).map_err(|error| print(&error))?;
    let value: serde_yaml::Value = serde_yaml::from_str(&json).map_err(|error| print(&error))?;
    serde_yaml::to_string(&value).map_err(|error| print(&error))
}

/// The documents of a YAML (or JSON) file as JSON values; empty ones are left out.
pub(crate) fn documents(path: &str, bytes: &[u8]) -> Result<Vec<serde_json::Value>, CliError> {
    use serde::Deserialize;
    let problem = |problem: String| CliError::File {
        path: path.to_owned(),
        problem,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| problem("is not UTF-8 text".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = serde_yaml::Value::deserialize(document).map_err(|error| problem(error.to_string()))?;
        if value.is_null() {
            continue;
        }
        let json = serde_json::to_string(&value).map_err(|error| problem(error.to_string()))?;
        documents.push(serde_json::from_str(&json).map_err(|error| problem(error.to_string()))?);
    }
    Ok(documents)
}

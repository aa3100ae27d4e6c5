//! `crd`: the CustomResourceDefinitions.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{CliError, print, yaml};

/// Prints the CustomResourceDefinitions, or writes each into a file of a folder.
#[derive(Debug, Args)]
pub(crate) struct Crd {
    /// Write `<plural>.yaml` files into this folder instead of printing
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Crd {
    pub(crate) fn execute(self) -> Result<ExitCode, CliError> {
        let definitions = wazo_plugin_operator::api::crd::definitions()
            .map_err(|error| CliError::Print(error.to_string()))?;
        for definition in definitions {
            let text = yaml(&definition)?;
            match &self.out {
                None => print(&format!("---\n{text}"))?,
                Some(folder) => {
                    let path = folder.join(format!("{}.yaml", definition.spec.names.plural));
                    std::fs::write(&path, text).map_err(|source| CliError::Write {
                        path: path.display().to_string(),
                        source,
                    })?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

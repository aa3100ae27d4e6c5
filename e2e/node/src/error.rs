//! Why there is no node, and how a command is run so that its failure tells why.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Why the node, or something on it, is not there.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A program cannot be started.
    #[error("failed to start {program}: {source}: {remedy}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A command ended with an error.
    #[error("{command}\nfailed ({status}): {said}")]
    Failed {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// What it said.
        said: String,
    },
    /// A variable of the environment is needed.
    #[error("{name} is not set: {remedy}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A variable, an address or a state cannot be understood.
    #[error("{what}: {reason}")]
    Unusable {
        /// What.
        what: String,
        /// Why not.
        reason: String,
    },
    /// A file cannot be read.
    #[error("failed to read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Runs a command to its end; the answer is its standard output.
///
/// # Errors
/// When it cannot be started or ends with an error; what it said is in the error.
pub fn run(command: &mut Command) -> Result<String, NodeError> {
    let line = line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| NodeError::Start {
            program: line.clone(),
            source,
            remedy: "run it through make, which builds what it needs",
        })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(NodeError::Failed {
        command: line,
        status: output.status.to_string(),
        said: format!("{}\n{}", text(&output.stdout), text(&output.stderr))
            .trim()
            .to_owned(),
    })
}

/// A command as a person would type it.
fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

//! One line of a recording.

use json_patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line: a whole World, or what differs from the one before.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Line {
    /// The version of the format; on whole Worlds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recording: Option<u32>,
    /// The version of the operator; on whole Worlds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) world: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) patch: Option<Patch>,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("failed to read {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Nothing is in it.
    #[error("the recording is empty")]
    Empty,
    /// A line is not one of a recording.
    #[error("line {line}: {problem}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, and what to do.
        problem: String,
    },
}

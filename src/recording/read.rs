//! Reads a recording.

use std::path::Path;

use serde_json::Value;

use super::VERSION;
use super::line::{Line, RecordingError};
use crate::observe::world::World;

/// The Worlds of a recording file, in the order in which they were seen.
///
/// # Errors
/// When the file cannot be read, or is not a recording; the line is named.
pub fn read(path: &Path) -> Result<Vec<World>, RecordingError> {
    let text = std::fs::read_to_string(path).map_err(|source| RecordingError::File {
        path: path.display().to_string(),
        source,
    })?;
    parse(&text)
}

/// The Worlds of a recording, in the order in which they were seen. A last line that was cut off is left out: the
/// operator may have been ended while it wrote.
///
/// # Errors
/// When it is not a recording; the line is named.
pub fn parse(text: &str) -> Result<Vec<World>, RecordingError> {
    let whole = text.rfind('\n').map_or(text, |end| &text[..end]);
    let mut state: Option<Value> = None;
    let mut worlds = Vec::new();
    for (index, line) in whole.lines().enumerate() {
        let number = index + 1;
        if line.trim().is_empty() {
            continue;
        }
        let next = step(state.take(), line).map_err(|problem| RecordingError::Line {
            line: number,
            problem,
        })?;
        worlds.push(world(&next).map_err(|problem| RecordingError::Line {
            line: number,
            problem,
        })?);
        state = Some(next);
    }
    if worlds.is_empty() {
        return Err(RecordingError::Empty);
    }
    Ok(worlds)
}

/// The state after a line.
fn step(before: Option<Value>, line: &str) -> Result<Value, String> {
    let line: Line = serde_json::from_str(line)
        .map_err(|error| format!("is not a line of a recording: {error}; record with --record-directory"))?;
    match (line.world, line.patch, before) {
        (Some(_), _, _) if line.recording != Some(VERSION) => Err(format!(
            "is of version {:?} of the format, not {VERSION}: use the operator's version that recorded it ({})",
            line.recording.unwrap_or_default(),
            line.operator.as_deref().unwrap_or("unknown"),
        )),
        (Some(world), None, _) => Ok(world),
        (None, Some(patch), Some(mut state)) => {
            json_patch::patch(&mut state, &patch)
                .map_err(|error| format!("does not follow from the line before: {error}"))?;
            Ok(state)
        }
        (None, Some(_), None) => Err("tells what differs, but no whole line is before it".to_owned()),
        _ => Err("holds neither \"world\" nor \"patch\"".to_owned()),
    }
}

fn world(state: &Value) -> Result<World, String> {
    // By way of text: numbers of any precision are a private form of the JSON library.
    let text = state.to_string();
    let mut reader = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| format!("field {}: {}", error.path(), error.inner()))
}

//! Writes recordings: one file a plugin, below one folder.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::VERSION;
use super::line::Line;
use super::redact::redact;
use crate::keys::PluginKey;
use crate::observe::world::World;

/// As many bytes are written of one plugin in one run of the operator.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// What changes with every look and tells nothing.
const VOLATILE: [&str; 4] = ["checked_at", "last_good", "resource_version", "requested_at"];

/// The lines of one recording, made from Worlds as they come.
#[derive(Debug, Default)]
pub struct Tape {
    written: Option<Value>,
    shown: Option<Value>,
}

impl Tape {
    /// The line for a World; `None`: it shows nothing that the one before did not show.
    ///
    /// # Errors
    /// When the World cannot be written as JSON.
    pub fn line(&mut self, world: &World) -> Result<Option<String>, serde_json::Error> {
        let mut value = serde_json::to_value(world)?;
        redact(&mut value);
        let shown = shown(&value);
        if self.shown.as_ref() == Some(&shown) {
            return Ok(None);
        }
        let line = match &self.written {
            None => Line {
                recording: Some(VERSION),
                operator: Some(env!("CARGO_PKG_VERSION").to_owned()),
                world: Some(value.clone()),
                patch: None,
            },
            Some(before) => Line {
                recording: None,
                operator: None,
                world: None,
                patch: Some(json_patch::diff(before, &value)),
            },
        };
        self.shown = Some(shown);
        self.written = Some(value);
        Ok(Some(serde_json::to_string(&line)? + "\n"))
    }
}

/// Without what differs at every look.
fn shown(world: &Value) -> Value {
    let mut shown = world.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("now");
        // A replay remembers its own.
        fields.remove("verdicts");
    }
    without_volatile(&mut shown);
    shown
}

fn without_volatile(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !VOLATILE.contains(&name.as_str()));
            fields.values_mut().for_each(without_volatile);
        }
        Value::Array(items) => items.iter_mut().for_each(without_volatile),
        _ => {}
    }
}

/// Records plugins below a folder, as `NAMESPACE/NAME.jsonl`; cheap to clone, shared. A file that is there from an
/// earlier run is continued by a whole line.
#[derive(Clone, Debug)]
pub struct Recorder {
    folder: Arc<Path>,
    open: Arc<Mutex<HashMap<PluginKey, Open>>>,
}

#[derive(Debug)]
struct Open {
    tape: Tape,
    file: File,
    bytes: usize,
}

impl Recorder {
    /// A recorder below a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: PathBuf) -> io::Result<Self> {
        create_dir_all(&folder)?;
        Ok(Self {
            folder: folder.into(),
            open: Arc::default(),
        })
    }

    /// Writes down what is known of a plugin, where it differs from what was known. What cannot be written is told to the
    /// log, and holds up nothing.
    pub fn note(&self, world: &World) {
        if let Err(error) = self.write(world) {
            tracing::warn!(plugin = %world.itself.key, %error, "failed to record what is known of a plugin");
        }
    }

    /// A plugin is gone: its file stays, and is not kept open.
    pub fn forget(&self, key: &PluginKey) {
        self.open().remove(key);
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<PluginKey, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, world: &World) -> io::Result<()> {
        let key = &world.itself.key;
        let mut all = self.open();
        if !all.contains_key(key) {
            all.insert(key.clone(), self.begin(key)?);
        }
        let Some(open) = all.get_mut(key).filter(|open| open.bytes < MOST_BYTES) else {
            return Ok(());
        };
        let Some(line) = open.tape.line(world)? else {
            return Ok(());
        };
        open.bytes += line.len();
        open.file.write_all(line.as_bytes())
    }

    fn begin(&self, key: &PluginKey) -> io::Result<Open> {
        let folder = self.folder.join(&key.namespace);
        create_dir_all(&folder)?;
        let path = folder.join(format!("{}.jsonl", key.name));
        Ok(Open {
            tape: Tape::default(),
            file: OpenOptions::new().create(true).append(true).open(path)?,
            bytes: 0,
        })
    }
}

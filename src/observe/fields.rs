//! Whose the fields of a child are: the API server keeps it in `metadata.managedFields`, for every manager the set of
//! fields that it set last (server-side apply, KEP-555). What we applied and do not own any more, somebody else has
//! changed or removed: that can be told from the object alone, after a restart as well.
//!
//! Kept are hashes of paths, four bytes a field: thousands of children are watched.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::names::CHILDREN_MANAGER;

/// Fields by the hashes of their paths, sorted.
type Fields = Box<[u32]>;

/// Whose the fields of an object are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    ours: Fields,
    /// Who else set fields, the status aside: usually nobody.
    others: Vec<(String, Fields)>,
}

/// A field that we applied and do not own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostField {
    /// Its path, as in `spec.template.spec.containers[name=plugin].image`; never its value.
    pub path: String,
    hash: u32,
}

/// The fields of the metadata that say which object it is; nobody owns them.
const IDENTITY: [&str; 3] = ["name", "namespace", "uid"];
/// The fields by which lists of Kubernetes are keyed, the one to be shown first.
const LIST_KEYS: [&str; 8] = [
    "name",
    "containerPort",
    "port",
    "mountPath",
    "uid",
    "topologyKey",
    "ip",
    "key",
];

impl LostField {
    fn new(path: Path, text: &str) -> Self {
        Self {
            path: text.to_owned(),
            hash: path.leaf(),
        }
    }
}

impl Ownership {
    /// From `metadata.managedFields`.
    #[must_use]
    pub fn of(entries: Option<&Vec<ManagedFieldsEntry>>) -> Self {
        let mut ownership = Self::default();
        for entry in entries.into_iter().flatten() {
            let Some(fields) = &entry.fields_v1 else { continue };
            if entry.subresource.as_deref() == Some("status") {
                continue;
            }
            let mut found = Vec::new();
            collect(&fields.0, Path::ROOT, &mut found);
            found.sort_unstable();
            found.dedup();
            let manager = entry.manager.as_deref().unwrap_or_default();
            if manager == CHILDREN_MANAGER && entry.operation.as_deref() == Some("Apply") {
                ownership.ours = found.into();
            } else {
                ownership.others.push((manager.to_owned(), found.into()));
            }
        }
        ownership
    }

    /// The fields of an applied configuration that are not ours any more.
    #[must_use]
    pub fn lost(&self, applied: &Value) -> Vec<LostField> {
        let mut lost = Vec::new();
        for (name, value) in applied.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("apiVersion" | "kind", _) => {}
                ("metadata", Value::Object(metadata)) => {
                    for (field, value) in metadata {
                        if !IDENTITY.contains(&field.as_str()) {
                            let path = Path::ROOT.field("metadata").field(field);
                            self.walk(value, path, &format!("metadata.{field}"), &mut lost);
                        }
                    }
                }
                _ => self.walk(value, Path::ROOT.field(name), name, &mut lost),
            }
        }
        lost
    }

    /// Who owns one of these fields now; `None`: it was removed, and nobody has it.
    #[must_use]
    pub fn taken_by(&self, lost: &[LostField]) -> Option<&str> {
        let owns = |fields: &Fields| lost.iter().any(|field| has(fields, field.hash));
        self.others
            .iter()
            .find(|(_, fields)| owns(fields))
            .or_else(|| self.others.first())
            .map(|(manager, _)| manager.as_str())
    }

    fn walk(&self, value: &Value, path: Path, text: &str, lost: &mut Vec<LostField>) {
        if value.is_null() || has(&self.ours, path.leaf()) {
            return;
        }
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    let plain = name.chars().all(|c| c.is_ascii_alphanumeric());
                    let text = if plain {
                        format!("{text}.{name}")
                    } else {
                        format!("{text}[{name}]")
                    };
                    self.walk(value, path.field(name), &text, lost);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    match item.as_object() {
                        Some(fields) => {
                            let label = label(item);
                            let text = format!("{text}{label}");
                            let known = fields
                                .iter()
                                .map(|(name, value)| path.item(name, value))
                                .find(|path| has(&self.ours, path.leaf()) || has(&self.ours, path.node()));
                            match known {
                                Some(path) => self.walk(item, path, &text, lost),
                                None => lost.push(LostField::new(path, &text)),
                            }
                        }
                        None if has(&self.ours, path.value(item).leaf()) => {}
                        None => lost.push(LostField::new(path.value(item), text)),
                    }
                }
            }
            _ => lost.push(LostField::new(path, text)),
        }
    }
}

/// How an item of a list is called: by its key, which is no secret, and never by a value.
fn label(item: &Value) -> String {
    LIST_KEYS
        .iter()
        .find_map(|key| match &item[*key] {
            Value::String(text) => Some(format!("[{key}={text}]")),
            Value::Number(number) => Some(format!("[{key}={number}]")),
            _ => None,
        })
        .unwrap_or_else(|| "[]".to_owned())
}

fn has(fields: &[u32], hash: u32) -> bool {
    fields.binary_search(&hash).is_ok()
}

fn collect(fields: &Value, path: Path, found: &mut Vec<u32>) {
    let Some(fields) = fields.as_object() else { return };
    let children = fields.iter().filter(|(name, _)| *name != ".");
    let mut leaf = true;
    for (name, below) in children {
        leaf = false;
        let (kind, text) = name.split_once(':').unwrap_or(("f", name));
        let parsed: Option<Value> = serde_json::from_str(text).ok();
        let path = match (kind, parsed) {
            ("k", Some(Value::Object(keys))) => {
                // All of a list's keys may be more than what was applied: the server fills in defaults.
                let first = keys.iter().min_by_key(|(name, _)| name.as_str());
                let path = first.map_or(path, |(name, value)| path.item(name, value));
                found.push(path.node());
                path
            }
            ("v", Some(value)) => path.value(&value),
            _ => path.field(text),
        };
        collect(below, path, found);
    }
    if leaf {
        found.push(path.leaf());
    }
}

/// A path, hashed (FNV-1a).
#[derive(Clone, Copy)]
struct Path(u32);

impl Path {
    const ROOT: Self = Self(0x811c_9dc5);

    const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u32).wrapping_mul(0x0100_0193))
    }

    fn step(self, kind: u8, text: &str) -> Self {
        text.bytes()
            .fold(self.byte(0xff).byte(kind), |path, byte| path.byte(byte))
    }

    fn field(self, name: &str) -> Self {
        self.step(b'f', name)
    }

    fn item(self, key: &str, value: &Value) -> Self {
        self.step(b'k', key).step(b'=', &value.to_string())
    }

    fn value(self, value: &Value) -> Self {
        self.step(b'v', &value.to_string())
    }

    /// The field itself, whatever is below it.
    const fn leaf(self) -> u32 {
        self.byte(0xfe).0
    }

    /// An item of a list, of which single fields are owned.
    const fn node(self) -> u32 {
        self.byte(0xfd).0
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;

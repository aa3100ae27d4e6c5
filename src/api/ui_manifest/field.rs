//! Reading fields of a JSON object and saying what is wrong with them. A `null` is an absent field, as the
//! applications' code takes it.

use serde_json::{Map, Value};

use super::report::Report;
use super::violation::{Level, Rule};

/// A JSON object and where it stands.
pub(super) struct Object<'a> {
    /// Empty for the manifest itself.
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The manifest itself.
    pub(super) const fn root(fields: &'a Map<String, Value>) -> Self {
        Self {
            path: String::new(),
            fields,
        }
    }

    /// An element of a list.
    pub(super) const fn at(path: String, fields: &'a Map<String, Value>) -> Self {
        Self { path, fields }
    }

    /// The path of a field of it.
    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A text that must be there. `level` says how bad it is when it is not, or when it is something else.
    pub(super) fn required_text(&self, name: &str, level: Level, report: &mut Report) -> Option<&'a str> {
        if self.get(name).is_none() {
            let message = "is required: a text".to_owned();
            report.add(level, self.path(name), Rule::Required, message);
        }
        self.text(name, level, report)
    }

    /// A text that may be there.
    pub(super) fn text(&self, name: &str, level: Level, report: &mut Report) -> Option<&'a str> {
        self.typed(name, level, "a text", Value::as_str, report)
    }

    /// A yes or no that may be there.
    pub(super) fn truth(&self, name: &str, report: &mut Report) -> Option<bool> {
        self.typed(name, Level::Warning, "true or false", Value::as_bool, report)
    }

    /// A number that may be there.
    pub(super) fn number(&self, name: &str, report: &mut Report) {
        self.typed(
            name,
            Level::Warning,
            "a number",
            |value| value.is_number().then_some(()),
            report,
        );
    }

    /// A list that may be there.
    pub(super) fn list(&self, name: &str, level: Level, report: &mut Report) -> Option<&'a [Value]> {
        self.typed(
            name,
            level,
            "a list",
            |value| value.as_array().map(Vec::as_slice),
            report,
        )
    }

    /// A list that must be there.
    pub(super) fn required_list(&self, name: &str, report: &mut Report) -> Option<&'a [Value]> {
        if self.get(name).is_none() {
            report.error(self.path(name), Rule::Required, "is required: a list");
        }
        self.list(name, Level::Error, report)
    }

    /// An object that may be there.
    pub(super) fn object(&self, name: &str, level: Level, report: &mut Report) -> Option<Self> {
        let fields = self.typed(name, level, "an object", Value::as_object, report)?;
        Some(Self::at(self.path(name), fields))
    }

    /// An object that must be there.
    pub(super) fn required_object(&self, name: &str, report: &mut Report) -> Option<Self> {
        if self.get(name).is_none() {
            report.error(self.path(name), Rule::Required, "is required: an object");
        }
        self.object(name, Level::Error, report)
    }

    fn typed<T>(
        &self,
        name: &str,
        level: Level,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
        report: &mut Report,
    ) -> Option<T> {
        let value = self.get(name)?;
        let found = read(value);
        if found.is_none() {
            let message = format!("must be {wanted}, is {}", kind(value));
            report.add(level, self.path(name), Rule::WrongType, message);
        }
        found
    }
}

/// The type of a JSON value, in words.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

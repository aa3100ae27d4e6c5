//! A value with the path at which it stands.

use serde_json::Value;

use crate::api::parse::Invalid;

/// A value with the path at which it stands.
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn new(value: &'a Value, path: impl Into<String>) -> Self {
        Self {
            value,
            path: path.into(),
        }
    }

    /// A field that is there.
    pub(super) fn get(&self, field: &str) -> Option<Self> {
        let value = self.value.get(field).filter(|value| !value.is_null())?;
        Some(Self::new(value, format!("{}.{field}", self.path)))
    }

    /// A field at the end of some fields.
    pub(super) fn at(&self, fields: &[&str]) -> Option<Self> {
        let (first, rest) = fields.split_first()?;
        rest.iter()
            .try_fold(self.get(first)?, |node, field| node.get(field))
    }

    /// The items of a list; none where it is something else.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items
            .map(|(index, item)| Self::new(item, format!("{}[{index}]", self.path)))
            .collect()
    }

    /// The items of a list in a field.
    pub(super) fn list(&self, field: &str) -> Vec<Self> {
        self.get(field).map(|list| list.items()).unwrap_or_default()
    }

    /// All fields of an object.
    pub(super) fn fields(&self) -> Vec<(&'a str, Self)> {
        let fields = self.value.as_object().into_iter().flatten();
        fields
            .map(|(name, value)| (name.as_str(), Self::new(value, format!("{}.{name}", self.path))))
            .collect()
    }

    pub(super) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn bad(&self, problem: impl Into<String>) -> Invalid {
        Invalid::new(self.path.clone(), problem)
    }

    /// Refuses the field where it is there.
    pub(super) fn refuse(&self, field: &str, problem: &str) -> Result<(), Invalid> {
        self.get(field).map_or(Ok(()), |found| Err(found.bad(problem)))
    }

    /// Refuses the field where it is this value.
    pub(super) fn refuse_value(&self, field: &str, value: &Value, problem: &str) -> Result<(), Invalid> {
        match self.get(field) {
            Some(found) if found.value == value => Err(found.bad(problem)),
            _ => Ok(()),
        }
    }
}

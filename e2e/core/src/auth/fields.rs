//! The checks of a body's fields, with the words and constraints that wazo-auth answers.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, problem};

/// Reads fields one by one and keeps what is wrong with each.
pub(super) struct Fields<'a> {
    body: &'a Map<String, Value>,
    wrong: Map<String, Value>,
}

pub(super) fn wrong_type(message: &str, kind: &str) -> Value {
    json!({"message": message, "constraint_id": "type", "constraint": kind})
}

pub(super) fn wrong_null() -> Value {
    json!({"message": "Field may not be null.", "constraint_id": "not_null", "constraint": "not_null"})
}

pub(super) fn missing() -> Value {
    json!({"message": "Missing data for required field.", "constraint_id": "required", "constraint": "required"})
}

pub(super) fn wrong_length(min: usize, max: Option<usize>) -> Value {
    let message = match max {
        Some(max) => format!("Length must be between {min} and {max}."),
        None => format!("Shorter than minimum length {min}."),
    };
    json!({"constraint_id": "length", "constraint": {"min": min, "max": max}, "message": message})
}

pub(super) fn wrong_pattern(pattern: &str) -> Value {
    json!({"constraint_id": "regex", "constraint": pattern, "message": "String does not match expected pattern."})
}

fn wrong_choice(choices: &[&str]) -> Value {
    let message = format!("Must be one of: {}.", choices.join(", "));
    json!({"constraint_id": "enum", "constraint": {"choices": choices}, "message": message})
}

impl<'a> Fields<'a> {
    pub(super) fn new(body: &'a Map<String, Value>) -> Self {
        Self {
            body,
            wrong: Map::new(),
        }
    }

    pub(super) fn refuse(&mut self, name: &str, what: Value) {
        self.wrong.entry(name.to_owned()).or_insert(what);
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name)
    }

    /// A text that may be null or absent.
    pub(super) fn text(&mut self, name: &str, min: usize, max: Option<usize>) -> Option<String> {
        match self.body.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => {
                let length = text.chars().count();
                if length < min || max.is_some_and(|max| length > max) {
                    self.refuse(name, wrong_length(min, max));
                }
                Some(text.clone())
            }
            Some(_) => {
                self.refuse(name, wrong_type("Not a valid string.", "string"));
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, name: &str, min: usize, max: Option<usize>) -> String {
        match self.body.get(name) {
            None => self.refuse(name, missing()),
            Some(Value::Null) => self.refuse(name, wrong_null()),
            Some(_) => {}
        }
        self.text(name, min, max).unwrap_or_default()
    }

    pub(super) fn uuid(&mut self, name: &str) -> Option<String> {
        match self.body.get(name) {
            None | Some(Value::Null) => None,
            Some(value) => {
                let uuid = value.as_str().and_then(|text| uuid::Uuid::try_parse(text).ok());
                if uuid.is_none() {
                    self.refuse(name, wrong_type("Not a valid UUID.", "uuid"));
                }
                uuid.map(|uuid| uuid.to_string())
            }
        }
    }

    pub(super) fn flag(&mut self, name: &str, absent: bool) -> bool {
        match self.body.get(name) {
            None => absent,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Null) => {
                self.refuse(name, wrong_null());
                absent
            }
            Some(_) => {
                self.refuse(name, wrong_type("Not a valid boolean.", "boolean"));
                absent
            }
        }
    }

    pub(super) fn choice(&mut self, name: &str, choices: &[&str], absent: &str) -> String {
        match self.body.get(name) {
            None => absent.to_owned(),
            Some(Value::String(text)) if choices.contains(&text.as_str()) => text.clone(),
            Some(_) => {
                self.refuse(name, wrong_choice(choices));
                absent.to_owned()
            }
        }
    }

    pub(super) fn email(&mut self, name: &str) -> Option<String> {
        let text = self.text(name, 0, None)?;
        let well = text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
        if !well {
            self.refuse(name, wrong_type("Not a valid email address.", "email"));
        }
        Some(text)
    }

    /// Ends the reading: 400 `invalid-data` with the first message, if a field was wrong.
    pub(super) fn done(self, now: f64, resource: &str) -> Result<(), Box<Answer>> {
        match self.wrong.values().find_map(first_message) {
            None => Ok(()),
            Some(message) => {
                let details = Value::Object(self.wrong);
                Err(problem(
                    now,
                    400,
                    json!(message),
                    "invalid-data",
                    details,
                    Some(resource),
                ))
            }
        }
    }
}

fn first_message(value: &Value) -> Option<String> {
    let map = value.as_object()?;
    let own = map.get("message").and_then(Value::as_str).map(ToOwned::to_owned);
    own.or_else(|| map.values().find_map(first_message))
}

//! What is not written down.

use serde_json::Value;

/// What stands in place of a value.
const REDACTED: &str = "<redacted>";

/// Takes the values out of all lists `env`: a plugin's author may have put a password there.
pub(super) fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if name == "env" {
                    hide(field);
                } else {
                    redact(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

fn hide(env: &mut Value) {
    let variables = env.as_array_mut().into_iter().flatten();
    for value in variables.filter_map(|variable| variable.get_mut("value")) {
        if value.is_string() {
            *value = Value::String(REDACTED.to_owned());
        }
    }
}

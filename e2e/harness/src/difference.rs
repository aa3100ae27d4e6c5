//! Where two JSON values differ, by path.

use serde_json::Value;

/// One line per difference; empty for equal values.
#[must_use]
pub fn difference(left: &Value, right: &Value) -> String {
    let mut lines = Vec::new();
    walk(String::new(), left, right, &mut lines);
    lines.join("\n")
}

fn walk(path: String, left: &Value, right: &Value, lines: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                walk(format!("{path}.{key}"), &left[key], &right[key], lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for index in 0..a.len() {
                walk(format!("{path}[{index}]"), &a[index], &b[index], lines);
            }
        }
        _ if left != right => lines.push(format!("  {path}: {left} -> {right}")),
        _ => {}
    }
}

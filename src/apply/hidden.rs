//! What of an object is nobody else's business, and is taken out of words that others say of it.

use std::collections::BTreeSet;

use serde_json::Value;

/// Shorter texts stand everywhere.
const SHORTEST: usize = 8;
const HIDDEN: &str = "<hidden>";

/// Words without what stands in the environment, the command and the arguments of an object's containers.
pub(super) fn without(words: &str, object: &Value) -> String {
    let mut texts = BTreeSet::new();
    collect(object, &mut texts);
    let mut texts: Vec<&str> = texts.into_iter().collect();
    // One may stand within another.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
        .into_iter()
        .fold(words.to_owned(), |words, text| words.replace(text, HIDDEN))
}

fn collect<'a>(object: &'a Value, texts: &mut BTreeSet<&'a str>) {
    let pod = &object["spec"]["template"]["spec"];
    let containers = ["containers", "initContainers"].map(|list| pod[list].as_array());
    for container in containers.into_iter().flatten().flatten() {
        let variables = container["env"].as_array().into_iter().flatten();
        let lists = ["command", "args"].map(|list| container[list].as_array());
        let values = variables
            .map(|variable| &variable["value"])
            .chain(lists.into_iter().flatten().flatten());
        for value in values.filter_map(Value::as_str) {
            // As it is, and line by line: it may be told either way.
            let parts = std::iter::once(value).chain(value.lines());
            texts.extend(parts.filter(|part| part.len() >= SHORTEST));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::without;

    #[test]
    fn what_a_container_is_started_with_is_hidden_and_short_texts_are_not() {
        let object = json!({"spec": {"template": {"spec": {
            "containers": [{
                "args": ["--password=correct horse"], "command": ["/bin/run-it"],
                "env": [{"name": "A", "value": "correct horse battery"}, {"name": "B", "value": "true"},
                    {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            }],
            "initContainers": [{"env": [{"name": "D", "value": "first line\nsecond line"}]}],
        }}}});
        let words = "true: /bin/run-it --password=correct horse, correct horse battery; second line";
        assert_eq!(
            without(words, &object),
            "true: <hidden> <hidden>, <hidden>; <hidden>"
        );
    }
}

//! What of an object is nobody else's business, and is taken out of words that others say of it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

/// Shorter texts stand everywhere.
const SHORTEST: usize = 8;
const HIDDEN: &str = "<hidden>";
/// Longer words, in bytes, are not looked through: an author can make the API server say a megabyte.
const LONGEST: usize = 16 * 1024;
/// More texts are not looked for.
const MOST: usize = 2_000;
const NOT_REPEATED: &str = "the words of the API server are too long to be repeated";

/// Words without what stands in the environment, the command and the arguments of an object's containers, as it is or
/// quoted (the API server quotes values as Go's `%q`, which is JSON's way for what is told here). None of the words, where
/// there are too many to look through.
pub(super) fn without(words: &str, object: &Value) -> String {
    let mut texts = BTreeSet::new();
    collect(object, &mut texts);
    if words.len() > LONGEST || texts.len() > MOST {
        return NOT_REPEATED.to_owned();
    }
    let mut texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    // One may stand within another.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
        .into_iter()
        .fold(words.to_owned(), |words, text| words.replace(text, HIDDEN))
}

fn collect<'a>(object: &'a Value, texts: &mut BTreeSet<Cow<'a, str>>) {
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
            for part in std::iter::once(value).chain(value.lines()) {
                if part.len() >= SHORTEST {
                    texts.insert(Cow::Borrowed(part));
                    let quoted = Value::from(part).to_string();
                    texts.insert(Cow::Owned(quoted[1..quoted.len() - 1].to_owned()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LONGEST, MOST, NOT_REPEATED, without};

    fn started_with(args: &[String]) -> serde_json::Value {
        json!({"spec": {"template": {"spec": {"containers": [{"args": args}]}}}})
    }

    #[test]
    fn what_the_api_server_quotes_is_hidden_too() {
        let object = started_with(&["pass\"word\\of\tmine".to_owned()]);
        let words = r#"Invalid value: "pass\"word\\of\tmine": must not"#;
        assert_eq!(without(words, &object), r#"Invalid value: "<hidden>": must not"#);
    }

    #[test]
    fn of_words_or_texts_too_many_to_look_through_nothing_is_repeated() {
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(without(&long, &started_with(&[])), NOT_REPEATED);
        let many: Vec<String> = (0..=MOST).map(|number| format!("argument {number:08}")).collect();
        assert_eq!(without("short words", &started_with(&many)), NOT_REPEATED);
        assert_eq!(
            without("short words", &started_with(&many[..MOST])),
            "short words"
        );
    }

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

//! The forms of versions.

/// Whether a text is a version by the grammar of Semantic Versioning 2.0.0.
pub(super) fn is_semantic(text: &str) -> bool {
    let (rest, build) = split(text, '+');
    let (core, pre_release) = split(rest, '-');
    let mut numbers = core.split('.');
    let three = numbers
        .by_ref()
        .take(3)
        .filter(|number| is_number(number))
        .count()
        == 3;
    three
        && numbers.next().is_none()
        && build.is_none_or(|build| build.split('.').all(is_identifier))
        && pre_release.is_none_or(|pre_release| {
            pre_release.split('.').all(|part| {
                is_identifier(part) && (!part.bytes().all(|byte| byte.is_ascii_digit()) || is_number(part))
            })
        })
}

/// Whether a text has the form of a stack's version: `YY.NN`, as in `26.08`.
pub(super) fn is_stack(text: &str) -> bool {
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(year, number)| two(year) && two(number))
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{is_semantic, is_stack};

    #[test]
    fn semantic_versions_are_told_from_other_texts() {
        for good in [
            "0.0.0",
            "1.2.3",
            "10.20.30",
            "1.0.0-rc.1",
            "1.0.0-0a.x-y",
            "1.0.0+001",
            "1.0.0-a+b.c",
        ] {
            assert!(is_semantic(good), "{good}");
        }
        for bad in [
            "", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.x", "1.2.3-", "1.2.3-01", "1.2.3+", "1..3",
            "1.2.3 ",
        ] {
            assert!(!is_semantic(bad), "{bad}");
        }
    }

    #[test]
    fn stack_versions_have_two_digits_a_dot_and_two_digits() {
        assert!(is_stack("26.08"));
        for bad in ["26.8", "2026.08", "26", "26.08.1", "", "aa.bb"] {
            assert!(!is_stack(bad), "{bad}");
        }
    }
}

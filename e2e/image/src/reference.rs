//! The name of an image.

use crate::BuildError;

/// A reference with its tag told apart.
pub(crate) struct Reference<'a> {
    pub(crate) whole: &'a str,
    pub(crate) tag: &'a str,
}

/// Parses `registry/repository:tag`. The registry is required: Docker would put its own in front of a name
/// without one, containerd would not, and the kubelet would look for a third.
pub(crate) fn parse(whole: &str) -> Result<Reference<'_>, BuildError> {
    let refuse = |problem| BuildError::Reference {
        reference: whole.to_owned(),
        problem,
    };
    let (registry, rest) = whole.split_once('/').ok_or_else(|| refuse("no registry"))?;
    if registry != "localhost" && !registry.contains(['.', ':']) {
        return Err(refuse("no registry"));
    }
    let (repository, tag) = rest.rsplit_once(':').ok_or_else(|| refuse("no tag"))?;
    let registry_letter = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    let repository_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    let tag_letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !registry.chars().all(registry_letter) {
        return Err(refuse("not a registry's address"));
    }
    if repository.split('/').any(str::is_empty) || !repository.chars().all(repository_letter) {
        return Err(refuse(
            "the repository is not made of lower-case letters, digits, dots, dashes and slashes",
        ));
    }
    if tag.is_empty() || tag.len() > 128 || !tag.chars().all(tag_letter) || tag.starts_with(['.', '-']) {
        return Err(refuse("the tag is not made of letters, digits, dots and dashes"));
    }
    Ok(Reference { whole, tag })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_what_follows_the_last_colon() {
        assert_eq!(
            parse("registry.example.org:5000/team/panel:1.0.0-rc1")
                .unwrap()
                .tag,
            "1.0.0-rc1"
        );
        assert_eq!(parse("localhost/panel:x").unwrap().tag, "x");
    }

    #[test]
    fn names_that_runtimes_would_complete_or_refuse_are_refused() {
        for (reference, reason) in [
            ("panel:1.0.0", "no registry"),
            ("library/panel:1.0.0", "no registry"),
            ("registry.example.org/panel", "no tag"),
            ("registry.example.org:5000/panel", "no tag"),
            ("registry.example.org/Panel:1", "lower-case"),
            ("registry.example.org/a//b:1", "lower-case"),
            ("registry.example.org/panel@sha256:0123", "lower-case"),
            ("registry.example.org/panel:", "the tag"),
            ("registry.exa mple.org/panel:1", "not a registry"),
        ] {
            let refused = parse(reference).err().unwrap().to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}

//! The grammar of access strings (`service.resource.action`) as the daemons check it: `*` is one word,
//! `#` any number of words, a leading `!` refuses and wins, `me` is the account itself, `edit` is `update`.

/// The rights of one token, with the words that stand for the one who holds it.
pub(crate) struct Access<'a> {
    /// Entries as they were granted, negative ones included.
    pub(crate) acl: &'a [String],
    /// What `me` means: the uuid of the account.
    pub(crate) me: &'a str,
    /// What `my_session` means.
    pub(crate) session: &'a str,
}

impl Access<'_> {
    /// Whether an action is allowed; a negative entry wins whatever the order.
    pub(crate) fn allows(&self, wanted: &str) -> bool {
        let refused = self
            .acl
            .iter()
            .filter_map(|entry| entry.strip_prefix('!'))
            .any(|entry| self.matches(entry, wanted));
        !refused
            && self
                .acl
                .iter()
                .filter(|entry| !entry.starts_with('!'))
                .any(|entry| self.matches(entry, wanted))
    }

    /// Whether the holder may give an entry to others: negative ones always, others only if held.
    pub(crate) fn may_add(&self, entry: &str) -> bool {
        entry.starts_with('!') || self.allows(entry)
    }

    /// Whether the holder may take an entry away: it must be held without its `!`.
    pub(crate) fn may_remove(&self, entry: &str) -> bool {
        self.allows(entry.strip_prefix('!').unwrap_or(entry))
    }

    fn matches(&self, entry: &str, wanted: &str) -> bool {
        let mut pieces = Vec::new();
        for (index, word) in entry.split('.').enumerate() {
            if index > 0 {
                pieces.push(Piece::Text("."));
            }
            match word {
                "me" => pieces.push(Piece::Either("me", self.me)),
                "my_session" => pieces.push(Piece::Either("my_session", self.session)),
                "edit" | "update" => pieces.push(Piece::Either("edit", "update")),
                _ => split_word(word, &mut pieces),
            }
        }
        piecewise(&pieces, wanted)
    }
}

enum Piece<'a> {
    Text(&'a str),
    Either(&'a str, &'a str),
    Word,
    Anything,
}

fn split_word<'a>(word: &'a str, pieces: &mut Vec<Piece<'a>>) {
    let mut rest = word;
    while let Some(at) = rest.find(['*', '#']) {
        pieces.push(Piece::Text(&rest[..at]));
        pieces.push(if rest.as_bytes()[at] == b'*' {
            Piece::Word
        } else {
            Piece::Anything
        });
        rest = &rest[at + 1..];
    }
    pieces.push(Piece::Text(rest));
}

fn piecewise(pieces: &[Piece<'_>], text: &str) -> bool {
    let Some((first, others)) = pieces.split_first() else {
        return text.is_empty();
    };
    let after = |prefix: &str| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| piecewise(others, rest))
    };
    match first {
        Piece::Text(prefix) => after(prefix),
        Piece::Either(one, other) => after(one) || after(other),
        Piece::Word | Piece::Anything => {
            let stop = if matches!(first, Piece::Word) {
                text.find(['.', '#']).unwrap_or(text.len())
            } else {
                text.len()
            };
            (0..=stop)
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| piecewise(others, &text[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Access;

    fn allowed(acl: &[&str], wanted: &str) -> bool {
        let acl: Vec<String> = acl.iter().map(ToString::to_string).collect();
        Access {
            acl: &acl,
            me: "u1",
            session: "s1",
        }
        .allows(wanted)
    }

    #[test]
    fn a_star_is_one_word_and_a_hash_is_many() {
        assert!(allowed(
            &["confd.external.apps.*.update"],
            "confd.external.apps.desktop.update"
        ));
        assert!(!allowed(&["confd.external.apps.*.*"], "confd.external.apps.read"));
        assert!(allowed(&["confd.external.apps.#"], "confd.external.apps.read"));
        assert!(allowed(&["confd.#.read"], "confd.external.apps.desktop.read"));
        assert!(!allowed(
            &["webhookd.subscriptions.*.read"],
            "webhookd.subscriptions.u.logs.read"
        ));
    }

    #[test]
    fn a_star_held_does_not_match_a_hash_to_be_given() {
        assert!(allowed(&["webhookd.subscriptions.#"], "webhookd.subscriptions.#"));
        assert!(!allowed(
            &["webhookd.subscriptions.*"],
            "webhookd.subscriptions.#"
        ));
    }

    #[test]
    fn a_negative_entry_wins_whatever_the_order() {
        assert!(!allowed(&["confd.#", "!confd.infos.read"], "confd.infos.read"));
        assert!(!allowed(&["!confd.infos.read", "confd.#"], "confd.infos.read"));
        assert!(allowed(&["!confd.infos.read", "confd.#"], "confd.status.read"));
    }

    #[test]
    fn me_is_the_account_and_edit_is_update() {
        assert!(allowed(&["confd.users.me.read"], "confd.users.u1.read"));
        assert!(allowed(&["confd.users.me.read"], "confd.users.me.read"));
        assert!(!allowed(&["confd.users.me.read"], "confd.users.u2.read"));
        assert!(allowed(&["auth.users.*.edit"], "auth.users.u2.update"));
    }
}

//! What no plugin's account may ever hold, whatever a grant says: to take over users, to change who may do what, to
//! install software on the stack, to read passwords out of a daemon's configuration.

use super::entry::{Acl, Entry};
use super::search::{Excess, TooComplex, common};

/// The accounts of wazo-auth that only their administrators write.
const WRITTEN_BY_ADMINISTRATORS: [&str; 4] = ["users", "tenants", "groups", "policies"];
const WRITES: [&str; 3] = ["create", "update", "delete"];

/// The fixed set.
#[must_use]
pub fn denied() -> Acl {
    let mut patterns: Vec<String> = ["auth.users.password.#", "plugind.#", "provd.#", "*.config.read"]
        .map(ToOwned::to_owned)
        .to_vec();
    for resource in WRITTEN_BY_ADMINISTRATORS {
        for action in WRITES {
            patterns.push(format!("auth.{resource}.{action}"));
            patterns.push(format!("auth.{resource}.#.{action}"));
        }
    }
    let entry = |pattern| Entry {
        negative: false,
        pattern,
    };
    let mut entries: Vec<Entry> = patterns.into_iter().map(entry).collect();
    // Accesses to events are named by the events: `events.config.read` reads no configuration.
    entries.push(Entry {
        negative: true,
        pattern: "events.#".to_owned(),
    });
    Acl { entries }
}

/// An access of the fixed set that `asked` allows, and the place of the entry that does.
///
/// # Errors
/// [`TooComplex`] where nobody knows.
pub fn reached(asked: &Acl) -> Result<Option<Excess>, TooComplex> {
    common(asked, &denied())
}

//! Wazo's access strings as languages: which accesses a list of entries allows, and whether everything that one list
//! allows is allowed by another. Pure.
//!
//! The grammar is that of `AccessCheck` in Wazo's library of the daemons: an entry is matched as a whole and with
//! regard to case; `*` is any text without `.` and `#` (the empty one and a part of a word included: `rese*`), `#` any
//! text at all; the whole word `me` is also the uuid of the holder, `my_session` that of his session, `edit` also
//! `update`; an entry that begins with `!` refuses, and wins whatever the order.

mod automaton;
pub mod denied;
pub mod entry;
mod search;
#[cfg(test)]
mod tests;

pub use entry::{Acl, BadEntry, Entry};
pub use search::{Excess, TooComplex, excess};

//! What the operator knew about a plugin, moment by moment, written down so that its verdicts can be explained and
//! judged anew: by `wazo-plugin-operator judge`, and by the tests of [`judge`](crate::judge).
//!
//! A recording is a file of JSON lines. The first line holds a whole [`World`](crate::observe::world::World); each of
//! the others the moment and what differs from the line before, as a JSON Patch (RFC 6902). No secret is in it: a World
//! holds none, and the values of environment variables are left out.

mod line;
mod read;
mod redact;
pub mod replay;
#[cfg(test)]
mod tests;
mod write;

pub use line::RecordingError;
pub use read::{parse, read};
pub use write::{Recorder, Tape};

/// The version of the format; another one is not read.
pub const VERSION: u32 = 1;

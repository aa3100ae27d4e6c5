//! The account of a plugin: made, kept, replaced and taken away, with credentials that work all the time.

mod ground;
mod kept;
mod made;
mod replaced;

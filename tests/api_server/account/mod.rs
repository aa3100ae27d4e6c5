//! The account of a plugin: made, kept, replaced and taken away, with credentials that work all the time.

mod client;
mod ended;
mod ground;
mod kept;
mod made;
mod moved;
mod replaced;
mod signs;
mod tried;
mod withdrawn;

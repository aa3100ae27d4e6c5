//! The inquiry: reads of the API server on demand, about a plugin with which something is wrong.
//!
//! Watches would have to follow every event, node and claim of the cluster for the sake of the few plugins that are ill.
//! So nothing is read about a healthy one. The controller leaves a job, reads facts, and is woken when they change;
//! nothing waits for a read. The same thing is read again ever less often while it lasts, and what many ill plugins have
//! in common (nodes, the events of a namespace) is read once for all of them.

mod board;
mod claims;
mod endpoints;
mod events;
mod job;
mod limits;
mod nodes;
mod policies;
mod quota;
mod reader;
mod shared;
mod words;

pub use job::{MOST_CLAIMS, MOST_NODES, MOST_PODS, SurroundingsJob};
pub use reader::Inquiry;

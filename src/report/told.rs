//! What people are told of a fault in one text.

use crate::api::fault::Fault;

/// What is wrong, and the next step. The texts of a fault are bounded, and stay the same while it lasts.
#[must_use]
pub fn with_next_step(fault: &Fault) -> String {
    format!("{}. Next: {}", fault.message.trim_end_matches('.'), fault.action)
}

//! Tells the world: the status (pure), events on transitions (pure), and metrics.

pub mod core_status;
pub mod events;
pub mod impairment;
pub mod log;
pub mod metrics;
pub mod own_error;
pub mod source_words;
pub mod status;
pub mod told;
pub mod withdrawn;

#[cfg(test)]
mod tests;

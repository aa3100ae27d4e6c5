//! What happens on a real node. Each test is a scenario in a namespace of its own; `cargo test` plays several at once.

mod account;
mod core_away;
mod deletion;
mod first;
mod killed;
mod public;
mod shared_app;
mod workload;

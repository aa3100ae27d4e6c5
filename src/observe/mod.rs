//! What the cluster shows: watched objects become small facts on arrival, and the facts about one plugin are put
//! together into its [`World`](world::World).

pub mod account_secret;
pub mod allowance;
mod asked;
pub mod changes;
pub mod claims;
pub mod conditions;
pub mod directory;
pub mod drift_status;
pub mod facts;
pub mod fields;
#[cfg(test)]
pub(crate) mod fixture;
pub mod gateway_api;
pub mod hosts;
pub mod ledger;
pub mod ledger_mark;
pub mod map;
pub mod memory;
mod named;
pub mod neighbourhood;
pub mod neighbours;
pub mod owner;
pub mod references;
pub mod routed;
pub mod service_facts;
pub mod service_watch;
pub mod store;
pub mod surroundings;
pub mod tls_secret;
pub mod tls_watch;
pub mod verdicts;
pub mod watch;
pub mod world;

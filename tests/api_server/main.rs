//! The operator on a real API server: with a simulated core, a simulated gateway, simulated pods, and real HTTP
//! between it and the plugins.
//!
//! All tests of this program share one control plane, each in a namespace and with an operator of its own. Every
//! status that is written is checked against the rules of kstatus, Flux and our own, in every test.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod account;
mod audience;
mod bad_input;
mod bad_manifest;
mod certificates;
mod claims;
mod core_away;
mod core_config;
mod core_drift;
mod core_signs;
mod crash_points;
mod deletion;
mod deletion_orders;
mod drift;
mod exposure;
mod first_plugin;
mod grants;
mod host_change;
mod host_theft;
mod idle;
mod leadership;
mod leadership_process;
mod ledger;
mod maintenance;
mod neighbours;
mod network;
mod operator_error;
mod owner;
mod policy;
mod refusals;
mod reporting;
mod requests;
mod schema;
mod security;
mod sources;
mod stack_changed;
mod status_lost;
mod strangers;
mod surroundings;
mod suspend;
mod tenants;
mod tools;
mod verify;
mod wakes;
mod workload;
mod workload_fields;

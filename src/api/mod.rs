//! The words of the two kinds as types; parsing and validation, nothing else.

pub mod account;
pub mod condition;
pub mod core;
pub mod crd;
pub mod duration;
pub mod expose;
pub mod fault;
pub mod names;
pub mod object;
pub mod parse;
pub mod plugin;
pub mod pod_template;
pub mod quantity;
pub mod reason;
pub mod ui_manifest;
pub mod url_path;
pub mod workload;

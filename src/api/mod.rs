//! The words of the two kinds as types; parsing and validation, nothing else.

pub mod fault;
pub mod names;
pub mod reason;

//! The actor of a Wazo core: one session per core, one write lane and breaker per stack and daemon, edits of shared
//! objects merged. Others read its [`facts`], leave wishes with [`Cores::wish`] and are woken; nobody waits for it.
//!
//! From the outside in: [`Cores`] keeps a link for each core, an actor works on each link in two loops, one for
//! each daemon; `auth`, `health`, `lane` and `snapshot` are what they do; `request` is the table of all requests and
//! `classify` says what an answer means.

pub mod account;
mod actor;
mod aim;
mod auth;
mod breaker;
mod classify;
mod cores;
mod daemon;
pub mod error;
pub mod facts;
mod grave;
mod health;
mod http_wire;
mod identity;
mod interests;
mod jitter;
mod lane;
mod limiter;
mod link;
mod manifest_urls;
mod metrics;
mod others;
mod outside;
mod pace;
mod request;
mod rights;
mod service;
mod session;
mod settings;
mod shape;
mod snapshot;
mod stack;
mod stack_url;
mod tenants;
mod tls;
mod user_apps;
mod user_copy;
mod wire;
mod wish_work;
mod wishes;

#[cfg(test)]
mod tests;

pub use cores::Cores;
pub use http_wire::HttpWires;
pub use settings::{CoreSettings, Intervals, ListForm};
pub use stack_url::{StackUrl, StackUrlError};
pub use wire::{CaError, CertificateFault, LARGEST_BODY, Wire, WireError, WireFactory};

//! A simulated Wazo core: wazo-auth 0.1 and wazo-confd 1.1 behind a front like the stack's nginx, with the real
//! status codes and error shapes, a clock that can be set, faults to inject and a journal of every request.
//!
//! The daemons agree with recorded exchanges of the real ones (`tests/contract.rs`); outages and the front's own
//! pages were seen but not recorded, and are simulated from that.
//!
//! ```no_run
//! # async fn run() -> wazo_simulated_core::Result<()> {
//! use wazo_simulated_core::{Fault, Options, SimulatedCore};
//! let core = SimulatedCore::start(Options::default()).await?;
//! let (username, password) = core.account();
//! core.faults().inject(Fault::reset_after_effect().on("PUT", "/api/confd/1.1/external/apps").times(1)).await;
//! # core.stop().await; Ok(()) }
//! ```

mod access;
mod accounts;
mod admin;
mod answer;
mod apps;
mod auth;
mod call;
mod clock;
mod confd;
mod core;
mod defaults;
mod error;
mod fault;
mod faults;
mod front;
mod journal;
mod order;
mod others;
mod phone_users;
mod seed;
mod stack;
mod stranger;
mod tenants;
mod tls;
mod world;

pub use crate::accounts::{Accounts, AuthPolicy, AuthUser, Login};
pub use crate::apps::Apps;
pub use crate::clock::Clock;
pub use crate::core::{Options, Presented, SimulatedCore};
pub use crate::error::{Error, Result};
pub use crate::fault::{Fault, FaultId, Standing};
pub use crate::faults::{Faults, Tokens};
pub use crate::journal::{Daemon, Effect, EffectKind, Entry, Journal, KEPT};
pub use crate::phone_users::PhoneUsers;
pub use crate::seed::{
    ACCOUNT_ACL, AUDIENCE_ACL, Account, Application, OPERATOR_ACL, PhoneUser, Seed, SeedTenant, TENANTS_ACL,
    UserApplication,
};
pub use crate::stranger::Stranger;
pub use crate::tenants::Tenants;

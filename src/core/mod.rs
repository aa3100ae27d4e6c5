//! The actor of a Wazo core: one session per core, one write lane and breaker per stack and daemon, edits of shared
//! objects merged. Others read its [`facts`], leave wishes with [`Cores::wish`] and are woken; nobody waits for it.

mod cores;
pub mod error;
pub mod facts;
mod http_wire;
mod settings;
mod stack_url;
mod tls;
mod wire;

pub use cores::Cores;
pub use http_wire::HttpWires;
pub use settings::{CoreSettings, Intervals, ListForm};
pub use stack_url::{StackUrl, StackUrlError};
pub use wire::{CaError, CertificateFault, LARGEST_BODY, Wire, WireError, WireFactory};

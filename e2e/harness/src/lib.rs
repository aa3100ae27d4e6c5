//! What the tests on a real API server share: the control plane, simulated nodes and gateways, the public network,
//! the operator in process with a gate through which its requests pass, and the checks of what it writes.
//!
//! A test is a [`trial::trial`]: a namespace of its own, a simulated core of its own and an operator of its own that
//! sees only this namespace, on a control plane that all tests of the process share.

pub mod authority;
pub mod cluster;
pub mod crash;
pub mod crds;
pub mod difference;
pub mod gate;
pub mod gateway;
pub mod log;
pub mod namespace;
pub mod network;
pub mod nodes;
pub mod objects;
pub mod operator;
pub mod pod_state;
pub mod recorder;
pub mod rules;
pub mod scope;
pub mod trial;

/// The example plugin, to misbehave in process.
pub use panel;
/// The simulated core, to be broken in process.
pub use wazo_simulated_core;

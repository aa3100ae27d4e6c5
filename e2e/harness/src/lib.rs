//! What the tests on a real API server share: the control plane, simulated nodes and gateways, the public network,
//! the operator in process with a gate through which its requests pass, and the checks of what it writes.
//!
//! A test is a [`trial::trial`]: a namespace of its own, a simulated core of its own and an operator of its own that
//! sees only this namespace, on a control plane that all tests of the process share.
//!
//! | variable | meaning |
//! |---|---|
//! | [`WAZO_E2E_CLUSTER_BIN`](cluster::PROGRAM_VARIABLE) | the program that brings a control plane up; without, it is built from `e2e/cluster` |
//! | [`WAZO_E2E_KUBECONFIG`](cluster::KUBECONFIG_VARIABLE) | a cluster without nodes that is used instead of one of our own; it must serve the Gateway API |
//! | `RUST_LOG` | what operators in process log; shown when a test fails |
//! | `RUST_TEST_THREADS` | tests mostly wait: twice as many as processors is a good number |

pub mod audit;
pub mod authority;
pub mod cluster;
pub mod crash;
pub mod crds;
pub mod difference;
pub mod doing;
pub mod gate;
pub mod gated;
pub mod gateway;
mod hold;
pub mod log;
pub mod namespace;
pub mod network;
pub mod nodes;
pub mod objects;
pub mod operator;
pub mod pod_state;
pub mod process;
pub mod project;
pub mod recorder;
pub mod requests;
pub mod rights;
pub mod rules;
pub mod scope;
pub mod trial;
pub mod users;
pub mod waiting;

/// The example plugin, to misbehave in process.
pub use panel;
/// The simulated core, to be broken in process.
pub use wazo_simulated_core;

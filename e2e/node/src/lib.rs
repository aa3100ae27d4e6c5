//! The real node, as the demo and the scenarios use it: a cluster that lives as long as its holder, kubectl and helm
//! for it, the operator's chart, and requests through the gateway as a browser would send them.

mod cluster;
mod error;
mod fetch;
mod given;

pub use cluster::{Cluster, Up};
pub use error::{NodeError, run};
pub use fetch::{Answer, FetchError, fetch};

/// The operator's image, without tag.
pub const OPERATOR_IMAGE: &str = "registry.wazo.test/wazo-plugin-operator";
/// The tag of the operator's image.
pub const OPERATOR_TAG: &str = "dev";
/// The operator's release and its namespace.
pub const OPERATOR: &str = "wazo-plugin-operator";
/// The name by which pods reach this machine; names below `plugins.test` lead to the gateway.
pub const CORE_NAME: &str = "core.wazo.test";
/// Names the directory of the image archives; `make images` fills it.
pub const IMAGES_VARIABLE: &str = "WAZO_E2E_IMAGES";
/// Names the program that brings a cluster up; `make cluster-command` builds it.
pub const PROGRAM_VARIABLE: &str = "WAZO_E2E_CLUSTER_BIN";

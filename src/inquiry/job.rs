//! What the controller wishes to know of a plugin's surroundings.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::observe::surroundings::Part;

/// What is to be read about a plugin with which something is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurroundingsJob {
    /// Not before this moment; `None`: at once. A rollout that ends soon costs nothing.
    pub from: Option<Timestamp>,
    /// What is to be read.
    pub parts: BTreeSet<Part>,
    /// The names of the plugin's pods of the newest revision; at most [`MOST_PODS`].
    pub pods: Vec<String>,
    /// The nodes that they are bound to; at most [`MOST_NODES`].
    pub nodes: BTreeSet<String>,
    /// The claims of volumes that they name; at most [`MOST_CLAIMS`].
    pub claims: BTreeSet<String>,
    /// The labels of the pods.
    pub labels: BTreeMap<String, String>,
    /// What is known of the pods, in any form: after a change it is looked at again soon.
    pub seen: String,
}

/// As many pods are told of.
pub const MOST_PODS: usize = 16;
/// As many nodes are read.
pub const MOST_NODES: usize = 8;
/// As many claims are read.
pub const MOST_CLAIMS: usize = 8;

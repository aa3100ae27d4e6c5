//! What is read of a plugin's surroundings in the cluster because something is wrong with it: nodes, events, quota,
//! endpoints. Nothing is read, and nothing is kept, while all is well.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was read. Each part is empty where it was not asked for, or could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Surroundings {
    /// The nodes that the plugin's pods are bound to.
    pub nodes: Vec<NodeFact>,
    /// What the API server's events tell of the plugin's pods and of what makes them; the newest of each reason.
    pub events: Vec<EventFact>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeFact {
    /// Its name.
    pub name: String,
    /// `Ready`: `True`, `False` or `Unknown`.
    pub ready: String,
    /// Since when `Ready` is as it is.
    pub since: Option<Timestamp>,
    /// Conditions that tell of trouble and are `True`: `MemoryPressure`, `DiskPressure`, `PIDPressure`,
    /// `NetworkUnavailable`.
    pub pressures: Vec<String>,
}

/// An event of the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFact {
    /// The kind of the object that it is about.
    pub kind: String,
    /// The name of that object; never put into a status.
    pub name: String,
    /// Its reason, as in `FailedMount`.
    pub reason: String,
    /// Its words.
    pub message: String,
    /// Who reports it, as in `kubelet`.
    pub reporter: String,
    /// When it was last seen.
    pub at: Option<Timestamp>,
}

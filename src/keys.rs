//! The names by which the rooms call one another's things.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A namespaced object of one of our kinds: `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The name within the namespace.
    pub name: String,
}

impl Key {
    /// The key of `namespace/name`.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The key of a `WazoPlugin`.
pub type PluginKey = Key;
/// The key of a `WazoCore`.
pub type CoreKey = Key;

/// Something changed about an object of ours: its controller should look again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// Facts about this plugin changed.
    Plugin(PluginKey),
    /// Facts about this core changed; its plugins are woken by the controller.
    Core(CoreKey),
    /// A Gateway changed: the plugins that it serves are woken by the controller.
    Gateway(Key),
    /// The labels of a namespace changed: its plugins are woken by the controller.
    Namespace(String),
    /// The IngressClasses changed: the plugins with an Ingress are woken by the controller.
    IngressClasses,
}

/// Where rooms leave a [`Wake`]. Sending never blocks; a closed receiver (shutdown) is ignored.
pub type Waker = tokio::sync::mpsc::UnboundedSender<Wake>;

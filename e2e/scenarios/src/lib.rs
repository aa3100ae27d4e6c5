//! What happens on a real node: the operator as a pod from its chart, plugins that really run, a simulated core each.
//! All scenarios of a process share one node; each has a namespace, a core and hosts of its own.

pub mod asking;
pub mod ground;
pub mod held;
pub mod objects;
pub mod oracle;
pub mod scene;
pub mod waiting;

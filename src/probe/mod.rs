//! The prober: asks the plugins from the pod to the outside, as a browser would, and keeps what it saw as facts.
//!
//! The public address is asked through a guarded client (every resolved address is checked and pinned); the pods are
//! asked only while the public address does not answer well, so that the judge can tell the plugin from the way to
//! it. Nothing waits for a probe: the controller leaves jobs, reads facts, and is woken when a verdict changes.

mod board;
mod browse;
mod cidr;
mod client;
mod control;
mod cors;
mod exchange;
mod fact;
mod framing;
mod guard;
mod job;
mod look;
mod metrics;
mod network;
mod once;
mod open;
mod prober;
mod queue;
mod readiness;
mod schedule;
mod settings;
mod sight;
mod target;
mod tls;

pub use cidr::{Cidr, CidrError};
pub use control::{ControlFact, Knock, Resolver};
pub use fact::{ManifestFact, ManifestSummary, ProbeFacts, ReadinessFact};
pub(crate) use guard::is_private;
#[cfg(test)]
pub(crate) use guard::is_public;
pub use job::{Front, ProbeJob, ReadinessJob};
pub use look::{CertificateFlaw, FramingHeader, Look, LookError, Presented, ReadinessLook, RedirectFlaw};
pub use network::{Network, ResolveError, Stream, SystemNetwork};
pub use once::look_once;
pub use prober::{Prober, ProberError};
pub use settings::ProbeSettings;

#[cfg(test)]
mod tests;

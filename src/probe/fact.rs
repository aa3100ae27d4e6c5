//! What the prober knows about a plugin: read by the judge.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::control::ControlFact;
use super::look::{Look, ReadinessLook};
use crate::certificate::Validity;

/// Everything that the prober knows about a plugin. What was not looked at yet is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeFacts {
    /// One for each manifest that was looked at, in the order of the jobs.
    pub manifests: Vec<ManifestFact>,
    /// Only while readiness is asked for.
    pub readiness: Option<ReadinessFact>,
}

/// What is known about one manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFact {
    /// The entry of `registrations.ui`.
    pub name: String,
    /// The URL that was looked at.
    pub url: Url,
    /// The revision that was looked at: older than the job's until the first look at the new one has ended.
    pub revision: String,
    /// When these looks were first seen in an unbroken row.
    pub at: Timestamp,
    /// The last time that the manifest was good at this URL. Moves with every good look.
    pub last_good: Option<Timestamp>,
    /// From the public address; not with `spec.expose.verify: Service`.
    pub public: Option<Look>,
    /// From the plugin's Service; only with `spec.expose.verify: Service`.
    pub service: Option<Look>,
    /// When the public host's certificate is valid, as it was last seen.
    pub validity: Option<Validity>,
    /// From the pods; only looked at when the other look is bad and pods run.
    pub pod: Option<Look>,
    /// What stands between the public address and the pods; only looked at when the other look is bad.
    #[serde(default)]
    pub control: ControlFact,
    /// The manifest that was read, where it is valid.
    pub manifest: Option<ManifestSummary>,
    /// The last look. Moves with every look: not for a status.
    pub checked_at: Timestamp,
}

/// What identifies a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSummary {
    /// Its `version`, at most 128 characters.
    pub version: String,
    /// Its `id`, at most 128 characters.
    pub id: String,
}

/// What is known about pods that run and are not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadinessFact {
    /// What was seen.
    pub look: ReadinessLook,
    /// When it was first seen in an unbroken row.
    pub at: Timestamp,
    /// The last look. Moves with every look: not for a status.
    pub checked_at: Timestamp,
}

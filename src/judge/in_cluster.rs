//! Layers Service and Manifest, for a plugin whose manifest is verified at its Service (`spec.expose.verify: Service`):
//! nothing is known of the public address, and nothing is said of it.

use super::candidate::Candidate;
use super::manifest::plugin_reason;
use crate::api::reason::Reason;
use crate::probe::{Look, LookError, ManifestFact};

const SERVICE: &str = "operator→Service";

/// What it comes to that the Service answers badly, and the pods as told.
pub(super) fn classify(error: &LookError, pod: Option<&Look>, fact: &ManifestFact) -> Candidate {
    if let Some(Look::Bad(own)) = pod {
        let told = format!("{}: the plugin itself: {own}", fact.url.path());
        return seen(plugin_reason(own), fact, told, error);
    }
    let told = format!("{}: at the Service: {error}", fact.url.path());
    match error {
        LookError::AddressRefused { .. } => seen(Reason::ServiceUnusable, fact, told, error),
        LookError::Refused | LookError::Unreachable | LookError::TimedOut | LookError::Broken => {
            let candidate = seen(Reason::ServiceUnreachable, fact, told, error);
            if pod.is_some() {
                candidate
            } else {
                candidate.indirect("an answer of the pods to the operator")
            }
        }
        // One of the pods answered so, or something before them.
        _ => {
            seen(plugin_reason(error), fact, told, error).indirect("the same answer of a pod to the operator")
        }
    }
}

fn seen(reason: Reason, fact: &ManifestFact, told: String, error: &LookError) -> Candidate {
    Candidate::new(reason, fact.at, told).evidence(SERVICE, error.to_string(), None)
}

//! The words of the conditions that depend on where a plugin runs.

use crate::api::condition::{ConditionType, Truth, Wanted};
use crate::api::parse::Plugin;
use crate::judge::state::State;

/// Reasons and messages while all is well.
pub struct SourceWords {
    /// Of `WorkloadReady`.
    pub runs: (&'static str, &'static str),
    /// Of `Available`.
    pub available: (&'static str, &'static str),
    /// The message of `Exposed`.
    pub reachable: &'static str,
}

impl SourceWords {
    /// The words for a plugin; for one whose spec is not usable, those of pods.
    #[must_use]
    pub fn of(plugin: Option<&Plugin>) -> Self {
        let spec = plugin.map(|plugin| &plugin.spec);
        if spec.is_some_and(|spec| spec.url.is_some()) {
            return Self {
                runs: (
                    "HostedElsewhere",
                    "the operator runs no pods: spec.url says where the plugin is",
                ),
                available: ("Answers", "the manifest can be had at spec.url"),
                reachable: "the manifest is as browsers need it",
            };
        }
        let reachable = "the Gateway takes the route, and the manifest is as browsers need it";
        if spec.is_some_and(|spec| spec.service_ref.is_some()) {
            return Self {
                runs: (
                    "ServiceReady",
                    "the Service of spec.serviceRef leads to something that is ready",
                ),
                available: ("EndpointsReady", "at least one endpoint of the Service is ready"),
                reachable,
            };
        }
        Self {
            runs: ("RolledOut", "the newest revision runs in full"),
            available: ("PodsReady", "at least one pod serves"),
            reachable,
        }
    }
}

/// The condition `Available`.
#[must_use]
pub fn available(state: &State, words: &SourceWords) -> Wanted {
    let (truth, reason, message) = match state {
        State::Good => (Truth::True, words.available.0, words.available.1),
        State::Waiting { reason, message, .. } if *reason == "NotProbed" => {
            (Truth::Unknown, *reason, message.as_str())
        }
        State::Waiting { reason, message, .. } => (Truth::False, *reason, message.as_str()),
        State::Bad(candidate) => (
            Truth::False,
            candidate.fault.reason.as_str(),
            candidate.fault.message.as_str(),
        ),
    };
    Wanted::new(ConditionType::Available, truth, reason, message)
}

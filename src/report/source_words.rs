//! The words of the conditions that depend on where a plugin runs.

use crate::api::condition::{ConditionType, Truth, Wanted};
use crate::api::parse::Plugin;
use crate::api::plugin::{Verify, WazoPluginSpec};
use crate::judge::state::State;

/// Reasons and messages while all is well.
pub struct SourceWords {
    /// Of `WorkloadReady`.
    pub runs: (&'static str, &'static str),
    /// Of `Available`.
    pub available: (&'static str, &'static str),
    /// Of `Exposed`: what was checked, and what was not.
    pub reachable: (&'static str, &'static str),
}

/// What is known of a plugin that is reached by a Gateway or an Ingress.
const fn reachable(verify: Verify) -> (&'static str, &'static str) {
    match verify {
        Verify::Public => (
            "Reachable",
            "the Gateway takes the route, and the manifest is as browsers need it",
        ),
        Verify::Service => (
            "ReachableInCluster",
            "the Gateway takes the route, and at the Service the manifest is as browsers need it; with spec.expose.verify: \
             Service the public address is not asked: its name, what certificate it presents and the way to it are not checked",
        ),
        Verify::None => (
            "NotVerified",
            "the Gateway takes the route; with spec.expose.verify: None neither the manifest nor the public address is checked",
        ),
    }
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
                reachable: ("Reachable", "the manifest is as browsers need it"),
            };
        }
        let reachable = reachable(spec.map_or(Verify::Public, WazoPluginSpec::verify));
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

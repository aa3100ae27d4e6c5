//! A candidate on its way to a verdict.

use serde::Serialize;

use super::candidate::Candidate;
use super::graph;
use crate::api::fault::{Layer, Suspicion};
use crate::api::reason::Reason;

/// Which part of the status shows a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Aspect {
    /// `WorkloadReady`: from the API server to a process that is ready.
    Workload,
    /// `Exposed`: Gateway, Ingress and route.
    Route,
    /// `Exposed`: the Secret of the Ingress's certificate.
    Certificate,
    /// `Exposed`: the manifest, where it is verified.
    Manifest,
    /// `Registered`.
    Registration,
    /// The WazoCore.
    Core,
    /// What is asked for and not granted: the cause of nothing else, and explained by nothing else.
    Grant,
}

impl Aspect {
    /// Whether something that is not decisive has to last before it is told of.
    pub(super) const fn must_last(self) -> bool {
        matches!(
            self,
            Self::Workload | Self::Route | Self::Certificate | Self::Manifest
        )
    }

    /// Where in the graph a candidate stands that is shown here. The object that a rule looks at decides: a policy that
    /// refuses a route explains nothing of the pods.
    pub(super) const fn place(self, layer: Layer) -> Option<Layer> {
        let reach = matches!(
            layer,
            Layer::Service
                | Layer::NetworkPolicy
                | Layer::DNS
                | Layer::Certificate
                | Layer::Route
                | Layer::Manifest
        );
        match self {
            Self::Workload => Some(layer),
            Self::Route if reach => Some(layer),
            Self::Route => Some(Layer::Route),
            Self::Certificate => Some(Layer::Certificate),
            Self::Manifest if reach => Some(layer),
            Self::Manifest => Some(Layer::Manifest),
            Self::Registration => Some(Layer::Registration),
            Self::Core if graph::is_of_core(layer) => Some(layer),
            Self::Core => Some(Layer::CoreTransport),
            Self::Grant => None,
        }
    }
}

/// Who is suspected where nobody may be blamed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lean {
    /// The party that the rule names.
    Itself,
    /// Somebody else.
    Toward(Suspicion),
    /// Nobody.
    Nobody,
}

/// A candidate on its way to a verdict.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) candidate: Candidate,
    pub(super) aspect: Aspect,
    /// Where in the graph it stands; `None`: nowhere.
    pub(super) place: Option<Layer>,
    /// Whether it explains what is wrong further down: what only degrades does not.
    pub(super) explains: bool,
    /// Whether it is the candidate of the part's [`State`](super::state::State).
    pub(super) own: bool,
    pub(super) lean: Lean,
}

impl Case {
    pub(super) fn new(aspect: Aspect, candidate: Candidate) -> Self {
        Self {
            place: aspect.place(candidate.fault.layer),
            explains: candidate.fault.blocking,
            own: false,
            aspect,
            candidate,
            lean: Lean::Itself,
        }
    }

    /// The candidate of a part's state.
    pub(super) fn own(aspect: Aspect, candidate: Candidate) -> Self {
        Self {
            own: true,
            ..Self::new(aspect, candidate)
        }
    }

    /// The order of those of which nobody knows which began first.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let at = self.place.unwrap_or(Layer::Registration);
        let fault = &self.candidate.fault;
        (at, fault.reason, fault.message.clone())
    }

    pub(super) const fn reason(&self) -> Reason {
        self.candidate.fault.reason
    }
}

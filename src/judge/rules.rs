//! Which rules look at which layer, and the candidates that they give.

use super::candidate::Candidate;
use super::case::{Aspect, Case};
use super::registration::Row;
use super::state::State;
use super::{
    World, certificate, dns, endpoints, grant, hysteresis, manifest, network_policy, node, of_core,
    registration, route, sandbox, source, tag, volume, was_ready,
};
use crate::api::fault::Layer;
use crate::api::parse::Plugin;

/// A rule: what is wrong with one layer, by facts that are there only while something is.
pub(super) type Rule = fn(&World, &Plugin) -> Vec<Candidate>;

/// Every layer, upstream first.
pub const LAYERS: [Layer; 25] = [
    Layer::Operator,
    Layer::KubeAPI,
    Layer::Spec,
    Layer::References,
    Layer::Admission,
    Layer::Quota,
    Layer::Image,
    Layer::Scheduling,
    Layer::Node,
    Layer::Volume,
    Layer::Sandbox,
    Layer::Container,
    Layer::Probe,
    Layer::Service,
    Layer::NetworkPolicy,
    Layer::DNS,
    Layer::Certificate,
    Layer::Route,
    Layer::Manifest,
    Layer::CoreTransport,
    Layer::CoreAuth,
    Layer::CoreAPI,
    Layer::CoreEvents,
    Layer::Registration,
    Layer::Webhook,
];

/// The table: which part of the status shows a layer, and the rules that look at it beside those that make that part's
/// [`State`] (`source`, `workload` and `container`, `route`, `certificate`, `manifest`, `registration`, `core`). A new
/// rule is a file and a word here.
const fn table(layer: Layer) -> (Aspect, &'static [Rule]) {
    match layer {
        // Passes that fail are told by `report::own_error`: they never get as far as here.
        Layer::Operator => (Aspect::Workload, &[]),
        Layer::KubeAPI => (Aspect::Workload, &[]),
        Layer::Spec => (Aspect::Workload, &[]),
        Layer::References => (Aspect::Workload, &[]),
        Layer::Admission => (Aspect::Workload, &[]),
        Layer::Quota => (Aspect::Workload, &[]),
        Layer::Image => (Aspect::Workload, &[tag::judge]),
        Layer::Scheduling => (Aspect::Workload, &[]),
        Layer::Node => (Aspect::Workload, &[node::judge]),
        Layer::Volume => (Aspect::Workload, &[volume::judge]),
        Layer::Sandbox => (Aspect::Workload, &[sandbox::judge]),
        Layer::Container => (Aspect::Workload, &[]),
        Layer::Probe => (Aspect::Workload, &[]),
        // Seen while the manifest cannot be had: the route itself is not in doubt, and goes on to be looked at.
        Layer::Service => (Aspect::Manifest, &[endpoints::judge]),
        Layer::NetworkPolicy => (Aspect::Manifest, &[network_policy::judge]),
        Layer::DNS => (Aspect::Manifest, &[dns::judge]),
        Layer::Certificate => (Aspect::Certificate, &[]),
        Layer::Route => (Aspect::Route, &[]),
        Layer::Manifest => (Aspect::Manifest, &[]),
        // One verdict per core, by `core::judge`.
        Layer::CoreTransport => (Aspect::Core, &[]),
        Layer::CoreAuth => (Aspect::Core, &[]),
        Layer::CoreAPI => (Aspect::Core, &[]),
        Layer::CoreEvents => (Aspect::Core, &[]),
        Layer::Registration => (Aspect::Registration, &[]),
        Layer::Webhook => (Aspect::Registration, &[]),
    }
}

/// Which part of the status shows a layer.
pub(super) const fn aspect(layer: Layer) -> Aspect {
    table(layer).0
}

/// What the parts of the status are made of, before anything is weighed.
pub(super) struct Layers {
    pub(super) workload: State,
    /// The seconds after which time alone may change what a pod shows.
    pub(super) pods_again: Option<i64>,
    pub(super) route: State,
    pub(super) certificate: State,
    pub(super) manifest: State,
    pub(super) registrations: Vec<Row>,
}

impl Layers {
    pub(super) fn of(world: &World, plugin: &Plugin) -> Self {
        let (workload, pods_again) = source::judge(world, plugin);
        let route = route::judge(world, plugin);
        let certificate = certificate::judge(world, plugin);
        let manifest = reachable(world, plugin, &workload, &route);
        Self {
            workload,
            pods_again,
            route,
            certificate,
            manifest,
            registrations: registration::judge(world, plugin),
        }
    }

    /// Whether a part is neither good nor bad.
    pub(super) fn tells_nothing_of(&self, aspect: Aspect) -> bool {
        let waits = |state: &State| matches!(state, State::Waiting { .. });
        match aspect {
            Aspect::Workload => waits(&self.workload),
            Aspect::Route => waits(&self.route),
            Aspect::Certificate => waits(&self.certificate),
            Aspect::Manifest => waits(&self.manifest),
            Aspect::Registration => self.registrations.iter().any(|row| waits(&row.state)),
            Aspect::Core | Aspect::Grant => false,
        }
    }
}

/// The manifest. Pods that are not all new yet serve it all the same; a broken route explains everything behind it.
fn reachable(world: &World, plugin: &Plugin, workload: &State, route: &State) -> State {
    let open = match hysteresis::doubt_of(route, world) {
        Some(_) => was_ready(world),
        None => route.is_good(),
    };
    if !open {
        return State::waiting("ManifestPending", manifest::PENDING);
    }
    if hysteresis::doubt_of(workload, world).is_some() && was_ready(world) {
        // Pods in doubt explain a manifest that cannot be had; nothing is taken away before that is settled.
        return State::Good;
    }
    manifest::judge(world, plugin)
}

/// Every candidate: of one layer the nearer look first.
pub(super) fn candidates(world: &World, plugin: &Plugin, layers: &Layers) -> Vec<Case> {
    let mut cases = Vec::new();
    for layer in LAYERS {
        let (aspect, rules) = table(layer);
        let found = rules.iter().flat_map(|rule| rule(world, plugin));
        cases.extend(found.map(|candidate| Case::new(aspect, candidate)));
    }
    for (aspect, state) in [
        (Aspect::Workload, &layers.workload),
        (Aspect::Route, &layers.route),
        (Aspect::Certificate, &layers.certificate),
        (Aspect::Manifest, &layers.manifest),
    ] {
        cases.extend(candidate_of(state).map(|candidate| Case::own(aspect, candidate.clone())));
    }
    cases.extend(refused(world, &layers.registrations));
    let registered = layers.registrations.iter().all(|row| row.state.is_good());
    cases.extend(of_core::judge(world, plugin, registered));
    cases.extend(of_core::of_daemons(world, plugin));
    let asked = grant::refusals(world, plugin).into_iter();
    cases.extend(asked.map(|candidate| Case::new(Aspect::Grant, candidate)));
    cases
}

/// What the core did not do. An announced maintenance explains every call to it that failed.
fn refused(world: &World, rows: &[Row]) -> Vec<Case> {
    if world.core.as_ref().is_some_and(|core| core.excused().is_some()) {
        return Vec::new();
    }
    let refused = rows.iter().find_map(|row| candidate_of(&row.state));
    let partial = rows.iter().filter_map(|row| row.partial.as_deref());
    refused
        .into_iter()
        .chain(partial)
        .map(|candidate| Case::new(Aspect::Registration, candidate.clone()))
        .collect()
}

pub(super) fn candidate_of(state: &State) -> Option<&Candidate> {
    match state {
        State::Bad(candidate) => Some(candidate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_stands_in_the_list_once_and_in_causal_order() {
        assert!(LAYERS.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(LAYERS.len(), Layer::Webhook as usize + 1);
    }
}

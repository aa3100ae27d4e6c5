//! Which layer may be the cause of which: two chains that join. Only an ancestor explains what is wrong further down.
//!
//! The plugin's own chain leads from the API server to the manifest, that of the core from its transport to its events.
//! They join where the plugin is registered, and where the core calls it.

use jiff::Timestamp;
use serde::Serialize;

use super::case::Case;
use crate::api::fault::Layer;

/// A fault is independent of one above it that began later: by more than the looks at both are apart, in seconds.
const APART_SECONDS: i64 = 30;

/// A candidate that another one explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mask {
    /// Which candidate, by its place in the list.
    pub candidate: usize,
    /// Which one explains it.
    pub by: usize,
}

/// The layers directly above one: what is wrong there may be why something is wrong here.
#[must_use]
pub const fn parents(layer: Layer) -> &'static [Layer] {
    match layer {
        Layer::Operator | Layer::CoreTransport => &[],
        Layer::KubeAPI => &[Layer::Operator],
        Layer::Spec => &[Layer::KubeAPI],
        Layer::References => &[Layer::Spec],
        Layer::Admission => &[Layer::References],
        Layer::Quota => &[Layer::Admission],
        Layer::Image => &[Layer::Quota],
        Layer::Scheduling => &[Layer::Image],
        Layer::Node => &[Layer::Scheduling],
        Layer::Volume => &[Layer::Node],
        Layer::Sandbox => &[Layer::Volume],
        Layer::Container => &[Layer::Sandbox],
        Layer::Probe => &[Layer::Container],
        Layer::Service => &[Layer::Probe],
        Layer::NetworkPolicy => &[Layer::Service],
        Layer::DNS => &[Layer::NetworkPolicy],
        Layer::Certificate => &[Layer::DNS],
        Layer::Route => &[Layer::Certificate],
        Layer::Manifest => &[Layer::Route],
        Layer::CoreAuth => &[Layer::CoreTransport],
        Layer::CoreAPI => &[Layer::CoreAuth],
        Layer::CoreEvents => &[Layer::CoreAPI],
        // Nothing is registered by an event.
        Layer::Registration => &[Layer::Manifest, Layer::CoreAPI],
        Layer::Webhook => &[Layer::Manifest, Layer::CoreEvents],
    }
}

/// Whether `above` is an ancestor of `layer`.
#[must_use]
pub fn is_ancestor(above: Layer, layer: Layer) -> bool {
    parents(layer)
        .iter()
        .any(|parent| *parent == above || is_ancestor(above, *parent))
}

/// Whether it is a layer of the core.
#[must_use]
pub const fn is_of_core(layer: Layer) -> bool {
    matches!(
        layer,
        Layer::CoreTransport | Layer::CoreAuth | Layer::CoreAPI | Layer::CoreEvents
    )
}

/// Whether what is wrong at `above` explains what is wrong at `layer`. What the core answers to a request that was made
/// is no symptom of the plugin's own chain: that holds requests back, and fails none.
#[must_use]
pub fn explains(above: Layer, layer: Layer) -> bool {
    is_ancestor(above, layer) && (layer != Layer::Registration || is_of_core(above))
}

/// The candidates that others explain, each by the one furthest up.
pub(super) fn masks(cases: &[Case]) -> Vec<Mask> {
    let by = |of: usize| {
        let above = (0..cases.len()).filter(|by| is_masked(cases, of, *by));
        above.min_by_key(|by| (cases[*by].place, *by))
    };
    (0..cases.len())
        .filter_map(|candidate| {
            Some(Mask {
                candidate,
                by: by(candidate)?,
            })
        })
        .collect()
}

fn is_masked(cases: &[Case], of: usize, by: usize) -> bool {
    let (cause, symptom) = (&cases[by], &cases[of]);
    let (Some(above), Some(below)) = (cause.place, symptom.place) else {
        return false;
    };
    // Of two looks at one layer of a chain, the nearer one is told: rules stand in that order.
    let nearer = above == below && by < of && above != Layer::Registration;
    cause.explains && (explains(above, below) || nearer) && !is_independent(symptom, cause)
}

/// Whether something was wrong for long already while what might have caused it was seen to be good.
fn is_independent(symptom: &Case, cause: &Case) -> bool {
    let began = symptom.candidate.fault.since.0.as_second();
    last_good(cause).is_some_and(|good| began + APART_SECONDS < good.as_second())
}

/// When something was last seen to be good before it was bad: it began between that moment and its `since`.
fn last_good(case: &Case) -> Option<Timestamp> {
    let fault = &case.candidate.fault;
    let good = fault.last_good.as_ref()?;
    Some(good.0.min(fault.since.0))
}

/// The places of the verdicts, the one to be told first first: one that blocks, then the earlier one; where it cannot
/// be told which began first, the one further up.
pub(super) fn order(cases: &[Case], told: &[usize]) -> Vec<usize> {
    let mut left = told.to_vec();
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(next) = first(cases, &left) {
        left.retain(|place| *place != next);
        ordered.push(next);
    }
    ordered
}

fn first(cases: &[Case], left: &[usize]) -> Option<usize> {
    let blocks = |place: &usize| cases[*place].candidate.fault.blocking;
    let any = left.iter().any(blocks);
    let rivals = || left.iter().filter(|place| !any || blocks(place));
    let earliest =
        rivals().filter(|place| !rivals().any(|other| began_before(&cases[*other], &cases[**place])));
    earliest
        .copied()
        .min_by_key(|place| (cases[*place].rank(), *place))
}

/// Whether one was bad already while the other was still seen to be good. Otherwise nobody knows which began first.
fn began_before(one: &Case, other: &Case) -> bool {
    last_good(other).is_some_and(|good| one.candidate.fault.since.0 < good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_chains_know_nothing_of_one_another_until_they_join() {
        for own in [Layer::KubeAPI, Layer::Container, Layer::Manifest] {
            for core in [Layer::CoreTransport, Layer::CoreEvents] {
                assert!(
                    !is_ancestor(own, core) && !is_ancestor(core, own),
                    "{own:?} {core:?}"
                );
            }
            assert!(is_ancestor(own, Layer::Registration) && is_ancestor(own, Layer::Webhook));
        }
        assert!(is_ancestor(Layer::CoreAuth, Layer::Registration));
        assert!(is_ancestor(Layer::CoreEvents, Layer::Webhook));
        assert!(!is_ancestor(Layer::CoreEvents, Layer::Registration));
    }

    #[test]
    fn nothing_is_its_own_ancestor() {
        for layer in super::super::rules::LAYERS {
            assert!(!is_ancestor(layer, layer), "{layer:?}");
        }
    }

    #[test]
    fn what_the_core_answers_is_no_symptom_of_the_pods() {
        assert!(!explains(Layer::Container, Layer::Registration));
        assert!(explains(Layer::CoreTransport, Layer::Registration));
        assert!(explains(Layer::Container, Layer::Webhook));
    }
}

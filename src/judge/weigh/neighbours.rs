//! How those do that share a registry, a node, a gateway, a core or the image with the plugin. Counts are told, and never
//! whose they are.

use super::{Weight, lowered, raised};
use crate::api::fault::{Confidence, Layer, Party};
use crate::judge::World;
use crate::judge::case::{Case, Lean};
use crate::observe::neighbours::Shared;

/// How those do that share something with the plugin.
enum Neighbourhood {
    /// Many fail alike: what they share is meant.
    Alike(String),
    /// None of them fails alike: it is the plugin's own side.
    Alone(String),
}

/// Namespaces count, so that nobody outvotes others with many plugins of his own.
fn neighbourhood(world: &World, layer: Layer) -> Option<Neighbourhood> {
    let sharing = world.neighbours.sharing(layer);
    if let Some(Shared { what, standing }) = sharing.iter().find(|shared| shared.standing.accuses(layer)) {
        let ill = 1 + standing.ill_at(layer).namespaces;
        let of = ill + standing.well.namespaces;
        let told = format!("plugins of {ill} of {of} namespaces with the same {what} fail at the same layer");
        return Some(Neighbourhood::Alike(told));
    }
    let alone = !sharing.is_empty() && sharing.iter().all(|shared| shared.standing.clears(layer));
    alone.then(|| {
        let well =
            |shared: &Shared<'_>| format!("{} with the same {}", shared.standing.well.plugins, shared.what);
        let mut told: Vec<String> = sharing.iter().map(well).collect();
        told.sort();
        told.dedup();
        Neighbourhood::Alone(format!("other plugins do well: {}", told.join(", ")))
    })
}

/// Many that share a thing and fail alike speak for the shared thing; one that fails alone among others that do well
/// speaks for its own side.
pub(super) fn judge(world: &World, case: &mut Case) -> Option<Weight> {
    // What is recalled was weighed when it was seen; what the core may have caused stays in doubt.
    if case.candidate.recalled || case.lean != Lean::Itself {
        return None;
    }
    let fault = &case.candidate.fault;
    if let Some(weight) = same_image(world, case) {
        return Some(weight);
    }
    let of_shared = matches!(
        fault.party,
        Party::Cluster | Party::Dependency | Party::Core | Party::Path
    );
    let of_itself = matches!(fault.party, Party::Partner | Party::Config);
    let (from, decisive) = (fault.confidence, case.candidate.decisive);
    let (to, told, supports) = match neighbourhood(world, fault.layer)? {
        Neighbourhood::Alike(told) if of_shared => (raised(from), told, true),
        Neighbourhood::Alike(told) if of_itself => (lowered(from, decisive), told, false),
        // They clear what is shared, and convict nobody.
        Neighbourhood::Alone(told) if of_itself => (from.max(Confidence::Medium), told, true),
        // What decides alone is not doubted because others do well.
        Neighbourhood::Alone(told) if of_shared && !decisive => (lowered(from, decisive), told, false),
        Neighbourhood::Alike(_) | Neighbourhood::Alone(_) => return None,
    };
    Some(Weight { to, told, supports })
}

/// An image that fails in the same way in other namespaces fails by itself.
fn same_image(world: &World, case: &Case) -> Option<Weight> {
    let fault = &case.candidate.fault;
    let elsewhere = world.neighbours.image.ill_at(fault.layer).namespaces;
    let told = format!("the same image fails at the same layer in {elsewhere} other namespaces");
    (fault.party == Party::Partner && elsewhere > 0).then(|| Weight {
        to: raised(fault.confidence),
        told,
        supports: true,
    })
}

//! The object's own metadata: our finalizer and our ledger.

use crate::api::names::FINALIZER;
use crate::observe::ledger::Ledger;
use crate::observe::ledger_mark::Standing;
use crate::observe::world::World;

/// A change of the object's own metadata, made under its `resourceVersion`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataChange {
    /// All finalizers that are to stand there.
    pub finalizers: Vec<String>,
    /// The ledger that is to stand there, marked; `None`: what stands there is left as it is.
    pub ledger: Option<Ledger>,
    /// Whether this releases the object: the last act on it.
    pub release: bool,
}

/// The finalizer is there, and the ledger is at least what will be written to the core.
#[must_use]
pub fn keep(world: &World, ledger: &Ledger) -> Option<MetadataChange> {
    let finalizers = &world.itself.finalizers;
    let has = finalizers.iter().any(|finalizer| finalizer == FINALIZER);
    // Without a key nothing can be marked, and what cannot be marked is not written.
    let stands = world.marker().is_none() || stands(world, ledger);
    if has && stands {
        return None;
    }
    let mut finalizers = finalizers.clone();
    if !has {
        finalizers.push(FINALIZER.to_owned());
    }
    Some(MetadataChange {
        finalizers,
        ledger: (!stands).then(|| ledger.clone()),
        release: false,
    })
}

fn stands(world: &World, ledger: &Ledger) -> bool {
    match world.itself.ledger_standing {
        Standing::Marked => *ledger == world.itself.ledger,
        // An empty one is no annotation at all.
        Standing::Missing => *ledger == Ledger::default(),
        Standing::Unmarked { .. } => false,
        Standing::Unknown { .. } => true,
    }
}

/// The finalizer is there; the ledger stays as it is.
#[must_use]
pub fn add(world: &World) -> Option<MetadataChange> {
    keep(world, &world.itself.ledger.clone())
}

/// The object is let go.
#[must_use]
pub fn release(world: &World) -> Option<MetadataChange> {
    let finalizers = &world.itself.finalizers;
    let others: Vec<String> = finalizers
        .iter()
        .filter(|finalizer| *finalizer != FINALIZER)
        .cloned()
        .collect();
    (others.len() < finalizers.len()).then_some(MetadataChange {
        finalizers: others,
        ledger: None,
        release: true,
    })
}

//! Where the plugin is routed: at the place of the spec, and at those that users still come to.
//!
//! A host, a path or a Gateway is changed without a gap: the old place stays as long as the core holds a URL that the
//! spec does not declare any more, or the new place is not taken. The ledger says so over restarts: it names a place
//! before it is routed, and forgets it before it leaves the route.

use std::collections::BTreeSet;

use url::Url;

use crate::api::parse::Plugin;
use crate::judge::Assessment;
use crate::observe::hosts::Place;
use crate::observe::ledger::Ledger;
use crate::observe::routed::Routed;
use crate::observe::world::World;

/// The places that stand in a ledger, that of the spec first: what children are made of.
#[must_use]
pub fn routed(world: &World, plugin: &Plugin, ledger: &Ledger) -> Vec<Routed> {
    let asked = asked(world, plugin);
    let old = ledger
        .routes
        .iter()
        .filter(|place| Some(*place) != asked.as_ref() && !is_lost(world, place));
    asked.iter().chain(old).cloned().collect()
}

/// The places that are to be routed, `ledger` being what will stand in the core.
#[must_use]
pub fn places(
    world: &World,
    plugin: &Plugin,
    assessment: &Assessment,
    ledger: &Ledger,
) -> BTreeSet<Routed> {
    let declared: BTreeSet<&Url> = plugin.ui.iter().map(|entry| &entry.manifest_url).collect();
    let needed = !assessment.route.is_good() || ledger.urls().any(|url| !declared.contains(url));
    let mut places: BTreeSet<Routed> = asked(world, plugin).into_iter().collect();
    if needed {
        let spec = plugin.spec.expose.as_ref().map(Routed::of);
        let old = world.itself.ledger.routes.iter();
        let old = old.filter(|place| Some(*place) != spec.as_ref() && !is_lost(world, place));
        places.extend(old.cloned());
    }
    places
}

/// What the spec asks for, unless somebody else had it first.
fn asked(world: &World, plugin: &Plugin) -> Option<Routed> {
    let asked = plugin.spec.expose.as_ref().map(Routed::of);
    asked.filter(|place| !is_lost(world, place))
}

fn is_lost(world: &World, routed: &Routed) -> bool {
    let place = Place::from(routed);
    world.lost.iter().any(|lost| lost.place == place)
}

//! Layer Route: whether the public host, or this path of it, is the plugin's to have.

use super::World;
use super::candidate::Candidate;
use super::state::State;
use crate::api::plugin::Expose;
use crate::api::reason::Reason;
use crate::observe::hosts::{Holder, Place};
use crate::observe::routed::Routed;

/// The conflict, where somebody else had the place first. Of another namespace no more is told than its name.
#[must_use]
pub fn judge(world: &World, expose: &Expose) -> Option<State> {
    let place = Place::from(&Routed::of(expose));
    let lost = world.lost.iter().find(|lost| lost.place == place)?;
    let key = &world.itself.key;
    let (told, field) = match &lost.holder {
        Holder::Namespace(namespace) => (
            format!("the host \"{}\" belongs to namespace \"{namespace}\"", place.host),
            "spec.expose.host",
        ),
        Holder::Plugin(name) => (
            format!(
                "the path \"{}\" of host \"{}\" belongs to WazoPlugin \"{name}\"",
                place.path, place.host
            ),
            "spec.expose.path",
        ),
    };
    let candidate = Candidate::new(Reason::HostConflict, world.now, told.clone())
        .evidence("API server", told, Some(format!("WazoPlugin/{}", key.name)))
        .object(
            "plugins.wazo.io/v1alpha1",
            "WazoPlugin",
            &key.namespace,
            &key.name,
        )
        .field(field);
    Some(State::bad(candidate))
}

//! The WazoPlugin itself, as far as it can be believed.

use kube::Resource;

use crate::api::names::{
    ABANDON_ANNOTATION, LEDGER_ANNOTATION, LEDGER_MARK_ANNOTATION, RECONCILE_ANNOTATION, ROTATE_ANNOTATION,
};
use crate::api::object::Raw;
use crate::api::parse::{Invalid, Plugin};
use crate::api::plugin::{WazoPlugin, WazoPluginStatus};
use crate::keys::CoreKey;
use crate::observe::ledger_mark::Counted;
use crate::observe::world::{CoreView, Itself};

/// What counts of the ledger.
pub(super) fn counted(object: &Raw<WazoPlugin>, core: Option<&CoreView>) -> Counted {
    let annotations = object.meta().annotations.as_ref();
    let annotation = |name: &str| annotations.and_then(|all| all.get(name)).map(String::as_str);
    let key = object.key();
    Counted::of(
        annotation(LEDGER_ANNOTATION),
        annotation(LEDGER_MARK_ANNOTATION),
        core.and_then(|core| core.marker(&key)),
        &object.status(),
    )
}

/// The object itself, and what counts of its ledger.
pub(super) fn itself(
    object: &Raw<WazoPlugin>,
    plugin: Result<Plugin, Invalid>,
    core: Option<CoreKey>,
    counted: Counted,
) -> Itself {
    let meta = object.meta();
    let annotation = |name: &str| {
        meta.annotations
            .as_ref()
            .and_then(|all| all.get(name))
            .map(String::as_str)
    };
    let before: WazoPluginStatus = object.status();
    Itself {
        key: object.key(),
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
        finalizers: meta.finalizers.clone().unwrap_or_default(),
        deleting: meta.deletion_timestamp.is_some(),
        ledger: counted.ledger,
        ledger_standing: counted.standing,
        abandon: annotation(ABANDON_ANNOTATION) == Some("true"),
        rotate: annotation(ROTATE_ANNOTATION).map(ToOwned::to_owned),
        requested_at: annotation(RECONCILE_ANNOTATION).map(ToOwned::to_owned),
        plugin,
        core,
        before,
    }
}

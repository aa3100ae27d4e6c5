//! The watch on namespaces: their labels alone, by which grants name them.

use std::collections::HashSet;

use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};

use super::{Watched, Watches};
use crate::keys::Wake;

type Meta = PartialObjectMeta<Namespace>;

impl Watched for Meta {}

/// Follows all namespaces.
pub(super) async fn follow(watches: &Watches) {
    let mut listed = HashSet::new();
    watches
        .follow::<Meta>(watcher::Config::default(), |event| match event {
            Event::Init => listed.clear(),
            Event::InitApply(object) => {
                listed.insert(object.name_any());
                set(watches, &object, false);
            }
            Event::InitDone => {
                for name in watches.store.namespaces() {
                    if !listed.contains(&name) && watches.store.set_namespace(&name, None) {
                        watches.wake(Wake::Namespace(name));
                    }
                }
            }
            Event::Apply(object) => set(watches, &object, false),
            Event::Delete(object) => set(watches, &object, true),
        })
        .await;
}

fn set(watches: &Watches, object: &Meta, gone: bool) {
    let name = object.name_any();
    let labels = (!gone).then(|| object.labels().clone());
    if watches.store.set_namespace(&name, labels) {
        watches.wake(Wake::Namespace(name));
    }
}

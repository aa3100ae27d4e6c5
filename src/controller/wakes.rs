//! From facts that changed to the objects that are to be looked at.

use std::sync::Arc;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use kube::runtime::reflector::ObjectRef;
use std::future::Future;

use super::context::Context;
use crate::api::core::WazoCore;
use crate::api::object::Raw;
use crate::api::plugin::{WazoPlugin, WazoPluginSpec};
use crate::keys::{Key, Wake};

/// Objects of ours to look at.
type Refs<K> = UnboundedReceiver<ObjectRef<Raw<K>>>;

/// The router of wakes, and the objects that the two loops are to look at.
pub(super) fn route(
    mut wakes: tokio::sync::mpsc::UnboundedReceiver<Wake>,
    context: Arc<Context>,
) -> (impl Future<Output = ()>, Refs<WazoPlugin>, Refs<WazoCore>) {
    let (plugins, plugin_refs) = unbounded();
    let (cores, core_refs) = unbounded();
    let router = async move {
        while let Some(wake) = wakes.recv().await {
            match wake {
                Wake::Plugin(key) => send(&plugins, &key),
                Wake::Core(key) => send(&cores, &key),
                Wake::Namespace(namespace) => {
                    for object in context.plugins.state() {
                        if object.key().namespace == namespace {
                            send(&plugins, &object.key());
                        }
                    }
                }
                Wake::IngressClasses => {
                    for object in context.plugins.state() {
                        if has_ingress(&object) {
                            send(&plugins, &object.key());
                        }
                    }
                }
                Wake::Gateway(gateway) => {
                    for object in context.plugins.state() {
                        if names(&object, &gateway) {
                            send(&plugins, &object.key());
                        }
                    }
                }
            }
        }
    };
    (router, plugin_refs, core_refs)
}

fn send<K: kube::Resource<DynamicType = ()>>(refs: &UnboundedSender<ObjectRef<Raw<K>>>, key: &Key) {
    // A closed receiver means that the loop is ending.
    let _ = refs.unbounded_send(ObjectRef::new(&key.name).within(&key.namespace));
}

fn has_ingress(object: &Raw<WazoPlugin>) -> bool {
    object
        .spec::<WazoPluginSpec>()
        .is_ok_and(|spec| spec.expose.is_some_and(|expose| expose.ingress.is_some()))
}

fn names(object: &Raw<WazoPlugin>, gateway: &Key) -> bool {
    object
        .spec::<WazoPluginSpec>()
        .ok()
        .and_then(|spec| spec.expose?.gateway)
        .is_some_and(|named| {
            let namespace = named.namespace.unwrap_or_else(|| object.key().namespace);
            named.name == gateway.name && namespace == gateway.namespace
        })
}

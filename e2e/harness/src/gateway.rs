//! A simulated gateway controller: says of Gateways and HTTPRoutes what a real one would, or what a test wants.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::select;
use jiff::Timestamp;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The name under which it speaks.
pub const CONTROLLER: &str = "simulated.test/gateway";

/// What the controller says of the routes and Gateways of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayState {
    /// Everything is accepted and programmed; the Gateway has this address.
    Programmed(IpAddr),
    /// Gateways are not programmed.
    NotProgrammed,
    /// Gateways are programmed, routes are refused.
    Refusing {
        /// The address of the Gateway.
        address: IpAddr,
        /// The reason of `Accepted=False`, as in `NotAllowedByListeners`.
        reason: &'static str,
        /// The controller's words.
        message: &'static str,
    },
    /// Nobody looks at them.
    Silent,
}

/// The resource of a kind of the Gateway API.
#[must_use]
pub fn resource(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", kind))
}

/// The simulated controller. Clones are the same one.
#[derive(Clone)]
pub struct Gateways {
    states: Arc<Mutex<HashMap<String, GatewayState>>>,
    changed: Arc<Notify>,
}

impl Gateways {
    pub(crate) fn new() -> Self {
        Self {
            states: Arc::default(),
            changed: Arc::new(Notify::new()),
        }
    }

    /// Says how Gateways and routes of a namespace are. A namespace of which nothing was said is left alone.
    pub fn set(&self, namespace: &str, state: GatewayState) {
        self.states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(namespace.to_owned(), state);
        self.changed.notify_one();
    }

    /// Plays the controller until dropped.
    pub(crate) async fn run(self, client: Client) {
        let watch = |kind| {
            let resource = resource(kind);
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
            watcher_of(api, resource)
        };
        let mut events = select(watch("Gateway"), watch("HTTPRoute")).boxed();
        let mut objects: HashMap<String, (DynamicObject, Option<(GatewayState, i64)>)> = HashMap::new();
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(Event::Apply(object) | Event::InitApply(object))) => {
                        let uid = object.uid().unwrap_or_default();
                        let said = objects.remove(&uid).and_then(|(_, said)| said);
                        let entry = objects.entry(uid).or_insert((object, said));
                        self.settle(&client, entry).await;
                    }
                    Some(Ok(Event::Delete(object))) => {
                        objects.remove(&object.uid().unwrap_or_default());
                    }
                    Some(Ok(Event::Init | Event::InitDone)) => {}
                    Some(Err(error)) => eprintln!("the simulated gateway controller's watch: {error}"),
                    None => return,
                },
                () = self.changed.notified() => {
                    for entry in objects.values_mut() {
                        self.settle(&client, entry).await;
                    }
                }
            }
        }
    }

    async fn settle(
        &self,
        client: &Client,
        (object, said): &mut (DynamicObject, Option<(GatewayState, i64)>),
    ) {
        let (Some(namespace), name) = (object.namespace(), object.name_any()) else {
            return;
        };
        let kind = object.types.as_ref().map_or("", |types| types.kind.as_str());
        let state = self
            .states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&namespace)
            .cloned();
        let Some(state) = state else { return };
        let generation = object.metadata.generation.unwrap_or_default();
        let say = (state, generation);
        if said.as_ref() == Some(&say) || say.0 == GatewayState::Silent {
            return;
        }
        let status = if kind == "Gateway" {
            of_gateway(&object.data, &say.0, generation)
        } else {
            of_route(&object.data, &say.0, generation)
        };
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &resource(kind));
        let patch = Patch::Merge(json!({"status": status}));
        match api.patch_status(&name, &PatchParams::default(), &patch).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => eprintln!("the simulated gateway controller, {kind} {namespace}/{name}: {error}"),
        }
        *said = Some(say);
    }
}

fn watcher_of(
    api: Api<DynamicObject>,
    resource: ApiResource,
) -> impl futures::Stream<Item = watcher::Result<Event<DynamicObject>>> {
    let types = kube::core::TypeMeta {
        api_version: resource.api_version,
        kind: resource.kind,
    };
    watcher(api, watcher::Config::default())
        .default_backoff()
        // A list does not repeat the type at each of its items.
        .map(move |event| {
            event.map(|event| match event {
                Event::Apply(mut object) => {
                    object.types = Some(types.clone());
                    Event::Apply(object)
                }
                Event::InitApply(mut object) => {
                    object.types = Some(types.clone());
                    Event::InitApply(object)
                }
                other => other,
            })
        })
}

fn condition(kind: &str, truth: bool, reason: &str, message: &str, generation: i64) -> Value {
    let now = Timestamp::now();
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    json!({
        "type": kind, "status": if truth { "True" } else { "False" }, "reason": reason, "message": message,
        "observedGeneration": generation, "lastTransitionTime": now.to_string(),
    })
}

fn of_gateway(gateway: &Value, state: &GatewayState, generation: i64) -> Value {
    let (programmed, address) = match state {
        GatewayState::Programmed(address) | GatewayState::Refusing { address, .. } => (true, Some(address)),
        GatewayState::NotProgrammed | GatewayState::Silent => (false, None),
    };
    let reason = if programmed {
        "Programmed"
    } else {
        "AddressNotAssigned"
    };
    let listeners: Vec<Value> = gateway["spec"]["listeners"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|listener| {
            json!({
                "name": listener["name"], "attachedRoutes": 0, "supportedKinds": [{"kind": "HTTPRoute"}],
                "conditions": [condition("Programmed", programmed, reason, "", generation)],
            })
        })
        .collect();
    json!({
        "addresses": address.map(|address| json!([{"type": "IPAddress", "value": address}])),
        "conditions": [
            condition("Accepted", true, "Accepted", "", generation),
            condition("Programmed", programmed, reason, "", generation),
        ],
        "listeners": listeners,
    })
}

fn of_route(route: &Value, state: &GatewayState, generation: i64) -> Value {
    let accepted = match state {
        GatewayState::Refusing { reason, message, .. } => {
            condition("Accepted", false, reason, message, generation)
        }
        _ => condition("Accepted", true, "Accepted", "", generation),
    };
    let parents: Vec<Value> = route["spec"]["parentRefs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parent| {
            json!({
                "parentRef": parent, "controllerName": CONTROLLER,
                "conditions": [accepted, condition("ResolvedRefs", true, "ResolvedRefs", "", generation)],
            })
        })
        .collect();
    json!({ "parents": parents })
}

//! The children of a plugin: what each is to look like, and whether it has to be written. One file per kind.

pub mod account_mount;
pub mod blame;
pub mod deployment;
pub mod disruption_budget;
mod handover;
pub mod http_route;
pub mod ingress;
pub mod network_policy;
mod overlay;
pub mod pod;
pub mod service;
pub mod service_account;

use serde_json::{Value, json};
use uuid::Uuid;

use super::places;
use crate::api::expose::is_label_value;
use crate::api::names::{APPLIED_ANNOTATION, GROUP, MANAGED_BY, PLUGIN_LABEL, SERVICE_PORT};
use crate::api::parse::{Plugin, image_tag};
use crate::judge::exposure;
use crate::keys::PluginKey;
use crate::observe::facts::Identity;
use crate::observe::memory::{ChildKind, Drift};
use crate::observe::routed::Routed;
use crate::observe::world::{GatewayView, World};
use crate::plan::drift;
use network_policy::CoreAddress;

/// What becomes of one child.
#[derive(Clone, Debug, PartialEq)]
pub struct Want {
    /// Its kind.
    pub kind: ChildKind,
    /// Its configuration, as it is applied.
    pub object: Value,
    /// The hash of the configuration.
    pub hash: String,
    /// What is to be done.
    pub how: How,
}

/// What is to be done with a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It is as it should be.
    Keep,
    /// It is not there: look, and make it.
    Create,
    /// It is ours and differs: apply over the object with this uid.
    Change {
        /// The object's uid.
        uid: String,
    },
    /// Somebody else changed it: apply the same configuration again.
    PutBack {
        /// The object's uid.
        uid: String,
        /// What is put back.
        drift: Drift,
    },
    /// Somebody else deleted it: make it again.
    Restore(Drift),
    /// Somebody else changed or deleted it, and it is left so.
    Leave(Drift),
    /// It is ours, and the spec asks for it no more.
    Remove {
        /// The object's uid.
        uid: String,
    },
    /// There is one of this name that is not ours, or ours is on its way out.
    Blocked {
        /// Whether it is being deleted and will make room.
        leaving: bool,
    },
}

impl Want {
    /// Whether it leads to a write.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(
            self.how,
            How::Create | How::Change { .. } | How::PutBack { .. } | How::Restore(_) | How::Remove { .. }
        )
    }

    /// Whether the spec asks for another child than was last applied; what somebody else changed is not meant.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        matches!(self.how, How::Create | How::Change { .. } | How::Remove { .. })
    }
}

/// All children, in the order in which they are applied.
#[must_use]
pub fn all(world: &World, plugin: &Plugin) -> Vec<Want> {
    let owner = Owner::of(world);
    let handed_over = handover::is_done(world, plugin);
    let around = Around::of(world, plugin);
    ChildKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let known = world.children.identity(kind);
            match object(kind, &owner, plugin, &around) {
                Some(_) if !is_served(kind, world) || is_withheld(kind, world, plugin) => None,
                // Until another source serves, what served before goes on as it is.
                _ if known.is_some() && !handed_over => None,
                Some(object) => {
                    let object = account_mount::with(kind, object, world, plugin)?;
                    Some(want(world, kind, known, object))
                }
                None => removal(world, kind, known),
            }
        })
        .collect()
}

/// The Deployment as it is to be tried: as it is wanted, or, where it must not be made yet, as it will be made about.
#[must_use]
pub fn rehearsal(world: &World, plugin: &Plugin, children: &[Want]) -> Option<Want> {
    let kind = ChildKind::Deployment;
    let wanted = children.iter().find(|want| want.kind == kind);
    let unmade = world.children.deployment.is_none() && !is_withheld(kind, world, plugin);
    wanted.cloned().or_else(|| {
        let around = Around::of(world, plugin);
        let object = object(kind, &Owner::of(world), plugin, &around).filter(|_| unmade)?;
        Some(want(world, kind, None, object))
    })
}

/// What a child is to look like, without its type; `None`: the spec asks for none.
fn object(kind: ChildKind, owner: &Owner, plugin: &Plugin, around: &Around) -> Option<Value> {
    match kind {
        ChildKind::ServiceAccount => service_account::object(owner, plugin),
        ChildKind::Deployment => deployment::object(owner, plugin),
        ChildKind::Service => service::object(owner, plugin),
        ChildKind::PodDisruptionBudget => disruption_budget::object(owner, plugin),
        ChildKind::HttpRoute => http_route::object(owner, plugin, &around.routed),
        ChildKind::Ingress => ingress::object(owner, plugin, &around.routed),
        ChildKind::NetworkPolicy => network_policy::object(owner, plugin, &around.core),
    }
}

/// What children are made of beside the spec.
#[derive(Clone, Debug, Default)]
struct Around {
    /// Where the plugin is reached: what the spec says comes first.
    routed: Vec<Routed>,
    /// Where the core is, as far as a NetworkPolicy has to say it.
    core: Vec<CoreAddress>,
}

impl Around {
    fn of(world: &World, plugin: &Plugin) -> Self {
        Self {
            routed: places::routed(world, plugin),
            core: network_policy::core(world),
        }
    }

    fn of_spec(plugin: &Plugin) -> Self {
        Self {
            routed: plugin.spec.expose.iter().map(Routed::of).collect(),
            core: Vec::new(),
        }
    }
}

/// Pods and Ingresses that would get the credentials of a core are not made.
fn is_withheld(kind: ChildKind, world: &World, plugin: &Plugin) -> bool {
    match kind {
        ChildKind::Deployment => exposure::judge(world, plugin).is_some(),
        ChildKind::Ingress => exposure::of_ingress(world, plugin).is_some(),
        _ => false,
    }
}

/// Whether the cluster serves the kind.
fn is_served(kind: ChildKind, world: &World) -> bool {
    kind != ChildKind::HttpRoute || world.gateway != GatewayView::ApiMissing
}

/// The children of a plugin without a cluster: what `render` prints.
#[must_use]
pub fn render(key: &PluginKey, plugin: &Plugin) -> Vec<Value> {
    let owner = Owner {
        key: key.clone(),
        uid: String::new(),
    };
    let around = Around::of_spec(plugin);
    ChildKind::ALL
        .into_iter()
        .filter_map(|kind| Some(typed(kind, object(kind, &owner, plugin, &around)?)))
        .map(|mut object| {
            if let Some(account) = plugin.account.as_ref().filter(|_| object["kind"] == "Deployment") {
                account_mount::add(&mut object, &account.secret(&key.name), None);
            }
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("ownerReferences");
            }
            object
        })
        .collect()
}

/// The WazoPlugin as the owner of its children.
#[derive(Clone, Debug)]
pub struct Owner {
    key: PluginKey,
    uid: String,
}

impl Owner {
    /// The plugin of a world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self {
            key: world.itself.key.clone(),
            uid: world.itself.uid.clone(),
        }
    }

    /// The name of the plugin and of its children.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// The metadata of a child.
    #[must_use]
    pub fn metadata(&self, plugin: &Plugin) -> Value {
        json!({
            "name": self.key.name,
            "namespace": self.key.namespace,
            "labels": self.labels(plugin),
            "ownerReferences": [{
                "apiVersion": format!("{GROUP}/v1alpha1"),
                "kind": "WazoPlugin",
                "name": self.key.name,
                "uid": self.uid,
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        })
    }

    /// The metadata of a child by which the plugin is reached: with the labels and annotations that the spec adds.
    #[must_use]
    pub fn exposed_metadata(&self, plugin: &Plugin) -> Value {
        let mut metadata = self.metadata(plugin);
        let added = plugin
            .spec
            .expose
            .as_ref()
            .and_then(|expose| expose.metadata.as_ref());
        let Some(added) = added else {
            return metadata;
        };
        for (field, theirs) in [("labels", &added.labels), ("annotations", &added.annotations)] {
            for (key, value) in theirs.iter().flatten() {
                if metadata[field][key].is_null() {
                    metadata[field][key] = json!(value);
                }
            }
        }
        metadata
    }

    /// The labels of a child and of its pods.
    #[must_use]
    pub fn labels(&self, plugin: &Plugin) -> Value {
        let mut labels = json!({
            "app.kubernetes.io/name": self.key.name,
            "app.kubernetes.io/managed-by": MANAGED_BY,
            "app.kubernetes.io/component": "plugin",
            "app.kubernetes.io/part-of": "wazo",
            PLUGIN_LABEL: self.key.name,
        });
        let image = plugin.workload().map(|workload| workload.image.as_str());
        if let Some(version) = image
            .and_then(image_tag)
            .filter(|tag| !tag.is_empty() && is_label_value(tag))
        {
            labels["app.kubernetes.io/version"] = json!(version);
        }
        labels
    }
}

/// The Service that a route leads to, and its port: that of the partner, or ours.
#[must_use]
pub fn backend<'a>(owner: &'a Owner, plugin: &'a Plugin) -> (&'a str, i32) {
    match &plugin.spec.service_ref {
        Some(reference) => (&reference.name, reference.port),
        None => (owner.name(), SERVICE_PORT),
    }
}

/// The path that tells whether a pod is ready; `None`: a TCP connection tells.
#[must_use]
pub fn readiness_path(plugin: &Plugin) -> Option<String> {
    if let Some(readiness) = plugin.workload().and_then(|workload| workload.readiness.as_ref()) {
        return Some(readiness.path.clone());
    }
    let entry = plugin.ui.first()?;
    let prefix = plugin
        .spec
        .expose
        .as_ref()
        .and_then(|expose| expose.path.as_deref())
        .unwrap_or("/");
    Some(format!(
        "{}/{}",
        prefix.trim_end_matches('/'),
        entry.entry.manifest.trim_start_matches('/')
    ))
}

/// The object with its type, which stands first, as people write it.
fn typed(kind: ChildKind, object: Value) -> Value {
    let mut typed = json!({"apiVersion": kind.api_version(), "kind": kind.kind()});
    if let (Some(all), Value::Object(fields)) = (typed.as_object_mut(), object) {
        all.extend(fields);
    }
    typed
}

fn want(world: &World, kind: ChildKind, known: Option<&Identity>, mut object: Value) -> Want {
    let hash = hash(&object);
    object = typed(kind, object);
    object["metadata"]["annotations"][APPLIED_ANNOTATION] = json!(hash);
    let how = drift::how(world, kind, known, &object, &hash);
    Want {
        kind,
        object,
        hash,
        how,
    }
}

/// A child that the spec asks for no more goes, where it is ours.
fn removal(world: &World, kind: ChildKind, known: Option<&Identity>) -> Option<Want> {
    let known = known.filter(|known| known.owner.as_deref() == Some(&world.itself.uid) && !known.deleting)?;
    let how = How::Remove {
        uid: known.uid.clone(),
    };
    Some(Want {
        kind,
        object: Value::Null,
        hash: String::new(),
        how,
    })
}

/// A hash of a configuration that is the same in every version of the operator: UUIDv5 of its JSON text.
fn hash(object: &Value) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, object.to_string().as_bytes())
        .simple()
        .to_string()
}

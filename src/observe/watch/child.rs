//! The kinds that are watched, and where their objects stand in the facts of a plugin.

use std::fmt::Debug;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::key_of;
use crate::api::names::{ACCOUNT_LABEL, PLUGIN_LABEL};
use crate::keys::PluginKey;
use crate::observe::account_secret::AccountSecret;
use crate::observe::facts::{
    DeploymentFact, Identity, IngressFact, NetworkPolicyFact, OwnServiceFact, RouteFact,
};
use crate::observe::gateway_api::{Gateway, HttpRoute};
use crate::observe::map;
use crate::observe::store::ChildFacts;

/// A kind that is watched.
pub(super) trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static
{
    /// Whether the kind is of the Gateway API, which a cluster may lack.
    const GATEWAY_API: bool = false;
}

/// A kind whose objects belong to plugins, and its place in their facts.
pub(super) trait Child: Watched {
    /// The label by which the objects are found.
    const LABEL: &str = PLUGIN_LABEL;
    /// The plugin that an object belongs to. A child bears the plugin's name, whatever somebody did to its labels.
    fn plugin(object: &Self) -> Option<PluginKey> {
        Some(key_of(object))
    }
    fn set(facts: &mut ChildFacts, object: &Self);
    fn clear(facts: &mut ChildFacts, object: &Self);
    /// Removes what a complete list did not show.
    fn retain(facts: &mut ChildFacts, plugin: &str, listed: &dyn Fn(&str) -> bool);
}

/// Whether what arrived is newer than what is known; an answer to our own write may come before its event.
fn is_newer(known: Option<&Identity>, arrived: &Identity) -> bool {
    known.is_none_or(|known| {
        known.uid != arrived.uid || version(&arrived.resource_version) >= version(&known.resource_version)
    })
}

/// Resource versions are comparable as numbers (KEP-5504).
fn version(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}

macro_rules! single_child {
    ($kind:ty, $field:ident, $map:expr $(, $gateway_api:literal)?) => {
        impl Watched for $kind {
            $(const GATEWAY_API: bool = $gateway_api;)?
        }

        impl Child for $kind {
            fn set(facts: &mut ChildFacts, object: &Self) {
                let fact = $map(object);
                if is_newer(facts.$field.as_ref().map(Known::id), fact.id()) {
                    facts.$field = Some(fact);
                }
            }

            fn clear(facts: &mut ChildFacts, object: &Self) {
                let gone = object.metadata.uid.as_deref();
                if facts.$field.as_ref().is_some_and(|known| Some(known.id().uid.as_str()) == gone) {
                    facts.$field = None;
                }
            }

            fn retain(facts: &mut ChildFacts, plugin: &str, listed: &dyn Fn(&str) -> bool) {
                if !listed(plugin) {
                    facts.$field = None;
                }
            }
        }
    };
}

/// A fact that tells which version of which object it is of.
trait Known {
    fn id(&self) -> &Identity;
}

impl Known for Identity {
    fn id(&self) -> &Identity {
        self
    }
}

impl Known for DeploymentFact {
    fn id(&self) -> &Identity {
        &self.id
    }
}

impl Known for RouteFact {
    fn id(&self) -> &Identity {
        &self.id
    }
}

impl Known for IngressFact {
    fn id(&self) -> &Identity {
        &self.id
    }
}

impl Known for OwnServiceFact {
    fn id(&self) -> &Identity {
        &self.id
    }
}

impl Known for NetworkPolicyFact {
    fn id(&self) -> &Identity {
        &self.id
    }
}

single_child!(ServiceAccount, service_account, |object: &ServiceAccount| {
    map::identity(&object.metadata)
});
single_child!(Service, service, map::own_service);
single_child!(
    PodDisruptionBudget,
    disruption_budget,
    |object: &PodDisruptionBudget| map::identity(&object.metadata)
);
single_child!(Deployment, deployment, map::deployment);
single_child!(HttpRoute, route, map::route, true);
single_child!(Ingress, ingress, map::ingress);
single_child!(NetworkPolicy, network_policy, map::network_policy);

impl Watched for IngressClass {}

impl Watched for Gateway {
    const GATEWAY_API: bool = true;
}

impl Watched for Secret {}

impl Child for Secret {
    const LABEL: &str = ACCOUNT_LABEL;

    fn plugin(object: &Self) -> Option<PluginKey> {
        map::plugin_of(object)
    }

    fn set(facts: &mut ChildFacts, object: &Self) {
        if let Some(fact) = AccountSecret::of(object) {
            facts.accounts.insert(object.name_any(), fact);
        }
    }

    fn clear(facts: &mut ChildFacts, object: &Self) {
        facts.accounts.remove(&object.name_any());
    }

    fn retain(facts: &mut ChildFacts, _plugin: &str, listed: &dyn Fn(&str) -> bool) {
        facts.accounts.retain(|name, _| listed(name));
    }
}

impl Watched for Pod {}

impl Child for Pod {
    fn plugin(object: &Self) -> Option<PluginKey> {
        map::plugin_of(object)
    }

    fn set(facts: &mut ChildFacts, object: &Self) {
        facts.pods.insert(object.name_any(), map::pod(object));
    }

    fn clear(facts: &mut ChildFacts, object: &Self) {
        facts.pods.remove(&object.name_any());
    }

    fn retain(facts: &mut ChildFacts, _plugin: &str, listed: &dyn Fn(&str) -> bool) {
        facts.pods.retain(|name, _| listed(name));
    }
}

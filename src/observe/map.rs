//! From watched objects to facts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ContainerState as State, ContainerStateTerminated, Pod, PodCondition, PodStatus, Service,
};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass, NetworkPolicy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;

use super::asked::{memory_limit, requests};
use super::conditions::find;
use super::facts::{
    ConditionFact, ContainerFact, ContainerState, DeploymentFact, GatewayFact, Identity, IngressFact,
    NetworkPolicyFact, OwnServiceFact, PodFact, RouteFact, RouteParentFact, Termination,
};
use super::fields::Ownership;
use super::gateway_api::{Gateway, HttpRoute};
use crate::api::names::{APPLIED_ANNOTATION, CORE_ADDRESSES_ANNOTATION, PLUGIN_LABEL};
use crate::keys::PluginKey;

/// The name of the plugin's container.
pub const CONTAINER: &str = "plugin";
/// As many listeners are kept that have something wrong.
const MOST_LISTENERS: usize = 5;
/// The kubelet's and scheduler's words are kept up to here.
const LONGEST_MESSAGE: usize = 1024;

/// The plugin that a labelled object belongs to.
#[must_use]
pub fn plugin_of<K: Resource>(object: &K) -> Option<PluginKey> {
    let meta = object.meta();
    let name = meta.labels.as_ref()?.get(PLUGIN_LABEL)?;
    Some(PluginKey::new(meta.namespace.as_deref()?, name))
}

/// Who an object is.
#[must_use]
pub fn identity(meta: &ObjectMeta) -> Identity {
    let annotation = |name: &str| {
        meta.annotations
            .as_ref()
            .and_then(|all: &BTreeMap<_, _>| all.get(name).cloned())
    };
    Identity {
        uid: meta.uid.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
        applied: annotation(APPLIED_ANNOTATION),
        label: meta
            .labels
            .as_ref()
            .and_then(|labels| labels.get(PLUGIN_LABEL))
            .cloned(),
        owner: meta
            .owner_references
            .iter()
            .flatten()
            .find(|owner| owner.controller == Some(true))
            .map(|owner| owner.uid.clone()),
        deleting: meta.deletion_timestamp.is_some(),
        fields: Ownership::of(meta.managed_fields.as_ref()),
    }
}

/// A Deployment as a fact.
#[must_use]
pub fn deployment(object: &Deployment) -> DeploymentFact {
    let status = object.status.clone().unwrap_or_default();
    DeploymentFact {
        id: identity(&object.metadata),
        template: object
            .spec
            .as_ref()
            .and_then(|spec| spec.template.metadata.as_ref())
            .and_then(template_of)
            .unwrap_or_default(),
        observed_generation: status.observed_generation.unwrap_or_default(),
        desired: object.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1),
        replicas: status.replicas.unwrap_or_default(),
        updated: status.updated_replicas.unwrap_or_default(),
        ready: status.ready_replicas.unwrap_or_default(),
        available: status.available_replicas.unwrap_or_default(),
        replica_failure: status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
            .map(|condition| ConditionFact {
                status: condition.status.clone(),
                reason: condition.reason.clone().unwrap_or_default(),
                message: shorten(condition.message.as_deref()),
                since: condition.last_transition_time.as_ref().map(|time| time.0),
            }),
    }
}

/// The hash of the template that a template, or a pod of it, bears.
fn template_of(meta: &ObjectMeta) -> Option<String> {
    meta.annotations.as_ref()?.get(APPLIED_ANNOTATION).cloned()
}

/// A route as a fact.
#[must_use]
pub fn route(object: &HttpRoute) -> RouteFact {
    RouteFact {
        id: identity(&object.metadata),
        created: object.metadata.creation_timestamp.as_ref().map(|time| time.0),
        parents: object
            .status
            .parents
            .iter()
            .map(|parent| RouteParentFact {
                controller: parent.controller_name.clone(),
                observed_generation: parent
                    .conditions
                    .iter()
                    .filter_map(|condition| condition.observed_generation)
                    .min()
                    .unwrap_or_default(),
                accepted: find(&parent.conditions, "Accepted"),
                resolved: find(&parent.conditions, "ResolvedRefs"),
            })
            .collect(),
    }
}

/// A Gateway as a fact.
#[must_use]
pub fn gateway(object: &Gateway) -> GatewayFact {
    GatewayFact {
        addresses: object
            .status
            .addresses
            .iter()
            .filter_map(|address| address.value.parse().ok())
            .collect(),
        programmed: find(&object.status.conditions, "Programmed"),
        unresolved: object
            .status
            .listeners
            .iter()
            .filter_map(|listener| Some((listener.name.clone(), find(&listener.conditions, "ResolvedRefs")?)))
            .filter(|(_, resolved)| resolved.status == "False")
            .take(MOST_LISTENERS)
            .collect(),
    }
}

/// An Ingress as a fact.
#[must_use]
pub fn ingress(object: &Ingress) -> IngressFact {
    let published = object
        .status
        .iter()
        .filter_map(|status| status.load_balancer.as_ref()?.ingress.as_ref())
        .flatten();
    let places: Vec<_> = published.collect();
    IngressFact {
        id: identity(&object.metadata),
        class: object
            .spec
            .as_ref()
            .and_then(|spec| spec.ingress_class_name.clone()),
        addresses: places
            .iter()
            .filter_map(|place| place.ip.as_ref()?.parse().ok())
            .collect(),
        published: places
            .iter()
            .any(|place| place.ip.is_some() || place.hostname.is_some()),
        created: object.metadata.creation_timestamp.as_ref().map(|time| time.0),
    }
}

/// Whether an IngressClass is the cluster's default.
#[must_use]
pub fn is_default_class(object: &IngressClass) -> bool {
    let annotations = object.metadata.annotations.as_ref();
    annotations
        .and_then(|all| all.get("ingressclass.kubernetes.io/is-default-class"))
        .is_some_and(|value| value == "true")
}

/// The Service of a plugin as a fact.
#[must_use]
pub fn own_service(object: &Service) -> OwnServiceFact {
    OwnServiceFact {
        id: identity(&object.metadata),
        cluster_ip: cluster_ip(object),
    }
}

/// The address of a Service in the cluster; a headless one has none.
#[must_use]
pub fn cluster_ip(object: &Service) -> Option<IpAddr> {
    object.spec.as_ref()?.cluster_ip.as_ref()?.parse().ok()
}

/// A NetworkPolicy as a fact.
#[must_use]
pub fn network_policy(object: &NetworkPolicy) -> NetworkPolicyFact {
    let annotations = object.metadata.annotations.as_ref();
    NetworkPolicyFact {
        id: identity(&object.metadata),
        core: annotations
            .and_then(|all| all.get(CORE_ADDRESSES_ANNOTATION))
            .map(|text| text.split(',').filter_map(|part| part.parse().ok()).collect())
            .unwrap_or_default(),
    }
}

/// A pod as a fact.
#[must_use]
pub fn pod(object: &Pod) -> PodFact {
    let status = object.status.clone().unwrap_or_default();
    let condition = |kind: &str| {
        status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == kind)
    };
    let ready = condition("Ready");
    let unschedulable = condition("PodScheduled").filter(|condition| condition.status == "False");
    let container = container(&status);
    let spec = object.spec.as_ref();
    PodFact {
        name: object.metadata.name.clone().unwrap_or_default(),
        revision: template_of(&object.metadata)
            .or_else(|| object.metadata.labels.as_ref()?.get("pod-template-hash").cloned())
            .unwrap_or_default(),
        created: object.metadata.creation_timestamp.as_ref().map(|time| time.0),
        deleting: object.metadata.deletion_timestamp.is_some(),
        node: object.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        ip: status.pod_ip.as_ref().and_then(|ip| ip.parse().ok()),
        ready: ready.is_some_and(|condition| condition.status == "True"),
        ready_since: ready
            .and_then(|condition| condition.last_transition_time.as_ref())
            .map(|time| time.0),
        sidecars: spec.is_some_and(|spec| spec.containers.len() > 1),
        requests: spec.filter(|_| unschedulable.is_some()).map(requests),
        memory_limit: spec
            .filter(|_| container.ran_out_of_memory())
            .and_then(memory_limit),
        unschedulable: unschedulable.map(pod_condition),
        disruption: condition("DisruptionTarget")
            .filter(|condition| condition.status == "True")
            .and_then(|condition| condition.reason.clone())
            .or_else(|| {
                status
                    .reason
                    .clone()
                    .filter(|_| status.phase.as_deref() == Some("Failed"))
            }),
        disruption_words: disruption_words(&status),
        container,
    }
}

/// The kubelet's words about a pod that it evicted.
fn disruption_words(status: &PodStatus) -> String {
    let conditions = status.conditions.iter().flatten();
    let disrupted = conditions
        .filter(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True")
        .find_map(|condition| condition.message.as_deref());
    let failed = status.phase.as_deref() == Some("Failed");
    shorten(status.message.as_deref().filter(|_| failed).or(disrupted))
}

fn pod_condition(condition: &PodCondition) -> ConditionFact {
    ConditionFact {
        status: condition.status.clone(),
        reason: condition.reason.clone().unwrap_or_default(),
        message: shorten(condition.message.as_deref()),
        since: condition.last_transition_time.as_ref().map(|time| time.0),
    }
}

fn container(status: &PodStatus) -> ContainerFact {
    let Some(container) = status
        .container_statuses
        .iter()
        .flatten()
        .find(|container| container.name == CONTAINER)
    else {
        return ContainerFact::default();
    };
    ContainerFact {
        state: container.state.as_ref().map(state).unwrap_or_default(),
        last: container
            .last_state
            .as_ref()
            .and_then(|last| last.terminated.as_ref())
            .map(termination),
        restarts: container.restart_count,
        image_id: Some(container.image_id.clone()).filter(|id| !id.is_empty()),
    }
}

fn state(state: &State) -> ContainerState {
    if let Some(waiting) = &state.waiting {
        ContainerState::Waiting {
            reason: waiting.reason.clone().unwrap_or_default(),
            message: shorten(waiting.message.as_deref()),
        }
    } else if let Some(running) = &state.running {
        ContainerState::Running {
            since: running.started_at.as_ref().map(|time| time.0),
        }
    } else if let Some(terminated) = &state.terminated {
        ContainerState::Terminated(termination(terminated))
    } else {
        ContainerState::Unknown
    }
}

fn termination(terminated: &ContainerStateTerminated) -> Termination {
    Termination {
        exit_code: terminated.exit_code,
        reason: terminated.reason.clone().unwrap_or_default(),
        message: shorten(terminated.message.as_deref()),
        started: terminated.started_at.as_ref().map(|time| time.0),
        finished: terminated.finished_at.as_ref().map(|time| time.0),
    }
}

fn shorten(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    let end = text
        .char_indices()
        .nth(LONGEST_MESSAGE)
        .map_or(text.len(), |(index, _)| index);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crashing_container_is_told_with_how_it_ended() {
        let object: Pod = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "p", "labels": {"pod-template-hash": "abc"}},
            "status": {"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [{"name": "plugin", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}},
                    "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}]},
        }))
        .unwrap();
        let fact = pod(&object);
        assert_eq!(fact.revision, "abc");
        assert_eq!(fact.container.last.as_ref().map(|last| last.exit_code), Some(3));
        assert!(
            matches!(&fact.container.state, ContainerState::Waiting { reason, .. } if reason == "CrashLoopBackOff")
        );
        assert_eq!(fact.container.image_id, None);
    }

    #[test]
    fn listeners_are_kept_where_their_certificates_are_not_resolved() {
        let condition = |status: &str| {
            serde_json::json!([{"type": "ResolvedRefs", "status": status, "reason": "InvalidCertificateRef",
                "message": "no Secret \"public\"", "lastTransitionTime": "2026-01-01T00:00:00Z"}])
        };
        let object: Gateway = serde_json::from_value(serde_json::json!({"status": {"listeners": [
            {"name": "http", "conditions": condition("True")},
            {"name": "https", "conditions": condition("False")},
        ]}}))
        .unwrap();
        let unresolved = gateway(&object).unresolved;
        assert_eq!(unresolved.len(), 1);
        assert_eq!(
            (unresolved[0].0.as_str(), unresolved[0].1.reason.as_str()),
            ("https", "InvalidCertificateRef")
        );
    }

    #[test]
    fn a_deployment_is_rolled_out_when_only_the_newest_revision_runs() {
        let mut fact = DeploymentFact {
            desired: 2,
            replicas: 3,
            updated: 2,
            available: 2,
            ..Default::default()
        };
        assert!(!fact.rolled_out(), "an old pod is still there");
        fact.replicas = 2;
        assert!(fact.rolled_out());
        fact.id.generation = 1;
        assert!(
            !fact.rolled_out(),
            "the controller has not seen the newest generation"
        );
    }
}

//! What the surroundings of a plugin in the cluster show: whose fault it is that cannot be told from its pods alone.

use super::{Doing, check, reasons, rows, verdicts};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::judge::assess;
use crate::observe::facts::{ContainerState, Requests};
use crate::observe::fixture::{NOW, at, condition};
use crate::observe::surroundings::{
    CapacityFact, ClaimFact, EventFact, NodeFact, Part, QuotaFact, Surroundings,
};
use crate::observe::world::World;
use crate::probe::ReadinessLook;
use Confidence::{High, Medium};
use Doing::{Ill, Retrying};
use Party::{Cluster, Config, Partner};

pub(super) const POD: &str = "crm-panel-abc-1";

impl World {
    pub(super) fn around(mut self, edit: impl FnOnce(&mut Surroundings)) -> Self {
        self.surroundings.at = Some(self.now);
        edit(&mut self.surroundings);
        self
    }

    pub(super) fn told(self, kind: &str, name: &str, reason: &str, message: &str) -> Self {
        self.around(|around| {
            around.read.insert(Part::Events);
            around.events.push(EventFact {
                kind: kind.to_owned(),
                name: name.to_owned(),
                reason: reason.to_owned(),
                message: message.to_owned(),
                reporter: "kubelet".to_owned(),
                since: Some(at(NOW - 58)),
                at: Some(at(NOW - 48)),
            });
        })
    }

    fn node(self, edit: impl FnOnce(&mut NodeFact)) -> Self {
        let mut node = NodeFact {
            name: "node-1".to_owned(),
            ready: "True".to_owned(),
            since: Some(at(NOW - 50)),
            ..NodeFact::default()
        };
        edit(&mut node);
        self.around(|around| {
            around.read.insert(Part::Nodes);
            around.nodes.push(node);
        })
    }
}

/// Pods that a node has and does not start.
fn starting() -> World {
    World::healthy()
        .waiting("ContainerCreating", "")
        .pods(|pod| pod.ip = None)
}

#[test]
fn what_the_node_cannot_do_for_a_pod_is_the_clusters() {
    let mount = "MountVolume.SetUp failed for volume \"data\" : rpc error: code = Internal";
    let sandbox = "Failed to create pod sandbox: plugin type=\"calico\" failed (add): no IP left";
    check(rows(vec![
        (
            "a volume is not mounted",
            starting().told("Pod", POD, "FailedMount", mount),
            Cluster,
            Layer::Volume,
            Reason::VolumeNotMounted,
            High,
            Ill,
        ),
        (
            "no sandbox",
            starting().told("Pod", POD, "FailedCreatePodSandBox", sandbox),
            Cluster,
            Layer::Sandbox,
            Reason::SandboxFailed,
            High,
            Ill,
        ),
        (
            "the node is away",
            World::healthy()
                .unready(None)
                .node(|node| node.ready = "Unknown".to_owned()),
            Cluster,
            Layer::Node,
            Reason::NodeNotReady,
            High,
            Ill,
        ),
        (
            "the node is gone",
            World::healthy().unready(None).node(|node| node.gone = true),
            Cluster,
            Layer::Node,
            Reason::NodeNotReady,
            High,
            Ill,
        ),
        (
            "the node is slow for lack of memory",
            World::healthy()
                .unready(Some(ReadinessLook::TimedOut))
                .node(|node| node.pressures = vec!["MemoryPressure".to_owned()]),
            Cluster,
            Layer::Node,
            Reason::NodeUnderPressure,
            Medium,
            Ill,
        ),
    ]));
}

#[test]
fn what_a_pod_mounts_and_does_not_exist_is_the_manifests() {
    let missing = "MountVolume.SetUp failed for volume \"keys\" : secret \"crm-keys\" not found";
    check(rows(vec![
        (
            "a Secret",
            starting().told("Pod", POD, "FailedMount", missing),
            Config,
            Layer::References,
            Reason::ReferenceMissing,
            High,
            Ill,
        ),
        (
            "a claim",
            starting().around(|around| {
                around.claims = vec![ClaimFact {
                    name: "data".to_owned(),
                    ..ClaimFact::default()
                }];
            }),
            Config,
            Layer::References,
            Reason::ReferenceMissing,
            High,
            Ill,
        ),
        (
            "the class of a claim",
            starting().around(|around| {
                around.claims = vec![claim(Some("fast"), Some(false))];
            }),
            Config,
            Layer::Volume,
            Reason::VolumeNotBound,
            High,
            Ill,
        ),
        (
            "a claim that nobody fulfils",
            starting().around(|around| around.claims = vec![claim(Some("slow"), Some(true))]),
            Cluster,
            Layer::Volume,
            Reason::VolumeNotBound,
            Medium,
            Ill,
        ),
        (
            "a claim whose volume cannot be made",
            starting()
                .around(|around| around.claims = vec![claim(Some("slow"), Some(true))])
                .told(
                    "PersistentVolumeClaim",
                    "data",
                    "ProvisioningFailed",
                    "no space left in the pool",
                ),
            Cluster,
            Layer::Volume,
            Reason::VolumeNotBound,
            High,
            Ill,
        ),
    ]));
}

fn claim(class: Option<&str>, class_found: Option<bool>) -> ClaimFact {
    ClaimFact {
        name: "data".to_owned(),
        found: true,
        phase: "Pending".to_owned(),
        class: class.map(ToOwned::to_owned),
        class_found,
        waits_for_pod: false,
        since: Some(at(NOW - 60)),
    }
}

#[test]
fn a_mount_that_fails_once_may_still_come_right() {
    let message = "Multi-Attach error for volume \"data\": volume is already used by another pod";
    let mut once = starting().told("Pod", POD, "FailedAttachVolume", message);
    for event in &mut once.surroundings.events {
        (event.since, event.at) = (Some(at(NOW - 2)), Some(at(NOW - 2)));
    }
    assert!(reasons(&assess(&once)).is_empty(), "{:?}", assess(&once).faults);
    assert_eq!(reasons(&assess(&once.later(20))), [Reason::VolumeNotMounted]);
}

#[test]
fn events_about_what_is_over_tell_nothing() {
    let mount = "MountVolume.SetUp failed for volume \"data\" : rpc error";
    let runs = World::healthy()
        .crashing(3)
        .told("Pod", POD, "FailedMount", mount);
    assert_eq!(reasons(&assess(&runs)), [Reason::ProcessExited]);
    let of_an_older_pod = starting().told("Pod", "crm-panel-old-1", "FailedMount", mount);
    assert!(!reasons(&assess(&of_an_older_pod)).contains(&Reason::VolumeNotMounted));
}

#[test]
fn one_ill_node_of_two_is_no_cause_while_the_other_serves() {
    let world = World::healthy()
        .with_pod(crate::observe::facts::PodFact {
            node: Some("node-2".to_owned()),
            ..crate::observe::fixture::serving("crm-panel-abc-2", 8)
        })
        .pods(|pod| {
            if pod.name == POD {
                crate::observe::fixture::break_pod(pod, ContainerState::Running { since: None }, None);
            }
        })
        .node(|node| node.ready = "Unknown".to_owned())
        .node(|node| node.name = "node-2".to_owned());
    let blocking = verdicts(&assess(&world))
        .into_iter()
        .any(|(.., blocking)| blocking);
    assert!(!blocking, "{:?}", verdicts(&assess(&world)));
}

#[test]
fn a_process_that_exits_by_itself_is_not_excused_by_a_node_that_is_short_of_something() {
    let world = World::healthy()
        .crashing(3)
        .node(|node| node.pressures = vec!["DiskPressure".to_owned()]);
    assert_eq!(reasons(&assess(&world)), [Reason::ProcessExited]);
}

#[test]
fn an_eviction_for_the_pods_own_limit_is_the_partners() {
    let evicted = |words: &'static str| {
        World::healthy()
            .deployment(|deployment| deployment.available = 0)
            .pods(|pod| {
                pod.ready = false;
                pod.disruption = Some("Evicted".to_owned());
                words.clone_into(&mut pod.disruption_words);
            })
    };
    check(rows(vec![
        (
            "its own disk",
            evicted("Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. "),
            Partner,
            Layer::Container,
            Reason::StorageLimitExceeded,
            High,
            Ill,
        ),
        (
            "the node's memory",
            evicted("The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. "),
            Cluster,
            Layer::Node,
            Reason::PodsEvicted,
            High,
            Ill,
        ),
    ]));
}

#[test]
fn a_pod_that_asks_for_more_than_any_node_has_is_the_manifests() {
    let full = |cpu_millis| {
        World::healthy()
            .deployment(|deployment| deployment.available = 0)
            .pods(|pod| {
                pod.ready = false;
                pod.requests = Some(Requests {
                    cpu_millis,
                    memory: 1,
                });
                let message = "0/1 nodes are available: 1 Insufficient cpu.";
                pod.unschedulable = Some(condition("False", "Unschedulable", message));
            })
            .around(|around| {
                around.capacity = Some(CapacityFact {
                    largest_cpu_millis: 4000,
                    largest_memory: 1 << 30,
                    ..CapacityFact::default()
                });
            })
    };
    let scheduling = Layer::Scheduling;
    check(rows(vec![
        (
            "too large",
            full(8000),
            Config,
            scheduling,
            Reason::RequestTooLarge,
            High,
            Ill,
        ),
        (
            "no room now",
            full(2000),
            Cluster,
            scheduling,
            Reason::NoCapacity,
            High,
            Ill,
        ),
    ]));
}

#[test]
fn a_quota_that_is_used_up_and_a_webhook_that_is_away_are_named() {
    let not_made = |message: &str| {
        let failure = condition("True", "FailedCreate", message);
        World::reachable().deployment(|deployment| {
            deployment.replica_failure = Some(failure);
            deployment.available = 0;
        })
    };
    let quota = not_made(r#"pods "crm-1" is forbidden: exceeded quota: small"#).around(|around| {
        around.quotas = vec![QuotaFact {
            name: "small".to_owned(),
            exhausted: vec!["pods".to_owned()],
        }];
    });
    let named = assess(&quota).faults[0].object.clone().unwrap();
    assert_eq!(
        (named.kind.as_deref(), named.name.as_deref()),
        (Some("ResourceQuota"), Some("small"))
    );
    let away = not_made(r#"Internal error occurred: failed calling webhook "w.test": EOF"#);
    check(rows(vec![(
        "a webhook",
        away,
        Cluster,
        Layer::Admission,
        Reason::WebhookUnavailable,
        High,
        Retrying,
    )]));
}

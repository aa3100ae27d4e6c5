use super::{Doing, check, rows};
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::observe::fixture::{condition, exit, waiting};
use crate::observe::memory::ChildKind;
use crate::observe::world::World;
use crate::probe::ReadinessLook;
use Confidence::{High, Medium};
use Doing::{Ill, Stalled};
use Layer::{Admission, KubeAPI, Node, Probe, Quota, References, Scheduling, Spec};
use Party::{Cluster, Config, Operator, Partner, Unknown};

/// A container that ended and was not started again yet.
fn ended(code: i32, reason: &str) -> World {
    World::healthy().container(waiting("CrashLoopBackOff", ""), Some(exit(code, reason)))
}

#[test]
fn what_the_cluster_does_to_pods_is_not_the_partners_fault() {
    let evicted = World::healthy()
        .deployment(|deployment| deployment.available = 0)
        .pods(|pod| {
            pod.ready = false;
            pod.disruption = Some("Evicted".to_owned());
        });
    let after_exit =
        ended(137, "Error").pods(|pod| pod.disruption = Some("EvictionByEvictionAPI".to_owned()));
    let full = World::healthy()
        .deployment(|deployment| deployment.available = 0)
        .pods(|pod| {
            pod.ready = false;
            pod.unschedulable = Some(condition(
                "False",
                "Unschedulable",
                "0/3 nodes are available: 3 Insufficient cpu.",
            ));
        });
    let lost = ended(255, "Unknown");
    let not_made = |message: &str| {
        let failure = condition("True", "FailedCreate", message);
        World::reachable().deployment(|deployment| {
            deployment.replica_failure = Some(failure);
            deployment.available = 0;
        })
    };
    let quota = r#"pods "crm-1" is forbidden: exceeded quota: small"#;
    let security = r#"pods "crm-1" is forbidden: violates PodSecurity "restricted:latest""#;
    let webhook = r#"admission webhook "p.example" denied the request: no"#;
    let retry = Doing::Retrying;
    check(rows(vec![
        ("evicted", evicted, Cluster, Node, Reason::PodsEvicted, High, Ill),
        (
            "an eviction ends the process, too",
            after_exit,
            Cluster,
            Node,
            Reason::PodsEvicted,
            High,
            Ill,
        ),
        (
            "the node lost the container",
            lost,
            Cluster,
            Node,
            Reason::PodsEvicted,
            High,
            Ill,
        ),
        (
            "no room",
            full,
            Cluster,
            Scheduling,
            Reason::NoCapacity,
            Medium,
            Ill,
        ),
        (
            "quota",
            not_made(quota),
            Cluster,
            Quota,
            Reason::QuotaExceeded,
            High,
            retry,
        ),
        (
            "pod security",
            not_made(security),
            Cluster,
            Admission,
            Reason::PodSecurityViolated,
            High,
            retry,
        ),
        (
            "policy",
            not_made(webhook),
            Cluster,
            Admission,
            Reason::PolicyDenied,
            High,
            retry,
        ),
        (
            "anything else",
            not_made("no"),
            Config,
            Admission,
            Reason::ApplyRejected,
            High,
            retry,
        ),
    ]));
}

#[test]
fn why_pods_run_and_are_not_ready_is_asked_of_the_pods() {
    let unready = |look| World::healthy().unready(look);
    check(rows(vec![
        (
            "nothing listens",
            unready(Some(ReadinessLook::NotListening)),
            Partner,
            Probe,
            Reason::NotListening,
            High,
            Ill,
        ),
        (
            "answers 500",
            unready(Some(ReadinessLook::Status(500))),
            Partner,
            Probe,
            Reason::ReportsUnhealthy,
            High,
            Ill,
        ),
        (
            "too slow",
            unready(Some(ReadinessLook::TimedOut)),
            Partner,
            Probe,
            Reason::ProbeTimeout,
            Medium,
            Ill,
        ),
        (
            "breaks off",
            unready(Some(ReadinessLook::Broken)),
            Partner,
            Probe,
            Reason::ProbeTimeout,
            Medium,
            Ill,
        ),
        (
            "well for us",
            unready(Some(ReadinessLook::Good)),
            Unknown,
            Probe,
            Reason::NotReady,
            Medium,
            Ill,
        ),
        (
            "not asked",
            unready(None),
            Unknown,
            Probe,
            Reason::NotReady,
            Medium,
            Ill,
        ),
    ]));
}

#[test]
fn a_child_that_the_api_server_refuses_is_a_fault_by_its_refusal() {
    let refused = |kind, reason| World::reachable().refused(kind, reason);
    let retry = Doing::Retrying;
    check(rows(vec![
        (
            "taken",
            refused(ChildKind::Service, Reason::NameTaken),
            Config,
            References,
            Reason::NameTaken,
            High,
            retry,
        ),
        (
            "rights",
            refused(ChildKind::Deployment, Reason::OperatorForbidden),
            Operator,
            KubeAPI,
            Reason::OperatorForbidden,
            High,
            retry,
        ),
        (
            "field",
            refused(ChildKind::Deployment, Reason::ApplyRejected),
            Config,
            Admission,
            Reason::ApplyRejected,
            High,
            retry,
        ),
        (
            "route",
            refused(ChildKind::HttpRoute, Reason::PolicyDenied),
            Cluster,
            Admission,
            Reason::PolicyDenied,
            High,
            retry,
        ),
        (
            "at run time",
            World::healthy().refused(ChildKind::Deployment, Reason::QuotaExceeded),
            Cluster,
            Quota,
            Reason::QuotaExceeded,
            High,
            Ill,
        ),
    ]));
}

#[test]
fn a_spec_that_is_not_usable_stalls_at_once_and_names_the_field() {
    let world = World::healthy()
        .spec(|spec| spec.workload.as_mut().unwrap().image = "https://r.example/p".to_owned());
    check(rows(vec![(
        "image",
        world.clone(),
        Config,
        Spec,
        Reason::InvalidSpec,
        High,
        Stalled,
    )]));
    let fault = &super::assess(&world).faults[0];
    let object = fault.object.as_ref().unwrap();
    assert_eq!(object.field_path.as_deref(), Some("spec.workload.image"));
    assert_eq!(object.name.as_deref(), Some("crm-panel"));
}

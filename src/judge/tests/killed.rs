//! Who ended a process that did not end by itself.

use super::surroundings::POD;
use super::verdicts;
use crate::api::fault::{Confidence, Layer, Party};
use crate::api::reason::Reason;
use crate::judge::assess;
use crate::observe::fixture::{NOW, at, exit, waiting};
use crate::observe::surroundings::{LimitFact, Part};
use crate::observe::world::World;
use Confidence::{High, Medium};
use Party::{Cluster, Config, Partner};

#[test]
fn who_ended_a_process_is_told_by_the_kubelet_and_the_node() {
    let killed =
        |reason: &str| World::healthy().container(waiting("CrashLoopBackOff", ""), Some(exit(137, reason)));
    let liveness = "Container plugin failed liveness probe, will be restarted";
    let system = "System OOM encountered, victim process: panel, pid: 4711";
    let limited = |limits: Vec<LimitFact>| {
        killed("OOMKilled")
            .pods(|pod| pod.memory_limit = Some(64 << 20))
            .around(|around| {
                around.read.insert(Part::Limits);
                around.limits = limits;
            })
    };
    let range = LimitFact {
        name: "small".to_owned(),
        memory: Some(64 << 20),
    };
    let of_spec = || {
        limited(vec![range.clone()]).spec(|spec| {
            let workload = spec.workload.as_mut().unwrap();
            workload.resources =
                serde_json::from_value(serde_json::json!({"limits": {"memory": "64Mi"}})).unwrap();
        })
    };
    let in_force = |mut world: World| {
        world.itself.before.observed_generation = world.itself.generation;
        world.itself.before.rollout = None;
        world
    };
    for (what, world, expected) in [
        (
            "a liveness probe",
            killed("Error").told("Pod", POD, "Killing", liveness),
            (Partner, Layer::Probe, Reason::LivenessKilled, High),
        ),
        (
            "the node's memory",
            killed("Error").told("Node", "node-1", "SystemOOM", system),
            (Cluster, Layer::Node, Reason::NodeOutOfMemory, High),
        ),
        (
            "nobody tells",
            killed("Error"),
            (Partner, Layer::Container, Reason::ProcessExited, Medium),
        ),
        (
            "a limit of the namespace",
            limited(vec![range.clone()]),
            (Cluster, Layer::Container, Reason::OutOfMemory, High),
        ),
        (
            "a limit of nobody known",
            limited(Vec::new()),
            (Cluster, Layer::Container, Reason::OutOfMemory, Medium),
        ),
        (
            "a limit of the spec that was enough before",
            in_force(of_spec()),
            (Partner, Layer::Container, Reason::OutOfMemory, High),
        ),
        (
            "a limit of the spec",
            of_spec(),
            (Config, Layer::Container, Reason::OutOfMemory, Medium),
        ),
    ] {
        let (party, layer, reason, confidence, _) = verdicts(&assess(&world))[0];
        assert_eq!((party, layer, reason, confidence), expected, "{what}");
    }
}

#[test]
fn a_container_with_a_liveness_probe_may_be_ended_whatever_its_exit_code_and_the_events_tell() {
    let probe = serde_json::json!({"spec": {"containers": [
        {"name": "plugin", "livenessProbe": {"httpGet": {"path": "/alive", "port": 8080}}}]}});
    let ended = World::healthy()
        .spec(|spec| {
            let workload = spec.workload.as_mut().unwrap();
            workload.pod_template = serde_json::from_value(probe.clone()).unwrap();
        })
        .container(waiting("CrashLoopBackOff", ""), Some(exit(0, "Completed")));
    let settled = |mut world: World| {
        world.itself.before.observed_generation = world.itself.generation;
        world.itself.before.rollout = None;
        world
    };
    let ended = settled(ended);
    let of = |world: &World| {
        let (party, _, reason, confidence, _) = verdicts(&assess(world))[0];
        (party, reason, confidence)
    };
    assert_eq!(
        of(&ended),
        (Partner, Reason::ProcessCompleted, Medium),
        "the events were not read yet"
    );
    let read = |world: World| {
        world.around(|around| {
            around.read.insert(Part::Events);
            around.checked_at = Some(at(NOW));
        })
    };
    assert_eq!(
        of(&read(ended.clone())),
        (Partner, Reason::ProcessCompleted, High)
    );
    let words = "Container plugin failed liveness probe, will be restarted";
    let killed = read(ended.clone()).told("Pod", POD, "Killing", words);
    assert_eq!(of(&killed), (Partner, Reason::LivenessKilled, High));
    let mut between = ended;
    between.itself.before = killed.reported().itself.before;
    assert_eq!(
        of(&between).1,
        Reason::LivenessKilled,
        "what is known stays until the events are read again"
    );
}

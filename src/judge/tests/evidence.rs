//! What evidence may do to a verdict, and what it never does: for worlds that nobody thought of.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::assess;
use crate::api::fault::{Fault, Layer, Party};
use crate::observe::changes::{Changes, Ready};
use crate::observe::facts::ContainerState;
use crate::observe::fixture::random::worlds;
use crate::observe::fixture::{NOW, at};
use crate::observe::neighbours::{Count, Neighbours, Standing};
use crate::observe::surroundings::{EventFact, NodeFact, Part, Surroundings};
use crate::observe::world::World;
use crate::probe::{Look, LookError, ReadinessLook};

fn count() -> impl Strategy<Value = Count> {
    (0_usize..6)
        .prop_flat_map(|plugins| (0..=plugins).prop_map(move |namespaces| Count { plugins, namespaces }))
}

fn standing() -> impl Strategy<Value = Standing> {
    let layers = select(vec![
        Layer::Image,
        Layer::Container,
        Layer::Probe,
        Layer::Route,
        Layer::Manifest,
        Layer::Registration,
    ]);
    (count(), btree_map(layers, count(), 0..4)).prop_map(|(well, ill)| Standing { well, ill })
}

fn neighbours() -> impl Strategy<Value = Neighbours> {
    let all = (standing(), standing(), standing(), standing(), standing());
    all.prop_map(|(registry, node, gateway, core, image)| Neighbours {
        registry,
        nodes: [("node-1".to_owned(), node)].into(),
        gateway,
        core,
        image,
    })
}

fn moment() -> impl Strategy<Value = Option<jiff::Timestamp>> {
    proptest::option::of((0_i64..10_000).prop_map(|ago| at(NOW - ago)))
}

fn changes() -> impl Strategy<Value = Changes> {
    (moment(), moment(), moment(), moment()).prop_map(|(spec, image, certificate, ready)| Changes {
        spec,
        image,
        certificate,
        ready: ready.map(|from| Ready { from, until: None }),
        ..Changes::default()
    })
}

fn event() -> impl Strategy<Value = EventFact> {
    let words = select(vec![
        (
            "Killing",
            "Container plugin failed liveness probe, will be restarted",
        ),
        (
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 500",
        ),
        (
            "FailedMount",
            "MountVolume.SetUp failed for volume \"data\": timed out",
        ),
        (
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: network plugin is not ready",
        ),
        ("TriggeredScaleUp", "pod triggered scale-up"),
    ]);
    (words, 0_u8..4, 0_i64..200).prop_map(|((reason, message), pod, ago)| EventFact {
        kind: "Pod".to_owned(),
        name: format!("crm-panel-{pod}"),
        reason: reason.to_owned(),
        message: message.to_owned(),
        reporter: "kubelet".to_owned(),
        since: Some(at(NOW - ago - 30)),
        at: Some(at(NOW - ago)),
    })
}

fn surroundings() -> impl Strategy<Value = Surroundings> {
    let node = (select(vec!["True", "False", "Unknown"]), any::<bool>());
    (vec(event(), 0..4), node).prop_map(|(mut events, (ready, pressed))| {
        // The newest of each reason is kept.
        events.sort_by_key(|event| (event.reason.clone(), std::cmp::Reverse(event.at)));
        events.dedup_by(|one, other| one.reason == other.reason);
        Surroundings {
            at: Some(at(NOW - 5)),
            checked_at: Some(at(NOW)),
            read: [Part::Events, Part::Nodes].into(),
            nodes: vec![NodeFact {
                name: "node-1".to_owned(),
                ready: ready.to_owned(),
                since: Some(at(NOW - 100)),
                pressures: pressed.then(|| "MemoryPressure".to_owned()).into_iter().collect(),
                architecture: "amd64".to_owned(),
                ..NodeFact::default()
            }],
            events,
            ..Surroundings::default()
        }
    })
}

/// Worlds with all that speaks for or against a verdict.
pub(super) fn weighed() -> impl Strategy<Value = World> {
    (worlds(), neighbours(), changes(), surroundings()).prop_map(
        |(world, neighbours, changes, surroundings)| World {
            neighbours,
            changes,
            surroundings,
            ..world
        },
    )
}

/// Without what was seen from a vantage, where that can be taken away alone.
fn without(world: &World, vantage: &str) -> Option<World> {
    let mut world = world.clone();
    match vantage {
        "neighbours" => world.neighbours = Neighbours::default(),
        "change" => world.changes = Changes::default(),
        "operator→pod" => {
            world.probe.readiness = None;
            for fact in &mut world.probe.manifests {
                fact.pod = None;
            }
        }
        _ => return None,
    }
    Some(world)
}

fn of<'a>(faults: &'a [Fault], like: &Fault) -> Option<&'a Fault> {
    faults
        .iter()
        .find(|fault| fault.reason == like.reason && fault.object == like.object)
}

const fn is_shared(party: Party) -> bool {
    matches!(
        party,
        Party::Cluster | Party::Dependency | Party::Core | Party::Path
    )
}

/// So many more neighbours that do well, each of a namespace of its own.
fn with_healthy(mut world: World, more: usize) -> World {
    let all = &mut world.neighbours;
    let standings = [&mut all.registry, &mut all.gateway, &mut all.core];
    for standing in standings.into_iter().chain(all.nodes.values_mut()) {
        standing.well.plugins += more;
        standing.well.namespaces += more;
    }
    world
}

/// The same seen once more: events, runs of the container, and what was told of it.
fn once_more(world: &World) -> World {
    let mut again = world.clone().reported();
    again.verdicts = assess(world).verdicts;
    let events = again.surroundings.events.clone();
    again.surroundings.events.extend(events);
    again.outcomes.extend(world.outcomes.clone());
    again.pods(|pod| {
        if pod.container.restarts > 0 {
            pod.container.restarts += 7;
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn taking_evidence_away_never_makes_anybody_surer(world in weighed()) {
        for fault in assess(&world).faults {
            for evidence in &fault.evidence {
                let Some(less) = without(&world, &evidence.vantage) else { continue };
                if let Some(then) = of(&assess(&less).faults, &fault) {
                    prop_assert!(then.confidence <= fault.confidence, "{} of {:?}", evidence.vantage, fault);
                }
            }
        }
    }

    #[test]
    fn a_healthy_neighbour_never_moves_blame_to_what_is_shared(world in weighed(), more in 1_usize..9) {
        let before = assess(&world).faults;
        for fault in assess(&with_healthy(world, more)).faults {
            let known = of(&before, &fault);
            prop_assert!(!is_shared(fault.party) || known.is_some_and(|known| is_shared(known.party)), "{:?}", fault);
            if let Some(known) = known.filter(|_| is_shared(fault.party)) {
                prop_assert!(fault.confidence <= known.confidence, "{:?}", fault);
            }
        }
    }

    #[test]
    fn repetition_is_not_evidence(world in weighed(), times in 1_usize..4) {
        let before = assess(&world).faults;
        let again = (0..times).fold(world, |world, _| once_more(&world));
        for fault in assess(&again).faults {
            if let Some(known) = of(&before, &fault) {
                prop_assert!(fault.confidence <= known.confidence, "{:?} was {:?}", fault, known);
                prop_assert_eq!(fault.party, known.party);
            }
        }
    }

    #[test]
    fn a_look_at_an_earlier_run_of_the_process_says_nothing_of_this_one(
        around in weighed(), run in 31_i64..1000, before in 1_i64..1000,
    ) {
        let with = |look: Option<ReadinessLook>| {
            let mut world = World::healthy().unready(look).pods(|pod| {
                pod.container.state = ContainerState::Running { since: Some(at(NOW - run)) };
            });
            if let Some(fact) = &mut world.probe.readiness {
                (fact.at, fact.checked_at) = (at(NOW - run - before), at(NOW - run - before));
            }
            world.neighbours = around.neighbours.clone();
            world.surroundings = around.surroundings.clone();
            format!("{:?}", assess(&world))
        };
        for look in [ReadinessLook::NotListening, ReadinessLook::Status(500), ReadinessLook::TimedOut] {
            prop_assert_eq!(with(Some(look)), with(None));
        }
    }

    #[test]
    fn a_look_that_is_older_than_the_pods_that_serve_blames_nobody(
        error in select(vec![
            LookError::NotFound, LookError::CorsMissing, LookError::Refused, LookError::TimedOut,
            LookError::Invalid(Vec::new()),
        ]),
        serves in 0_i64..1000, before in 1_i64..1000, too in any::<bool>(),
    ) {
        let pods = too.then(|| Look::Bad(error.clone()));
        let mut world = World::healthy().public(error, pods).pods(|pod| pod.ready_since = Some(at(NOW - serves)));
        for fact in &mut world.probe.manifests {
            fact.checked_at = at(NOW - serves - before);
        }
        let assessment = assess(&world);
        prop_assert!(assessment.faults.is_empty() && !assessment.manifest.is_good(), "{:?}", assessment.faults);
    }

    #[test]
    fn a_reckoning_and_an_assessment_are_one(world in weighed()) {
        let reckoning = crate::judge::reckon(&world);
        prop_assert_eq!(&reckoning.verdicts, &assess(&world).faults);
        for mask in &reckoning.masks {
            let place = |candidate: usize| reckoning.candidates[candidate].place.unwrap();
            let (above, below) = (place(mask.by), place(mask.candidate));
            prop_assert!(above == below || crate::judge::graph::is_ancestor(above, below));
        }
        let text = reckoning.to_string();
        prop_assert!(text.contains("verdict"), "{}", text);
        serde_json::to_string(&reckoning).unwrap();
    }

    #[test]
    fn who_is_not_sure_blames_nobody_and_what_is_contradicted_is_never_sure(world in weighed()) {
        use crate::api::fault::Confidence;
        for fault in assess(&world).faults {
            prop_assert!(fault.party == Party::Unknown || fault.confidence >= Confidence::Medium);
            prop_assert!(fault.contradicting.is_empty() || fault.confidence < Confidence::High, "{:?}", fault);
        }
    }
}

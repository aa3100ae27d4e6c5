use proptest::prelude::*;

use super::evidence::weighed;
use super::{Doing, assess, doing};
use crate::api::fault::{Confidence, Party};
use crate::observe::fixture::random::worlds;
use crate::observe::world::World;

/// The same world, seen in another order: pods under other names, and outcomes turned round.
fn shuffled(mut world: World) -> World {
    let pods: Vec<_> = std::mem::take(&mut world.children.pods).into_values().collect();
    for (place, mut pod) in pods.into_iter().rev().enumerate() {
        let (was, is) = (pod.name, format!("other-{place}"));
        for event in world
            .surroundings
            .events
            .iter_mut()
            .filter(|event| event.name == was)
        {
            event.name.clone_from(&is);
        }
        pod.name = is;
        world.children.pods.insert(pod.name.clone(), pod);
    }
    world.outcomes.reverse();
    world.surroundings.events.reverse();
    world.surroundings.nodes.reverse();
    world.surroundings.claims.reverse();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_and_order_of_what_is_seen_do_not_matter(world in weighed()) {
        let (one, other) = (assess(&world), assess(&shuffled(world)));
        prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }

    #[test]
    fn an_assessment_does_not_contradict_itself(world in worlds()) {
        let assessment = assess(&world);
        let blocking = assessment.faults.iter().filter(|fault| fault.blocking).count();
        match doing(&assessment) {
            Doing::Ready => {
                prop_assert_eq!(blocking, 0);
                prop_assert!(assessment.clock.is_none());
            }
            Doing::Progressing => prop_assert_eq!(blocking, 0),
            Doing::Retrying | Doing::Stalled | Doing::Ill => {
                prop_assert!(blocking > 0 && assessment.faults[0].blocking);
            }
        }
        prop_assert!(assessment.faults.len() <= 4);
        prop_assert!(assessment.again.is_none_or(|seconds| seconds > 0));
    }

    #[test]
    fn a_fault_says_no_more_than_is_known(world in worlds()) {
        for fault in assess(&world).faults {
            prop_assert!(fault.suspected.is_none() || fault.party == Party::Unknown);
            prop_assert!(fault.confidence != Confidence::Low || fault.party == Party::Unknown);
            prop_assert!(fault.party != Party::Unknown || !fault.missing.is_empty() || fault.suspected.is_some());
            prop_assert!(fault.evidence.len() <= 5);
            // Of the future nobody knows, and who is meant by "since" began in the past.
            prop_assert!(fault.since.0 <= world.now);
        }
    }

    #[test]
    fn a_core_that_is_away_never_fails_a_plugin_that_is_sound(world in worlds()) {
        let mut world = world;
        let sound = World::reachable();
        world.core = sound.core;
        world.children = sound.children;
        world.itself.plugin = sound.itself.plugin;
        world.memory = sound.memory;
        world.gateway = sound.gateway;
        world.probe = sound.probe;
        world.outcomes.clear();
        let world = world.core_away().later(100_000);
        prop_assert!(matches!(doing(&assess(&world)), Doing::Ready | Doing::Retrying));
    }
}

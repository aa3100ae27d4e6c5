use proptest::prelude::*;

use super::rules::{broken, times_kept};
use super::told;
use crate::judge::assess;
use crate::observe::fixture::random::worlds;
use crate::observe::world::World;
use crate::report::status::{deleting, suspended};

/// As many passes as the operator may need until it has nothing more to say of a world that stands still.
const PASSES: usize = 3;

fn written(mut world: World) -> Option<World> {
    for _ in 0..PASSES {
        let status = told(&world);
        if status == world.itself.before {
            return Some(world);
        }
        world.itself.before = status;
    }
    (told(&world) == world.itself.before).then_some(world)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_status_keeps_the_rules(world in worlds()) {
        let status = told(&world);
        prop_assert_eq!(broken(&status, world.itself.generation), Vec::<String>::new());
        prop_assert_eq!(status.observed_generation, world.itself.generation);
        prop_assert!(times_kept(&world.itself.before.conditions, &status.conditions));
    }

    #[test]
    fn a_suspended_or_leaving_plugin_keeps_the_rules_too(world in worlds(), pending in any::<bool>()) {
        let world = world.reported();
        for status in [suspended(&world, pending), deleting(&world, &assess(&world))] {
            let mut found = broken(&status, world.itself.generation);
            // What was degraded when judging paused stays told; the fault goes.
            found.retain(|rule| !rule.starts_with("Degraded"));
            prop_assert_eq!(found, Vec::<String>::new());
            prop_assert!(times_kept(&world.itself.before.conditions, &status.conditions));
        }
    }

    #[test]
    fn a_world_that_stands_still_is_written_once(world in worlds(), seconds in 0_i64..3600) {
        let Some(world) = written(world) else {
            return Err(TestCaseError::fail("the status goes on changing"));
        };
        let again = assess(&world).again.unwrap_or(i64::MAX);
        // Up to the moment at which the operator looks again by itself, time changes nothing.
        let later = world.clone().later(seconds.min(again - 1));
        prop_assert_eq!(told(&later), later.itself.before.clone());
        let mut paused = later;
        paused.itself.before = suspended(&paused, false);
        prop_assert_eq!(suspended(&paused, false), paused.itself.before.clone());
    }

    #[test]
    fn a_restart_changes_nothing_of_what_was_in_force(world in worlds()) {
        let mut world = World { core: World::healthy().core, ..world };
        world.outcomes.clear();
        let Some(world) = written(world.registered_if_usable()) else {
            return Err(TestCaseError::fail("the status goes on changing"));
        };
        let ready = crate::judge::was_ready(&world);
        // What was asked of pods and site is known for the revision that serves.
        let restarted = world.restarted();
        if ready {
            prop_assert_eq!(told(&restarted), restarted.itself.before.clone());
        }
    }

    #[test]
    fn nothing_that_changes_from_pod_to_pod_is_told(world in worlds()) {
        let text = serde_json::to_string(&told(&world)).unwrap();
        prop_assert!(!text.contains("crm-panel-0") && !text.contains("crm-panel-abc"), "{}", text);
    }
}

impl World {
    fn registered_if_usable(self) -> Self {
        if self.itself.plugin.is_ok() {
            self.registered()
        } else {
            self
        }
    }
}

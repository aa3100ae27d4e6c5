//! What each kind of observation is worth: the recorded Worlds of a case judged anew, with that kind taken away.

use std::path::Path;

use jiff::Timestamp;
use wazo_plugin_operator::observe::world::World;
use wazo_plugin_operator::recording::{read, replay};

/// Where the recordings of the cases are, below the run's directory.
pub(crate) const WORLDS: &str = "worlds";

/// Something that is taken away.
pub(crate) struct Ablation {
    pub(crate) name: &'static str,
    without: fn(&mut World),
}

impl Ablation {
    /// Takes it away.
    pub(crate) fn apply(&self, world: &mut World) {
        (self.without)(world);
    }
}

/// All of them; the first takes nothing away, and shows how well a replay agrees with what was said at the time.
pub(crate) const ALL: [Ablation; 5] = [
    Ablation {
        name: "nothing",
        without: |_| {},
    },
    Ablation {
        name: "neighbours",
        without: |world| world.neighbours = Default::default(),
    },
    Ablation {
        name: "what changed when",
        without: |world| world.changes = Default::default(),
    },
    Ablation {
        name: "the pods asked by ourselves",
        without: |world| {
            world.probe.readiness = None;
            for manifest in &mut world.probe.manifests {
                manifest.pod = None;
                manifest.control = Default::default();
            }
        },
    },
    Ablation {
        name: "the surroundings",
        without: |world| world.surroundings = Default::default(),
    },
];

/// The file of a case.
pub(crate) fn file(directory: &Path, case: &str) -> std::path::PathBuf {
    let plain: String = case
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    directory.join(WORLDS).join(format!("{plain}.jsonl"))
}

/// Whom a replay blames at a moment, without something; `None`: there is no recording of the case.
pub(crate) fn blames(directory: &Path, case: &str, until: Timestamp, without: &Ablation) -> Option<String> {
    let mut worlds = read(&file(directory, case)).ok()?;
    worlds.retain(|world| world.now <= until);
    for world in &mut worlds {
        (without.without)(world);
    }
    let after = worlds
        .last()
        .map_or(0, |last| until.duration_since(last.now).as_secs());
    let steps = replay::replay(worlds, after);
    let last = steps.last()?;
    let fault = last.assessment.faults.first();
    Some(fault.map_or("none".to_owned(), |fault| format!("{:?}", fault.party)))
}

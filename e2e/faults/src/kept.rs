//! Recordings that are kept in the repository: the regression tests of the judge. Each is the end of a recording of a case
//! that was played, up to the mending, with what was true.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wazo_plugin_operator::recording::Tape;

use crate::ablation;
use crate::case::{Kind, Truth};
use crate::line::Line;
use crate::replayed::{self, Outcome, Told};
use crate::trouble::Result;

/// The list of what is kept, below the folder.
const LIST: &str = "truths.jsonl";
/// As many moments are kept of a recording: the last ones.
const MOMENTS: usize = 16;

/// What is true of a recording that is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) truth: Vec<Truth>,
    pub(crate) injected: Option<Timestamp>,
}

impl Kept {
    pub(crate) fn told(&self) -> Told<'_> {
        Told {
            kind: self.kind,
            truth: &self.truth,
            injected: self.injected,
        }
    }
}

/// Where they are in the repository.
pub(crate) fn folder() -> PathBuf {
    wazo_e2e::project::root().join("e2e/faults/recordings")
}

/// Keeps the recordings of a run in which the operator was right, and was so again when it was judged anew.
pub(crate) fn keep(directory: &Path, lines: &[Line], folder: &Path) -> Result {
    std::fs::create_dir_all(folder.join(ablation::WORLDS))?;
    let mut list = String::new();
    for line in lines {
        let Some(worlds) = replayed::recorded(directory, line) else {
            continue;
        };
        let kept = Kept {
            name: line.name.clone(),
            kind: line.kind,
            truth: line.truth.clone(),
            injected: line.injected,
        };
        let end = worlds.len().saturating_sub(MOMENTS);
        let worlds = &worlds[end..];
        let (outcome, wrong_high) = kept.told().outcome(&replayed::verdicts(worlds.to_vec()));
        let right = outcome == Outcome::Right && !wrong_high;
        if line.trouble.is_some() || line.undecidable.is_some() || !right {
            println!("{}: not kept ({outcome:?})", line.name);
            continue;
        }
        let mut tape = Tape::default();
        let mut text = String::new();
        for world in worlds {
            text.push_str(&tape.line(world)?.unwrap_or_default());
        }
        std::fs::write(ablation::file(folder, &line.name), text)?;
        list.push_str(&serde_json::to_string(&kept)?);
        list.push('\n');
    }
    std::fs::write(folder.join(LIST), list)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wazo_plugin_operator::api::fault::Fault;
    use wazo_plugin_operator::recording::read;

    use super::*;
    use crate::variation;

    fn said(verdicts: &[(Timestamp, Option<Fault>)]) -> String {
        let told = |fault: &Fault| format!("{:?} {} {:?}", fault.party, fault.reason, fault.confidence);
        let mut said: Vec<String> = verdicts
            .iter()
            .filter_map(|(_, fault)| Some(told(fault.as_ref()?)))
            .collect();
        said.dedup();
        said.join(", ")
    }

    fn all() -> Vec<Kept> {
        let text = std::fs::read_to_string(folder().join(LIST)).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn what_was_broken_on_a_real_node_is_judged_as_it_was_then() {
        for kept in all() {
            let worlds = read(&ablation::file(&folder(), &kept.name)).unwrap();
            let (outcome, wrong_high) = kept.told().outcome(&replayed::verdicts(worlds));
            assert_eq!((outcome, wrong_high), (Outcome::Right, false), "{}", kept.name);
        }
    }

    /// Of the variations of each recording one in so many is tried, another one of the next.
    const EVERY: usize = 3;

    #[test]
    fn seen_otherwise_it_is_the_same_and_nobody_else_is_blamed_for_sure() {
        let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut count = 0;
        for (number, kept) in all().into_iter().enumerate() {
            let worlds = read(&ablation::file(&folder(), &kept.name)).unwrap();
            let variations = variation::all(&worlds).into_iter();
            for variation in variations.skip(number % EVERY).step_by(EVERY) {
                count += 1;
                let verdicts = replayed::verdicts(variation.worlds);
                let (outcome, wrong_high) = kept.told().outcome(&verdicts);
                let right =
                    outcome == Outcome::Right || !variation.kind.shows_all() && outcome != Outcome::Wrong;
                if !right || wrong_high {
                    wrong
                        .entry(format!("{}: {outcome:?}", variation.kind.told()))
                        .or_default()
                        .push(format!("{}: {}", kept.name, said(&verdicts)));
                }
            }
        }
        assert!(count >= 600, "{count} variations");
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

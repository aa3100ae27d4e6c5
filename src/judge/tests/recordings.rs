//! Recordings that are kept with the code: they are read, and judged, as they were when they were made.

use super::reasons;
use crate::api::reason::Reason;
use crate::observe::fixture::condition;
use crate::observe::world::World;
use crate::recording::replay::replay;
use crate::recording::{Tape, parse};

const CRASH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/recordings/crash.jsonl");

fn crash() -> [World; 3] {
    let well = World::healthy().reported();
    let ill = well
        .clone()
        .route(|route| route.parents[0].accepted = Some(condition("False", "NoMatchingParent", "")))
        .crashing(3)
        .later(5);
    let back = well.clone().later(100);
    [well, ill, back]
}

#[test]
fn a_recording_that_is_kept_with_the_code_is_judged_as_it_was() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let mut tape = Tape::default();
        let lines = crash().map(|world| tape.line(&world).unwrap().unwrap());
        std::fs::write(CRASH, lines.concat()).unwrap();
    }
    let text = std::fs::read_to_string(CRASH).expect("run with UPDATE_DOCS=1");
    let steps = replay(parse(&text).unwrap(), 0);
    let told: Vec<Vec<Reason>> = steps.iter().map(|step| reasons(&step.assessment)).collect();
    assert_eq!(told, [vec![], vec![Reason::ProcessExited], vec![]]);
}

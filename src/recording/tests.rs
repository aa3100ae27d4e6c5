use proptest::prelude::*;
use serde_json::json;

use super::replay::replay;
use super::*;
use crate::api::fault::Party;
use crate::api::reason::Reason;
use crate::judge;
use crate::observe::fixture::random::worlds;
use crate::observe::world::World;

fn recorded(worlds: &[World]) -> String {
    let mut tape = Tape::default();
    worlds
        .iter()
        .filter_map(|world| tape.line(world).unwrap())
        .collect()
}

/// A plugin that works, and five seconds later does not.
fn broken() -> [World; 2] {
    let well = World::healthy().reported();
    let ill = well.clone().later(5).crashing(3);
    [well, ill]
}

proptest! {
    #[test]
    fn what_was_recorded_is_judged_as_it_was_then(first in worlds(), mut second in worlds()) {
        // The same again is not written.
        second.itself.uid.push('2');
        let worlds = [first, second];
        let read = parse(&recorded(&worlds)).unwrap();
        prop_assert_eq!(read.len(), 2);
        for (world, read) in worlds.iter().zip(&read) {
            let (then, now) = (judge::assess(world), judge::assess(read));
            prop_assert_eq!(format!("{then:?}"), format!("{now:?}"));
        }
    }
}

#[test]
fn only_the_first_line_is_whole() {
    let text = recorded(&broken());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with(r#"{"recording":1,"operator":"#),
        "{}",
        &lines[0][..80]
    );
    assert!(lines[1].starts_with(r#"{"patch":["#));
    assert!(lines[1].len() * 5 < lines[0].len());
}

#[test]
fn what_shows_nothing_new_is_not_written_again() {
    let mut tape = Tape::default();
    let [well, ill] = broken();
    assert!(tape.line(&well).unwrap().is_some());
    let mut again = well.later(60);
    for fact in &mut again.probe.manifests {
        fact.checked_at = again.now;
        fact.last_good = Some(again.now);
    }
    assert_eq!(tape.line(&again).unwrap(), None);
    assert!(tape.line(&ill).unwrap().is_some());
}

#[test]
fn the_values_of_environment_variables_are_left_out() {
    let secret = "hunter2";
    let world = World::healthy().spec(|spec| {
        spec.workload.as_mut().unwrap().env =
            Some(serde_json::from_value(json!([{"name": "PASSWORD", "value": secret}])).unwrap());
        spec.workload.as_mut().unwrap().pod_template = Some(
            serde_json::from_value(json!({"spec": {"containers": [
                {"name": "helper", "image": "r.example/h:1", "env": [{"name": "TOKEN", "value": secret}]}
            ]}}))
            .unwrap(),
        );
    });
    let text = recorded(&[world]);
    assert!(text.contains("PASSWORD") && text.contains("TOKEN"));
    assert!(!text.contains(secret));
}

#[test]
fn a_line_that_is_not_one_of_a_recording_is_named() {
    let text = recorded(&broken());
    let (first, second) = text.split_once('\n').unwrap();
    for (text, expected) in [
        (String::new(), "the recording is empty"),
        (
            format!("{first}\nhello\n"),
            "line 2: is not a line of a recording",
        ),
        (
            format!("{second}\n"),
            "line 1: tells what differs, but no whole line is before it",
        ),
        (
            text.replacen("\"recording\":1", "\"recording\":7", 1),
            "line 1: is of version 7",
        ),
        (text.replacen("\"now\":\"", "\"now\":\"x", 1), "line 1: field now"),
    ] {
        let told = parse(&text).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn a_last_line_that_was_cut_off_is_left_out() {
    let text = recorded(&broken());
    assert_eq!(parse(&text[..text.len() - 10]).unwrap().len(), 1);
}

#[test]
fn a_replay_lets_time_go_on_and_leads_to_the_verdict() {
    let steps = replay(broken().to_vec(), 60);
    assert!(steps[0].status.fault.is_none());
    let last = steps.last().unwrap();
    let fault = last.status.fault.as_ref().unwrap();
    assert_eq!(
        (fault.party, fault.reason),
        (Party::Partner, Reason::ProcessExited)
    );
}

#[test]
fn a_recorder_writes_one_file_a_plugin_and_continues_it() {
    let folder = std::env::temp_dir().join(format!("recording-{}", uuid::Uuid::new_v4()));
    let [well, ill] = broken();
    Recorder::new(folder.clone()).unwrap().note(&well);
    let second = Recorder::new(folder.clone()).unwrap();
    second.note(&ill);
    second.forget(&ill.itself.key);
    let read = read(&folder.join("acme/crm-panel.jsonl"));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(read.unwrap().len(), 2);
}

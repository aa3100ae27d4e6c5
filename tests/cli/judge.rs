//! `judge`: a recording is judged anew, and the verdict explained.

use serde_json::Value;

use super::run;

/// A plugin that works, whose process then crashes while its route is not taken either, and that works again.
const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/recordings/crash.jsonl");

#[test]
fn a_recording_is_told_as_a_timeline_and_its_last_verdict_is_explained() {
    let ran = run(&["judge", RECORDING], "");
    assert_eq!(ran.code, 0, "it works again: {}", ran.error);
    for part in [
        "timeline of acme/crm-panel",
        "1 1970-01-12T14:46:40Z Ready",
        "2 1970-01-12T14:46:45Z Ill: Partner · Container · ProcessExited (High)",
        "step 3 at 1970-01-12T14:48:20Z",
        "verdict\n  nothing is wrong",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

#[test]
fn a_step_in_the_middle_is_explained_by_candidates_masks_and_verdict() {
    let ran = run(&["judge", RECORDING, "--step", "2"], "");
    assert_eq!(ran.code, 1, "something is wrong then: {}", ran.error);
    for part in [
        "#0 Partner · ProcessExited (High) at Container, decisive: ",
        "#1 Config · RouteNotAccepted (High) at Route, decisive: ",
        "#1 is explained by #0",
        "#0 is told",
        "next step: Read the container's log",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

#[test]
fn a_program_reads_the_same_as_json_from_the_standard_input() {
    let text = std::fs::read_to_string(RECORDING).expect("the recording");
    let ran = run(&["judge", "-", "--output", "json", "--step", "2"], &text);
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(told["timeline"].as_array().expect("a list").len(), 3);
    assert_eq!(told["timeline"][1]["verdicts"][0]["party"], "Partner");
    let reckoning = &told["reckoning"];
    assert_eq!(reckoning["masks"][0]["by"], 0);
    assert_eq!(reckoning["verdicts"][0]["reason"], "ProcessExited");
    assert_eq!(reckoning["candidates"].as_array().expect("a list").len(), 2);
}

#[test]
fn what_cannot_be_judged_is_told_with_the_line_and_the_remedy() {
    let whole = std::fs::read_to_string(RECORDING).expect("the recording");
    let first = whole.lines().next().expect("a line");
    let broken = format!("{first}\n{{\"patch\": 3}}\n");
    for (input, step, words) in [
        ("", "1", "record with run --record-directory"),
        ("no JSON\n", "1", "line 1: is not a line of a recording"),
        (broken.as_str(), "1", "line 2: is not a line of a recording"),
        (whole.as_str(), "4", "has 3 steps: choose --step from 1 to 3"),
        (whole.as_str(), "0", "choose --step from 1 to 3"),
    ] {
        let ran = run(&["judge", "-", "--step", step], input);
        assert_eq!(ran.code, 2, "{words}: {}", ran.out);
        assert!(ran.error.contains(words), "{words:?} is not in {}", ran.error);
    }
    assert_eq!(run(&["judge", "/nowhere"], "").code, 2);
}

//! The plugin's author: the image, and what runs in it.

use serde_json::json;

use super::helpers::{misbehaves, version};
use crate::case::{Case, Signal};

const GROUP: &str = "partner";
const PARTNER: &[&str] = &["Partner"];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::first(
            "crash-at-start",
            GROUP,
            version("exits", json!({"crash": {"exitCode": 3}})),
        )
        .truth(PARTNER, &["Container"], &["ProcessExited"])
        .signal(Signal::Object("Pod", "\"exitCode\":3"))
        .window(15),
        Case::later(
            "next-version-crashes",
            GROUP,
            version("exits", json!({"crash": {"exitCode": 3}})),
        )
        .truth(PARTNER, &["Container"], &["ProcessExited"])
        .signal(Signal::Object("Pod", "\"exitCode\":3"))
        .window(15),
        Case::first(
            "ends-without-error",
            GROUP,
            version("completes", json!({"crash": {"exitCode": 0, "afterSeconds": 0}})),
        )
        .truth(PARTNER, &["Container"], &["ProcessCompleted"])
        .signal(Signal::Object("Pod", "\"reason\":\"Completed\""))
        .decisive(),
        Case::later("cors-gone", GROUP, misbehaves(json!({"noCors": true})))
            .truth(PARTNER, &["Manifest"], &["CorsMissing"])
            .signal(Signal::Panel)
            .window(30)
            .decisive(),
    ]
}

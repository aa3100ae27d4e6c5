//! What became of recordings that were varied.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::replayed::Tally;
use crate::variation::Kind;

/// One row for each kind of variation; nothing where nothing was recorded.
pub(super) fn table(tallies: &BTreeMap<Kind, Tally>) -> String {
    if tallies.is_empty() {
        return String::new();
    }
    let all: usize = tallies.values().map(Tally::all).sum();
    let mut text = format!(
        "\n### Seen otherwise\n\nRecordings of all cases, varied and judged anew: {all} variations.\n\n\
         | variation | all | right party | `Unknown` | no fault | another party | another, High, at any time |\n\
         |---|--:|--:|--:|--:|--:|--:|\n"
    );
    for (kind, tally) in tallies {
        let Tally {
            right,
            unknown,
            silent,
            wrong,
            wrong_high,
        } = tally;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {right} | {unknown} | {silent} | {wrong} | {wrong_high} |",
            kind.told(),
            tally.all()
        );
    }
    text
}

//! What was promised beforehand, and what came of it.

use std::fmt::Write;

use crate::case::Kind;
use crate::line::Line;

use super::figures::{Share, counted, quantile};

/// One promise.
pub(super) struct Bar {
    what: &'static str,
    wanted: &'static str,
    all: String,
    shown: String,
    held_out: String,
    kept: bool,
}

impl Bar {
    pub(super) const fn is_kept(&self) -> bool {
        self.kept
    }
}

type Lines<'a> = Vec<&'a Line>;

/// Makes a bar of a figure that is made of any choice of lines.
fn bar(
    lines: &[&Line],
    what: &'static str,
    wanted: &'static str,
    figure: impl Fn(&Lines<'_>) -> (String, bool),
) -> Bar {
    let of = |held: bool| {
        let chosen: Lines<'_> = lines
            .iter()
            .copied()
            .filter(|line| line.held_out == held)
            .collect();
        figure(&chosen).0
    };
    let (all, kept) = figure(&lines.to_vec());
    Bar {
        what,
        wanted,
        all,
        shown: of(false),
        held_out: of(true),
        kept,
    }
}

fn share(
    lines: &[&Line],
    what: &'static str,
    wanted: &'static str,
    hit: impl Fn(&Line) -> bool,
    kept: impl Fn(f64) -> bool,
) -> Bar {
    bar(lines, what, wanted, |lines| {
        let share = Share::count(lines.iter(), |line| hit(line));
        (share.told(), share.rate().is_none_or(&kept))
    })
}

fn slowest(lines: &[&Line], what: &'static str, wanted: &'static str, limit: impl Fn(&Line) -> f64) -> Bar {
    bar(lines, what, wanted, |lines| {
        let beyond: Vec<f64> = lines
            .iter()
            .filter_map(|line| Some(line.latency()? - limit(line)))
            .collect();
        let spent: Vec<f64> = lines.iter().filter_map(|line| line.latency()).collect();
        let (Some(half), Some(most)) = (quantile(&spent, 0.5), quantile(&spent, 0.95)) else {
            return ("none".to_owned(), true);
        };
        let kept = quantile(&beyond, 0.95).is_none_or(|beyond| beyond <= 0.0);
        (format!("p50 {half:.1} s, p95 {most:.1} s"), kept)
    })
}

/// All promises, over the single faults and the controls.
pub(super) fn all(lines: &[Line]) -> Vec<Bar> {
    let singles: Lines<'_> = counted(lines, Kind::Single).collect();
    let decisive: Lines<'_> = singles.iter().copied().filter(|line| line.decisive).collect();
    let others: Lines<'_> = singles.iter().copied().filter(|line| !line.decisive).collect();
    let controls: Lines<'_> = counted(lines, Kind::Control).collect();
    let unknown = |line: &Line| {
        line.last()
            .and_then(|shown| shown.fault.as_ref())
            .is_none_or(|fault| fault.party == "Unknown")
    };
    let wrong_high = |line: &Line| {
        line.wrong().iter().any(|shown| {
            shown
                .fault
                .as_ref()
                .is_some_and(|fault| fault.confidence == "High")
        })
    };
    let alarm = |line: &Line| {
        let after = line.after.iter().skip(1);
        line.shown.iter().chain(after).any(|shown| shown.fault.is_some())
    };
    vec![
        share(
            &decisive,
            "right party, decisive faults",
            "100 %",
            Line::is_party_right,
            |rate| rate >= 1.0,
        ),
        share(
            &singles,
            "right party, all single faults",
            ">= 97 %",
            Line::is_party_right,
            |rate| rate >= 0.97,
        ),
        share(
            &singles,
            "Partner ever blamed wrongly",
            "<= 0.5 %",
            |line| line.ever_blames("Partner"),
            |rate| rate <= 0.005,
        ),
        share(
            &singles,
            "Core ever blamed wrongly",
            "<= 0.5 %",
            |line| line.ever_blames("Core"),
            |rate| rate <= 0.005,
        ),
        share(
            &singles,
            "a wrong verdict ever shown with High",
            "none",
            wrong_high,
            |rate| rate <= 0.0,
        ),
        share(
            &singles,
            "no verdict, or Unknown, in the end",
            "<= 5 %",
            unknown,
            |rate| rate <= 0.05,
        ),
        slowest(&decisive, "signal to verdict, decisive", "p95 <= 5 s", |_| 5.0),
        slowest(
            &others,
            "signal to verdict, others",
            "p95 <= window + 30 s",
            |line| line.window as f64 + 30.0,
        ),
        share(&controls, "controls with an alarm", "none", alarm, |rate| {
            rate <= 0.0
        }),
        share(
            &singles,
            "not well again after it was mended",
            "none",
            |line| line.cleared.is_none(),
            |rate| rate <= 0.0,
        ),
    ]
}

/// As a table.
pub(super) fn table(bars: &[Bar]) -> String {
    let mut text = "\n### Bars\n\nRates with Wilson's interval for 95 %.\n\n\
        | what | bar | all | shown | held out | kept |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for bar in bars {
        let kept = if bar.kept { "yes" } else { "**no**" };
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {kept} |",
            bar.what, bar.wanted, bar.all, bar.shown, bar.held_out
        );
    }
    text
}

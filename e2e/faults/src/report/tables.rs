//! The tables.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use jiff::SignedDuration;

use crate::ablation;
use crate::baseline;
use crate::case::Kind;
use crate::line::Line;
use crate::run::tell;

use super::figures::{Share, counted, quantile};

/// Whom somebody blames, by what was recorded of a case.
type Judge<'a> = dyn Fn(&Line) -> String + 'a;

const PARTIES: [&str; 7] = [
    "Partner",
    "Cluster",
    "Config",
    "Core",
    "Dependency",
    "Operator",
    "Path",
];

/// The party that a line ended with; of one that may be named in several ways, the first where any of them was.
fn said(line: &Line) -> &str {
    let Some(fault) = line.last().and_then(|shown| shown.fault.as_ref()) else {
        return "none";
    };
    match line.truth.first() {
        Some(truth) if fault.is_party_of(truth) => truth.party(),
        _ => &fault.party,
    }
}

fn truth(line: &Line) -> &str {
    line.truth.first().map_or("", |truth| truth.party())
}

/// All tables.
pub(super) fn all(lines: &[Line]) -> String {
    let mut text = String::new();
    let tables = [
        played(lines),
        matrix(lines),
        by_party(lines),
        details(lines),
        latencies(lines),
        baselines(lines),
        pairs(lines),
        controls(lines),
        misses(lines),
    ];
    for table in tables {
        text.push('\n');
        text.push_str(&table);
    }
    text
}

fn played(lines: &[Line]) -> String {
    let count = |wanted: &dyn Fn(&Line) -> bool| lines.iter().filter(|line| wanted(line)).count();
    let singles = count(&|line| line.kind == Kind::Single);
    let outside = count(&|line| line.kind == Kind::Single && line.origin == crate::case::Origin::Outside);
    let mut text = format!(
        "### Played\n\n{singles} single faults ({outside} from outside the tables, {} held out), {} pairs, {} controls; \
         {} cannot be told apart and are not counted.\n",
        count(&|line| line.kind == Kind::Single && line.held_out),
        count(&|line| line.kind == Kind::Pair),
        count(&|line| line.kind == Kind::Control),
        count(&|line| line.undecidable.is_some()),
    );
    for line in lines.iter().filter(|line| line.trouble.is_some()) {
        let _ = writeln!(
            text,
            "- could not be played: {}: {}",
            line.name,
            line.trouble.as_deref().unwrap_or_default()
        );
    }
    for line in lines.iter().filter(|line| line.undecidable.is_some()) {
        let _ = writeln!(
            text,
            "- cannot be told apart: `{}`, because {}; the operator said {}",
            line.name,
            line.undecidable.as_deref().unwrap_or_default(),
            line.last()
                .and_then(|shown| shown.fault.as_ref())
                .map_or("nothing".to_owned(), |fault| fault.short()),
        );
    }
    text
}

fn matrix(lines: &[Line]) -> String {
    let columns = [
        "Partner",
        "Cluster",
        "Config",
        "Core",
        "Dependency",
        "Operator",
        "Path",
        "Unknown",
        "none",
    ];
    let mut text = format!(
        "### Who was broken, and who was blamed\n\nSingle faults; rows: whose part was broken.\n\n| | {} |\n|---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
    for party in PARTIES {
        let row: Vec<&Line> = counted(lines, Kind::Single)
            .filter(|line| truth(line) == party)
            .collect();
        if row.is_empty() {
            continue;
        }
        let cells: Vec<String> = columns
            .iter()
            .map(
                |column| match row.iter().filter(|line| said(line) == *column).count() {
                    0 => String::new(),
                    count => count.to_string(),
                },
            )
            .collect();
        let _ = writeln!(text, "| **{party}** | {} |", cells.join(" | "));
    }
    text
}

fn by_party(lines: &[Line]) -> String {
    let mut text =
        "### By party\n\n| party | right | false blame, ever | false exoneration |\n|---|---|---|---|\n"
            .to_owned();
    let singles: Vec<&Line> = counted(lines, Kind::Single).collect();
    let mut rates = Vec::new();
    for party in PARTIES {
        let of: Vec<&&Line> = singles.iter().filter(|line| truth(line) == party).collect();
        let right = Share::count(of.iter(), |line| line.is_party_right());
        rates.extend(right.rate());
        let blamed = Share::count(singles.iter().filter(|line| truth(line) != party), |line| {
            line.ever_blames(party)
        });
        let exonerated = Share::count(of.iter(), |line| {
            !matches!(said(line), "Unknown" | "none") && !line.is_party_right()
        });
        let _ = writeln!(
            text,
            "| {party} | {} | {} | {} |",
            right.told(),
            blamed.told(),
            exonerated.told()
        );
    }
    if !rates.is_empty() {
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        let _ = writeln!(
            text,
            "\nMacro average of the rates by party: {:.1} %.",
            mean * 100.0
        );
    }
    text
}

fn details(lines: &[Line]) -> String {
    let singles: Vec<&Line> = counted(lines, Kind::Single).collect();
    let named = |line: &&&Line| {
        line.last()
            .and_then(|shown| shown.fault.as_ref())
            .is_some_and(|fault| fault.party != "Unknown")
    };
    let mut text = "### How sure, and how steady\n\n| what | figure |\n|---|---|\n".to_owned();
    let mut row = |what: &str, figure: String| {
        let _ = writeln!(text, "| {what} | {figure} |");
    };
    row(
        "coverage: a party is named",
        Share::count(singles.iter(), named).told(),
    );
    for confidence in ["High", "Medium", "Low"] {
        let of = singles.iter().filter(|line| {
            line.last()
                .and_then(|shown| shown.fault.as_ref())
                .is_some_and(|fault| fault.confidence == confidence)
        });
        row(
            &format!("right party, given {confidence}"),
            Share::count(of, |line| line.is_party_right()).told(),
        );
    }
    let right: Vec<&&Line> = singles.iter().filter(|line| line.is_party_right()).collect();
    row(
        "layer and reason right too, given the party is",
        Share::count(right.iter(), |line| line.is_right()).told(),
    );
    row(
        "faults with a wrong party ever shown",
        Share::count(singles.iter(), |line| !line.wrong().is_empty()).told(),
    );
    row(
        "verdict changed after its first coming",
        Share::count(singles.iter(), |line| line.flips() > 0).told(),
    );
    row(
        "another fault shown while it was mended",
        Share::count(singles.iter(), |line| {
            line.after.iter().any(|shown| {
                shown
                    .fault
                    .as_ref()
                    .is_some_and(|fault| !line.truth.iter().any(|truth| fault.is_party_of(truth)))
            })
        })
        .told(),
    );
    for (what, held) in [
        ("right party, shown cases", false),
        ("right party, held-out cases", true),
    ] {
        let of = singles.iter().filter(|line| line.held_out == held);
        row(what, Share::count(of, |line| line.is_party_right()).told());
    }
    let outside = singles
        .iter()
        .filter(|line| line.origin == crate::case::Origin::Outside);
    row(
        "right party, from outside the tables",
        Share::count(outside, |line| line.is_party_right()).told(),
    );
    text
}

fn latencies(lines: &[Line]) -> String {
    let mut text =
        "### How soon\n\nSeconds; from the signal to the right verdict, from the breaking to it (with the intervals in which is looked), \
        and from the mending until well.\n\n\
        | faults | n | from the signal p50 | p95 | from the breaking p50 | p95 | well again p50 | p95 |\n\
        |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for (what, decisive) in [("decisive", true), ("others", false)] {
        let of: Vec<&Line> = counted(lines, Kind::Single)
            .filter(|line| line.decisive == decisive)
            .collect();
        let verdicts: Vec<f64> = of.iter().filter_map(|line| line.latency()).collect();
        let delays: Vec<f64> = of.iter().filter_map(|line| line.delay()).collect();
        let clearings: Vec<f64> = of.iter().filter_map(|line| line.clearing()).collect();
        let cell = |values: &[f64], at: f64| {
            quantile(values, at).map_or("–".to_owned(), |value| format!("{value:.1}"))
        };
        let _ = writeln!(
            text,
            "| {what} | {} | {} | {} | {} | {} | {} | {} |",
            verdicts.len(),
            cell(&verdicts, 0.5),
            cell(&verdicts, 0.95),
            cell(&delays, 0.5),
            cell(&delays, 0.95),
            cell(&clearings, 0.5),
            cell(&clearings, 0.95)
        );
    }
    text
}

fn baselines(lines: &[Line]) -> String {
    let singles: Vec<&Line> = counted(lines, Kind::Single).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &singles {
        *counts.entry(truth(line)).or_default() += 1;
    }
    let majority = counts
        .iter()
        .max_by_key(|(_, count)| **count)
        .map_or("Partner", |(party, _)| *party);
    let score = |judge: &dyn Fn(&Line) -> String| {
        let right = Share::count(singles.iter(), |line| {
            let said = judge(line);
            line.truth
                .first()
                .is_some_and(|truth| truth.parties.contains(&said))
        });
        let blamed = Share::count(singles.iter().filter(|line| truth(line) != "Partner"), |line| {
            judge(line) == "Partner"
        });
        let named = Share::count(singles.iter(), |line| {
            let said = judge(line);
            said != baseline::NOTHING && said != "none"
        });
        format!("{} | {} | {}", right.told(), named.told(), blamed.told())
    };
    let judges: [(&str, &Judge<'_>); 5] = [
        ("this operator", &|line| said(line).to_owned()),
        ("always the most frequent party", &|_| majority.to_owned()),
        ("Knative's split", &|line| {
            baseline::knative(&line.scene).to_owned()
        }),
        ("what Argo CD shows", &|line| {
            baseline::argo_cd(&line.scene).to_owned()
        }),
        ("a reader of warning events", &|line| {
            baseline::describe(&line.scene).to_owned()
        }),
    ];
    let mut text = "### Others, on the same faults\n\nThe mapping of their words to a party is `e2e/faults/src/baseline.rs`.\n\n\
        | judge | right party | names a party | Partner blamed wrongly |\n|---|---|---|---|\n"
        .to_owned();
    for (name, judge) in judges {
        let _ = writeln!(text, "| {name} | {} |", score(judge));
    }
    text
}

fn pairs(lines: &[Line]) -> String {
    let pairs: Vec<&Line> = counted(lines, Kind::Pair).collect();
    if pairs.is_empty() {
        return String::new();
    }
    format!(
        "### Two faults at once\n\n| what | figure |\n|---|---|\n| the one to be named first is named first | {} |\n\
         | and the other is named beside it, or explained by it | {} |\n| a party ever named of which nothing was broken | {} |\n",
        Share::count(pairs.iter(), |line| line.is_party_right()).told(),
        Share::count(pairs.iter(), |line| line.is_right()).told(),
        Share::count(pairs.iter(), |line| !line.wrong().is_empty()).told(),
    )
}

fn controls(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in counted(lines, Kind::Control) {
        if text.is_empty() {
            text.push_str("### Nothing wrong\n\n");
        }
        let alarms: Vec<String> = line
            .shown
            .iter()
            .chain(line.after.iter().skip(1))
            .filter_map(|shown| shown.fault.as_ref().map(|fault| fault.short()))
            .collect();
        let said = if alarms.is_empty() {
            "nothing said".to_owned()
        } else {
            format!("**{}**", alarms.join(", then "))
        };
        let _ = writeln!(text, "- `{}`: {said}", line.name);
    }
    text
}

/// Those that are kept apart are counted, not told.
fn misses(lines: &[Line]) -> String {
    let missed = |line: &&Line| {
        line.kind != Kind::Control
            && line.trouble.is_none()
            && line.undecidable.is_none()
            && (!line.is_right() || !line.wrong().is_empty() || line.cleared.is_none())
    };
    let mut text = "### What went wrong, shown cases\n\n".to_owned();
    for line in lines.iter().filter(missed).filter(|line| !line.held_out) {
        let truth: Vec<&str> = line.truth.iter().map(|truth| truth.party()).collect();
        let _ = writeln!(text, "- {} (truth: {})", tell(line), truth.join(" + "));
    }
    let held = lines.iter().filter(missed).filter(|line| line.held_out).count();
    let _ = writeln!(text, "- and {held} of the held-out cases");
    text
}

/// Single faults judged anew from what was recorded, each time without one kind of observation.
pub(super) fn ablations(lines: &[Line], directory: &Path) -> String {
    let mut text = String::new();
    for ablation in &ablation::ALL {
        let judged: Vec<(bool, bool)> = counted(lines, Kind::Single)
            .filter_map(|line| {
                let until = line.last()?.at + SignedDuration::from_secs(3);
                let said = ablation::blames(directory, &line.name, until, ablation)?;
                let right = line.truth.first()?.parties.contains(&said);
                Some((right, matches!(said.as_str(), "none" | "Unknown")))
            })
            .collect();
        if judged.is_empty() {
            return String::new();
        }
        if text.is_empty() {
            text.push_str(
                "\n### What an observation is worth\n\nRecordings of the single faults, judged anew without one kind of \
                 observation.\n\n| without | right party | nobody named |\n|---|---|---|\n",
            );
        }
        let right = Share::count(judged.iter(), |(right, _)| *right);
        let nobody = Share::count(judged.iter(), |(_, nobody)| *nobody);
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            ablation.name,
            right.told(),
            nobody.told()
        );
    }
    text
}

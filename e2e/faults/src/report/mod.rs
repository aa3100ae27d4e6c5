//! Figures from lines: how often the operator was right, how sure it was, how soon, and how others would have done.

mod bars;
mod figures;
mod tables;
mod variations;

use std::collections::BTreeMap;
use std::path::Path;

use crate::line::Line;
use crate::replayed;
use crate::run::LINES;
use crate::trouble::{Result, Trouble};

/// Between these the page is written anew; what stands around them is for people.
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// The lines of a directory, the last of each case.
pub(crate) fn read(directory: &Path) -> Result<Vec<Line>> {
    let path = directory.join(LINES);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for text in text.lines() {
        let line: Line = serde_json::from_str(text)?;
        lines.insert(line.name.clone(), line);
    }
    Ok(lines.into_values().collect())
}

/// Prints the report; whether every bar is kept.
pub(crate) fn report(directory: &Path, page: Option<&Path>) -> Result<bool> {
    let lines = read(directory)?;
    if lines.is_empty() {
        return Err(Trouble::new(format!(
            "no lines in {}: run `faults run` first",
            directory.display()
        )));
    }
    let bars = bars::all(&lines);
    let mut text = bars::table(&bars);
    text.push_str(&tables::all(&lines));
    text.push_str(&tables::ablations(&lines, directory));
    text.push_str(&variations::table(&replayed::tallies(directory, &lines)));
    println!("{text}");
    std::fs::write(directory.join("report.md"), &text)?;
    if let Some(page) = page {
        let held = std::fs::read_to_string(page)?;
        let (before, rest) = held
            .split_once(BEGIN)
            .ok_or_else(|| Trouble::new(format!("{} has no {BEGIN}", page.display())))?;
        let (_, after) = rest
            .split_once(END)
            .ok_or_else(|| Trouble::new(format!("{} has no {END}", page.display())))?;
        std::fs::write(page, format!("{before}{BEGIN}\n{text}{END}{after}"))?;
    }
    Ok(bars.iter().all(bars::Bar::is_kept))
}
